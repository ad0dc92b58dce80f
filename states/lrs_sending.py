"""What it means that a file went to the LRS: told by a person, or proved by the reply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from states.tally import Tally
from states.unit_of_work import UnitOfWork
from workflow import Move, Standing
from workflow.store.dispatch_log import PREPARED, Dispatch


def send(
    uow: UnitOfWork, dispatch: Dispatch, tally: Tally, *, on: date | None, evidence: Mapping[str, Any], reason: str = ""
) -> None:
    """Move every member of a prepared file: to submitted, or, where a ULN is held, on the spot.

    A member who left the route since is not moved; the file still says that it was sent.
    """
    if dispatch.state != PREPARED:
        return
    uow.mark_sent(dispatch, on=on, evidence=evidence)
    members = uow.dispatches.members(dispatch.id, "open")
    standings = uow.log.load([m.case for m in members])
    names = uow.references(list(standings.values()))
    by_trigger: dict[str, list[Move]] = {}
    for member in members:
        standing = standings[member.case]
        trigger = asking(uow, standing)
        if trigger is None:
            tally.notes.append(f"{names[member.case]} left the route before the file was sent")
            continue
        by_trigger.setdefault(trigger, []).append(
            Move(
                case=member.case,
                on=on,
                reason=reason,
                evidence=evidence,
                dispatch=dispatch.id,
                row=member.row,
                facts={"lrs_dispatch": dispatch.id, "decision": None},
                private=uow.learners.details(standing.subject, member.version),
            )
        )
    for trigger, moves in by_trigger.items():
        word = "submitted to the LRS" if trigger == "submit_to_lrs" else "sent to the LRS to be verified again"
        tally.add(uow.fire(trigger, moves, bulk=True), names, word)


def asking(uow: UnitOfWork, standing: Standing) -> str | None:
    """The trigger by which a learner is sent to the LRS from where they stand; None where there is none."""
    for trigger in ("submit_to_lrs", "verify_again"):
        if (trigger, standing.state) in uow.office.route.arrows:
            return trigger
    return None
