"""The event log and the cases as plain sqlite3 writes them: our tables, durable, chained by SHA-256, no layer between."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.bench.contenders import tables
from tests.bench.steps import (
    ACTOR,
    CONSTANT,
    STATES,
    TARGETS,
    TRIGGERS,
    Job,
    Phases,
    canonical,
    chunks,
    facts_of,
    fee_is_set,
    moved,
    new_id,
    nothing_holds,
    now,
)  # fmt: skip

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON")
INSERT = f"INSERT INTO event ({tables.EVENT}) VALUES ({','.join('?' * 14)})"
ADD = f"INSERT INTO cases ({tables.CASE}) VALUES ({','.join('?' * 12)})"
SELECT = "SELECT id, state, sequence, leaf, facts FROM cases"
UPDATE = (
    "UPDATE cases SET state=?, sequence=?, entered_at=?, clock_from=?, occurred_at=?, leaf=? WHERE id=? AND sequence=?"
)


def connect(path: Path) -> sqlite3.Connection:
    """A connection that is as durable as ours."""
    base = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        base.execute(f"PRAGMA {pragma}")
    return base


def leaf_of(body: bytes) -> bytes:
    """The hash of an event."""
    return hashlib.sha256(b"\0" + body).digest()


def opened(case: int, position: int, at: int) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The first event of a case and its row."""
    event = {
        **CONSTANT, "kind": "opened", "case": case, "sequence": 1, "target": STATES[0], "facts": facts_of(case),
        "position": position, "occurred_at": at, "recorded_at": at, "command_id": "open",
    }  # fmt: skip
    body = canonical(event)
    leaf = leaf_of(body)
    facts = facts_of(case)
    return (
        (position, case, 1, "opened", None, None, STATES[0], at, at, ACTOR, "open", None, body, leaf),
        (case, case, facts["cohort"], "order", 1, STATES[0], 1, at, at, at, leaf, json.dumps(facts)),
    )  # fmt: skip


def database(job: Job) -> sqlite3.Connection:
    """Our tables, with the cases opened."""
    base = connect(job.folder / "raw.db")
    for statement in tables.whole("sqlite"):
        base.execute(statement)
    base.execute("BEGIN")
    for part in chunks(range(1, job.cases + 1)):
        rows = [opened(case, case, now()) for case in part]
        base.executemany(INSERT, [event for event, _ in rows])
        base.executemany(ADD, [case for _, case in rows])
    base.execute("COMMIT")
    return base


def rows_of(
    found: tuple[Any, ...], trigger: str, position: int, at: int, command_id: str, run: int | None = None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The event of a step and the change of the case; raises when a guard says no."""
    case, source, sequence, before, facts = found
    target, known = TARGETS[trigger, source], json.loads(facts)
    if not (fee_is_set(known) and nothing_holds(known)):
        raise ValueError(f"case {case} is held back")
    more = {"position": position, "prev": before.hex()} | ({} if run is None else {"run": run})
    body = canonical(moved(case, sequence + 1, trigger, source, target, at=at, command_id=command_id, **more))
    leaf = leaf_of(body)
    clock = None if target == STATES[-1] else at
    return (
        (position, case, sequence + 1, "moved", trigger, source, target, at, at, ACTOR, command_id, run, body, leaf),
        (target, sequence + 1, at, clock, at, leaf, case, sequence),
    )  # fmt: skip


def single(job: Job) -> Phases:
    """One case after the other, one transaction a step."""
    base = database(job)
    run = base.execute
    yield None
    for case in range(1, job.cases + 1):
        for trigger in TRIGGERS:
            run("BEGIN IMMEDIATE")
            found = run(f"{SELECT} WHERE id=?", (case,)).fetchone()
            (last,) = run("SELECT max(position) FROM event").fetchone()
            event, change = rows_of(found, trigger, last + 1, now(), new_id())
            run(INSERT, event)
            if run(UPDATE, change).rowcount != 1:
                raise ValueError("someone else moved it")
            run("COMMIT")
    yield None
    check(base, job)


def bulk(job: Job) -> Phases:
    """All cases, step by step, by executemany, a chunk a transaction."""
    base = database(job)
    yield None
    for number, trigger in enumerate(TRIGGERS, 1):
        command_id = new_id()
        for part in chunks(range(1, job.cases + 1)):
            base.execute("BEGIN IMMEDIATE")
            found = base.execute(f"{SELECT} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(part)),))
            (last,) = base.execute("SELECT max(position) FROM event").fetchone()
            at = now()
            rows = [
                rows_of(one, trigger, position, at, command_id, number)
                for position, one in enumerate(found.fetchall(), last + 1)
            ]
            base.executemany(INSERT, [event for event, _ in rows])
            if base.executemany(UPDATE, [change for _, change in rows]).rowcount != len(part):
                raise ValueError("someone else moved one")
            base.execute("COMMIT")
    yield None
    check(base, job)


def check(base: sqlite3.Connection, job: Job) -> None:
    """Every case reached the last state, every event is there, and each follows the one before it."""
    assert base.execute("SELECT state, count(*) FROM cases GROUP BY 1").fetchall() == [(STATES[-1], job.cases)]
    last: dict[int, str] = {}
    for expected, (position, case, body, leaf) in enumerate(
        base.execute("SELECT position, case_id, body, leaf FROM event ORDER BY position"), 1
    ):
        assert position == expected
        assert leaf_of(body) == leaf
        assert json.loads(body).get("prev", "") == last.get(case, "")
        last[case] = leaf.hex()
    assert expected == 7 * job.cases
    base.close()
