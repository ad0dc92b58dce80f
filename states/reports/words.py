"""Plain English for the codes of the log, so that nobody needs to know them."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from states.learner.details import LABELS
from states.vocabulary import (
    COHORT_SHEET,
    CONFIRMATION,
    LAR_CROSS_REFERENCE,
    LAR_LEARNERS,
    LRS_BATCH,
    LRS_KEYING,
    LRS_REPLY,
    MAIL_REPORT,
    MESSAGE,
    MISMATCHES,
    REGISTRATION,
)
from workflow.working_days import day_of

OURS: Final = "centre"
"""The owner of a state whose next move is the centre's own."""

FILES: Final = {
    LRS_BATCH: "batch file for the LRS",
    LRS_KEYING: "keying sheet for the LRS portal",
    LRS_REPLY: "reply of the LRS",
    REGISTRATION: "registration file for ILM",
    CONFIRMATION: "confirmation from ILM",
    MISMATCHES: "mismatch report from ILM",
    LAR_LEARNERS: "learners file for the LAR system",
    LAR_CROSS_REFERENCE: "cross-reference file for the LAR system",
    MESSAGE: "messages to learners",
    MAIL_REPORT: "report of a mail server",
    COHORT_SHEET: "cohort sheet",
}

TOLD: Final = {
    "email": "by e-mail",
    "letter": "by letter",
    "in_person": "in person",
    "phone": "by phone",
    "portal": "through the portal",
}

BY: Final = {"ilm": "ILM", "centre": "the centre"}

REASONS: Final = {
    "rejected_whole": "the whole file was rejected",
    "never_sent": "the file was never sent",
    "refused_by_body": "ILM's file says refused",
    "recalled": "taken back on purpose",
    "wrong_uln": "the ULN was never this learner's",
    "declined_uln": "declined a ULN",
    "not_achieved": "did not achieve",
    "erased": "the learner's data were erased",
}

CAUSES: Final = {
    "held_by_other": "another learner holds this ULN",
    "echo_differs": "the details sent back differ from those sent",
    "other_uln": "the ULN differs from the one held",
    "answered_twice": "the file answers more than once for this learner, and not alike",
    "not_asked": "no file of ours held this learner",
    "check_digit": "the check digit is wrong",
}


def plain(code: str) -> str:
    """A code as words: underscores become blanks."""
    return code.replace("_", " ")


def reason(code: str | None) -> str:
    """A reason as a sentence; the person's own words are kept apart from the log, so they are only mentioned."""
    if not code:
        return ""
    return "A reason was stated." if code == "stated" else f"Reason: {REASONS.get(code, plain(code))}."


def fields(names: Any) -> str:
    """Field names as a person reads them."""
    return ", ".join(LABELS.get(str(name), plain(str(name)).capitalize()) for name in names)


def iso(day: date | None) -> str:
    """A day as YYYY-MM-DD; empty when there is none."""
    return day.isoformat() if day else ""


def day(moment: int | None) -> str:
    """The UTC day of a time as YYYY-MM-DD; empty when there is none."""
    return "" if moment is None else day_of(moment).isoformat()
