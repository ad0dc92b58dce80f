"""What it means that a file went to the LRS: told by a person, or proved by the reply."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from states.cohorts import theirs
from states.errors import Prevented
from states.tally import Tally
from states.unit_of_work import UnitOfWork
from workflow import Move, Standing
from workflow.store.dispatch_log import PREPARED, Dispatch


def send(
    uow: UnitOfWork,
    dispatch: Dispatch,
    tally: Tally,
    *,
    on: date | None,
    evidence: Mapping[str, Any],
    reason: str = "",
    only: Collection[int] | None = None,
) -> None:
    """Move every member of a prepared file: to submitted, or, where a ULN is held, on the spot.

    `only` names the cases that went, where learners are keyed one by one: the file is sent when the last of them is.
    So it is where a person kept to cohorts takes in an answer: the others of the file wait for a colleague.

    A member who left the route since is not moved; the file still says that it was sent. Raises NotPossible when it
    cannot have been sent on that day: then nothing is recorded.
    """
    if dispatch.state != PREPARED:
        return
    waiting = uow.dispatches.members(dispatch.id, "open")
    members = [m for m in waiting if only is None or m.case in only]
    standings = {s.case: s for s in theirs(uow.cohorts, uow.log.load([m.case for m in members]).values())}
    members = [m for m in members if m.case in standings]
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
    if on is not None:
        _refuse_day(uow, by_trigger)
    if len(members) == len(waiting):
        uow.mark_sent(dispatch, on=on, evidence=evidence)
    for trigger, moves in by_trigger.items():
        word = "submitted to the LRS" if trigger == "submit_to_lrs" else "sent to the LRS to be verified again"
        tally.add(uow.fire(trigger, moves, bulk=True), names, word)


def _refuse_day(uow: UnitOfWork, by_trigger: Mapping[str, Sequence[Move]]) -> None:
    """A day that rule T1 refuses for one learner is wrong for the file: half of it cannot have been sent."""
    for trigger, moves in by_trigger.items():
        for outcome in uow.work.ask(trigger, moves):
            for verdict in outcome.refusals:
                if verdict.rule == "T1":
                    raise Prevented(f"the file is not recorded as sent: {verdict.objections[0].message}")


def asking(uow: UnitOfWork, standing: Standing) -> str | None:
    """The trigger by which a learner is sent to the LRS from where they stand; None where there is none."""
    for trigger in ("submit_to_lrs", "verify_again"):
        if (trigger, standing.state) in uow.office.route.arrows:
            return trigger
    return None
