"""A learner erased at the end of their time or at their wish, and erased again in a backup from before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from states import approval, erasing
from states.approval import Request
from states.cohorts import refuse_others
from states.erasing import Against, Entry, Erased, Privacy
from states.errors import NotFound, NotPossible, Prevented
from states.given_out import GivenOut
from states.learner import erasure
from states.learner.erasure import ERASED
from states.tally import Tally
from states.unit_of_work import Glance, Office, UnitOfWork
from workflow import Act, Move, Standing
from workflow.errors import NotAllowed, StoreError
from workflow.store.connection import Connection
from workflow.working_days import day_of

DEED: Final = "erase_learner"
NO_WAY_BACK: Final = "this cannot be undone"


def erase_learner(
    office: Office,
    act: Act,
    reference: str,
    basis: str,
    privacy: Privacy,
    *,
    note: str = "",
    ask: bool = False,
    sure: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Destroy a learner's personal values and key for good, where somebody is `sure`; a second time changes nothing.

    Under a legal hold and inside the time of retention it is refused; with `ask` a second person may agree to it all
    the same. A dry run shows what would go, whatever stands against it. Raises NotFound and NotPossible.
    """
    erasing.known_basis(privacy.keeping, basis)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        learner = _learner(uow, reference)
        standings = erasing.own_cases(uow, learner)
        refuse_others(uow.cohorts, standings)
        if erasure.erased_among(uow.connection, [learner]):
            _again(uow, learner, standings, privacy, tally)
            return tally
        erasing.refuse_under_way(uow, standings)
        against = erasing.stands_against(uow, standings, basis, privacy.keeping)
        tally.notes += [f"against it: {one.words}" for one in against]
        waits = False
        if against and ask and all(one.may_agree for one in against):
            arguments = {"case": standings[0].case, "basis": basis, **({"note": note} if note else {})}
            waits = approval.waits(uow, DEED, arguments, "", tally, why=against[0].code)
        elif against:
            _refuse(against, tally, dry_run=dry_run)
        if waits and not dry_run:
            return tally
        if not (sure or dry_run):
            raise NotPossible(f"{NO_WAY_BACK}: look with --dry-run, then repeat with --yes")
        tally.notes += [NO_WAY_BACK] if dry_run else []
        if not (waits or tally.counts["refused"]):
            tally.counts["learners erased"] = 1
            tally.next.append("ulnflow audit verify")
        _erase(uow, learner, basis, privacy, tally, note=note, dry_run=dry_run)
    return tally


def _refuse(against: Sequence[Against], tally: Tally, *, dry_run: bool) -> None:
    """Raise NotPossible for what stands against an erasure; a dry run counts it, and goes on to show what would go."""
    to_ask = "To ask a second person to agree to it all the same, add --ask"
    may_agree = all(one.may_agree for one in against)
    if not dry_run:
        words = "; ".join(one.words for one in against)
        raise Prevented(f"{words}. {to_ask}" if may_agree else words)
    tally.counts["refused"] = 1
    tally.notes += [to_ask[0].lower() + to_ask[1:]] if may_agree else []


def warning(look: Glance, request: Request, privacy: Privacy) -> str:
    """What an erasure that was asked for overrides as things stand, what goes with it, and that it is for good."""
    said, learner = request.arguments, _asked_about(look, request)
    standings = erasing.own_cases(look, learner)
    erasure.refuse_erased(standings, look.learners.references([learner]))
    final = look.office.route.final_states()
    ended = all(s.state in final for s in standings)
    against = erasing.stands_against(look, standings, str(said["basis"]), privacy.keeping) if ended else []
    overrides = [f"overrides that {one.words}" for one in against]
    return "; ".join([*overrides, *erasing.foreseen(look, learner, privacy.shelves), NO_WAY_BACK])


def _asked_about(look: Glance, request: Request) -> int:
    return next(s.subject for s in look.log.load([int(request.arguments["case"])]).values())


def erase_as_asked(uow: UnitOfWork, request: Request, privacy: Privacy) -> Tally:
    """Erase whom a request names; raises NotPossible where they are under way again, or erased already."""
    said, tally = request.arguments, Tally(next=["ulnflow audit verify"])
    learner = _asked_about(uow, request)
    standings = erasing.own_cases(uow, learner)
    erasure.refuse_erased(standings, uow.learners.references([learner]))
    erasing.refuse_under_way(uow, standings)
    tally.notes.append(warning(uow, request, privacy))
    tally.counts["learners erased"] = 1
    _erase(uow, learner, str(said["basis"]), privacy, tally, note=str(said.get("note", "")), dry_run=False)
    return tally


def _learner(uow: UnitOfWork, reference: str) -> int:
    """Whom a reference means; who is not known is not told of either."""
    try:
        return uow.find_case(reference, erased=True).subject
    except NotFound:
        raise NotFound("nothing was erased: no learner can be erased by what was typed") from None


def _erase(
    uow: UnitOfWork, learner: int, basis: str, privacy: Privacy, tally: Tally, *, note: str, dry_run: bool
) -> None:
    done = erasing.erase(uow, learner, basis, privacy, note=note)
    would = "would be " if dry_run else ""
    tally.notes += [f"{would}destroyed: {number} x {kind}" for kind, number in done.rows.items()]
    tally.notes.append(f"{would}destroyed: the key that commitments about this learner were made with")
    _name(uow.office, done.files, done.packs, tally, f"{would}removed")
    tally.notes += erasing.in_words(done.remains, done.doubles)
    erasing.complete(uow, [done], privacy, tally)


def _again(uow: UnitOfWork, learner: int, standings: Sequence[Standing], privacy: Privacy, tally: Tally) -> None:
    """Who was erased before: nothing is changed but that files go which had to stay, and the leftovers are cleared."""
    when = max(int(s.facts.get(ERASED, 0)) for s in standings)
    tally.notes.append(f"erased before, on {day_of(when)}: nothing was changed")
    files, packs = erasing.leftover(uow, learner, privacy.shelves)
    _name(uow.office, files, packs, tally, "removed")
    uow.afterwards.append(lambda: erasing.clear(uow.office, privacy, list(files), tally))


def _name(office: Office, files: Mapping[Path, str], packs: Sequence[GivenOut], tally: Tally, word: str) -> None:
    tally.notes += erasing.given_in_words(packs, word)
    named = set(erasing.copies_of(packs))
    for path, who in files.items():
        if path.is_file() and path not in named:
            name = path.relative_to(office.outbox_folder).as_posix()
            tally.notes.append(f"{word}: outbox/{name}" + (f" ({who})" if who else ""))


def replay(office: Office, act: Act, privacy: Privacy) -> int:
    """Erase again whom this database holds though the register says they were erased: a backup was restored.

    Returns how many; costs reading the register once, and one row where there are none. Raises StoreError for who
    opens such a database and may not write.
    """
    entries = privacy.register.read()
    if not entries:
        return 0
    number = 0 if _is_done(office, entries[-1]) else _erase_all_again(office, act, privacy, entries)
    _remove_what_was_left(office, privacy, entries)
    return number


def _remove_what_was_left(office: Office, privacy: Privacy, entries: Sequence[Entry]) -> None:
    """Files that an erasure was to remove, and a crash behind its commit left."""
    papers = {office.outbox_folder / name for entry in entries for name in entry.files}
    if left := sorted(path for path in papers if path.is_file()):
        erasing.clear(office, privacy, left, Tally())


def _erase_all_again(office: Office, act: Act, privacy: Privacy, entries: Sequence[Entry]) -> int:
    with office.look() as look:
        again = brought_back(look.connection, entries)
    if not again:
        return 0
    try:
        with office.begin(act) as uow:
            done = [_erase_again(uow, entry, privacy) for entry in again]
            erasing.follow(uow, done, privacy, Tally())
    except NotAllowed:
        raise StoreError(
            "this database is older than erasures that were made since: nothing of it is shown before somebody who "
            "may write has opened it"
        ) from None
    return len(again)


def brought_back(connection: Connection, entries: Sequence[Entry]) -> list[Entry]:
    """Whom this database holds though these entries of the register say they were erased."""
    last = {(entry.learner, entry.key): entry for entry in entries}
    keys = erasure.keys(connection, {learner for learner, _ in last})
    return [e for e in last.values() if _alive(keys.get(e.learner, erasure.GONE), e)]


def _is_done(office: Office, entry: Entry) -> bool:
    with office.look() as look:
        return erasure.keys(look.connection, [entry.learner]).get(entry.learner) == erasure.GONE


def _alive(key: bytes, entry: Entry) -> bool:
    return key != erasure.GONE and erasure.fingerprint(key) == entry.key


def _erase_again(uow: UnitOfWork, entry: Entry, privacy: Privacy) -> Erased:
    """In an older database the learner may be under way; they left since."""
    final = uow.office.route.final_states()
    standings = erasing.own_cases(uow, entry.learner)
    uow.fire("withdraw", [Move(case=s.case, reason=ERASED) for s in standings if s.state not in final])
    return erasing.erase(uow, entry.learner, entry.basis, privacy, replayed=entry.position)
