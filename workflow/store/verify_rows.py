"""Rows against the events they are projected from: duties, dispatches and their members, bulk runs, definitions."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import orjson

from workflow.event import MOVED, OPENED, REFUSED, Event, canonical
from workflow.store.dispatch_log import ANSWERED, PARTLY, PREPARED, RECEIVED, REJECTED, SENT, SUPERSEDED

ENDED: Final = frozenset({REJECTED, SUPERSEDED})
PREFIX: Final = "dispatch_"
BEGINS: Final = {PREFIX + PREPARED: "out", PREFIX + RECEIVED: "in"}
"""The kind of an event that begins a dispatch -> its direction."""

GOES_ON: Final = {PREFIX + state: state for state in (SENT, PARTLY, ANSWERED, *ENDED)}
IN_EVENT: Final = ("kind", "name", "digest")
MOMENT: Final = 60_000_000
"""Microseconds by which the time in a dispatch may differ from its event's: the clock is read once for each."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong: the first position or case it shows at, the kind of change, and a sentence."""

    kind: str
    message: str
    position: int | None = None
    case: int | None = None


@dataclass(slots=True)
class File:
    """A dispatch as its events tell it; `sent_at` is the time of the event that sets it."""

    position: int
    direction: str
    says: dict[str, Any]
    prepared_at: int
    sent_at: int | None
    state: str


@dataclass(slots=True)
class BulkRun:
    """A bulk run as its events tell it; `ended` holds the position, the reason and what was counted."""

    position: int
    command_id: str
    trigger: str | None
    says: dict[str, Any]
    ended: tuple[int, str | None, dict[str, Any]] | None = None


@dataclass(slots=True)
class Told:
    """What the events add up to, gathered while the log is read: a value for each duty, settled place and file."""

    duties: dict[tuple[int, str], list[int | None]] = field(default_factory=dict)
    settled: dict[tuple[int, int], str] = field(default_factory=dict)
    files: dict[int, File] = field(default_factory=dict)
    runs: dict[int, BulkRun] = field(default_factory=dict)
    written: Counter[tuple[int, str]] = field(default_factory=Counter)
    last: dict[int, int] = field(default_factory=dict)
    definitions: dict[str, tuple[int, str | None, int | None]] = field(default_factory=dict)

    def take(self, event: Event, copies: Mapping[str, Any]) -> None:
        """Add one event; numbers, times and kinds come from its columns, which `verify` compares with the body."""
        position, kind, recorded_at = copies["position"], copies["kind"], copies["recorded_at"]
        case, dispatch = copies["case"], copies["dispatch"]
        for duty in event.opens:
            self.duties[position, str(duty)] = [None, case, dispatch, recorded_at]
        for key in event.closes:
            if key in self.duties and self.duties[key][0] is None:
                self.duties[key][0] = position
        if case is not None and dispatch is not None and event.settles is not None:
            self.settled[dispatch, case] = event.settles
        if kind == OPENED and isinstance(event.route_hash, str):
            self.definitions.setdefault(event.route_hash, (position, event.route, event.route_version))
        if dispatch is not None and case is None:
            self._file(position, kind, recorded_at, dispatch, event)
        if copies["run"] is not None:
            self._run(position, kind, copies["run"], event)

    def _file(self, position: int, kind: str, recorded_at: int, dispatch: int, event: Event) -> None:
        if kind in BEGINS:
            state = kind.removeprefix(PREFIX)
            sent_at = recorded_at if state == RECEIVED else None
            self.files[dispatch] = File(position, BEGINS[kind], dict(event.evidence), recorded_at, sent_at, state)
        elif kind in GOES_ON and dispatch in self.files:
            file = self.files[dispatch]
            file.state = GOES_ON[kind]
            if file.sent_at is None and file.state != SUPERSEDED:
                file.sent_at = recorded_at

    def _run(self, position: int, kind: str, run: int, event: Event) -> None:
        if kind == "run_began":
            self.runs[run] = BulkRun(position, event.command_id, event.trigger, dict(event.evidence))
        elif kind == "run_ended" and run in self.runs:
            counts = event.evidence.get("counts")
            self.runs[run].ended = position, event.reason, counts if isinstance(counts, dict) else {}
        else:
            self.written[run, kind] += 1
        self.last[run] = position


def rows(raw: Any, told: Told) -> Iterator[Fault]:
    """Every row of these tables that is not what the events say, and every one that is missing or made up."""
    yield from _duties(raw, told)
    yield from _files(raw, told)
    yield from _members(raw, told)
    yield from _runs(raw, told)
    yield from _definitions(raw, told)


def _duties(raw: Any, told: Told) -> Iterator[Fault]:
    stored = {
        (row[0], row[1]): list(row[2:])
        for row in raw.execute("SELECT position, duty, closed, case_id, dispatch, opened_at FROM duty")
    }
    for key in sorted(told.duties.keys() | stored.keys()):
        if told.duties.get(key) != stored.get(key):
            yield Fault("duty", f"the duty {key[1]} differs from what the events say", key[0])


def _files(raw: Any, told: Told) -> Iterator[Fault]:
    """Each dispatch against the events that began it and brought it on."""
    seen = set()
    for row in raw.execute(
        "SELECT id, direction, kind, name, digest, state, prepared_at, sent_at, members FROM dispatch ORDER BY id"
    ):
        number, direction, *named, state, prepared_at, sent_at, members = row
        seen.add(number)
        file = told.files.get(number)
        if file is None:
            yield Fault("dispatch", f"dispatch {number} is not in the log")
            continue
        wrong = [
            column
            for column, value in zip(IN_EVENT, named, strict=True)
            if column in file.says and file.says[column] != value
        ]
        wrong += ["direction"] if direction != file.direction else []
        wrong += ["state"] if state != file.state else []
        wrong += ["prepared_at"] if not _near(prepared_at, file.prepared_at) else []
        wrong += ["sent_at"] if not _near(sent_at, file.sent_at) else []
        wrong += ["members"] if members != file.says.get("members", 0) else []
        if wrong:
            yield Fault("dispatch", f"dispatch {number}: {', '.join(wrong)} not as its events say", file.position)
    for number, file in told.files.items():
        if number not in seen:
            yield Fault("dispatch", f"dispatch {number} has events but no row", file.position)


def _near(stored: int | None, said: int | None) -> bool:
    if stored is None or said is None:
        return stored is said
    return abs(stored - said) <= MOMENT


def _members(raw: Any, told: Told) -> Iterator[Fault]:
    """The members of each dispatch against what was frozen, each place against the event that settled it."""
    filled = set()
    found = raw.execute("SELECT dispatch, case_id, row, version, state FROM dispatch_member ORDER BY 1, 3, 2")
    for number, members in groupby(found, key=itemgetter(0)):
        filled.add(number)
        file = told.files.get(number)
        count, frozen = 0, hashlib.sha256(b"[")
        for _, case, row, version, state in members:
            frozen.update((b"," if count else b"") + canonical([case, row, version]))
            count += 1
            left = "released" if file is not None and file.state in ENDED else "open"
            if told.settled.get((number, case), left) != state:
                message = f"dispatch {number} holds this case as {state}, its events say otherwise"
                yield Fault("dispatch", message, case=case)
        frozen.update(b"]")
        if file is None:
            yield Fault("dispatch", f"dispatch {number} has members, but is not in the log")
        elif count != file.says.get("members", 0):
            said = file.says.get("members", 0)
            yield Fault("dispatch", f"dispatch {number} has {count} members, its event says {said}", file.position)
        elif file.says.get("frozen", frozen.hexdigest()) != frozen.hexdigest():
            yield Fault("dispatch", f"dispatch {number}: its members are not the ones it was made with", file.position)
    for number, file in told.files.items():
        if number not in filled and file.says.get("members", 0) != 0:
            yield Fault("dispatch", f"dispatch {number} has lost all its members", file.position)


def _runs(raw: Any, told: Told) -> Iterator[Fault]:
    """Each bulk run against the events of its beginning, its end and its moves."""
    seen = set()
    for row in raw.execute(
        "SELECT id, command_id, trigger, members, size, cursor, first_position, last_position, stopped, counts "
        "FROM run ORDER BY id"
    ):
        number, command_id, trigger, members, size, *progress = row
        seen.add(number)
        run = told.runs.get(number)
        if run is None and trigger != OPENED:
            yield Fault("run", f"run {number} is not in the log")
            continue
        wrong: list[str] = []
        if run is None:
            wrong += [] if _opened_what_it_says(raw, row) else ["cases opened"]
        else:
            asked = (run.command_id, run.trigger, run.says.get("size"), run.says.get("members"), run.position)
            has = (command_id, trigger, size, hashlib.sha256(members).hexdigest(), progress[1])
            names = ("command_id", "trigger", "size", "members", "first_position")
            wrong += [name for name, a, b in zip(names, asked, has, strict=True) if a != b]
            wrong += _progress(number, run, told, size, progress)
        if wrong:
            message = f"run {number}: {', '.join(wrong)} not as its events say"
            yield Fault("run", message, None if run is None else run.position)
    for number in sorted((told.runs.keys() | told.last.keys()) - seen):
        yield Fault("run", f"run {number} has events but no row", told.last.get(number))


def _progress(number: int, run: BulkRun, told: Told, size: int, progress: list[Any]) -> Iterator[str]:
    cursor, _, last_position, stopped, text = progress
    counts = _counts(text)
    if counts is None or counts.get(MOVED, 0) != told.written[number, MOVED]:
        yield "counts"
        return
    refused = sum(counts.get(result, 0) for result in (REFUSED, "no_such_transition"))
    position, reason, said = run.ended or (0, "", counts)
    if said != counts or refused < told.written[number, REFUSED]:
        yield "counts"
    if cursor != sum(counts.values()) or cursor > size or (reason == "finished" and cursor != size):
        yield "cursor"
    if stopped != reason:
        yield "stopped"
    if last_position < told.last[number] or (run.ended is not None and last_position != position):
        yield "last_position"


def _counts(text: str) -> dict[str, int] | None:
    with suppress(ValueError):
        found = orjson.loads(text)
        if isinstance(found, dict) and all(isinstance(value, int) for value in found.values()):
            return found
    return None


def _opened_what_it_says(raw: Any, row: Any) -> bool:
    """Whether the cases of a run that opened them are those that its command opened, in that place of the log."""
    _, command_id, _, members, size, cursor, first, last, stopped, text = row
    cases = array("q")
    with suppress(ValueError, zlib.error):
        cases.frombytes(zlib.decompress(members))
    opened = [
        case
        for case, kind, command in raw.execute(
            "SELECT case_id, kind, command_id FROM event WHERE position BETWEEN ? AND ? ORDER BY position",
            (first, last),
        )
        if (kind, command) == (OPENED, command_id)
    ]
    return (
        list(cases) == opened
        and len(opened) == last - first + 1 == size == cursor
        and (stopped, _counts(text)) == ("finished", {OPENED: size})
    )


def _definitions(raw: Any, told: Told) -> Iterator[Fault]:
    """Each route that cases were opened on: it is there, and it hashes to its name."""
    kept: dict[str, tuple[str, int]] = {}
    for digest, name, version, body in raw.execute("SELECT hash, name, version, body FROM definition ORDER BY hash"):
        kept[digest] = name, version
        if hashlib.sha256(body).hexdigest() != digest:
            yield Fault("definition", f"the route {name} version {version} is not what its hash says")
    for digest, (position, *called) in told.definitions.items():
        if digest not in kept:
            yield Fault("definition", f"the route {called[0]} version {called[1]} that cases run on is gone", position)
        elif kept[digest] != tuple(called):
            yield Fault("definition", f"the route {called[0]} version {called[1]} is kept under another name", position)
