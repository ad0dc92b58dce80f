"""A part of the log picked out to be handed on: which events are about some cases, and their bodies as stored."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import orjson

from workflow.store.connection import Connection
from workflow.store.history import RARE
from workflow.store.seals import KEY_MADE, KEY_ROTATED

AT_ONCE: Final = 1_000
TOLD_BY: Final = ("reply", "proved_by")
"""What an event of a case says of the file that came in."""


def between(connection: Connection, since: int | None, until: int | None, size: int) -> tuple[int, int]:
    """The first and the last position recorded from one time to before another, up to a size; (1, 0) for none.

    Whatever a clock that was set back put between them is between them.
    """
    first, last = connection.execute(
        "SELECT min(position), max(position) FROM event WHERE recorded_at >= ? AND recorded_at < ? AND position <= ?",
        (0 if since is None else since, 2**62 if until is None else until, size),
    ).fetchone()
    return (first, last) if first is not None else (1, 0)


def of_cohort(connection: Connection, cohort: str) -> array[int]:
    """The cases of a cohort, by number."""
    return array(
        "q", (row[0] for row in connection.stream("SELECT id FROM cases WHERE cohort=? ORDER BY id", (cohort,)))
    )


def within(connection: Connection, first: int, last: int) -> array[int]:
    """The cases that have an event between two positions, both included, by number."""
    sql = "SELECT DISTINCT case_id FROM event WHERE position BETWEEN ? AND ? AND case_id IS NOT NULL ORDER BY case_id"
    return array("q", (row[0] for row in connection.stream(sql, (first, last))))


def about(connection: Connection, cases: Sequence[int], first: int, last: int) -> array[int]:
    """The positions of all events of some cases, of what befell their files and cohorts, who looked, and the keys.

    Positions ascend, and lie between the first and the last, both included.
    """
    found, files, cohorts = array("q"), set[int](), set[str]()
    for start in range(0, len(cases), AT_ONCE):
        part = list(cases[start : start + AT_ONCE])
        files |= {row[0] for row in connection.execute(
            "SELECT DISTINCT dispatch FROM dispatch_member WHERE case_id IN [?]", (part,))}  # fmt: skip
        cohorts |= {row[0] for row in connection.execute(
            "SELECT DISTINCT cohort FROM cases WHERE id IN [?] AND cohort <> ''", (part,))}  # fmt: skip
        for position, body in connection.execute(
            "SELECT position, body FROM event WHERE case_id IN [?] AND position BETWEEN ? AND ?", (part, first, last)
        ):
            found.append(position)
            files |= _files(body)
    known = frozenset(cases)
    rows = connection.stream(
        f"SELECT position, body FROM event WHERE {RARE} AND case_id IS NULL AND position BETWEEN ? AND ?", (first, last)
    )
    found.extend(position for position, body in rows if _concerns(orjson.loads(body), known, files, cohorts))
    return array("q", sorted(found))


def _files(body: bytes) -> set[int]:
    event = orjson.loads(body)
    evidence = event.get("evidence", {})
    named = [event.get("dispatch"), *(evidence.get(name) for name in TOLD_BY)]
    return {number for number in named if type(number) is int}


def _concerns(event: dict[str, Any], cases: frozenset[int], files: Collection[int], cohorts: Collection[str]) -> bool:
    """Whether an event about no case tells of one of these, of their files or cohorts, or of a key."""
    evidence = event.get("evidence", {})
    return (
        event["kind"] in {KEY_MADE, KEY_ROTATED}
        or event.get("dispatch") in files
        or evidence.get("case") in cases
        or evidence.get("cohort") in cohorts
    )


def bodies(connection: Connection, positions: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Position and body of each event, in the order of the log."""
    for start in range(0, len(positions), AT_ONCE):
        part = list(positions[start : start + AT_ONCE])
        for position, body in connection.execute(
            "SELECT position, body FROM event WHERE position IN [?] ORDER BY position", (part,)
        ).fetchall():
            yield position, bytes(body)


def definitions(connection: Connection, hashes: Collection[str]) -> list[tuple[str, bytes]]:
    """Hash and canonical bytes of routes."""
    rows = connection.execute("SELECT hash, body FROM definition WHERE hash IN [?] ORDER BY hash", (list(hashes),))
    return [(digest, bytes(body)) for digest, body in rows.fetchall()]
