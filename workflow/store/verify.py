"""Reads the whole log again and says, in words, where it is not what it should be."""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from workflow.event import CORRECTED, LARGEST, canonical, is_plain, is_written_so, leaf_hash, record_of, shaped
from workflow.route import Route
from workflow.seal.grown import Growing, growing
from workflow.store import guards
from workflow.store.connection import Connection
from workflow.store.fault import Fault
from workflow.store.seals import Seals, Signers
from workflow.store.verify_cases import LEAF, Cases, standings
from workflow.store.verify_frames import Frame, frame_of
from workflow.store.verify_rows import guarded, rows
from workflow.store.verify_seals import Outside, kept, sealed
from workflow.store.verify_told import Told

COPIES: Final = (
    ("position", "position"), ("case_id", "case"), ("sequence", "sequence"), ("kind", "kind"),
    ("trigger", "trigger"), ("source", "source"), ("target", "target"), ("occurred_at", "occurred_at"),
    ("recorded_at", "recorded_at"), ("actor", "actor"), ("dispatch", "dispatch"), ("command_id", "command_id"),
    ("run", "run"),
)  # fmt: skip
"""The columns that copy a key of the body, in the order in which a difference is told."""

KEYS: Final = tuple(key for _, key in COPIES)
NUMBER, TEXT, NONE = int, str, type(None)
READ: Final[Mapping[str, set[type]]] = {
    "kind": {TEXT}, "trigger": {TEXT, NONE}, "source": {TEXT, NONE}, "target": {TEXT, NONE}, "actor": {TEXT},
    "dispatch": {NUMBER, NONE}, "run": {NUMBER, NONE}, "position": {NUMBER}, "case_id": {NUMBER, NONE},
    "sequence": {NUMBER, NONE}, "occurred_at": {NUMBER}, "recorded_at": {NUMBER}, "command_id": {TEXT},
    "body": {bytes}, "leaf": {bytes},
}  # fmt: skip
"""The columns in the order in which they are read, and the types they have; what many events share comes first."""

SHARED: Final = slice(0, 7)
KIND, RUN = 0, 6
IN_ORDER: Final = itemgetter(*(list(READ).index(column) for column, _ in COPIES))
FEW: Final = 64
"""Rows taken at once: what they hold stays near the processor."""

FRAMES: Final = 10_000
"""How many to remember: one for each arrow, actor, file and bulk run of late."""


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying found: size and root of the log, faults (none when it holds), and notes that are no faults.

    `sealed` is the size of the last checkpoint: what came behind it can be cut off without a trace. `held_against` are
    the checkpoints kept elsewhere, by what they are called.
    """

    origin: str
    size: int
    root: bytes
    sealed: int
    cases: int
    faults: tuple[Fault, ...]
    notes: tuple[Fault, ...]
    held_against: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the log is what it should be."""
        return not self.faults

    @property
    def unsealed(self) -> int:
        """How many events came behind the last checkpoint."""
        return max(self.size - self.sealed, 0)


def verify(
    connection: Connection,
    origin: str,
    routes: Mapping[tuple[str, int], Route],
    progress: Callable[[int], None] = lambda _done: None,
    *,
    outside: Sequence[Outside] = (),
) -> Report:
    """Check guards, positions, bytes, leaves, copies, chains and checkpoints, then every projection against its events.

    `outside` are checkpoints kept elsewhere. Reads the log once, and keeps some 100 bytes a case. Raises nothing for a
    bad log: it reports.
    """
    try:
        return _verify(connection, origin, routes, progress, outside)
    except Exception as wrong:
        if not connection.forgives(wrong):
            raise
        return _verify(connection, origin, routes, progress, outside)


def _verify(
    connection: Connection,
    origin: str,
    routes: Mapping[tuple[str, int], Route],
    progress: Callable[[int], None],
    outside: Sequence[Outside],
) -> Report:
    faults = [Fault(*told) for told in guards.missing(connection)]
    seals = Seals(connection)
    sizes = seals.sizes()
    last = max(sizes, default=0)
    wanted = [*sizes, *(one.told.size for one in outside)]
    with growing(wanted, seals.length(), seals.leaves) as grown:
        reading = Reading(origin, grown)
        reading.read(connection.stream(f"SELECT {', '.join(READ)} FROM event ORDER BY position"), progress)
        roots = grown.end()
    faults += reading.faults
    size, cases, told = reading.size, len(reading.cases), reading.told
    faults += kept(last, told.named)
    faults += guarded("seal", sealed(seals.each(), outside, roots, origin, Signers(told.keys), reading.faults))
    faults += guarded("projection", standings(connection, routes, reading.cases))
    notes = tuple(reading.notes)
    del reading  # the rows are next, and need the room
    faults += rows(connection, told)
    held_against = tuple(one.name for one in outside)
    return Report(origin, size, roots.root, last, cases, tuple(faults), notes, held_against)


class Reading:
    """The log, read once from its first event to its last."""

    def __init__(self, origin: str, grown: Growing) -> None:
        self.grown = grown
        self.origin, self.size, self.recorded_at = origin, 0, 0
        self.cases, self.told = Cases(), Told()
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self._frames: dict[tuple[Any, ...], Frame] = {}
        self._looks: dict[tuple[Any, ...], int] = {}
        self._typed: set[tuple[type, ...]] = set()

    def read(self, rows: Iterable[Any], progress: Callable[[int], None]) -> None:  # noqa: C901, PLR0912 - flat on purpose
        """Check every event and gather what they add up to.

        Written flat, for here a verification spends its time: an event that is one more of a frame, follows the one
        before it in its case and is good in every respect is taken at once; `_look` takes all the rest.
        """
        cases, frames, told = self.cases, self._frames, self.told
        sequences, leaves, learn = cases.sequences, cases.leaves, cases.learn
        states, entered, occurred = cases.states, cases.entered, cases.occurred
        size, latest, command, written = self.size, self.recorded_at, None, None
        shared: tuple[Any, ...] = ()
        frame, in_a_row, coming = None, 0, iter(rows)
        while page := list(islice(coming, FEW)):
            for row in page:
                if row[SHARED] != shared:
                    self._count(shared, in_a_row, size)
                    shared, in_a_row = row[SHARED], 0
                    frame = frames.get(shared)
                kind, _, _, _, _, dispatch, _, position, case, sequence, at, recorded_at, by, body, leaf = row
                if by != command:
                    command, written = by, _written(by)
                try:
                    if (
                        frame is not None
                        and position == size + 1
                        and recorded_at >= latest
                        and 0 < position | case | sequence | at | recorded_at <= LARGEST
                    ):
                        if not frame.linked:
                            if self._opens(frame, row, written):
                                size, latest = position, recorded_at
                                continue
                        elif 1 < sequence == sequences[case] + 1:
                            place = case * LEAF
                            prev = hexlify(leaves[place : place + LEAF])
                            holes = case, written, at, position, prev, recorded_at, sequence
                            same = frame.form % holes == body or frame.reads(holes, body, dispatch)
                            if same and sha256(b"\0" + body).digest() == leaf:
                                sequences[case] = sequence
                                leaves[place : place + LEAF] = leaf
                                if state := frame.state:
                                    if states[case] != state:
                                        states[case], entered[case] = state, at
                                    if occurred[case] < at:  # noqa: PLR1730 - `max` takes longer
                                        occurred[case] = at
                                if frame.facts:
                                    learn(case, frame.facts)
                                if frame.says is not None:
                                    told.take(frame.says, position, kind, case, dispatch, recorded_at)
                                size, latest, in_a_row = position, recorded_at, in_a_row + 1
                                continue
                except (TypeError, IndexError):  # somebody made a column hold other things than it should
                    pass
                self._count(shared, in_a_row, size)
                self.size, self.recorded_at, in_a_row = size, latest, 0
                self._look(row)
                size, latest, frame = self.size, self.recorded_at, frames.get(shared)
            self.grown.take([row[-1] for row in page])
            progress(len(page))
        self._count(shared, in_a_row, size)
        self.size, self.recorded_at = size, latest

    def _count(self, shared: Any, events: int, last: int) -> None:
        """Add events in a row to the bulk run that wrote them, if one did."""
        if events and (run := shared[RUN]) is not None:
            self.told.written[run, shared[KIND]] += events
            self.told.last[run] = last

    def _opens(self, frame: Frame, row: Any, written: bytes | None) -> bool:
        """Take the first event of a case when it is one more of a frame and good otherwise: its place and times are."""
        _, _, _, _, _, dispatch, run, position, case, sequence, at, recorded_at, _, body, leaf = row
        if sequence != 1 or case in self.cases or run is not None or frame.says is not None:
            return False
        if not frame.reads((case, written, at, position, recorded_at, sequence), body, dispatch):
            return False
        return leaf_hash(body) == leaf and self.cases.open(case, leaf, frame.route, frame.state, at, frame.facts)

    def _look(self, row: Any) -> None:
        """Read the body of an event, find what is wrong with it, and take it."""
        if not self._is_typed(row):
            return
        kind, _, _, _, _, dispatch, run, position, case, sequence, _, recorded_at, _, body, leaf = row
        record, says = _read(body)
        if says:
            self.told.take(says, position, kind, case, dispatch, recorded_at)
            if run is not None:
                self.told.take_run(says, position, kind, run)
        missing = self._missing(position)
        broken = _bytes_fault(position, record, body, leaf, self.origin) or _copy_fault(record, row)
        out_of_line = None
        if case is not None:
            out_of_line = self._chain_fault(position, case, sequence, record)
            if broken or out_of_line:
                self.cases.set_aside(case, sequence or 0, leaf)
            else:
                self.cases.take(says, case, sequence, leaf)
                self._learn(row[SHARED], record, says)
        elif not broken and (kind == CORRECTED or "voids" in record):
            broken = Fault("correction", "corrects something, but is about no case", position)
        if fault := missing or broken or out_of_line:
            self.faults.append(fault)
        if recorded_at < self.recorded_at:
            message = "was recorded earlier than the event before it: the clock was set back"
            self.notes.append(Fault("clock", message, position))
        self.recorded_at = recorded_at

    def _is_typed(self, row: Any) -> bool:
        """Whether every column holds what it should; if not, that is told, and nothing more of the event."""
        types = tuple(map(type, row))
        if types in self._typed:
            return True
        for (column, allowed), found in zip(READ.items(), types, strict=True):
            if found not in allowed:
                self.size += 1
                self.faults.append(Fault("copy", f"column {column} differs from body", self.size))
                return False
        self._typed.add(types)
        return True

    def _missing(self, position: int) -> Fault | None:
        expected, self.size = self.size + 1, position
        if position == expected:
            return None
        return Fault("gap", f"position {expected} is missing: the next event is {position}", expected)

    def _chain_fault(self, position: int, case: int, place: int | None, record: Mapping[str, Any]) -> Fault | None:
        """Whether an event follows the one before it in its case, by the columns; the body itself is judged apart."""
        sequence, last = self.cases.last(case)
        if place != sequence + 1:
            return Fault("sequence", f"place {sequence + 1} of case {case} is missing", position, case)
        if record and record.get("prev", "") != last.hex():
            return Fault("chain", f"does not follow the event before it in case {case}", position, case)
        return None

    def _learn(self, shared: tuple[Any, ...], record: dict[str, Any], says: Mapping[str, Any]) -> None:
        """Make a frame of a good event, rarely where earlier ones did not fit."""
        if len(self._looks) > FRAMES:
            self._looks.clear()
            self._frames.clear()
        if "voids" in record:
            return
        looks = self._looks[shared] = self._looks.get(shared, 0) + 1
        if looks > 1 and looks & (looks - 1) == 0 and (frame := frame_of(record, says, self.cases.words)):
            self._frames[shared] = frame


def _written(command: object) -> bytes | None:
    """A command id as bodies have it; None when it cannot stand in one."""
    return canonical(command) if isinstance(command, str) and is_plain(command) else None


def _read(body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the bytes say, as it stands and shaped; empty tables when they are no event of a known schema."""
    try:
        record = record_of(body)
        return record, shaped(record)
    except ValueError:
        return {}, {}


def _bytes_fault(position: int, record: dict[str, Any], body: bytes, leaf: bytes, origin: str) -> Fault | None:
    if leaf_hash(body) != leaf:
        return Fault("leaf", "leaf differs: the body or its hash was changed", position)
    if not record:
        return Fault("body", "body is no event of a known schema", position)
    if not is_written_so(record, body):
        return Fault("canonical", "body is not written in the canonical form", position)
    if record["origin"] != origin:
        return Fault("origin", "comes from another log", position)
    return None


def _copy_fault(record: Mapping[str, Any], row: Any) -> Fault | None:
    copies = IN_ORDER(row)
    if tuple(map(record.get, KEYS)) == copies:
        return None
    wrong = next(column for (column, key), copy in zip(COPIES, copies, strict=True) if record.get(key) != copy)
    moved = f": it is event {record.get('position')}, exchanged or renumbered" if wrong == "position" else ""
    return Fault("copy", f"column {wrong} differs from body{moved}", copies[0])
