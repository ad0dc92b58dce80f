"""Migrations: bring a database to this version, and refuse one that is newer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from workflow.errors import SchemaMissing, SchemaTooNew
from workflow.store.database import Database


@dataclass(frozen=True, slots=True)
class Lineage:
    """One line of migrations: the package that holds them, the table that remembers how far, and the newest."""

    package: str
    table: str
    newest: str


ENGINE = Lineage("workflow.store.migrations", "engine_version", "0001")


def upgrade(database: Database, lineages: Sequence[Lineage]) -> None:
    """Run what is missing of each line, all of it in one transaction; raises SchemaTooNew."""
    with database.writing() as connection:
        for lineage in lineages:
            if _found(connection, lineage) != lineage.newest:
                _refuse_newer(connection, lineage)
                _migrate(connection, lineage)


def check(database: Database, lineages: Sequence[Lineage]) -> None:
    """Raise SchemaMissing or SchemaTooNew unless every line is at its newest."""
    with database.reading() as connection:
        for lineage in lineages:
            found = _found(connection, lineage)
            if found != lineage.newest:
                _refuse_newer(connection, lineage)
                raise SchemaMissing(
                    f"{database.path.name} is not set up for this version of ulnflow. Run: ulnflow init"
                )


def _found(connection: Connection, lineage: Lineage) -> str | None:
    if not inspect(connection).has_table(lineage.table):
        return None
    return connection.execute(text(f"SELECT version_num FROM {lineage.table}")).scalar()


def _refuse_newer(connection: Connection, lineage: Lineage) -> None:
    found = _found(connection, lineage)
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
