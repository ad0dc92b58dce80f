"""eventsourcing: an aggregate a case, recorded in SQLite or PostgreSQL, with and without its cache of aggregates.

For the cache the manual's setting for a program that writes alone is taken: no fast-forward on each read. It keeps
copying out of the cache, for without that a failed save leaves a wrong aggregate behind.
"""

from __future__ import annotations

from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from tests.bench.steps import (
    ACTOR,
    HELD,
    STATES,
    TARGETS,
    TRIGGERS,
    Job,
    Phases,
    chunks,
    facts_of,
    fee_is_set,
    new_id,
    nothing_holds,
)  # fmt: skip

CACHED = {"AGGREGATE_CACHE_MAXSIZE": "0", "AGGREGATE_CACHE_FASTFORWARD": "n"}
"""A cache without a limit."""


class Order(Aggregate):
    """A case that is the sum of its events."""

    @event("Opened")
    def __init__(self, facts: dict) -> None:
        self.facts = facts
        self.state = STATES[0]

    def move(self, trigger: str, command_id: str) -> None:
        """Take a step, when both guards let it."""
        target = TARGETS[trigger, self.state]
        if not (fee_is_set(self.facts) and nothing_holds(self.facts)):
            raise ValueError(f"{self.id} is held back")
        self.moved(trigger, self.state, target, ACTOR, command_id, HELD)

    @event("Moved")
    def moved(self, trigger: str, source: str, target: str, actor: str, command_id: str, held: tuple) -> None:
        self.state = target


def application(job: Job, **settings: str) -> Application:
    """The application on SQLite (it chooses WAL itself, and SQLite's synchronous=FULL stands) or PostgreSQL."""
    if not job.url:
        place = {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(job.folder / "es.db")}
        return Application({**place, **settings})
    from psycopg.conninfo import conninfo_to_dict

    known = conninfo_to_dict(job.url)
    place = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(known["dbname"]),
        "POSTGRES_HOST": str(known["host"]),
        "POSTGRES_PORT": str(known.get("port", 5432)),
        "POSTGRES_USER": str(known["user"]),
        "POSTGRES_PASSWORD": str(known.get("password", "none")),
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
    }
    return Application({**place, **settings})


def opened(app: Application, count: int) -> list[UUID]:
    """So many cases."""
    ids: list[UUID] = []
    for part in chunks(range(1, count + 1)):
        orders = [Order(facts_of(number)) for number in part]
        app.save(*orders)
        ids += [order.id for order in orders]
    return ids


def _single(job: Job, **settings: str) -> Phases:
    app = application(job, **settings)
    ids = opened(app, job.cases)
    yield None
    for case in ids:
        for trigger in TRIGGERS:
            order = app.repository.get(case)
            order.move(trigger, new_id())
            app.save(order)
    yield None
    check(app, ids)


def single(job: Job) -> Phases:
    """One case after the other; each step reads the aggregate, adds an event and saves it."""
    return _single(job)


def cached(job: Job) -> Phases:
    """The same with the aggregates kept in memory."""
    return _single(job, **CACHED)


def bulk(job: Job) -> Phases:
    """All cases, step by step, a thousand aggregates a save, kept in memory."""
    app = application(job, **CACHED)
    ids = opened(app, job.cases)
    yield None
    for trigger in TRIGGERS:
        command_id = new_id()
        for start in range(0, len(ids), 1_000):
            orders = [app.repository.get(case) for case in ids[start : start + 1_000]]
            for order in orders:
                order.move(trigger, command_id)
            app.save(*orders)
    yield None
    check(app, ids)


def check(app: Application, ids: list[UUID]) -> None:
    """Every case reached the last state, and every event is there."""
    assert app.recorder.max_notification_id() == 7 * len(ids)
    app.repository.cache = None
    assert {app.repository.get(case).state for case in ids} == {STATES[-1]}
    app.close()
