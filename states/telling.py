"""A learner told the ULN, or not: what the commands that record it, send it and hear back of it have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from states import effects
from states.tally import Tally
from states.unit_of_work import Glance, UnitOfWork
from states.vocabulary import MESSAGE, NOT_ACTIVE
from workflow import Move, Outcome, Standing

OWED: Final = ("tell_learner", "tell_learner_again")
"""The duties that telling closes."""


def is_owed(look: Glance, standing: Standing) -> bool:
    """Whether a learner is still to be told: in the state for it, or by a duty."""
    return standing.state == "uln_received" or any(
        duty in OWED for _, duty in look.log.open_duties([standing.case]).get(standing.case, ())
    )


def number_of(look: Glance, dispatch: int, case: int, subject: int) -> str:
    """The number of a message: its set, the case, and a code that nobody outside can make up."""
    plain = f"D{dispatch}.{case}"
    return f"{plain}.{look.learners.commitment(subject, plain)[:16]}"


def mail_file(dispatch: int, case: int) -> str:
    """The name of the e-mail file of a message."""
    return f"D{dispatch}-{case}.eml"


def record(
    uow: UnitOfWork,
    standings: Sequence[Standing],
    tally: Tally,
    *,
    evidence: Mapping[str, Any],
    on: date | None = None,
    reason: str = "",
    command_id: str = "",
) -> list[Outcome]:
    """Record that learners were told the ULN held now: `evidence` names how, and by whom; what was owed is closed.

    Each is read anew under the lock. A message of ours that waits for it counts as having done it.
    """
    names = uow.references(standings)
    standings = list(uow.log.load([s.case for s in standings]).values())
    waiting = uow.dispatches.waiting([s.case for s in standings], [MESSAGE])
    on_route: list[Move] = []
    beside: list[Move] = []
    touched: set[int] = set()
    for standing in standings:
        places = waiting.get(standing.case, ())
        duties = uow.close_duties(standing.case, *OWED)
        touched |= {d.id for _, d in places}
        move = Move(
            case=standing.case,
            on=on,
            reason=reason,
            evidence=evidence,
            facts=effects.told(standing, str(evidence["how"]), on, uow.work.clock()),
            dispatch=places[-1][1].id if places else None,
            settles="answered" if places else None,
            closes=duties,
            command_id=command_id,
        )
        left = standing.state in NOT_ACTIVE and bool(places)
        if standing.state != "uln_received" and (duties or left) and standing.facts.get("uln"):
            beside.append(move)
        elif standing.state == "uln_passed_to_learner" and standing.facts.get("told_uln") == standing.facts.get("uln"):
            tally.counts["told before, nothing changed"] += 1
        else:
            on_route.append(move)
    outcomes = uow.fire("pass_uln_to_learner", on_route, bulk=len(on_route) > 1)
    outcomes += uow.note("learner_told", beside)
    tally.add(outcomes, names, "told their ULN")
    uow.settle_all(touched, proved_by="telling")
    return outcomes


def listed(names: Iterable[str]) -> str:
    """A line's worth of references."""
    every = list(names)
    return ", ".join(every[:10]) + (f" and {len(every) - 10} more" if len(every) > 10 else "")  # noqa: PLR2004 - a line's worth
