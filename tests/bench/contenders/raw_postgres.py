"""The event log and the cases as psycopg writes them: our tables, chained by SHA-256, no layer between.

Positions have no gaps because a head row is locked: it is counted up in the transaction that writes the event.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.bench.contenders import tables
from tests.bench.contenders.raw_sqlite import leaf_of, opened, rows_of
from tests.bench.steps import STATES, TRIGGERS, Job, Phases, chunks, new_id, now

INSERT = f"INSERT INTO event ({tables.EVENT}) VALUES ({','.join(['%s'] * 14)})"
SELECT = "SELECT id, state, sequence, leaf, facts FROM cases"
UPDATE = (
    "UPDATE cases SET state=%s, sequence=%s, entered_at=%s, clock_from=%s, occurred_at=%s, leaf=%s "
    "WHERE id=%s AND sequence=%s"
)
UPDATE_ALL = (
    "UPDATE cases c SET state=e.target, sequence=e.sequence, entered_at=e.occurred_at, leaf=e.leaf, "
    f"clock_from=CASE WHEN e.target <> '{STATES[-1]}' THEN e.occurred_at END, occurred_at=e.occurred_at "
    "FROM event e WHERE e.position > %s AND e.position <= %s AND c.id=e.case_id AND c.sequence=e.sequence-1"
)
"""The states follow from the events just written."""

HEAD = "UPDATE head SET position = position + %s RETURNING position"
BINARY = "FROM STDIN WITH (FORMAT BINARY)"
COPY_EVENTS, COPY_CASES = f"COPY event ({tables.EVENT}) {BINARY}", f"COPY cases ({tables.CASE}) {BINARY}"
TYPES = {
    COPY_EVENTS: ["int8", "int8", "int8", *["text"] * 4, "int8", "int8", "text", "text", "int8", "bytea", "bytea"],
    COPY_CASES: ["int8", "int8", "text", "text", "int8", "text", *["int8"] * 4, "bytea", "text"],
}


def database(job: Job) -> psycopg.Connection[Any]:
    """Our tables and the head row, with the cases opened."""
    base = psycopg.connect(job.url)
    for statement in tables.whole("postgresql"):
        base.execute(statement)  # type: ignore[arg-type]
    base.execute("CREATE TABLE head (position BIGINT NOT NULL)")
    base.execute("INSERT INTO head VALUES (%s)", (job.cases,))
    rows = [opened(case, case, now()) for case in range(1, job.cases + 1)]
    with base.cursor() as cursor:
        for statement, part in ((COPY_EVENTS, [e for e, _ in rows]), (COPY_CASES, [c for _, c in rows])):
            copy(cursor, statement, part)
    base.commit()
    base.execute("ANALYZE")
    base.commit()
    return base


def copy(cursor: psycopg.Cursor[Any], statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Many rows by COPY."""
    with cursor.copy(statement) as target:  # type: ignore[arg-type]
        target.set_types(TYPES[statement])
        for row in rows:
            target.write_row(row)


def single(job: Job) -> Phases:
    """One case after the other: begin, read, take the position, add the event, change the case, commit."""
    base = database(job)
    run = base.execute
    yield None
    for case in range(1, job.cases + 1):
        for trigger in TRIGGERS:
            found = run(f"{SELECT} WHERE id=%s", (case,)).fetchone()
            (position,) = run(HEAD, (1,)).fetchone() or (0,)
            event, change = rows_of(found or (), trigger, position, now(), new_id())
            run(INSERT, event)
            if run(UPDATE, change).rowcount != 1:
                raise ValueError("someone else moved it")
            base.commit()
    yield None
    check(base, job)


def bulk(job: Job) -> Phases:
    """All cases, step by step: events by COPY, cases by one UPDATE, a chunk a transaction."""
    base = database(job)
    cursor = base.cursor()
    yield None
    for number, trigger in enumerate(TRIGGERS, 1):
        command_id = new_id()
        for part in chunks(range(1, job.cases + 1)):
            found = cursor.execute(f"{SELECT} WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (list(part),)).fetchall()
            (last,) = cursor.execute(HEAD, (len(part),)).fetchone() or (0,)
            at = now()
            rows = [
                rows_of(one, trigger, position, at, command_id, number)
                for position, one in enumerate(found, last - len(part) + 1)
            ]
            copy(cursor, COPY_EVENTS, [event for event, _ in rows])
            cursor.execute(UPDATE_ALL, (last - len(part), last))
            if cursor.rowcount != len(part):
                raise ValueError("someone else moved one")
            base.commit()
    yield None
    check(base, job)


def check(base: psycopg.Connection[Any], job: Job) -> None:
    """Every case reached the last state, every event is there, and each follows the one before it."""
    assert base.execute("SELECT state, count(*) FROM cases GROUP BY 1").fetchall() == [(STATES[-1], job.cases)]
    last: dict[int, str] = {}
    found = base.execute("SELECT position, case_id, body, leaf FROM event ORDER BY position").fetchall()
    for expected, (position, case, body, leaf) in enumerate(found, 1):
        assert position == expected
        assert leaf_of(body) == leaf
        assert json.loads(body).get("prev", "") == last.get(case, "")
        last[case] = leaf.hex()
    assert len(found) == 7 * job.cases
    base.close()
