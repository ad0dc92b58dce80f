"""Rows against the events they are projected from: duties, dispatches and their members, bulk runs, definitions."""

from __future__ import annotations

import hashlib
import zlib
from array import array
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import orjson

from workflow.event import MOVED, OPENED, REFUSED, canonical
from workflow.store.connection import Connection
from workflow.store.fault import Fault
from workflow.store.verify_told import ENDED, BulkRun, Told

IN_EVENT: Final = ("kind", "name", "digest")
MOMENT: Final = 60_000_000
"""Microseconds by which the time in a dispatch may differ from its event's: the clock is read once for each."""


def rows(raw: Connection, told: Told) -> Iterator[Fault]:
    """Every row of these tables that is not what the events say, and every one that is missing or made up."""
    yield from guarded("duty", _duties(raw, told))
    yield from guarded("dispatch", _files(raw, told))
    yield from guarded("dispatch", _members(raw, told))
    yield from guarded("run", _runs(raw, told))
    yield from guarded("definition", _definitions(raw, told))


def guarded(kind: str, faults: Iterator[Fault]) -> Iterator[Fault]:
    """The same faults, and one for a table that somebody made hold other types than ours."""
    try:
        yield from faults
    except (TypeError, ValueError, ArithmeticError):
        yield Fault(kind, "a table holds what no command can have written")


def _duties(raw: Connection, told: Told) -> Iterator[Fault]:
    stored = raw.stream("SELECT position, duty, closed, case_id, dispatch, opened_at FROM duty ORDER BY position, duty")
    said = iter(told.duties)
    next_said = next(said, None)
    for position, duty, *numbers in stored:
        key = position, duty
        while next_said is not None and next_said[0] < key:
            yield _duty_fault(next_said[0])
            next_said = next(said, None)
        if next_said is None or next_said != (key, numbers):
            yield _duty_fault(key)
        if next_said is not None and next_said[0] == key:
            next_said = next(said, None)
    if next_said is not None:
        yield _duty_fault(next_said[0])
    yield from (_duty_fault(key) for key, _ in said)


def _duty_fault(key: tuple[int, str]) -> Fault:
    return Fault("duty", f"the duty {key[1]} differs from what the events say", key[0])


def _files(raw: Connection, told: Told) -> Iterator[Fault]:
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


def _members(raw: Connection, told: Told) -> Iterator[Fault]:
    """The members of each dispatch against what was frozen, each place against the event that settled it."""
    filled = set()
    found = raw.stream("SELECT dispatch, case_id, row, version, state FROM dispatch_member ORDER BY 1, 3, 2")
    for number, members in groupby(found, key=itemgetter(0)):
        filled.add(number)
        file = told.files.get(number)
        left = "released" if file is not None and file.state in ENDED else "open"
        settled = told.settled.of(number)
        count, frozen = 0, hashlib.sha256(b"[")
        for _, case, row, version, state in members:
            frozen.update((b"," if count else b"") + canonical([case, row, version]))
            count += 1
            if settled.get(case, left) != state:
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


def _runs(raw: Connection, told: Told) -> Iterator[Fault]:
    """Each bulk run against the events of its beginning, its end and its moves."""
    seen = set()
    for row in raw.stream(
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


def _opened_what_it_says(raw: Connection, row: Any) -> bool:
    """Whether the cases of a run that opened them are those that its command opened, in that place of the log."""
    _, command_id, _, members, size, cursor, first, last, stopped, text = row
    opened = array("q")
    for case, kind, command in raw.stream(
        "SELECT case_id, kind, command_id FROM event WHERE position BETWEEN ? AND ? AND case_id IS NOT NULL "
        "ORDER BY position",
        (first, last),
    ):
        if (kind, command) == (OPENED, command_id):
            opened.append(case)
    packed = b""
    with suppress(zlib.error):
        packed = zlib.decompressobj().decompress(members, len(opened) * opened.itemsize + 1)  # no bomb goes off
    return (
        packed == opened.tobytes()
        and len(opened) == last - first + 1 == size == cursor
        and (stopped, _counts(text)) == ("finished", {OPENED: size})
    )


def _definitions(raw: Connection, told: Told) -> Iterator[Fault]:
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
