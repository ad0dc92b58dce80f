"""The four people a PostgreSQL database knows: who owns it, who works, who audits, and a stranger; each an account."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import conninfo

from cli.wiring import LINEAGES
from states.learner.repository import RIGHTS
from tests.fakes import postgres
from workflow.store import roles, schema
from workflow.store.database import Database

EVERY_RIGHT = {**roles.RIGHTS, **RIGHTS}
KINDS = ("owner", "operator", "auditor", "stranger")


@dataclass(frozen=True)
class Accounts:
    """A database with its groups made by its owner, and the address of each account."""

    name: str
    addresses: dict[str, str]

    def database(self, kind: str) -> Database:
        return Database(self.addresses[kind])

    def connect(self, kind: str) -> psycopg.Connection:
        return psycopg.connect(self.addresses[kind], autocommit=True)

    def user(self, kind: str) -> str:
        return f"{self.name}_{kind}_person"


def with_accounts() -> Accounts:
    """A fresh database whose owner is no superuser."""
    name = str(conninfo.conninfo_to_dict(postgres.empty_address())["dbname"])
    made = Accounts(name, {"superuser": postgres.address_of(name)})
    for kind in KINDS:
        postgres.run(f"CREATE ROLE {made.user(kind)} LOGIN PASSWORD 'p' {'CREATEROLE' if kind == 'owner' else ''}")
        made.addresses[kind] = postgres.address_of(name, made.user(kind), "p")
    postgres.run(f"ALTER DATABASE {name} OWNER TO {made.user('owner')}")
    database = made.database("owner")
    schema.upgrade(database, LINEAGES)
    with database.writing() as connection:
        roles.run(connection, list(roles.statements(connection, EVERY_RIGHT)))
    database.close()
    for kind in ("operator", "auditor"):
        postgres.run(f"GRANT {name}_{kind} TO {made.user(kind)}")
    return made


def dismiss(made: Accounts) -> None:
    """Remove the database, its groups and its accounts."""
    postgres.drop(made.addresses["superuser"])
    for role in (*(made.user(kind) for kind in KINDS), *roles.groups(made.name).values()):
        postgres.run(f"DROP OWNED BY {role}")
        postgres.run(f"DROP ROLE {role}")
