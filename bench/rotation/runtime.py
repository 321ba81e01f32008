"""Stands where Lambda's runtime for Python stands: imports lambda_function from the folder that it is given, calls its
handler with the events that come as lines of JSON on stdin, and answers each with a line on file descriptor 3."""

import json
import logging
import os
import sys

sys.path.insert(0, sys.argv[1])
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))

from lambda_function import lambda_handler  # noqa: E402

with os.fdopen(3, "w") as answers:
    for line in iter(sys.stdin.readline, ""):
        answer = {}
        try:
            lambda_handler(json.loads(line), None)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
