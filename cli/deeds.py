"""Deeds that take two people: the name a request bears -> the step that does it."""

from __future__ import annotations

from typing import Final

from cli.privacy import privacy_of
from states.approval import Deed, Request
from states.steps.correct import correct_as_asked
from states.steps.erase_learner import erase_as_asked
from states.steps.waive_cohort import waive_as_asked
from states.tally import Tally
from states.unit_of_work import UnitOfWork


def _erase(uow: UnitOfWork, request: Request) -> Tally:
    """Erase a learner before their time: how long that is has no say any more."""
    return erase_as_asked(uow, request, privacy_of(uow.office.outbox_folder.parent, 0, {}))


DEEDS: Final[dict[str, Deed]] = {
    "correct": correct_as_asked,
    "waive_cohort": waive_as_asked,
    "erase_learner": _erase,
}
