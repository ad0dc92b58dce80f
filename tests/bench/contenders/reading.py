"""The whole log read again: verify, beside reading, parsing and hashing each event."""

from __future__ import annotations

import hashlib
import sqlite3

import orjson

from tests.bench.contenders import ours as engine
from tests.bench.steps import ORIGIN, TRIGGERS, Job, Phases
from workflow.store.verify import verify

NAME = "log.db"


def build(job: Job) -> Phases:
    """A log of seven events a case, for the others to read."""
    built = engine.engine_at(job.folder / NAME)
    yield None
    cases = engine.opened(built, job.cases)
    for trigger in TRIGGERS:
        built.fire_many(trigger, cases, engine.ACT)
    yield None
    built.database.close()


def ours(job: Job) -> Phases:
    """Everything verify looks at: guards, positions, hashes, copies, chains and every row against its events."""
    built = engine.engine_at(job.folder / NAME)
    route = built.definition.route
    yield None
    with built.database.reading() as connection:
        report = verify(connection, ORIGIN, {(route.name, route.version): route})
    yield {"events": report.size}
    assert report.holds
    assert report.size == 7 * job.cases + 2 * len(TRIGGERS)
    built.database.close()


def plain(job: Job) -> Phases:
    """Read, parse with orjson, hash with SHA-256, compare."""
    base = sqlite3.connect(job.folder / NAME)
    yield None
    events = 0
    for body, leaf in base.execute("SELECT body, leaf FROM event ORDER BY position"):
        record = orjson.loads(body)
        events += 1
        if hashlib.sha256(b"\0" + body).digest() != leaf or record["position"] != events:
            raise ValueError(f"event {events} was changed")
    yield {"events": events}
    assert events == 7 * job.cases + 2 * len(TRIGGERS)
    base.close()
