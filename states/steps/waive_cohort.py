"""A cohort's gate waived: its learners may be registered without waiting for the last one (rule I2)."""

from __future__ import annotations

from states import approval
from states.approval import Request
from states.errors import NotPossible, Prevented
from states.tally import Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import COHORT_WAIVED, STATED
from workflow import Act

DEED = "waive_cohort"


def waive_cohort(office: Office, act: Act, cohort: str, reason: str, *, dry_run: bool = False) -> Tally:
    """Ask to waive the gate, or waive it where one person suffices; raises NotFound, NotPossible."""
    if not reason.strip():
        raise NotPossible("say why the cohort need not wait, with --reason")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        if _is_waived(uow, cohort):
            tally.notes.append(f"the gate of {cohort} was waived before; nothing changed")
        elif not approval.waits(uow, DEED, {"cohort": cohort}, reason, tally):
            position = _waive(uow, cohort, tally)
            uow.learners.remark(position, reason)
    return tally


def waive_as_asked(uow: UnitOfWork, request: Request) -> Tally:
    """Waive the gate that a request names; raises NotFound, and NotPossible where it is waived already."""
    cohort, tally = str(request.arguments["cohort"]), Tally()
    if _is_waived(uow, cohort):
        raise Prevented(f"the gate of {cohort} was waived before")
    _waive(uow, cohort, tally, request=request.position)
    return tally


def _is_waived(uow: UnitOfWork, cohort: str) -> bool:
    return uow.learners.cohort(cohort).waived is not None


def _waive(uow: UnitOfWork, cohort: str, tally: Tally, **asked: int) -> int:
    position = uow.work.record(COHORT_WAIVED, reason=STATED, evidence={"cohort": cohort, "rule": "I2", **asked})
    uow.learners.waive(cohort, position)
    tally.counts["cohort gate waived"] = 1
    tally.next.append("ulnflow ilm register")
    return position
