"""Takes the place of Lambda's runtime for Python. It imports lambda_function from the folder that the argument names. Each
line of stdin is an event in JSON. It calls the handler with the event, and answers with a line of JSON on file descriptor 3.

The templates trust only the authorities in one file of Lambda's image, /etc/pki/tls/cert.pem. If KEYTURN_CA_FILE names a
file, the templates get that file instead."""

import json
import logging
import os
import sys

sys.path.insert(0, sys.argv[1])
logging.getLogger().addHandler(logging.StreamHandler(sys.stdout))

authorities = os.environ.get("KEYTURN_CA_FILE")
if authorities is not None:
    import pgdb

    connect = pgdb.connect

    def connect_with_authorities(**options):
        if "sslrootcert" in options:
            options["sslrootcert"] = authorities
        return connect(**options)

    pgdb.connect = connect_with_authorities

from lambda_function import lambda_handler  # noqa: E402

with os.fdopen(3, "w") as answers:
    for line in iter(sys.stdin.readline, ""):
        answer = {}
        try:
            lambda_handler(json.loads(line), None)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
