"""Moves one by one and in bulk, on SQLite and PostgreSQL, beside experts' code and peers."""

from __future__ import annotations

from collections.abc import Mapping

from tests.bench.harness import Size, Taken, in_turns
from tests.bench.report import Result, against
from tests.bench.server import Server

SINGLE = Size(100, 7)
BULK = Size(3_000, 5)
LONG_BULK = Size(10_000, 5)
STEPS = 6


def _rows(
    taken: Mapping[str, Taken], goal: str, what: str, ours: str, peers: Mapping[str, tuple[str, float | None]]
) -> list[Result]:
    return [
        against(goal, what, words, (taken[ours], taken[name]), bar)
        for name, (words, bar) in peers.items()
        if name in taken
    ]


def _full_rules(taken: Mapping[str, Taken], ours: str, raw: str, what: str) -> Result:
    """One step with the rules of learners beside a sixth of the raw run."""
    return against("", what, "raw sqlite3, chained, 2 guards", (taken[ours], taken[raw]), share=STEPS)


def single(*, quick: bool) -> list[Result]:
    """One durable move after the other on SQLite: G1 and G2."""
    size = Size(SINGLE.cases // 2, 3) if quick else SINGLE
    peers: dict[str, tuple[str, float | None]] = {
        "eventsourcing-single": ("eventsourcing", 1.5),
        "eventsourcing-cached": ("eventsourcing, its cache on", 1.1),
        "django-single": ("django-fsm-2, django-fsm-log", 2),
        "dbos-single": ("dbos, data source", 10),
        "naive-single": ("transitions, a SQLModel session a call", None),
    }
    taken = in_turns(["raw-single", "ours-single", "ours-ilm-single", *peers], size)
    what = f"one move, SQLite, {size.cases * STEPS:,}"
    raw = against("G1", what, "raw sqlite3, chained", (taken["ours-single"], taken["raw-single"]), 0.65)
    full = _full_rules(taken, "ours-ilm-single", "raw-single", f"one move, 10 learner rules, SQLite, {size.cases:,}")
    return [raw, *_rows(taken, "G2", what, "ours-single", peers), full]


def bulk(*, quick: bool) -> list[Result]:
    """Many moves at once on SQLite: G3 and G4."""
    short, long = (Size(1_000, 3), Size(3_000, 3)) if quick else (BULK, LONG_BULK)
    peers: dict[str, tuple[str, float | None]] = {
        "eventsourcing-bulk": ("eventsourcing, 1,000 a save, cached", 3),
        "django-bulk": ("django, bulk_create and one UPDATE", 5),
        "naive-bulk": ("transitions, a SQLModel session a chunk", 20),
    }
    first = in_turns(["raw-bulk", "ours-bulk", "ours-ilm-bulk"], long)
    what = f"bulk, SQLite, {long.cases * STEPS:,}"
    raw = against("G3", what, "raw executemany, chained", (first["ours-bulk"], first["raw-bulk"]), 1.3)
    full = _full_rules(first, "ours-ilm-bulk", "raw-bulk", f"bulk, 10 learner rules, SQLite, {long.cases:,}")
    taken = in_turns(["ours-bulk", *peers], short)
    return [raw, *_rows(taken, "G4", f"bulk, SQLite, {short.cases * STEPS:,}", "ours-bulk", peers), full]


def pg_single(*, quick: bool) -> list[Result]:
    """One durable move after the other on PostgreSQL: G5."""
    size = Size(50, 3) if quick else SINGLE
    peers: dict[str, tuple[str, float | None]] = {
        "psycopg-single": ("psycopg, chained", 0.9),
        "eventsourcing-single": ("eventsourcing", None),
        "django-single": ("django-fsm-2, django-fsm-log", None),
    }
    with Server() as server:
        taken = in_turns(["ours-single", *peers], size, database=server.database)
        what = f"one move, PostgreSQL, {size.cases * STEPS:,}"
        return [server.signed(row) for row in _rows(taken, "G5", what, "ours-single", peers)]


def pg_bulk(*, quick: bool) -> list[Result]:
    """Many moves at once on PostgreSQL: G6."""
    size = Size(1_000, 3) if quick else BULK
    peers = {"eventsourcing-bulk": "eventsourcing, 1,000 a save, cached", "django-bulk": "django, bulk_create"}
    with Server() as server:
        taken = in_turns(["psycopg-bulk", "ours-bulk", *peers], size, database=server.database)
        what = f"bulk, PostgreSQL, {size.cases * STEPS:,}"
        raw = against("G6", what, "psycopg COPY, chained", (taken["ours-bulk"], taken["psycopg-bulk"]), 0.8)
        rows = [raw]
        if found := [name for name in peers if name in taken]:
            best = min(found, key=lambda name: taken[name].seconds)
            words = f"the best peer: {peers[best]}"
            rows.append(against("G6", what, words, (taken["ours-bulk"], taken[best]), 2.5))
        return [server.signed(row) for row in rows]
