"""Stands where Lambda's runtime for Python stands: imports lambda_function from the folder that it is given, calls its
handler with the events that come as lines of JSON on stdin, and answers each with a line on file descriptor 3.

The templates trust one file of authorities, /etc/pki/tls/cert.pem of Lambda's image. Where KEYTURN_CA_FILE names a file,
it stands in for that one."""

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
