"""Reads the whole log again and says, in words, where it is not what it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from workflow.case import fold
from workflow.event import Event, is_canonical, leaf_hash, parse
from workflow.route import Route
from workflow.store import guards
from workflow.store.connection import Connection
from workflow.store.event_log import STANDING, standing_of
from workflow.store.verify_rows import Fault, Told, rows

COPIES: Final = (
    ("position", "position"), ("case_id", "case"), ("sequence", "sequence"), ("kind", "kind"),
    ("trigger", "trigger"), ("source", "source"), ("target", "target"), ("occurred_at", "occurred_at"),
    ("recorded_at", "recorded_at"), ("actor", "actor"), ("dispatch", "dispatch"), ("command_id", "command_id"),
    ("run", "run"),
)  # fmt: skip
KEYS: Final = tuple(key for _, key in COPIES)
COLUMNS: Final = ", ".join(column for column, _ in COPIES)


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying found: size of the log, faults (none when it holds), and notes that are no faults."""

    origin: str
    size: int
    cases: int
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]

    @property
    def holds(self) -> bool:
        """Whether the log is what it should be."""
        return not self.faults


def verify(
    connection: Connection,
    origin: str,
    routes: Mapping[tuple[str, int], Route],
    progress: Callable[[int], None] = lambda _done: None,
) -> Report:
    """Check guards, positions, bytes, leaves, copies and chains, then every projection against its events.

    Keeps one hash a case, and what the events say of each duty and each settled place in a file.
    Raises nothing for a bad log: it reports.
    """
    raw = connection
    faults = [Fault(*told) for told in guards.missing(connection)]
    notes: list[Fault] = []
    size = 0
    chains: dict[int, tuple[int, bytes]] = {}
    told = Told()
    for size, fault, note in _events(raw, origin, chains, told):
        if fault is not None:
            faults.append(fault)
        if note is not None:
            notes.append(note)
        if size % 1_000 == 0:
            progress(1_000)
    faults += _standings(raw, routes, chains)
    faults += rows(raw, told)
    return Report(origin, size, len(chains), tuple(faults), tuple(notes))


def _events(
    raw: Any, origin: str, chains: dict[int, tuple[int, bytes]], told: Told
) -> Iterator[tuple[int, Fault | None, Fault | None]]:
    expected, last_recorded = 0, 0
    for row in raw.execute(f"SELECT {COLUMNS}, body, leaf FROM event ORDER BY position"):
        *copies, body, leaf = row
        expected += 1
        position = copies[0]
        fault = None
        if position != expected:
            fault = Fault("gap", f"position {expected} is missing: the next event is {position}", expected)
            expected = position
        event, record = _record(body)
        if event is not None:
            told.take(event, dict(zip(KEYS, copies, strict=True)))
        broken = _bytes_fault(position, record, body, leaf, origin) or _copy_fault(position, record, copies)
        out_of_line = _chain_fault(copies, record, leaf, chains)
        note = None
        if copies[8] < last_recorded:
            note = Fault("clock", "was recorded earlier than the event before it: the clock was set back", position)
        last_recorded = copies[8]
        yield expected, fault or broken or out_of_line, note


def _record(body: bytes) -> tuple[Event | None, dict[str, Any]]:
    """What the bytes say, twice; None and an empty table when they are no event of a known schema."""
    try:
        return parse(body), orjson.loads(body)
    except ValueError:
        return None, {}


def _bytes_fault(position: int, record: Mapping[str, Any], body: bytes, leaf: bytes, origin: str) -> Fault | None:
    if leaf_hash(body) != leaf:
        return Fault("leaf", "leaf differs: the body or its hash was changed", position)
    if not record:
        return Fault("body", "body is no event of a known schema", position)
    if not is_canonical(body):
        return Fault("canonical", "body is not written in the canonical form", position)
    if record["origin"] != origin:
        return Fault("origin", "comes from another log", position)
    return None


def _copy_fault(position: int, record: Mapping[str, Any], copies: list[Any]) -> Fault | None:
    for (column, key), copy in zip(COPIES, copies, strict=True):
        if record.get(key) != copy:
            return Fault("copy", f"column {column} differs from body", position)
    return None


def _chain_fault(
    copies: list[Any], record: Mapping[str, Any], leaf: bytes, chains: dict[int, tuple[int, bytes]]
) -> Fault | None:
    """Whether the event follows the one before it in its case, by the columns; what is wrong itself is told apart."""
    position, case, place = copies[:3]
    if case is None:
        return None
    sequence, last = chains.get(case, (0, b""))
    chains[case] = (place, leaf)
    if place != sequence + 1:
        return Fault("sequence", f"place {sequence + 1} of case {case} is missing", position, case)
    if record and record.get("prev", "") != last.hex():
        return Fault("chain", f"does not follow the event before it in case {case}", position, case)
    return None


def _standings(
    raw: Any, routes: Mapping[tuple[str, int], Route], chains: Mapping[int, tuple[int, bytes]]
) -> Iterator[Fault]:
    seen = 0
    for row in raw.execute(f"SELECT {STANDING}, subject, cohort FROM cases ORDER BY id"):
        case, name, version = row[:3]
        subject, cohort = row[10:]
        if case not in chains:
            yield Fault("projection", "has no event", case=case)
            continue
        seen += 1
        route = routes.get((name, version))
        if route is None:
            yield Fault("route", f"runs on {name} version {version}, unknown", case=case)
            continue
        try:
            stored = standing_of(row)
            made = fold(route, _of_case(raw, case))
        except (ValueError, KeyError, TypeError):  # bytes or a row that somebody else wrote
            yield Fault("projection", "its row, or what its events add up to, is no standing", case=case)
            continue
        if made != stored or (made.subject, made.cohort) != (subject, cohort):
            yield Fault(
                "projection", f"stands in {stored.state}, but its events lead to {made.state}: its row was changed"
                if made.state != stored.state else "its row differs from what its events add up to",
                case=case,
            )  # fmt: skip
    if seen < len(chains):
        yield Fault("projection", f"{len(chains) - seen} cases have events but no row")


def _of_case(raw: Any, case: int) -> Iterator[tuple[Event, bytes]]:
    for (body,) in raw.execute("SELECT body FROM event WHERE case_id=? ORDER BY sequence", (case,)):
        yield parse(body), body
