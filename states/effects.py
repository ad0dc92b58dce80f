"""What a move makes known of a case, by trigger: one place for the steps and for `advance`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from workflow import Standing
from workflow.working_days import start_of

UNTOLD: Final = dict.fromkeys(("told_uln", "told_at", "told_how"))
ON_ITS_WAY: Final = ("mail_sending", "mail_sent")
"""The set of messages whose mail was begun and has no answer yet, or went out without telling the ULN."""

UNREGISTERED: Final = dict.fromkeys(
    (
        "registered_at",
        "order_number",
        "candidate_number",
        "registered_version",
        "alternative_since",
        "alternative_reason",
    )
)
WITHOUT_ULN: Final[Mapping[str, Any]] = {**UNTOLD, **dict.fromkeys(("uln", "uln_since", "match_version", "stale"))}

OWN_COMMANDS: Final = {
    "submit_to_lrs": "ulnflow lrs submit (or --via portal), then ulnflow lrs sent",
    "verify_again": "ulnflow lrs submit, then ulnflow lrs sent",
    "receive_uln": "ulnflow lrs receive, ulnflow lrs answer or ulnflow exception resolve",
    "confirm_match": "ulnflow lrs receive or ulnflow lrs answer",
    "report_lrs_exception": "ulnflow lrs receive or ulnflow lrs answer",
    "return_to_details": "ulnflow lrs reject or ulnflow lrs recall",
    "return_to_debt": "ulnflow lrs reject or ulnflow lrs recall",
    "report_wrong_uln": "ulnflow uln wrong",
}
"""Triggers that need more than evidence: a file, an answer, a change to the learner's ULN history."""


ASK_THE_STANDING: Final = frozenset({"pass_uln_to_learner", "register_with_ilm", "register_without_uln"})
"""Triggers whose effect depends on what is known of the case."""


def told(standing: Standing, how: str, on: date | None, now: int) -> dict[str, Any]:
    """The learner knows the ULN held now; a message on its way is of no account any more."""
    known = {"told_uln": standing.facts.get("uln"), "told_at": start_of(on) if on else now, "told_how": how}
    return {**known, **{name: None for name in ON_ITS_WAY if name in standing.facts}}


def registered(
    standing: Standing, *, without_uln: bool, version: int | None, order: str, candidate: str, on: date | None, now: int
) -> dict[str, Any]:
    """ILM holds a registration with a version of the details; without a ULN it begins the alternative route."""
    moment = start_of(on) if on else now
    facts = {
        "registered_at": moment,
        "registered_version": version or standing.facts.get("details_version"),
        **numbers(order, candidate),
    }
    return {**facts, "alternative_since": moment} if without_uln else facts


def numbers(order: str, candidate: str) -> dict[str, str]:
    """ILM's numbers, those that were given."""
    return {name: value for name, value in (("order_number", order), ("candidate_number", candidate)) if value}


def of(
    trigger: str, standing: Standing | None, evidence: Mapping[str, Any], on: date | None, now: int
) -> dict[str, Any]:
    """What a trigger makes known when only evidence is given; nothing of a case that is not there."""
    order, candidate = str(evidence.get("order", "")), str(evidence.get("candidate", ""))
    if standing is not None and trigger == "pass_uln_to_learner":
        return told(standing, str(evidence.get("how", "")), on, now)
    if standing is not None and trigger in {"register_with_ilm", "register_without_uln"}:
        return registered(
            standing, without_uln=trigger == "register_without_uln", version=None, order=order, candidate=candidate,
            on=on, now=now,
        )  # fmt: skip
    if trigger in {"supply_uln_to_ilm", "supply_cross_reference"}:
        return numbers("", candidate)
    if trigger == "submit_results":
        return {"results_at": start_of(on) if on else now}
    return dict({"report_not_told": UNTOLD, "drop_registration": UNREGISTERED}.get(trigger, {}))
