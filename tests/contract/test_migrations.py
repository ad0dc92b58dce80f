"""A database is brought to this version in one transaction, and one from a later version is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

from states.learner import repository
from states.learner import tables as learner_tables
from tests.fakes.loan import desk_on, fresh_database
from tests.fakes.postgres import empty_address
from workflow.errors import SchemaMissing, SchemaTooNew, StoreError
from workflow.store import guards, schema, tables
from workflow.store.database import Database
from workflow.store.guards import SQLITE

LINEAGES = [schema.ENGINE, repository.LINEAGE]
VERSION_TABLES = {lineage.table for lineage in LINEAGES}


def names(database: Database, kind: str) -> set[str]:
    with database.reading() as connection:
        raw = connection
        return {row[0] for row in raw.execute("SELECT name FROM sqlite_master WHERE type=?", (kind,))}


def set_version(database: Database, lineage: schema.Lineage, version: str) -> None:
    with database.writing() as connection:
        raw = connection
        raw.execute(f"UPDATE {lineage.table} SET version_num=?", (version,))


def test_migrated_tables_are_the_tables_the_classes_declare(tmp_path: Path) -> None:
    assert tables.EventRow.__tablename__ in SQLModel.metadata.tables
    assert learner_tables.LearnerRow.__tablename__ in SQLModel.metadata.tables

    def ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return not (kind == "table" and name in VERSION_TABLES)

    with fresh_database(tmp_path / "m.db", LINEAGES).migrating() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_every_column_is_declared_as_it_is_migrated(tmp_path: Path) -> None:
    declared = Database(tmp_path / "declared.db")
    with declared.migrating() as connection:
        SQLModel.metadata.create_all(connection)
    made = [shape(database) for database in (declared, fresh_database(tmp_path / "m.db", LINEAGES))]
    assert made[0] == made[1]


def shape(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Columns in their order, with strictness; the positional inserts rest on it."""
    with database.reading() as connection:
        raw = connection
        found = raw.execute(
            "SELECT name, strict FROM pragma_table_list WHERE schema='main' AND type='table'"
        ).fetchall()
        return {
            name: [
                (strict,),
                *sorted(raw.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,))),
            ]
            for name, strict in found
            if name not in VERSION_TABLES and not name.startswith("sqlite_")
        }


def test_positional_inserts_meet_the_columns_they_mean(tmp_path: Path) -> None:
    with fresh_database(tmp_path / "m.db", LINEAGES).reading() as connection:
        raw = connection
        for name in ("event", "blocked", "definition", "dispatch", "dispatch_member", "meta"):
            stored = [row[1] for row in raw.execute(f"PRAGMA table_info({name})")]
            assert stored == [column.name for column in SQLModel.metadata.tables[name].columns]


def test_the_log_is_guarded_after_migration(tmp_path: Path) -> None:
    assert names(fresh_database(tmp_path / "m.db"), "trigger") == set(SQLITE)


def test_upgrading_twice_is_harmless(tmp_path: Path) -> None:
    database = fresh_database(tmp_path / "m.db", LINEAGES)
    before = names(database, "table") | names(database, "index") | names(database, "trigger")
    schema.upgrade(database, LINEAGES)
    assert names(database, "table") | names(database, "index") | names(database, "trigger") == before
    schema.check(database, LINEAGES)


@pytest.mark.parametrize("lineage", LINEAGES, ids=lambda lineage: lineage.table)
def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path, lineage: schema.Lineage) -> None:
    database = fresh_database(tmp_path / "m.db", LINEAGES)
    set_version(database, lineage, "9999")
    for act in (schema.upgrade, schema.check):
        with pytest.raises(SchemaTooNew, match=r"made by a later version of ulnflow \(schema 9999"):
            act(database, LINEAGES)


def test_one_newer_line_stops_the_other_too(tmp_path: Path) -> None:
    database = fresh_database(tmp_path / "m.db", [repository.LINEAGE])
    set_version(database, repository.LINEAGE, "9999")
    with pytest.raises(SchemaTooNew):
        schema.upgrade(database, LINEAGES)
    assert "event" not in names(database, "table")


def test_a_database_that_was_not_set_up_says_how(tmp_path: Path) -> None:
    with pytest.raises(SchemaMissing, match="Run: ulnflow init"):
        schema.check(Database(tmp_path / "m.db"), LINEAGES)


def test_a_migration_that_breaks_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SQLITE, "broken", "CREATE TRIGGER broken NONSENSE")
    with pytest.raises(StoreError, match="the database says: SQLITE_ERROR"):
        fresh_database(tmp_path / "m.db", LINEAGES)
    assert names(Database(tmp_path / "m.db"), "table") == set()


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_a_log_of_the_first_version_keeps_its_guards_and_events(tmp_path: Path, store: str) -> None:
    """An index is no reason to touch the table it is on."""
    database = Database(tmp_path / "m.db" if store == "sqlite" else empty_address())
    schema.upgrade(database, [replace(schema.ENGINE, newest="0001")])
    desk = desk_on(database)
    desk.open(3, cohort="A")
    with pytest.raises(SchemaMissing, match="ulnflow db upgrade"):
        schema.check(database, [schema.ENGINE])
    assert schema.upgrade(database, [schema.ENGINE]) == [f"engine_version 0001 -> {schema.ENGINE.newest}"]
    with database.reading() as connection:
        assert list(guards.missing(connection)) == []
    assert desk.verify().holds
    desk.open(1)
    assert desk.verify().holds
    database.close()
