"""What the events add up to beside the standings: duties, dispatches, settled places, bulk runs, definitions.

It is gathered while the log is read, and kept small: a duty takes 42 bytes, a settled place 12.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workflow.event import EMPTY, OPENED
from workflow.store.dispatch_log import ANSWERED, PARTLY, PREPARED, RECEIVED, REJECTED, SENT, SUPERSEDED
from workflow.store.seals import KEY_EVENTS

ENDED: Final = frozenset({REJECTED, SUPERSEDED})
PREFIX: Final = "dispatch_"
BEGINS: Final = {PREFIX + PREPARED: "out", PREFIX + RECEIVED: "in"}
"""The kind of an event that begins a dispatch -> its direction."""

GOES_ON: Final = {PREFIX + state: state for state in (SENT, PARTLY, ANSWERED, *ENDED)}
ABSENT: Final = -(2**63)
"""Stands for None among packed numbers; no canonical body holds a number so far from zero."""


@dataclass(slots=True)
class File:
    """A dispatch as its events tell it; `sent_at` is the time of the event that sets it."""

    position: int
    direction: str
    says: Mapping[str, Any]
    prepared_at: int
    sent_at: int | None
    state: str


@dataclass(slots=True)
class BulkRun:
    """A bulk run as its events tell it; `ended` holds the position, the reason and what was counted."""

    position: int
    command_id: str
    trigger: str | None
    says: Mapping[str, Any]
    ended: tuple[int, str | None, dict[str, Any]] | None = None


def called(route: object, version: object) -> str:
    """A route with its version, in words."""
    return f"{route} version {version}"


class Words:
    """Numbers for texts that come again and again; what is no text has number 0."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._texts: list[str | None] = [None]

    def number(self, text: object) -> int:
        """The number of a text, a new one where it has none yet."""
        if not isinstance(text, str):
            return 0
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(text)
        return number

    def route(self, record: Mapping[str, Any]) -> int:
        """The number of the route that an event names."""
        return self.number(called(record.get("route"), record.get("route_version")))

    def __getitem__(self, number: int) -> Any:
        return self._texts[number]


class Duties:
    """Every duty that events began, in the order of the log, and the event that ended it."""

    def __init__(self) -> None:
        self._words = Words()
        self._positions, self._closed, self._cases = array("q"), array("q"), array("q")
        self._dispatches, self._opened, self._names = array("q"), array("q"), array("I")

    def begin(self, position: int, duties: tuple[Any, ...], case: int | None, dispatch: int | None, at: int) -> None:
        """Add what one event began."""
        for duty in sorted(set(map(str, duties))):
            self._names.append(self._words.number(duty))
            self._positions.append(position)
            self._closed.append(ABSENT)
            self._cases.append(ABSENT if case is None else case)
            self._dispatches.append(ABSENT if dispatch is None else dispatch)
            self._opened.append(at)

    def end(self, began: int, duty: str, position: int) -> None:
        """End a duty, unless it has ended already or never began."""
        place, name = bisect_left(self._positions, began), self._words.number(duty)
        while place < len(self._positions) and self._positions[place] == began:
            if self._names[place] == name and self._closed[place] == ABSENT:
                self._closed[place] = position
            place += 1

    def __iter__(self) -> Iterator[tuple[tuple[int, str], list[int | None]]]:
        """Position and name, then the event that ended it, the case, the dispatch and the time, in order."""
        columns = zip(self._closed, self._cases, self._dispatches, self._opened, strict=True)
        for position, name, numbers in zip(self._positions, self._names, columns, strict=True):
            yield (position, self._words[name]), [None if n == ABSENT else n for n in numbers]


class Settled:
    """What became of the places in a dispatch, the later event over the earlier."""

    def __init__(self) -> None:
        self._words = Words()
        self._cases: dict[int, array[int]] = {}
        self._states: dict[int, array[int]] = {}

    def add(self, dispatch: int, case: int, state: object) -> None:
        """Settle one place."""
        if dispatch not in self._cases:
            self._cases[dispatch], self._states[dispatch] = array("q"), array("I")
        self._cases[dispatch].append(case)
        self._states[dispatch].append(self._words.number(state))

    def of(self, dispatch: int) -> dict[int, Any]:
        """The settled places of one dispatch, by case."""
        words, none = self._words, array("q")
        cases, states = self._cases.get(dispatch, none), self._states.get(dispatch, none)
        return {case: words[state] for case, state in zip(cases, states, strict=True)}


@dataclass(slots=True)
class Told:
    """What the events add up to, gathered event by event."""

    duties: Duties = field(default_factory=Duties)
    settled: Settled = field(default_factory=Settled)
    files: dict[int, File] = field(default_factory=dict)
    runs: dict[int, BulkRun] = field(default_factory=dict)
    written: Counter[tuple[int, str]] = field(default_factory=Counter)
    last: dict[int, int] = field(default_factory=dict)
    definitions: dict[str, tuple[int, str | None, int | None]] = field(default_factory=dict)
    keys: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    named: int = 0
    """Where the log last named a key."""

    def take(
        self, record: Mapping[str, Any], position: int, kind: str, case: int | None, dispatch: int | None, at: int
    ) -> None:
        """Add one event, all but its run; numbers, kind and time are those of its columns."""
        if "opens" in record:
            self.duties.begin(position, record["opens"], case, dispatch, at)
        for began, duty in record.get("closes", ()):
            self.duties.end(began, duty, position)
        if dispatch is not None:
            if case is None:
                self._file(record, position, kind, dispatch, at)
            elif record.get("settles") is not None:
                self.settled.add(dispatch, case, record["settles"])
        if kind in KEY_EVENTS and case is None:
            self.keys.append((position, record.get("evidence", EMPTY)))
            self.named = position
        if kind == OPENED and isinstance(record.get("route_hash"), str):
            called = position, record.get("route"), record.get("route_version")
            self.definitions.setdefault(record["route_hash"], called)

    def _file(self, record: Mapping[str, Any], position: int, kind: str, dispatch: int, at: int) -> None:
        if kind in BEGINS:
            state = kind.removeprefix(PREFIX)
            sent_at = at if state == RECEIVED else None
            self.files[dispatch] = File(position, BEGINS[kind], record.get("evidence", EMPTY), at, sent_at, state)
        elif kind in GOES_ON and dispatch in self.files:
            file = self.files[dispatch]
            file.state = GOES_ON[kind]
            if file.sent_at is None and file.state != SUPERSEDED:
                file.sent_at = at

    def take_run(self, record: Mapping[str, Any], position: int, kind: str, run: int) -> None:
        """Add one event to its bulk run."""
        says = record.get("evidence", EMPTY)
        if kind == "run_began":
            self.runs[run] = BulkRun(position, record["command_id"], record.get("trigger"), says)
        elif kind == "run_ended" and run in self.runs:
            counts = says.get("counts")
            self.runs[run].ended = position, record.get("reason"), counts if isinstance(counts, dict) else {}
        else:
            self.written[run, kind] += 1
        self.last[run] = position
