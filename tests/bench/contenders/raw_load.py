"""The rows of a million cases written with nothing to prove: no chain, no guards, no reading, indexes built at the end."""

from __future__ import annotations

import json

from tests.bench.contenders import tables
from tests.bench.contenders.raw_sqlite import ADD, INSERT, connect
from tests.bench.steps import ACTOR, STATES, TRIGGERS, Job, Phases, canonical, chunks, facts_of, moved, new_id, now

PART = 10_000
NONE = b"\0" * 32
"""What stands where a hash would."""


def load(job: Job) -> Phases:
    """Six events a case and its last state, by executemany; then the indexes that the questions need."""
    base = connect(job.folder / "load.db")
    made, indexes = tables.bare("sqlite")
    for statement in made:
        base.execute(statement)
    yield None
    position = 0
    for number, trigger in enumerate(TRIGGERS):
        command_id, source, target = new_id(), STATES[number], STATES[number + 1]
        for part in chunks(range(1, job.cases + 1), PART):
            at = now()
            rows = []
            for case in part:
                position += 1
                event = moved(
                    case, number + 2, trigger, source, target, at=at, command_id=command_id, position=position,
                    run=number + 1,
                )  # fmt: skip
                rows.append(
                    (position, case, number + 2, "moved", trigger, source, target, at, at, ACTOR, command_id,
                     number + 1, canonical(event), NONE)
                )  # fmt: skip
            base.execute("BEGIN")
            base.executemany(INSERT, rows)
            base.execute("COMMIT")
    for part in chunks(range(1, job.cases + 1), PART):
        at = now()
        known = [(case, facts_of(case)) for case in part]
        base.execute("BEGIN")
        base.executemany(
            ADD,
            [
                (case, case, facts["cohort"], "order", 1, STATES[-1], 7, at, None, at, NONE, json.dumps(facts))
                for case, facts in known
            ],
        )
        base.execute("COMMIT")
    for statement in indexes:
        base.execute(statement)
    yield None
    assert base.execute("SELECT count(*) FROM event").fetchone() == (6 * job.cases,)
    assert base.execute("SELECT state, count(*) FROM cases GROUP BY 1").fetchall() == [(STATES[-1], job.cases)]
    base.close()
