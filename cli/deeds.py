"""Deeds that take two people: the name a request bears -> the step that does it."""

from __future__ import annotations

from typing import Final

from states.approval import Deed
from states.steps.waive_cohort import waive_as_asked

DEEDS: Final[dict[str, Deed]] = {
    "waive_cohort": waive_as_asked,
}
