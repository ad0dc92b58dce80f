"""The words of every learner route: codes of rules, kinds of dispatch, reasons."""

from __future__ import annotations

from typing import Final

RULES: Final = {
    "T1": "The time it happened is not in the future, not before the step before it, and not late without a reason",
    "D1": "The seven items are present",
    "D2": "Names fit the LRS",
    "D3": "The learner's age is one the LRS accepts",
    "D4": "The postcode has the LRS form",
    "D5": "Gender is a known code",
    "D6": "The privacy notice was shown",
    "D7": "The ID verification type is a known code, described where it must be",
    "D8": "Nobody else has the same five details, and the LRS is not being asked already",
    "D9": "An existing ULN can be a real one",
    "N1": "The file was not sent, was rejected, or the learner is recalled with a reason",
    "U1": "The ULN is a valid number",
    "U2": "No other learner holds this ULN",
    "U3": "The answer belongs to a file of ours that holds this learner",
    "U4": "The answer is about the details we sent, and about the ULN we hold",
    "X1": "A person decided, and said why",
    "P1": "There is evidence that the learner was told this ULN",
    "R0": "Not registered with ILM yet",
    "R1": "Registered with ILM",
    "S1": "ILM still updates the LAR of this learner",
    "I1": "A ULN is held and its LRS match is fresh",
    "I2": "Everyone in the cohort is ready",
    "I3": "The awarding organisation's file can hold the details",
    "I4": "The alternative route was not taken",
    "A1": "There is a reason not to wait for the ULN, and the extra work was acknowledged",
    "A2": "The alternative route was taken",
    "C1": "The candidate number is known",
    "L1": "There is evidence of the LAR update",
    "E1": "The learner was not erased",
}
"""Rule code -> what holds when it holds."""

LRS_BATCH: Final = "lrs_batch"
LRS_KEYING: Final = "lrs_keying_sheet"
LRS_REPLY: Final = "lrs_reply"
REGISTRATION: Final = "ilm_registration"
CONFIRMATION: Final = "ilm_confirmation"
MISMATCHES: Final = "ilm_mismatches"
LAR_LEARNERS: Final = "lar_learners"
LAR_CROSS_REFERENCE: Final = "lar_cross_reference"
MESSAGE: Final = "uln_message"
MAIL_REPORT: Final = "mail_report"
COHORT_SHEET: Final = "cohort_sheet"

LRS_KINDS: Final = (LRS_BATCH, LRS_KEYING)

WITHDRAW_REASONS: Final = ("left_course", "moved_away", "changed_course", "duplicate", "deceased", "other")
CLOSE_REASONS: Final = ("declined_uln", "overseas", "scotland", "not_achieved", "other")
CORRECTION_REASONS: Final = ("wrong_learner", "wrong_answer", "wrong_entry", "entered_twice", "never_happened")
STATED: Final = "stated"
"""The reason code for words that are kept apart from the log."""

REASONS: Final = frozenset(
    {
        *WITHDRAW_REASONS,
        *CLOSE_REASONS,
        *CORRECTION_REASONS,
        STATED,
        "recalled",
        "rejected_whole",
        "never_sent",
        "wrong_uln",
        "left",
        "nobody_left",
        "refused_by_body",
        "erased",
        "under_hold",
        "inside_retention",
        "ground_changed",
        "same_person",
    }
)
"""Every reason code an event may bear."""

DEEDS: Final = {
    "correct": "void of {reference}, as untrue when recorded: entry {voids}",
    "waive_cohort": "let the cohort {cohort} be registered without waiting for its last learner",
    "erase_learner": "erase the data of {reference} before their time or under a hold, on the basis {basis}",
}
"""Deeds that take two people -> what is asked for, with what the request names."""

DEED_NOUNS: Final = {"correct": "a correction", "waive_cohort": "a waiver", "erase_learner": "an erasure"}
"""The same deeds by name."""

PEOPLE_CHANGED: Final = "people_changed"
"""The event that names who works here, with their roles."""

COHORT_WAIVED: Final = "cohort_waived"
"""The event that lets a cohort be registered without its last learner."""

PACK_NOT_MADE: Final = "pack_not_made"
"""The event that takes a pack back that was told of."""

DISCLOSED: Final = "disclosed"
"""The event, and what is noted of a case, where personal values were handed out."""

TOLD_BY: Final = ("email", "letter", "in_person", "phone", "portal")
DECISIONS: Final = ("existing", "new", "again")

NOT_ACTIVE: Final = ("withdrawn", "closed_without_lar")
"""States of a learner who counts as nobody's twin: they left, or no record will come."""

UNREADY: Final = ("details_gathered", "submitted_to_lrs", "uln_received", "lrs_exception")
"""States of learners the cohort gate waits for, unless they were told, registered or took the alternative route."""

READY: Final = (
    "uln_passed_to_learner",
    "registered_with_ilm",
    "registered_without_uln",
    "lar_created",
    "lar_cross_referenced",
    "results_submitted",
    "ilm_exception",
)
"""States of learners it does not wait for: told, or registered; unless they are still owed the telling."""
