"""Does AWS's own transform of a SAM template: transform.py TEMPLATE PARAMETERS, both JSON or YAML; JSON on stdout."""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names no managed policy, and whoever needs AWS's list of them would need an account."""

    def load(self):
        return {}


def read(path):
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file.read())


json.dump(transform(read(sys.argv[1]), read(sys.argv[2]), NoManagedPolicies()), sys.stdout)
