"""Deeds that take two people: the name a request bears -> the step that does it."""

from __future__ import annotations

from typing import Final

from states.approval import Deed
from states.steps.correct import correct_as_asked
from states.steps.waive_cohort import waive_as_asked

DEEDS: Final[dict[str, Deed]] = {
    "correct": correct_as_asked,
    "waive_cohort": waive_as_asked,
}
