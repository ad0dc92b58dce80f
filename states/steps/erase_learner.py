"""A learner erased at the end of their time or at their wish, and erased again in a backup from before it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from states import approval, erasing
from states.approval import Request
from states.cohorts import refuse_others
from states.erasing import Entry, Erased, Privacy
from states.errors import NotFound, NotPossible
from states.learner import erasure
from states.learner.erasure import ERASED
from states.tally import Tally
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Move, Standing
from workflow.errors import NotAllowed, StoreError
from workflow.working_days import day_of

DEED: Final = "erase_learner"


def erase_learner(
    office: Office,
    act: Act,
    reference: str,
    basis: str,
    privacy: Privacy,
    *,
    note: str = "",
    ask: bool = False,
    dry_run: bool = False,
) -> Tally:
    """Destroy a learner's personal values and key for good; a second time changes nothing.

    Under a legal hold and inside the time of retention it is refused; with `ask` a second person may agree to it all
    the same. Raises NotFound and NotPossible.
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
        if objection := erasing.needs_approval(uow, standings, basis, privacy.keeping):
            code, words = objection
            if not ask:
                raise NotPossible(f"{words}. To ask a second person to agree to it all the same, add --ask")
            arguments = {"case": standings[0].case, "basis": basis, **({"note": note} if note else {})}
            if approval.waits(uow, DEED, arguments, "", tally, why=code):
                tally.notes.append(words)
                return tally
        tally.next.append("ulnflow audit verify")
        _erase(uow, learner, basis, privacy, tally, note=note, dry_run=dry_run)
    return tally


def erase_as_asked(uow: UnitOfWork, request: Request, privacy: Privacy) -> Tally:
    """Erase whom a request names; raises NotPossible where they are under way again, or erased already."""
    said, tally = request.arguments, Tally(next=["ulnflow audit verify"])
    learner = next(s.subject for s in uow.log.load([int(said["case"])]).values())
    standings = erasing.own_cases(uow, learner)
    erasure.refuse_erased(standings)
    erasing.refuse_under_way(uow, standings)
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
    tally.counts["learners erased"] = 1
    tally.notes += [f"destroyed: {number} x {kind}" for kind, number in done.rows.items()]
    tally.notes.append("destroyed: the key that commitments about this learner were made with")
    _name(uow.office, done.files, tally, "would be removed" if dry_run else "removed")
    tally.notes += erasing.in_words(done.remains)
    erasing.complete(uow, [done], privacy, tally)


def _again(uow: UnitOfWork, learner: int, standings: Sequence[Standing], privacy: Privacy, tally: Tally) -> None:
    """Who was erased before: nothing is changed but that files go which had to stay, and the leftovers are cleared."""
    when = max(int(s.facts.get(ERASED, 0)) for s in standings)
    tally.notes.append(f"erased before, on {day_of(when)}: nothing was changed")
    files = erasing.leftover(uow, learner)
    _name(uow.office, files, tally, "removed")
    uow.afterwards.append(lambda: erasing.clear(uow.office, privacy, files, tally))


def _name(office: Office, files: Sequence[Path], tally: Tally, word: str) -> None:
    for path in files:
        if path.is_file():
            tally.notes.append(f"{word}: outbox/{path.relative_to(office.outbox_folder).as_posix()}")


def replay(office: Office, act: Act, privacy: Privacy) -> int:
    """Erase again whom this database holds though the register says they were erased: a backup was restored.

    Returns how many; costs one line of the register and one row where there are none. Raises StoreError for who
    opens such a database and may not write.
    """
    last = privacy.register.last()
    if last is None:
        return 0
    number = 0 if _is_done(office, last) else _erase_all_again(office, act, privacy)
    _remove_what_was_left(office, privacy)
    return number


def _remove_what_was_left(office: Office, privacy: Privacy) -> None:
    """Files that an erasure was to remove, and a crash behind its commit left."""
    papers = {office.outbox_folder / name for entry in privacy.register.read() for name in entry.files}
    if left := sorted(path for path in papers if path.is_file()):
        erasing.clear(office, privacy, left, Tally())


def _erase_all_again(office: Office, act: Act, privacy: Privacy) -> int:
    entries = {(entry.learner, entry.key): entry for entry in privacy.register.read()}
    with office.look() as look:
        keys = erasure.keys(look.connection, {learner for learner, _ in entries})
    again = [e for e in entries.values() if _alive(keys.get(e.learner, erasure.GONE), e)]
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
