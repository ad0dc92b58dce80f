"""Where each case stands by its events, gathered while the log is read and compared with its row afterwards.

A case takes 60 bytes while its events are in order, and its facts the bytes they are written in. Facts beyond
ROOM bytes are not kept: they are read again, a page of cases at a time. A case with anything odd about it (a fault, a
correction, a number out of the row) is folded again from its own events.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from orjson import loads

from workflow.case import changed, clock_start, fold
from workflow.event import CORRECTED, EMPTY, MOVED, NOTED, OPENED, Event, canonical, parse
from workflow.route import Route
from workflow.store.connection import Connection
from workflow.store.event_log import STANDING, standing_of
from workflow.store.fault import Fault
from workflow.store.verify_told import Words, called

ROOM: Final = 20_000_000
"""Bytes of facts to keep: those of some 200,000 learners, which take 32 MB with what Python adds to a text."""

SPARE: Final = 100_000
"""So many numbers, and as many as there are cases, may be missing; a case beyond that is kept as an odd one."""

GROWTH: Final = 4_096
PAGE: Final = 1_000
LEAF: Final = 32


class Cases:
    """The latest of every case; numbers of cases are places in arrays, whose place 0 stays empty."""

    def __init__(self, room: int = ROOM) -> None:
        self.sequences, self.leaves = array("q", [0]), bytearray(LEAF)
        self.routes, self.states = array("I", [0]), array("I", [0])
        self.entered, self.occurred = array("q", [0]), array("q", [0])
        self.odd: dict[int, tuple[int, bytes]] = {}
        self.words = Words()
        self.left_out = False
        """Whether the facts of some case were not kept, for want of room."""

        self._facts, self._room, self._count = [""], room, 0

    def __len__(self) -> int:
        """How many cases have events."""
        return self._count

    def __contains__(self, case: int) -> bool:
        return case in self.odd or (0 < case < len(self.sequences) and self.sequences[case] > 0)

    def last(self, case: int) -> tuple[int, bytes]:
        """Sequence and leaf of a case's latest event; 0 and nothing before the first."""
        if case in self.odd:
            return self.odd[case]
        if not 0 < case < len(self.sequences) or not self.sequences[case]:
            return 0, b""
        return self.sequences[case], bytes(self.leaves[case * LEAF : case * LEAF + LEAF])

    def set_aside(self, case: int, sequence: int, leaf: bytes) -> None:
        """Keep no more of a case than its latest event: it will be folded again."""
        self._count += case not in self
        self.odd[case] = sequence, leaf
        if 0 < case < len(self.sequences):
            self.sequences[case] = 0  # no event is the next of a case like this
            self._keep(case, "")

    def take(self, record: Mapping[str, Any], case: int, sequence: int, leaf: bytes) -> None:
        """Add an event that follows its case's latest; `record` is what its body says."""
        facts, target = record.get("facts", EMPTY), record.get("target")
        if case in self.odd or record["kind"] == CORRECTED or record.get("voids") is not None:
            self.set_aside(case, sequence, leaf)
        elif sequence > 1:
            state = self.words.number(target) if record["kind"] == MOVED else 0
            self.follow(case, sequence, leaf, state, record["occurred_at"], facts)
        elif record["kind"] != OPENED or not self.open(
            case, leaf, self.words.route(record), self.words.number(target), record["occurred_at"], facts
        ):
            self.set_aside(case, sequence, leaf)

    def open(self, case: int, leaf: bytes, route: int, state: int, occurred_at: int, facts: Mapping[str, Any]) -> bool:
        """Begin a case, on a route and in a state by their numbers; False for what is no ordinary opening."""
        if not state or "subject" not in facts or not 0 < case <= 2 * self._count + SPARE:
            return False
        if case >= len(self.sequences):
            self._grow(case + GROWTH - len(self.sequences))
        self._count += 1
        self.sequences[case], self.routes[case], self.states[case] = 1, route, state
        self.leaves[case * LEAF : case * LEAF + LEAF] = leaf
        self.entered[case] = self.occurred[case] = occurred_at
        self._keep(case, _text(changed(EMPTY, facts) if None in facts.values() else facts))
        return True

    def follow(
        self, case: int, sequence: int, leaf: bytes, state: int, occurred_at: int, facts: Mapping[str, Any]
    ) -> None:
        """Bring a case on, to a state by its number (0: none), as `advanced` does."""
        self.sequences[case] = sequence
        self.leaves[case * LEAF : case * LEAF + LEAF] = leaf
        if state:
            if self.states[case] != state:
                self.states[case], self.entered[case] = state, occurred_at
            self.occurred[case] = max(self.occurred[case], occurred_at)
        if facts:
            self.learn(case, facts)

    def learn(self, case: int, facts: Mapping[str, Any]) -> None:
        """Add to what is known of a case, while that is kept."""
        if known := self._facts[case]:
            self._keep(case, _text(changed(loads(known), facts)))

    def _grow(self, places: int) -> None:
        for numbers in (self.sequences, self.routes, self.states, self.entered, self.occurred):
            numbers.frombytes(bytes(places * numbers.itemsize))
        self.leaves.extend(bytes(LEAF * places))
        self._facts.extend([""] * places)

    def _keep(self, case: int, facts: str) -> None:
        """Keep what is known of a case while there is room; an empty text takes none."""
        room = self._room + len(self._facts[case]) - len(facts)
        if room < 0 and facts:
            self.left_out = True
            self._keep(case, "")
        else:
            self._room, self._facts[case] = room, facts

    def facts(self, case: int) -> str:
        """What is known of a case, as it is written; nothing when that was not kept."""
        return self._facts[case]


def _text(facts: Mapping[str, Any]) -> str:
    """Facts as a row has them; a text of its own, for the bytes that `canonical` gives lie in a page of 4,096."""
    return canonical(facts).decode()


def standings(connection: Connection, routes: Mapping[tuple[str, int], Route], cases: Cases) -> Iterator[Fault]:
    """Every row of a case that is not what its events add up to, or has none; and how many rows are missing."""
    seen = 0
    rows = iter(connection.stream(f"SELECT {STANDING}, subject, cohort FROM cases ORDER BY id"))
    while page := list(islice(rows, PAGE)):
        read = _read_again(connection, page, cases)
        for row in page:
            case, name, version = row[:3]
            if case not in cases:
                yield Fault("projection", "has no event", case=case)
                continue
            seen += 1
            route = routes.get((name, version))
            if route is None:
                yield Fault("route", f"runs on {called(name, version)}, unknown", case=case)
            elif not _agrees(route, row, cases, read.get(case, "")) and (fault := _fault(connection, route, row)):
                yield fault
    if seen < len(cases):
        yield Fault("projection", f"{len(cases) - seen} cases have events but no row")


def _agrees(route: Route, row: Sequence[Any], cases: Cases, read: str) -> bool:
    """Whether a row is to the letter what was gathered, or `read` again for want of room; no is no fault yet."""
    case = row[0]
    if case in cases.odd or cases.words[cases.routes[case]] != called(route.name, route.version):
        return False
    text, place = cases.facts(case) or read, case * LEAF
    state, entered_at = cases.words[cases.states[case]], cases.entered[case]
    try:
        facts = loads(text)
        return bool(row[3:] == (
            state, cases.sequences[case], entered_at, clock_start(route, state, entered_at, facts),
            cases.occurred[case], cases.leaves[place : place + LEAF], text,
            int(facts["subject"]), str(facts.get("cohort", "")),
        ))  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return False


def _read_again(connection: Connection, page: Sequence[Sequence[Any]], cases: Cases) -> dict[int, str]:
    """What is known of those cases of a page whose facts were not kept."""
    if not cases.left_out:
        return {}
    wanted = {row[0] for row in page if row[0] in cases and row[0] not in cases.odd and not cases.facts(row[0])}
    if not wanted:
        return {}
    known: dict[int, Mapping[str, Any]] = dict.fromkeys(wanted, EMPTY)
    for case, body in connection.stream(
        "SELECT case_id, body FROM event WHERE case_id BETWEEN ? AND ? ORDER BY case_id, sequence",
        (min(wanted), max(wanted)),
    ):
        if case in wanted and b'"facts":' in body:
            known[case] = changed(known[case], loads(body).get("facts", EMPTY))
    return {case: _text(facts) for case, facts in known.items()}


def _fault(connection: Connection, route: Route, row: Sequence[Any]) -> Fault | None:
    """What is wrong with a row, by everything its events say."""
    try:
        stored, (subject, cohort) = standing_of(row), row[10:]
        events = list(_of_case(connection, row[0]))
        if fault := _correction_fault(row[0], [event for event, _ in events]):
            return fault
        made = fold(route, events)
        same = made == stored and (made.subject, made.cohort) == (subject, cohort)
    except (ValueError, KeyError, TypeError):  # bytes or a row that somebody else wrote
        return Fault("projection", "its row, or what its events add up to, is no standing", case=row[0])
    if same:
        return None
    if (made.route, made.route_version) != (stored.route, stored.route_version):
        message = f"is said to run on {called(*stored[1:3])}, but its events run on {called(*made[1:3])}"
    elif made.state != stored.state:
        message = f"stands in {stored.state}, but its events lead to {made.state}: its row was changed"
    else:
        message = "its row differs from what its events add up to"
    return Fault("projection", message, case=row[0])


def _correction_fault(case: int, events: Sequence[Event]) -> Fault | None:
    """A correction that voids what is no earlier move or note of its case, or what is void already."""
    open_to_it: set[int] = set()
    for event in events:
        if event.kind in {MOVED, NOTED} and event.voids is None:
            open_to_it.add(event.position)
        elif (event.kind == CORRECTED) != (event.voids is not None):
            return Fault("correction", "a correction names what it voids, and nothing else does", event.position, case)
        elif event.voids is not None and event.voids not in open_to_it:
            message = f"voids entry {event.voids}, which is no earlier move or note of its case that stands"
            return Fault("correction", message, event.position, case)
        open_to_it.discard(event.voids or 0)
    return None


def _of_case(connection: Connection, case: int) -> Iterator[tuple[Event, bytes]]:
    for (body,) in connection.execute("SELECT body FROM event WHERE case_id=? ORDER BY sequence", (case,)):
        yield parse(body), body
