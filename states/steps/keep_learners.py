"""Data kept for their time: legal holds placed and lifted, whose time has ended, and those erased together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

from states import erasing
from states.erasing import Keeping, Privacy
from states.errors import NotPossible
from states.learner import erasure
from states.learner.erasure import HOLD
from states.tally import Refusal, Tally
from states.turned_away import turn_away
from states.unit_of_work import Office, UnitOfWork
from workflow import Act, Move
from workflow.working_days import day_of, start_of

PLACED, LIFTED, APPLIED = "hold_placed", "hold_lifted", "retention_applied"
CHUNK: Final = 100
"""Learners erased in one transaction."""
BASIS: Final = "retention_ended"


@dataclass(frozen=True, slots=True)
class Due:
    """A learner whose time is over: the state they ended in and since when, the day they were kept until, the hold."""

    learner: int
    reference: str
    state: str
    since: date
    until: date
    hold: str


def hold(
    office: Office,
    act: Act,
    references: Sequence[str],
    reason: str,
    keeping: Keeping,
    *,
    note: str = "",
    dry_run: bool = False,
) -> Tally:
    """Put learners under a legal hold: until it is lifted, a second person must agree to an erasure.

    Raises NotFound, NotPossible.
    """
    if reason not in keeping.holds:
        raise NotPossible(f"say why as a code, with --reason: {', '.join(keeping.holds)}; a ticket goes with --note")
    tally = Tally(next=["ulnflow retention due"])
    with office.begin(act, dry_run=dry_run) as uow:
        for learner in dict.fromkeys(s.subject for s in uow.find_cases(references)):
            if erasing.hold_of(erasing.own_cases(uow, learner)) == reason:
                tally.counts["under this hold before, nothing changed"] += 1
                continue
            _tell(uow, learner, PLACED, {"hold": reason, **({"note": note} if note else {})}, reason)
            tally.counts["put under a hold"] += 1
    return tally


def lift(office: Office, act: Act, references: Sequence[str], *, note: str = "", dry_run: bool = False) -> Tally:
    """Lift the hold learners are under; who is under none is left alone. Raises NotFound."""
    tally = Tally(next=["ulnflow retention due"])
    with office.begin(act, dry_run=dry_run) as uow:
        for learner in dict.fromkeys(s.subject for s in uow.find_cases(references)):
            if not (code := erasing.hold_of(erasing.own_cases(uow, learner))):
                tally.counts["under no hold, nothing changed"] += 1
                continue
            _tell(uow, learner, LIFTED, {"hold": code, **({"note": note} if note else {})}, None)
            tally.counts["holds lifted"] += 1
    return tally


def _tell(uow: UnitOfWork, learner: int, kind: str, evidence: dict[str, Any], code: str | None) -> None:
    """Tell of a hold in the register of such things and in each case, whose facts bear it."""
    standings = erasing.own_cases(uow, learner)
    uow.work.record(kind, evidence={**evidence, "case": standings[0].case})
    moves = [Move(case=s.case, evidence=evidence, facts={HOLD: code}) for s in standings]
    uow.work.note(kind, moves, shared=True)


def due(office: Office, keeping: Keeping) -> Iterator[Due]:
    """Learners whose data need be kept no longer, by number, those under a hold too; one at a time."""
    today = office.today()
    shortest = min([keeping.years, *keeping.by_state.values()])
    before = start_of(_years_before(today, shortest)) + 86_400_000_000
    with office.look() as look:
        for one in erasure.ended(look.connection, office.route.final_states(), before):
            until = keeping.until(one.state, one.since)
            if until <= today:
                yield Due(one.learner, one.reference, one.state, day_of(one.since), until, one.hold)


def held(office: Office) -> list[tuple[str, str]]:
    """(reference, reason code) of every learner under a hold."""
    with office.look() as look:
        return erasure.held(look.connection)


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - years)


def apply(
    office: Office,
    act: Act,
    privacy: Privacy,
    found: Sequence[Due],
    *,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> Tally:
    """Erase those who are due, a hundred in a transaction; who is under a hold or still owed something stays.

    An interrupted run is finished by repeating it. The log tells of each learner, and of the run at its end.
    """
    tally, coming = Tally(), iter(found)
    while chunk := list(islice(coming, CHUNK)):
        _erase_some(office, act, privacy, chunk, tally, dry_run=dry_run)
        progress(len(chunk))
    counts = {word.replace(" ", "_"): number for word, number in tally.counts.items()}
    if tally.counts["learners erased"] and not dry_run:
        with office.begin(act) as uow:
            uow.work.record(APPLIED, evidence={"due": len(found), **counts})
    tally.next.append("ulnflow retention due")
    return tally


def _erase_some(
    office: Office, act: Act, privacy: Privacy, some: Sequence[Due], tally: Tally, *, dry_run: bool
) -> None:
    with office.begin(act, dry_run=dry_run) as uow:
        done, gone = [], []
        for one in some:
            if uow.cohorts is not None and _is_of_others(uow, one, tally):
                continue
            if objection := _objection(uow, one, privacy.keeping):
                tally.refusals.append(Refusal(one.reference, one.state, "retention", "kept", "", objection))
            else:
                done.append(erasing.erase(uow, one.learner, BASIS, privacy))
                gone.append(one)
        if done:
            erasing.complete(uow, done, privacy, tally)
        left = {name for one in done for name in one.doubles} - {one.reference for one in gone}
        if left:
            tally.notes.append(f"what remains: {erasing.told_of_doubles(sorted(left))}")
    tally.counts["learners erased"] += len(done)


def _is_of_others(uow: UnitOfWork, one: Due, tally: Tally) -> bool:
    """Whether a case of this learner is of another cohort: who destroys all of it must have every one."""
    standings = erasing.own_cases(uow, one.learner)
    return len(turn_away(uow, standings, tally)) < len(standings)


def _objection(uow: UnitOfWork, one: Due, keeping: Keeping) -> str:
    """Why this learner stays, asked anew under the lock; empty when nothing stands against it."""
    if erasure.erased_among(uow.connection, [one.learner]):
        return "erased meanwhile"
    standings = erasing.own_cases(uow, one.learner)
    try:
        erasing.refuse_under_way(uow, standings)
        return "; ".join(one.words for one in erasing.stands_against(uow, standings, BASIS, keeping))
    except NotPossible as wrong:
        return str(wrong)
