"""Does AWS's own transform of a SAM template: transform.py TEMPLATE FILE.parameters.json ...; makes a FILE.json of each."""

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


template, *parameters = sys.argv[1:]
for path in parameters:
    with open(path.replace(".parameters.json", ".json"), "w", encoding="utf-8") as made:
        # The transform changes what it is given, so it is read anew.
        json.dump(transform(read(template), read(path), NoManagedPolicies()), made)
