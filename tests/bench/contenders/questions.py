"""Four questions over a year of work: our Queries beside plain SQL on the same rows with an index for each question."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from tests.bench.contenders import ours as engine
from tests.bench.steps import COMMAND, STATES, TRIGGERS, Job, Phases, chunks, now
from workflow import Act
from workflow.store.queries import Queries

NAME, PLAIN = "year.db", "plain.db"
ACTORS: Final = 40
DAY: Final = 86_400_000_000
YEAR: Final = 365 * DAY
FIRST: Final = 1_767_225_600_000_000
"""1 January 2026."""

ACTOR: Final = "Person 7"
SINCE, UNTIL = FIRST + 100 * DAY, FIRST + 130 * DAY
WAITING: Final = STATES[:-1]
HISTORIES: Final = 200
TIMES: Final = {"stuck": 10, "oldest": 200, "history": 5, "export": 3}
"""How often each question is put while the clock runs, after once to warm up."""

SQL: Final = {
    "stuck": f"SELECT state, cohort, count(*) FROM cases INDEXED BY cases_by_state WHERE state IN ({','.join('?' * 6)}) AND clock_from < ? "
    "GROUP BY 1, 2",
    "oldest": "SELECT id, state, cohort, entered_at, clock_from FROM cases WHERE state = ? "
    "ORDER BY clock_from, cohort, id LIMIT 100",
    "history": "SELECT body FROM event WHERE case_id = ? ORDER BY sequence",
    "export": "SELECT body FROM event WHERE actor = ? AND recorded_at >= ? AND recorded_at < ? ORDER BY position",
}


def build(job: Job) -> Phases:
    """A year in which forty people move cases a thousand at a time; one thousand in ten stays on the way.

    Plain SQL gets a copy with an index by actor and time, unless our tables have one.
    """
    at = [FIRST]
    built = engine.engine_at(job.folder / NAME, lambda: at[0])
    yield None
    engine.opened(built, job.cases)
    parts = list(chunks(range(1, job.cases + 1)))
    calls = len(parts) * len(TRIGGERS)
    for step, trigger in enumerate(TRIGGERS):
        for number, part in enumerate(parts):
            if number % 10 == 0 and step >= number // 10 % len(TRIGGERS):
                continue
            at[0] = FIRST + YEAR * (step * len(parts) + number) // calls
            act = Act(actor=f"Person {(number + step) % ACTORS}", command=COMMAND)
            assert built.fire_many(trigger, part, act).counts == {"moved": len(part)}
    yield None
    built.database.close()
    with sqlite3.connect(job.folder / NAME) as base:
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        base.execute("ANALYZE")
    shutil.copy(job.folder / NAME, job.folder / PLAIN)
    with sqlite3.connect(job.folder / PLAIN) as base:
        columns = [
            [row[2] for row in base.execute(f"PRAGMA index_info({name})")]
            for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type='index' AND tbl_name='event'")
        ]
        if not any(found[:1] == ["actor"] for found in columns):
            base.execute("CREATE INDEX plain_by_actor ON event (actor, recorded_at)")


def _timed(ask: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds of one answer, by question."""
    taken = {}
    for name, one in ask.items():
        one()
        begin = time.perf_counter()
        for _ in range(TIMES[name]):
            one()
        taken[name] = (time.perf_counter() - begin) / TIMES[name]
    return taken


def _histories(job: Job) -> range:
    return range(1, job.cases + 1, max(1, job.cases // HISTORIES))


def ours(job: Job) -> Phases:
    """Our Queries within one reading transaction."""
    built = engine.engine_at(job.folder / NAME)
    with built.database.reading() as connection:
        queries = Queries(connection)
        until = now() + YEAR
        ask: dict[str, Callable[[], Any]] = {
            "stuck": lambda: {state: queries.began_before(state, until) for state in WAITING},
            "oldest": lambda: queries.places([STATES[3]], limit=100),
            "history": lambda: [list(queries.events(case=case)) for case in _histories(job)],
            "export": lambda: list(queries.events(actor=ACTOR, since=SINCE, until=UNTIL)),
        }
        yield None
        taken = _timed(ask)
        yield {**taken, **_sizes(ask)}
    built.database.close()


def plain(job: Job) -> Phases:
    """The same rows by sqlite3; of an event the parsed body."""
    base = sqlite3.connect(job.folder / PLAIN)
    run = base.execute
    until = now() + YEAR
    ask: dict[str, Callable[[], Any]] = {
        "stuck": lambda: run(SQL["stuck"], (*WAITING, until)).fetchall(),
        "oldest": lambda: run(SQL["oldest"], (STATES[3],)).fetchall(),
        "history": lambda: [
            [orjson.loads(body) for (body,) in run(SQL["history"], (case,))] for case in _histories(job)
        ],
        "export": lambda: [orjson.loads(body) for (body,) in run(SQL["export"], (ACTOR, SINCE, UNTIL))],
    }
    yield None
    taken = _timed(ask)
    yield {**taken, **_sizes(ask)}
    base.close()


def _sizes(ask: Mapping[str, Callable[[], Any]]) -> dict[str, int]:
    """How much each answer holds; both sides must say the same."""
    stuck = ask["stuck"]()
    rows = (
        [count for by in stuck.values() for count in by.values()] if isinstance(stuck, dict) else [r[2] for r in stuck]
    )
    return {
        "stuck_size": sum(rows),
        "oldest_size": len(ask["oldest"]()),
        "history_size": sum(map(len, ask["history"]())),
        "export_size": len(ask["export"]()),
    }
