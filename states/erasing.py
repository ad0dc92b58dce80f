"""A learner erased: what stands against it, what is destroyed, which files go, and what the log tells of it.

The personal rows and the learner's key are destroyed in the transaction that tells of it; files of ours follow after
the commit, and the next command removes what a crash left. What was sent outside is only listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

from states import given_out
from states.cohorts import refuse_others
from states.counting import counted
from states.errors import NotPossible, Prevented
from states.given_out import GivenOut, Packs
from states.learner import erasure
from states.learner.erasure import ERASED, HOLD
from states.tally import Tally
from states.telling import mail_file
from states.unit_of_work import Glance, Office, UnitOfWork
from states.vocabulary import DISCLOSED, LAR_CROSS_REFERENCE, LAR_LEARNERS, LRS_KINDS, MESSAGE, REGISTRATION
from workflow import Move, Standing
from workflow.store.dispatch_log import OPEN_STATES, PREPARED, Dispatch, Member
from workflow.store.queries import Queries
from workflow.working_days import day_of

KINDS: Final = (*LRS_KINDS, REGISTRATION, LAR_LEARNERS, LAR_CROSS_REFERENCE, MESSAGE)
TABLES: Final = ("personal", "learner")
LEFT_WITH: Final[Mapping[str, str]] = {
    **dict.fromkeys(LRS_KINDS, "lrs"),
    REGISTRATION: "awarding_body",
    LAR_LEARNERS: "lar_system",
    LAR_CROSS_REFERENCE: "lar_system",
    MESSAGE: "learners_mail",
}
"""Kind of file -> where what it told remains."""

REMAINS: Final = {
    "lrs": "the Learning Records Service holds what was sent to it; it erases by its own rules",
    "awarding_body": "the awarding organisation holds the registration; ask it yourself",
    "lar_system": "the LAR system holds what was sent to it",
    "learners_mail": "messages are in the learner's own mailbox, and perhaps in that of the sender",
    "open_files": "a file of ours that others wait in still holds the learner; repeat the command once it is answered",
    "disclosures": "what was handed out about the learner is with whoever received it; delete copies kept here",
    "doubles": "the same person stands here under another reference too",
    "candidates": "candidates kept for another learner's open decision may be this person; they go when it is made",
    "busy": "another program held the database open, so its write-ahead log could not be emptied; repeat the command",
    "vacuum": "the rows are on the server's disk until it vacuums: its owner runs VACUUM personal, learner",
    "server_wal": "the server's own write-ahead log and its replicas keep the old rows until they are recycled",
    "sheets": "sheets and replies that came in lie where they were saved, in this folder perhaps: delete them there",
    "backups": "backups made before keep them until they expire; one that is restored is erased again when opened",
}
"""What an erasure cannot reach -> in words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the register of erasures: whose key it was by its fingerprint, where the log tells of it, and why."""

    learner: int
    key: str
    position: int
    basis: str
    origin: str
    files: tuple[str, ...] = ()
    """Files of ours to remove, seen from the outbox: a crash after the commit must not leave them."""


class Register(Protocol):
    """Erasures remembered outside the database, so that a backup from before them is not read."""

    def add(self, entries: Sequence[Entry]) -> None:
        """Write them down, on disk when this returns; raises FileRefused."""
        ...

    def read(self) -> list[Entry]:
        """All of them, oldest first, none where nobody was erased; raises FileRefused."""
        ...


class Shelves(Packs, Protocol):
    """Files of ours in which a learner may stand."""

    def sheets(self, folder: Path, reference: str, names: set[str], ulns: set[str], *, beside: set[Path]) -> list[Path]:
        """The sheets of a folder that hold one of the ULNs, or the reference together with a name; not those known."""
        ...

    def rows(self, path: Path) -> int:
        """How many rows a sheet has, its heading too; 0 for one that cannot be looked through."""
        ...

    def remove(self, paths: Sequence[Path], inside: Path) -> int:
        """Remove those that are there and in the folder; returns how many."""
        ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a centre decided: bases of erasure and reasons of holds by code, and years data are kept by final state."""

    bases: Mapping[str, Mapping[str, Any]]
    holds: Mapping[str, Mapping[str, Any]]
    years: int
    by_state: Mapping[str, int]

    def until(self, state: str, since: int) -> date:
        """The first day on which data may go that became final at a moment."""
        day = day_of(since)
        year = day.year + self.by_state.get(state, self.years)
        return date(year, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=year)


@dataclass(frozen=True, slots=True)
class Privacy:
    """What an erasure needs beside the office."""

    keeping: Keeping
    register: Register
    shelves: Shelves


@dataclass(frozen=True, slots=True)
class Against:
    """What stands against an erasure, as code and words, and whether a second person may agree to it all the same."""

    code: str
    words: str
    may_agree: bool = True


@dataclass(slots=True)
class Erased:
    """What was destroyed: rows by kind, files of ours to remove, and the codes of what remains.

    `files` has beside each who else stands in it, in words; `doubles` are references of the same person.
    """

    entry: Entry
    rows: dict[str, int]
    files: dict[Path, str] = field(default_factory=dict)
    packs: list[GivenOut] = field(default_factory=list)
    """Packs with names of the learner; copies of them that lie here are among the files."""
    remains: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    traces: list[bytes] = field(default_factory=list, repr=False)
    """What would give the learner away in leftovers of the database; never written anywhere."""


def own_cases(look: Glance, learner: int) -> list[Standing]:
    """Every case of a learner, oldest first."""
    return list(look.log.load(look.learners.cases([learner]).get(learner, [])).values())


def hold_of(standings: Sequence[Standing]) -> str:
    """The reason code of the hold a learner is under; empty without one."""
    return next((str(s.facts[HOLD]) for s in standings if s.facts.get(HOLD)), "")


def kept_until(standings: Sequence[Standing], keeping: Keeping) -> date:
    """The first day on which the data of a learner whose cases are final may go: the latest of their cases."""
    return max(keeping.until(s.state, s.entered_at) for s in standings)


def known_basis(keeping: Keeping, basis: str) -> Mapping[str, Any]:
    """What is said of a basis; raises NotPossible for one there is not."""
    if basis not in keeping.bases:
        raise NotPossible(f"say on which basis, with --basis: {', '.join(keeping.bases)}")
    return keeping.bases[basis]


def refuse_under_way(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Raise NotPossible while something of the learner is to be done still, whoever asks and approves."""
    final = uow.office.route.final_states()
    if any(s.state not in final for s in standings):
        raise Prevented("this learner is under way: withdraw or close first (ulnflow learner withdraw, or close)")
    cases = [s.case for s in standings]
    if owed := sorted({duty for open_ in uow.log.open_duties(cases).values() for _, duty in open_}):
        raise Prevented(f"something is owed still ({', '.join(owed)}): close it first. See: ulnflow duty list")
    for places in uow.dispatches.waiting(cases, KINDS).values():
        for member, dispatch in places:
            if dispatch.state == PREPARED:
                raise Prevented(
                    f"row {member.row} of {dispatch.name} holds this learner, and it was not sent: reject it first. "
                    f"See: ulnflow dispatch reject {dispatch.name} --reason WHY"
                )


def stands_against(look: Glance, standings: Sequence[Standing], basis: str, keeping: Keeping) -> list[Against]:
    """What stands against erasing a learner whose cases are final: a hold, and time the data are still kept for."""
    found = []
    if code := hold_of(standings):
        words = f"this learner is under a legal hold ({code}) until it is lifted: ulnflow retention lift"
        found.append(Against("under_hold", words))
    due = kept_until(standings, keeping)
    if look.office.today() < due:
        words = f"this learner's data are kept until {due}"
        if known_basis(keeping, basis).get("only_when_due"):
            found.append(Against("inside_retention", f"{words}; before that day name another basis", may_agree=False))
        else:
            found.append(Against("inside_retention", words))
    return found


def erase(uow: UnitOfWork, learner: int, basis: str, privacy: Privacy, *, replayed: int = 0, note: str = "") -> Erased:
    """Destroy a learner's personal values and key, and tell of it; the caller finishes with `complete`.

    Open places in files that were sent are let go. `replayed` is the position the log had once told of it.
    """
    standings = own_cases(uow, learner)
    refuse_others(uow.cohorts, standings)
    reference = uow.learners.references([learner])[learner]
    key = erasure.keys(uow.connection, [learner])[learner]
    ulns, names = erasure.names_of(uow.connection, learner)
    files, numbers, remains = _files(uow, standings)
    files |= _sheets(uow, standings, reference, names, ulns, privacy.shelves)
    doubles = erasure.doubles(uow.connection, learner)
    remains += ["doubles"] if doubles else []
    _leave_files(uow, standings)
    queries = Queries(uow.connection)
    packs = given_out.about(uow, standings, reference, privacy.shelves)
    files |= dict.fromkeys(copies_of(packs), "")
    if packs or any(next(queries.events(case=s.case, trigger=DISCLOSED, limit=1), None) for s in standings):
        remains.append("disclosures")
    if erasure.candidates_elsewhere(uow.connection, learner, ulns):
        remains.append("candidates")
    traces = [*erasure.traces(uow.connection, learner), key]
    rows = erasure.destroy(uow.connection, learner, reference, ulns)
    remains += ["sheets", *(["server_wal"] if uow.connection.kind == "postgresql" else []), "backups"]
    evidence: dict[str, Any] = {
        "basis": basis,
        "cases": [s.case for s in standings],
        "rows": rows,
        "keys": 1,
        "files": numbers,
        "sheets": sum(path.parent.name == "results" for path in files),
        "remains": remains,
        **({"packs": [pack.position for pack in packs]} if packs else {}),
    }
    if note:
        evidence["note"] = note
    if replayed:
        evidence["replayed"] = replayed
    position = uow.work.record(ERASED, evidence=evidence)
    now = uow.work.clock()
    short = {"basis": basis, "erasure": position, **({"replayed": replayed} if replayed else {})}
    uow.work.note(ERASED, [Move(case=s.case, evidence=short, facts={ERASED: now, HOLD: None}) for s in standings])
    papers = tuple(path.relative_to(uow.office.outbox_folder).as_posix() for path in files)
    entry = Entry(learner, erasure.fingerprint(key), position, basis, uow.office.engine.origin, papers)
    return Erased(entry, rows, files, packs, remains, doubles, traces)


def complete(uow: UnitOfWork, done: Sequence[Erased], privacy: Privacy, tally: Tally) -> None:
    """Write erasures down outside the database, the last thing before the commit; the rest follows it."""
    uow.at_the_end.append(lambda: privacy.register.add([one.entry for one in done]))
    follow(uow, done, privacy, tally)


def follow(uow: UnitOfWork, done: Sequence[Erased], privacy: Privacy, tally: Tally) -> None:
    """Once it is committed, remove files of ours and what the database holds in space it does not use."""
    files, traces = [path for one in done for path in one.files], [word for one in done for word in one.traces]
    uow.afterwards.append(lambda: clear(uow.office, privacy, files, tally, traces))


def clear(office: Office, privacy: Privacy, files: Sequence[Path], tally: Tally, traces: Sequence[bytes] = ()) -> None:
    """Remove files of ours, and leave as little as can be of deleted rows in the database's own leftovers."""
    tally.counts["files removed"] += privacy.shelves.remove(files, office.outbox_folder)
    server = office.database.kind == "postgresql"
    if office.database.scrub(TABLES, traces):
        words = "the learners' tables were vacuumed: their old pages are used again by and by"
        tally.notes += [words] if server and words not in tally.notes else []
    else:
        tally.notes += [words for words in in_words(["vacuum" if server else "busy"]) if words not in tally.notes]


def leftover(look: Glance, learner: int, shelves: Shelves) -> tuple[dict[Path, str], list[GivenOut]]:
    """The files of ours, packs too, that hold who was erased and may go: what a crash left, or others waited in."""
    standings = own_cases(look, learner)
    packs = given_out.about(look, standings, look.learners.references([learner])[learner], shelves)
    found = _files(look, standings)[0] | dict.fromkeys(copies_of(packs), "")
    return {path: who for path, who in found.items() if path.is_file()}, [pack for pack in packs if pack.copies]


def copies_of(packs: Sequence[GivenOut]) -> list[Path]:
    """The files of the packs that lie here."""
    return [path for pack in packs for copy in pack.copies for path in copy.files]


def given_in_words(packs: Sequence[GivenOut], word: str) -> list[str]:
    """What becomes of packs with names, a sentence each: a copy that lies here is removed, or `word` says otherwise."""
    told = []
    for pack in packs:
        whose = f"the pack with names that entry {pack.position} tells of" + (f" (for {pack.to})" if pack.to else "")
        also = f"; it names {counted(pack.others, 'other learner')} as well" if pack.others else ""
        told += [f"{word}: outbox/packs/{copy.name}, {whose}{also}" for copy in pack.copies]
        told += [] if pack.copies else [f"what remains: {whose} is not in outbox/packs, but where it was given"]
    return told


def in_words(remains: Sequence[str], doubles: Sequence[str] = ()) -> list[str]:
    """What an erasure could not reach, a sentence each."""
    return [
        f"what remains: {told_of_doubles(doubles) if code == 'doubles' else REMAINS[code]}"
        for code in dict.fromkeys(remains)
    ]


def told_of_doubles(doubles: Sequence[str]) -> str:
    """That the same person stands here under other references, which hold their details still."""
    return f"the same person stands here as {', '.join(doubles)} too: erase it as well"


def foreseen(look: Glance, learner: int, shelves: Shelves) -> list[str]:
    """What whoever agrees to an erasure should know: files with others in them that go, and the same person beside."""
    standings = own_cases(look, learner)
    reference = look.learners.references([learner])[learner]
    ulns, names = erasure.names_of(look.connection, learner)
    files = _files(look, standings)[0] | _sheets(look, standings, reference, names, ulns, shelves)
    told = [f"{path.name} goes: {who}" for path, who in files.items() if who and path.is_file()]
    doubles = erasure.doubles(look.connection, learner)
    return told + ([told_of_doubles(doubles)] if doubles else [])


def _files(look: Glance, standings: Sequence[Standing]) -> tuple[dict[Path, str], list[int], list[str]]:
    """Files of ours that hold a learner and may go with who else stands in them, their numbers, and what remains where.

    A file goes when nobody else waits in it any more: its digest stays in the register and in the log.
    """
    holding = look.dispatches.holding([s.case for s in standings], KINDS)
    paths: dict[Path, str] = {}
    numbers: list[int] = []
    remains: dict[str, None] = {}
    for case, places in holding.items():
        for member, dispatch in places:
            if dispatch.sent_at is not None or dispatch.kind == MESSAGE:
                remains[LEFT_WITH[dispatch.kind]] = None
            found, kept = _papers(look, case, member, dispatch)
            if kept:
                remains["open_files"] = None
            numbers += [dispatch.id] if found else []
            paths |= found
    return paths, sorted(set(numbers)), list(remains)


def _papers(look: Glance, case: int, member: Member, dispatch: Dispatch) -> tuple[dict[Path, str], bool]:
    """What may go of one file, and whether more stays: what others wait in still, but never the learner's own mail."""
    folder = look.office.outbox_folder / dispatch.folder
    mail = sorted(folder.glob(f"*{mail_file(dispatch.id, case)}")) if dispatch.kind == MESSAGE else []
    own = dict.fromkeys(mail, "")
    waiting = look.dispatches.counts(dispatch.id).get("open", 0) - (member.state == "open")
    if dispatch.state in OPEN_STATES and waiting:
        return own, True
    number = sum(look.dispatches.counts(dispatch.id).values()) - 1
    others = f"{number} other {'learner stands' if number == 1 else 'learners stand'} in it" if number else ""
    if dispatch.kind == MESSAGE:
        return own | dict.fromkeys(sorted(folder.glob(f"*D{dispatch.id}-letters.*")), others), False
    return {folder / dispatch.name: others}, False


def _sheets(
    look: Glance, standings: Sequence[Standing], reference: str, names: set[str], ulns: set[str], shelves: Shelves
) -> dict[Path, str]:
    """Sheets for people that hold a learner, with how many further rows they have."""
    known = _sheets_of_imports(look, standings)
    folder = look.office.outbox_folder / "results"
    known += shelves.sheets(folder, reference, names, ulns, beside=set(known))
    further = {path: shelves.rows(path) - 2 for path in known}
    return {
        path: f"{number} further {'row stands' if number == 1 else 'rows stand'} in it" if number > 0 else ""
        for path, number in further.items()
    }


def _sheets_of_imports(look: Glance, standings: Sequence[Standing]) -> list[Path]:
    """The sheets that went back to whoever imported the learner, by the command that wrote them."""
    queries = Queries(look.connection)
    commands = {e.command_id[:8] for s in standings for e in queries.events(case=s.case) if e.dispatch is not None}
    folder = look.office.outbox_folder / "results"
    return [path for path in sorted(folder.glob("*")) if path.stem.rpartition("-")[2] in commands]


def _leave_files(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Let go of places that wait for an answer still, which nobody could use any more."""
    for case, places in uow.dispatches.waiting([s.case for s in standings], KINDS).items():
        for _, dispatch in places:
            uow.work.note("recalled", [Move(case=case, dispatch=dispatch.id, reason=ERASED, settles="released")])
            fresh = uow.dispatches.get(dispatch.id)
            if fresh is not None:
                uow.settle(fresh)
