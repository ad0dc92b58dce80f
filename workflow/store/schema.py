"""Migrations: bring a database to this version, and refuse one that is newer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect

from workflow.errors import SchemaMissing, SchemaTooNew
from workflow.store.database import Database


@dataclass(frozen=True, slots=True)
class Lineage:
    """One line of migrations: the package that holds them, the table that remembers how far, and the newest."""

    package: str
    table: str
    newest: str


ENGINE = Lineage("workflow.store.migrations", "engine_version", "0003")


def upgrade(database: Database, lineages: Sequence[Lineage]) -> list[str]:
    """Run what is missing of each line, all of it in one transaction; returns what was run. Raises SchemaTooNew."""
    done = []
    with database.migrating() as connection:
        there = set(inspect(connection).get_table_names())
        for lineage in lineages:
            found = _found(lambda sql: connection.exec_driver_sql(sql).scalar(), there, lineage)
            if found != lineage.newest:
                _refuse_newer(found, lineage)
                _migrate(connection, lineage)
                done.append(f"{lineage.table} {found or 'nothing'} -> {lineage.newest}")
    return done


def check(database: Database, lineages: Sequence[Lineage]) -> None:
    """Raise SchemaMissing or SchemaTooNew unless every line is at its newest."""
    with database.reading() as connection:
        there = connection.tables()
        for lineage in lineages:
            found = _found(lambda sql: connection.execute(sql).fetchone()[0], there, lineage)
            if found != lineage.newest:
                _refuse_newer(found, lineage)
                raise SchemaMissing(
                    f"{database.name} is not set up for this version of ulnflow. Run: ulnflow "
                    + ("db upgrade" if found else "init")
                )


def _found(ask: Callable[[str], Any], there: set[str], lineage: Lineage) -> str | None:
    return ask(f"SELECT version_num FROM {lineage.table}") if lineage.table in there else None


def _refuse_newer(found: str | None, lineage: Lineage) -> None:
    if found is not None and found > lineage.newest:
        raise SchemaTooNew(
            f"the database was made by a later version of ulnflow (schema {found}, this one knows {lineage.newest}). "
            "Install that version; nothing was changed."
        )


def _migrate(connection: Connection, lineage: Lineage) -> None:
    from alembic.migration import MigrationContext  # noqa: PLC0415 - a third of a second, needed once a version
    from alembic.operations import Operations  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    folder = Path(str(import_module(lineage.package).__file__)).parent
    script = ScriptDirectory(str(folder))

    def steps(revision: tuple[str, ...], _context: MigrationContext) -> object:
        return script._upgrade_revs(lineage.newest, revision)  # type: ignore[arg-type]  # noqa: SLF001 - alembic's own env.py idiom

    context = MigrationContext.configure(
        connection, opts={"fn": steps, "version_table": lineage.table, "transactional_ddl": True}
    )
    with Operations.context(context):
        context.run_migrations()
