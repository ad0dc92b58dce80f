"""LAR updated: the last step of both routes, on evidence."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from states.tally import Tally
from states.unit_of_work import Office
from workflow import Act, Move, Standing


def confirm_update(
    office: Office,
    act: Act,
    standings: Sequence[Standing],
    *,
    by: str,
    reference: str = "",
    seen_on: date | None = None,
    reason: str = "",
    dry_run: bool = False,
) -> Tally:
    """Record that the achievement record shows the results: who updated it, and a reference or the day it was seen."""
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        names = uow.references(standings)
        evidence = {"by": by, "reference": reference, "date": seen_on.isoformat() if seen_on else ""}
        moves = [
            Move(case=s.case, on=seen_on, reason=reason, evidence={k: v for k, v in evidence.items() if v})
            for s in standings
        ]
        tally.add(uow.fire("confirm_lar_update", moves, bulk=len(moves) > 1), names, "LAR updated")
    tally.next.append("ulnflow status")
    return tally
