"""Our tables and indexes as statements, for those who write the same rows by hand; without the protecting triggers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from workflow.store.tables import CaseRow, EventRow

DIALECTS: dict[str, Any] = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}
EVENT = (
    "position, case_id, sequence, kind, trigger, source, target, occurred_at, recorded_at, actor, command_id, run, "
    "body, leaf"
)  # fmt: skip
CASE = "id, subject, cohort, route, route_version, state, sequence, entered_at, clock_from, occurred_at, leaf, facts"


def _ours() -> list[Table]:
    return [row.__table__ for row in (CaseRow, EventRow)]


def whole(name: str) -> list[str]:
    """Cases and events with every index."""
    dialect = DIALECTS[name]
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in _ours()]
    return statements + [
        str(CreateIndex(index).compile(dialect=dialect)) for table in _ours() for index in sorted_indexes(table)
    ]


def bare(name: str) -> tuple[list[str], list[str]]:
    """Cases and events without any index but the key, and the statements that make the others afterwards."""
    dialect, tables, after = DIALECTS[name], [], []
    for table in _ours():
        copy = table.to_metadata(MetaData())
        for one in [found for found in copy.constraints if isinstance(found, UniqueConstraint)]:
            copy.constraints.discard(one)
            after.append(
                f"CREATE UNIQUE INDEX {one.name} ON {copy.name} ({', '.join(column.name for column in one.columns)})"
            )
        tables.append(str(CreateTable(copy).compile(dialect=dialect)))
        after += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted_indexes(copy)]
    return tables, after


def sorted_indexes(table: Table) -> list[Any]:
    """The indexes of a table by name."""
    return sorted(table.indexes, key=lambda index: str(index.name))
