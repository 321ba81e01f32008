"""Has Python's drivers read connection strings, without a connection.

A line of the input is a reader and a text in Base64; a line of the output is user, password and host in Base64, or "error".
"""

import base64
import io
import re
import sys


def sqlalchemy(text):
    from sqlalchemy.engine import make_url

    url = make_url(text)
    arguments, options = url.get_dialect()().create_connect_args(url)
    if arguments:
        # pyodbc gets a string for the driver manager, which takes the first of equal keywords.
        def value(name):
            found = re.search(r"(?:^|;)" + name + r"=(\{(?:[^}]|\}\})*\}|[^;]*)", arguments[0], re.I)
            return "" if found is None else re.sub(r"^\{(.*)\}$", r"\1", found[1])

        return value("UID"), value("PWD"), value("Server")
    return options.get("user", options.get("username")), options.get("password"), options.get("host")


def psycopg(text):
    from psycopg.conninfo import conninfo_to_dict

    read = conninfo_to_dict(text)
    return read.get("user"), read.get("password"), read.get("host")


def asyncpg(text):
    from asyncpg.connect_utils import _parse_connect_dsn_and_args

    names = ("host", "port", "user", "password", "passfile", "database", "ssl", "service", "servicefile")
    more = ("direct_tls", "server_settings", "target_session_attrs", "krbsrvname", "gsslib")
    hosts, read = _parse_connect_dsn_and_args(dsn=text, **dict.fromkeys(names + more))
    return read.user, read.password, hosts[0][0]


def django(text):
    import dj_database_url

    read = dj_database_url.parse(text)
    return read["USER"], read["PASSWORD"], read["HOST"]


def dotenv(text):
    from dotenv import dotenv_values

    read = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return read.get("DB_USER"), read.get("DB_PASSWORD"), read.get("DB_HOST")


READERS = {"sqlalchemy": sqlalchemy, "psycopg": psycopg, "asyncpg": asyncpg, "django": django, "dotenv": dotenv}

for line in sys.stdin:
    name, encoded = line.rstrip("\n").split("\t")
    try:
        found = READERS[name](base64.b64decode(encoded).decode())
        print("\t".join(base64.b64encode((value or "").encode()).decode() for value in found))
    except Exception:
        print("error")
