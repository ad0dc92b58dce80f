"""The register of files: how far each got, who is in it, and whether who was sent and who came back add up."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from states.errors import FileRefused
from states.reports.stuck import unanswered_files
from states.reports.words import FILES
from states.unit_of_work import Glance, Office
from states.vocabulary import COHORT_SHEET
from workflow.event import canonical
from workflow.store.dispatch_log import OPEN_STATES, PREPARED, Dispatch, Member
from workflow.store.queries import Queries
from workflow.working_days import between, day_of, minute

OUT: Final = "out"
Kept = Literal["whole", "changed", "gone", "not kept"]
Place = Literal["open", "answered", "released", "quarantined"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One file in the register; `open`, `answered` and `released` count the places of its learners.

    `adds_up` says that these are all that were written into it, and that none is open in a file that is done with.
    """

    number: int
    name: str
    kind: str
    what: str
    direction: str
    state: str
    prepared: str
    sent: str
    learners: int
    answered: int
    released: int
    open: int
    adds_up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRow:
    """One learner's place in a file, or one answer about nobody.

    `days` are working days that an open one waits, `late` tells that the file was to be sent or answered by now.
    """

    number: int
    file: str
    row: int
    reference: str
    place: Place
    version: int | None
    days: int | None
    late: bool = False
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShown:
    """A file with its learners: `kept` says what became of its bytes, `frozen` whether its list is the one recorded."""

    file: FileRow
    digest: str
    path: str
    kept: Kept
    frozen: bool
    places: tuple[PlaceRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Places in files of ours, and learners, each counted once by the best that came of their places."""

    sent: int
    answered: int
    released: int
    open: int
    learners: int
    came_back: int
    still_waited_for: int
    taken_back: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Files of ours with their sums, who never came back, and answers about nobody we sent."""

    files: tuple[FileRow, ...]
    sums: Sums
    adds_up: bool
    waiting: tuple[PlaceRow, ...]
    quarantine: tuple[PlaceRow, ...]


def listed(office: Office, *, kind: str = "", state: str = "", only_open: bool = False) -> list[FileRow]:
    """The files of a kind or in a state, oldest first; nothing named means all but the sheets of cohorts."""
    with office.look() as look:
        states = OPEN_STATES if only_open else ()
        found = look.dispatches.find(kinds=[kind] if kind else [], states=[state] if state else states)
        found = [d for d in found if kind or d.kind != COHORT_SHEET]
        return _rows(look, [d for d in found if not only_open or d.state in OPEN_STATES])


def shown(office: Office, name: str) -> FileShown:
    """One file by number or name: its learners by reference, and whether its digest and its list still hold.

    Raises NotFound.
    """
    with office.look() as look:
        dispatch = look.find_dispatch(name)
        members = look.dispatches.members(dispatch.id)
        places = tuple(_places(look, dispatch, members, _late(look)))
        if dispatch.direction != OUT:
            places = tuple(_quarantine(look, {dispatch.id}))
        path = office.outbox_folder / dispatch.folder / dispatch.name
        return FileShown(
            file=_rows(look, [dispatch])[0],
            digest=dispatch.digest,
            path=path.as_posix() if dispatch.direction == OUT else "",
            kept=_kept(office, dispatch),
            frozen=_frozen(look, dispatch, members),
            places=places,
        )


def reconcile(office: Office, names: Sequence[str] = ()) -> tuple[Reconciled, Iterator[PlaceRow]]:
    """Who was sent, who came back and who never did, in every file of ours or in those named; raises NotFound.

    With it come all places one by one, in the order of files and rows, quarantined answers last.
    """
    with office.look() as look:
        every = [look.find_dispatch(name) for name in names] or look.dispatches.find()
        ours = [d for d in every if d.direction == OUT]
        rows = _rows(look, ours)
        late = _late(look)
        places = [place for d in ours for place in _places(look, d, look.dispatches.members(d.id), late)]
        quarantine = tuple(_quarantine(look, {d.id for d in every if d.direction != OUT} if names else None))
    sums = _sums(places)
    whole = sums.sent == sums.answered + sums.released + sums.open == sum(row.learners for row in rows)
    found = Reconciled(
        files=tuple(rows),
        sums=sums,
        adds_up=whole and all(row.adds_up for row in rows),
        waiting=tuple(place for place in places if place.place == "open"),
        quarantine=quarantine,
    )
    return found, iter((*places, *quarantine))


def _rows(look: Glance, found: Sequence[Dispatch]) -> list[FileRow]:
    counts = look.dispatches.counts_of([d.id for d in found])
    return [_row(dispatch, counts.get(dispatch.id, {})) for dispatch in found]


def _row(dispatch: Dispatch, counts: Mapping[str, int]) -> FileRow:
    waits = counts.get("open", 0)
    done_with = dispatch.direction == OUT and dispatch.state not in OPEN_STATES
    return FileRow(
        number=dispatch.id,
        name=dispatch.name,
        kind=dispatch.kind,
        what=FILES.get(dispatch.kind, dispatch.kind),
        direction=dispatch.direction,
        state=dispatch.state.replace("_", " "),
        prepared=minute(dispatch.prepared_at),
        sent="" if dispatch.sent_at is None else minute(dispatch.sent_at),
        learners=dispatch.members,
        answered=counts.get("answered", 0),
        released=counts.get("released", 0),
        open=waits,
        adds_up=sum(counts.values()) == dispatch.members and not (done_with and waits),
    )


def _late(look: Glance) -> set[int]:
    """The files that were to be sent or answered by now."""
    return {one.dispatch.id for one, _ in unanswered_files(look)}


def _places(look: Glance, dispatch: Dispatch, members: Sequence[Member], late: Collection[int]) -> Iterator[PlaceRow]:
    names = look.learners.of_cases([m.case for m in members])
    since = dispatch.prepared_at if dispatch.state == PREPARED else dispatch.sent_at or dispatch.prepared_at
    days = max(between(day_of(since), look.office.today(), look.office.policy.closed), 0)
    kinds: dict[str, Place] = {"open": "open", "answered": "answered", "released": "released"}
    for member in members:
        yield PlaceRow(
            number=dispatch.id,
            file=dispatch.name,
            row=member.row,
            reference=names[member.case],
            place=kinds[member.state],
            version=member.version,
            days=days if member.state == "open" else None,
            late=member.state == "open" and dispatch.id in late,
        )


def _quarantine(look: Glance, replies: set[int] | None) -> Iterator[PlaceRow]:
    """The answers kept about nobody we sent: of some replies, or all."""
    for one in look.learners.quarantined():
        if replies is None or one["reply"] in replies:
            file = look.dispatches.get(one["reply"])
            yield PlaceRow(
                number=one["reply"],
                file=file.name if file else "",
                row=one["row"],
                reference=one["reference"],
                place="quarantined",
                version=None,
                days=None,
                code=one["code"],
            )


def _sums(places: Sequence[PlaceRow]) -> Sums:
    counts = {name: sum(place.place == name for place in places) for name in ("answered", "released", "open")}
    best: dict[str, set[str]] = {}
    for place in places:
        best.setdefault(place.reference, set()).add(place.place)
    came = sum("answered" in what for what in best.values())
    waits = sum("answered" not in what and "open" in what for what in best.values())
    return Sums(
        sent=len(places), **counts, learners=len(best), came_back=came, still_waited_for=waits,
        taken_back=len(best) - came - waits,
    )  # fmt: skip


def _kept(office: Office, dispatch: Dispatch) -> Kept:
    """What became of the bytes that were registered: a file that came in is not kept."""
    if dispatch.direction != OUT:
        return "not kept"
    path = office.outbox_folder / dispatch.folder / dispatch.name
    if not path.is_file():
        return "gone"
    try:
        return "whole" if office.plugs.outbox.read_digest(path) == dispatch.digest else "changed"
    except FileRefused:
        return "gone"


def _frozen(look: Glance, dispatch: Dispatch, members: Sequence[Member]) -> bool:
    """Whether the list of learners, rows and versions is the one that was written into the log with the file."""
    if dispatch.direction != OUT:
        return True
    listing = canonical([[m.case, m.row, m.version] for m in sorted(members, key=lambda m: (m.row, m.case))])
    prepared = Queries(look.connection).events(kind="dispatch_prepared", dispatch=dispatch.id)
    return any(event.evidence.get("frozen") == hashlib.sha256(listing).hexdigest() for event in prepared)
