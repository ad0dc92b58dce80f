"""Leaving and coming back: withdrawal, closing without a LAR, and their reversals; and duties closed with evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from states.addressed import addressed
from states.errors import NotFound, NotPossible
from states.leaving import LEAVING, let_go
from states.tally import Tally
from states.unit_of_work import Office
from states.vocabulary import CLOSE_REASONS, WITHDRAW_REASONS
from workflow import Act, Move, Standing

REASONS = {"withdraw": WITHDRAW_REASONS, "close_without_lar": CLOSE_REASONS}
WORDS = {
    "withdraw": "withdrawn",
    "close_without_lar": "closed without LAR",
    "reinstate": "reinstated",
    "reopen": "reopened",
}


def leave_or_return(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    trigger: str,
    *,
    reason: str,
    words: str = "",
    on: date | None = None,
    dry_run: bool = False,
) -> Tally:
    """Withdraw, close, reinstate or reopen; a reason code is asked for where the route has a list of them."""
    known = REASONS.get(trigger)
    if known and reason not in known:
        raise NotPossible(f"give one of these reasons: {', '.join(known)}")
    if not known and not (reason or words):
        raise NotPossible("say why, with --reason")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        moves = [Move(case=s.case, on=on, reason=reason or "stated") for s in standings]
        outcomes = uow.fire(trigger, moves)
        tally.add(outcomes, names, WORDS[trigger])
        uow.remark(outcomes, words)
        left = [o.after for o in outcomes if o.accepted and o.after is not None and trigger in LEAVING]
        tally.notes += uow.unsent_places([s.case for s in left])
        let_go(uow, left)
        opened = uow.log.open_duties([o.case for o in outcomes if o.accepted])
        if opened:
            tally.next.append("ulnflow duty list")
    tally.next += [addressed("ulnflow learner why REFERENCE", names[s.case]) for s in standings[:1]]
    return tally


def close_duty(
    office: Office, act: Act, standing: Standing, duty: str, *, evidence: str, dry_run: bool = False
) -> Tally:
    """Close an open duty of a learner with evidence; raises NotFound, NotPossible."""
    if not evidence.strip():
        raise NotPossible("say what shows that it was done, with --evidence, such as a reference number")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references([standing])
        closes = uow.close_duties(standing.case, duty)
        if not closes:
            raise NotFound(f"{names[standing.case]} has no open duty {duty}. See: ulnflow duty list", duty)
        outcomes = uow.work.note(
            "duty_closed",
            [Move(case=standing.case, evidence={"duty": duty, "reference": evidence}, closes=closes)],
        )
        tally.add(outcomes, names, "duty closed")
    tally.next.append("ulnflow duty list")
    return tally
