"""A learner's details changed: a new version, and what that means for a match and for a registration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from states.learner.details import FIVE_DETAILS, Details, changed_fields
from states.unit_of_work import UnitOfWork
from workflow import Move, Outcome, Standing

CASE_FIELDS: Final = ("cohort", "qualification", "funded", "start", "planned_end")
"""What is known of a case, beside the learner's own details."""


def stale_fields(uow: UnitOfWork, learner: int, matched: int, new: Details) -> dict[str, str]:
    """The five details that differ from the version the LRS matched, each with today's date."""
    old = uow.learners.details(learner, matched)
    if old is None:
        return {}
    today = uow.office.today().isoformat()
    return {name: today for name in changed_fields(old, new) if name in FIVE_DETAILS}


def change_details(
    uow: UnitOfWork,
    learner: int,
    standings: Sequence[Standing],
    version: int,
    new: Details,
    changed: Sequence[str],
    *,
    dispatch: int | None = None,
    row: int | None = None,
) -> list[Outcome]:
    """Write a new version and note it on every case of the learner, naming fields only.

    `dispatch` and `row` say which sheet told of it; without them a person did. A change of the five details makes a
    match stale, and after registration opens a duty to tell ILM.
    """
    uow.learners.add_details([(learner, version + 1, new)])
    five = [name for name in changed if name in FIVE_DETAILS]
    duties = uow.log.open_duties([s.case for s in standings])
    moves = []
    for standing in standings:
        facts: dict[str, Any] = {"details_version": version + 1}
        if matched := standing.facts.get("match_version"):
            stale = stale_fields(uow, learner, matched, new)
            before = standing.facts.get("stale", {})
            facts["stale"] = {name: before.get(name, day) for name, day in stale.items()} or None
        open_already = any(name == "tell_ilm_of_change" for _, name in duties.get(standing.case, ()))
        tell = five and "registered_at" in standing.facts and not open_already
        moves.append(
            Move(
                case=standing.case,
                evidence={"fields": list(changed), "version": version + 1},
                facts=facts,
                opens=("tell_ilm_of_change",) if tell else (),
                dispatch=dispatch,
                row=row,
            )
        )
    return uow.work.note("details_changed", moves, shared=True)
