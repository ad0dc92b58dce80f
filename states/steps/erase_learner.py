"""A learner erased at the end of their time or at their wish, and erased again in a backup from before it."""

from __future__ import annotations

from pathlib import Path

from states import erasing
from states.erasing import Entry, Erased, Privacy
from states.errors import NotFound, NotPossible
from states.learner import erasure
from states.learner.erasure import ERASED
from states.tally import Tally
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Move
from workflow.errors import NotAllowed, StoreError
from workflow.working_days import day_of


def erase_learner(
    office: Office, act: Act, reference: str, basis: str, privacy: Privacy, *, note: str = "", dry_run: bool = False
) -> Tally:
    """Destroy a learner's personal values and key for good; a second time changes nothing.

    `act.approver` is the second person, who is needed under a legal hold and inside the time of retention. Raises
    NotFound and NotPossible.
    """
    erasing.known_basis(privacy.keeping, basis)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        learner = _learner(uow, reference)
        standings = erasing.own_cases(uow, learner)
        done: Erased | None = None
        if erasure.erased_among(uow.connection, [learner]):
            when = max(int(s.facts.get(ERASED, 0)) for s in standings)
            tally.notes.append(f"erased before, on {day_of(when)}: nothing was changed")
            files = erasing.leftover(uow, learner)
        else:
            erasing.refuse_under_way(uow, standings)
            objection = erasing.needs_approval(uow, standings, basis, privacy.keeping)
            if objection and not act.approver:
                raise NotPossible(f"{objection}. A second person must approve an erasure before that")
            done = erasing.erase(uow, learner, basis, privacy, note=note)
            files = [path for path in done.files if path.is_file()]
            if not dry_run:
                privacy.register.add([done.entry])
    if done is not None:
        tally.counts["learners erased"] = 1
        tally.notes += [f"destroyed: {number} x {kind}" for kind, number in done.rows.items()]
        tally.notes.append("destroyed: the key that commitments about this learner were made with")
    _finish(office, privacy, tally, done, files, dry_run=dry_run)
    tally.next.append("ulnflow audit verify")
    return tally


def _learner(uow: UnitOfWork, reference: str) -> int:
    """Whom a reference means; who is not known is not told of either."""
    try:
        return uow.find_case(reference, erased=True).subject
    except NotFound:
        raise NotFound("nothing was erased: no learner can be erased by what was typed") from None


def _finish(
    office: Office, privacy: Privacy, tally: Tally, done: Erased | None, files: list[Path], *, dry_run: bool
) -> None:
    """Remove the files of ours, leave nothing in the database's own leftovers, and say what remains."""
    remains = list(done.remains) if done is not None else []
    for path in files:
        place = path.relative_to(office.outbox_folder).as_posix()
        tally.notes.append(f"{'would be removed' if dry_run else 'removed'}: outbox/{place}")
    if not dry_run:
        tally.counts["files removed"] = privacy.shelves.remove(files, office.outbox_folder)
        clean = office.database.scrub(*erasing.TABLES)
        if clean and office.database.kind == "postgresql":
            remains = [code for code in remains if code != "vacuum"]
            tally.notes.append("the learners' tables were vacuumed: their old pages are used again by and by")
        elif not clean and office.database.kind == "sqlite":
            remains.append("busy")
    tally.notes += erasing.in_words(remains)


def replay(office: Office, act: Act, privacy: Privacy) -> int:
    """Erase again whom this database holds though the register says they were erased: a backup was restored.

    Returns how many; costs one line of the register and one row where there are none. Raises StoreError for who
    opens such a database and may not write.
    """
    last = privacy.register.last()
    if last is None or _is_done(office, last):
        return 0
    entries = {(entry.learner, entry.key): entry for entry in privacy.register.read()}
    with office.look() as look:
        keys = erasure.keys(look.connection, {learner for learner, _ in entries})
    again = [e for e in entries.values() if _alive(keys.get(e.learner, erasure.GONE), e)]
    if not again:
        return 0
    done: list[Erased] = []
    try:
        with office.begin(act) as uow:
            for entry in again:
                _close(uow, entry.learner)
                done.append(erasing.erase(uow, entry.learner, entry.basis, privacy, replayed=entry.position))
    except NotAllowed:
        raise StoreError(
            "this database is older than erasures that were made since: nothing of it is shown before somebody who "
            "may write has opened it"
        ) from None
    privacy.shelves.remove([path for one in done for path in one.files], office.outbox_folder)
    office.database.scrub(*erasing.TABLES)
    return len(done)


def _is_done(office: Office, entry: Entry) -> bool:
    with office.look() as look:
        return erasure.keys(look.connection, [entry.learner]).get(entry.learner) == erasure.GONE


def _alive(key: bytes, entry: Entry) -> bool:
    return key != erasure.GONE and erasure.fingerprint(key) == entry.key


def _close(uow: UnitOfWork, learner: int) -> None:
    """In an older database the learner may be under way; they left since."""
    final = uow.office.route.final_states()
    moves = [Move(case=s.case, reason=ERASED) for s in erasing.own_cases(uow, learner) if s.state not in final]
    uow.fire("withdraw", moves)
