"""Deeds that take two people: the name a request bears -> the step that does it."""

from __future__ import annotations

from typing import Final

from cli import wiring
from cli.privacy import privacy_of
from states.approval import Deed, Request
from states.erasing import Privacy
from states.errors import NotPossible
from states.reports.requests import voided
from states.steps.correct import correct_as_asked
from states.steps.erase_learner import DEED, erase_as_asked
from states.steps.erase_learner import warning as erase_warning
from states.steps.waive_cohort import waive_as_asked
from states.tally import Tally
from states.unit_of_work import Office, UnitOfWork


def _privacy(office: Office) -> Privacy:
    folder = office.outbox_folder.parent
    kept = wiring.load_settings(folder).retention
    return privacy_of(folder, kept.years, kept.by_state)


def _erase(uow: UnitOfWork, request: Request) -> Tally:
    return erase_as_asked(uow, request, _privacy(uow.office))


def asks_to(office: Office, request: Request, words: str) -> str:
    """What is asked for, in words, with what happened by each entry that would be voided."""
    with office.look() as look:
        entries = voided(look, request)
    return f"{words} ({entries})" if entries else words


def warning(office: Office, request: Request) -> str:
    """What whoever agrees should know before they do; empty where what is asked for says it all."""
    if request.deed != DEED:
        return ""
    with office.look() as look:
        try:
            return erase_warning(look, request, _privacy(office))
        except NotPossible as wrong:
            return str(wrong)


DEEDS: Final[dict[str, Deed]] = {
    "correct": correct_as_asked,
    "waive_cohort": waive_as_asked,
    "erase_learner": _erase,
}
