"""The next command, ready to type; what only a person knows stands in CAPITALS."""

from __future__ import annotations

import shlex
from typing import Final

from states.learner.entry import FIELDS
from states.vocabulary import (
    LAR_CROSS_REFERENCE,
    LAR_LEARNERS,
    LRS_BATCH,
    LRS_KEYING,
    LRS_KINDS,
    MESSAGE,
    REGISTRATION,
)
from workflow.route import State
from workflow.store.dispatch_log import PREPARED, Dispatch

RECEIVE: Final = "ulnflow lrs receive REPLY-FILE"

EACH: Final = {
    "submit_to_lrs": "ulnflow lrs submit {who}",
    "verify_again": "ulnflow lrs submit {who}",
    "receive_uln": RECEIVE,
    "confirm_match": RECEIVE,
    "report_lrs_exception": RECEIVE,
    "reuse_uln": "ulnflow advance reuse_uln {who}",
    "pass_uln_to_learner": "ulnflow uln pass {who}",
    "register_with_ilm": "ulnflow ilm register {who}",
    "register_without_uln": "ulnflow ilm register {who}",
    "supply_uln_to_ilm": "ulnflow ilm confirm {who} --order NUMBER",
    "create_lar": "ulnflow lar create {who} --reference NUMBER",
    "supply_cross_reference": "ulnflow lar cross-reference {who} --reference NUMBER",
    "submit_results": "ulnflow ilm results {who} --reference NUMBER",
    "confirm_lar_update": "ulnflow lar confirm {who} --by ilm --reference NUMBER",
    "resolve_ilm_exception": "ulnflow ilm resolve {who} --evidence REFERENCE",
    "report_ilm_exception": "ulnflow ilm exception {who} --evidence REFERENCE",
}
"""Trigger -> command for one learner."""

ALL: Final = {
    "submit_to_lrs": "ulnflow lrs submit",
    "verify_again": "ulnflow lrs submit",
    "receive_uln": RECEIVE,
    "reuse_uln": "ulnflow advance reuse_uln --state details_gathered",
    "pass_uln_to_learner": "ulnflow uln pass",
    "register_with_ilm": "ulnflow ilm register",
    "register_without_uln": "ulnflow ilm register",
    "supply_uln_to_ilm": "ulnflow ilm confirm --cohort COHORT --order NUMBER",
    "create_lar": "ulnflow lar create --prepare",
    "supply_cross_reference": "ulnflow lar cross-reference --prepare",
    "submit_results": "ulnflow ilm results --cohort COHORT --reference NUMBER",
    "confirm_lar_update": "ulnflow lar confirm --all --by ilm --reference NUMBER",
    "resolve_ilm_exception": "ulnflow exception list",
}
"""Trigger -> command for everybody who waits for it."""

IN_EXCEPTION: Final = "ulnflow exception resolve {who} --decision DECISION --reason WHY"

ANSWERS: Final = {
    "submit_to_lrs": LRS_KINDS,
    "verify_again": LRS_KINDS,
    "receive_uln": LRS_KINDS,
    "pass_uln_to_learner": (MESSAGE,),
    "register_with_ilm": (REGISTRATION,),
    "register_without_uln": (REGISTRATION,),
    "supply_uln_to_ilm": (REGISTRATION,),
    "create_lar": (LAR_LEARNERS,),
    "supply_cross_reference": (LAR_CROSS_REFERENCE,),
}
"""Trigger -> kinds of file that, once open, make the answer the next thing."""

FIXES: Final = {
    **dict.fromkeys(("D1", "D2", "D3", "D4", "D5", "D6", "D7", "D9"), "ulnflow learner edit {who} {field}"),
    "I3": "ulnflow learner edit {who} {field}",
    "I1": "ulnflow lrs submit {who}",
    "I2": "ulnflow stuck --cohort {cohort}",
    "U1": "ulnflow learner why {who}",
    "D8": "ulnflow learner withdraw DOUBLE --reason duplicate",
    "U3": "ulnflow lrs submit {who}",
    "X1": IN_EXCEPTION,
    "P1": "ulnflow uln told {who} --how HOW",
    "R1": "ulnflow ilm register {who}",
    "S1": "ulnflow lar create {who} --reference NUMBER",
    "A1": "ulnflow route alternative {who} --reason WHY --yes",
    "C1": "ulnflow lar cross-reference {who} --candidate NUMBER --reference NUMBER",
    "L1": "ulnflow lar confirm {who} --by ilm --reference NUMBER",
}
"""Rule -> the command that puts right what it objects to; the rest is explained by `learner why`."""


def quoted(text: str) -> str:
    """A reference or a name as a shell takes it."""
    return shlex.quote(text)


def awaited(state: State) -> list[str]:
    """The kinds of file whose answer is what a state waits for; a file of another kind holds nobody there."""
    return sorted({kind for expectation in state.expects for kind in ANSWERS.get(expectation.trigger, ())})


def one(trigger: str, reference: str, state: str = "") -> str:
    """The command that puts a trigger to one learner."""
    if state == "lrs_exception" and trigger == "receive_uln":
        return IN_EXCEPTION.format(who=quoted(reference))
    by_centre = state == "results_submitted"
    line = EACH.get(trigger, f"ulnflow advance {trigger} {{who}}")
    return line.format(who=quoted(reference)).replace("--by ilm", "--by centre" if by_centre else "--by ilm")


def everybody(trigger: str, state: str = "") -> str:
    """The command that puts a trigger to all who wait for it."""
    if state == "lrs_exception" and trigger == "receive_uln":
        return "ulnflow exception list"
    return ALL.get(trigger, f"ulnflow advance {trigger} --state {state}")


def file(dispatch: Dispatch, told: str = "") -> str:
    """What to do about a file of ours that waits; `told` says how its learners are told, where it is messages."""
    name = quoted(dispatch.name)
    if dispatch.kind in LRS_KINDS:
        waits = RECEIVE if dispatch.kind == LRS_BATCH else "ulnflow lrs answer REFERENCE"
        return f"ulnflow lrs sent {name}" if dispatch.state == PREPARED else waits
    return {
        REGISTRATION: f"ulnflow ilm confirm --dispatch {dispatch.id} --order NUMBER",
        MESSAGE: "ulnflow uln " + told.format(who=f"--dispatch {dispatch.id}"),
        LAR_LEARNERS: "ulnflow lar create --all --reference NUMBER",
        LAR_CROSS_REFERENCE: "ulnflow lar cross-reference --all --reference NUMBER",
    }.get(dispatch.kind, "ulnflow today")


def waiting(dispatch: Dispatch, reference: str, told: str = "") -> str:
    """What one learner in an open file waits for; `told` says how they are told, where it is a message."""
    who = quoted(reference)
    if dispatch.kind == LRS_KEYING and dispatch.state != PREPARED:
        return f"ulnflow lrs answer {who}"
    if dispatch.kind == REGISTRATION:
        return f"ulnflow ilm confirm {who} --order NUMBER"
    if dispatch.kind == MESSAGE:
        return "ulnflow uln " + told.format(who=who)
    if dispatch.kind == LAR_LEARNERS:
        return one("create_lar", reference)
    return one("supply_cross_reference", reference) if dispatch.kind == LAR_CROSS_REFERENCE else file(dispatch)


def fix(rule: str, said: str, field: str, reference: str, cohort: str) -> str:
    """The command that puts right what a rule objects to."""
    if said == "open_dispatch":
        return RECEIVE if rule == "D8" else f"ulnflow ilm confirm {quoted(reference)} --order NUMBER"
    if rule == "I1" and said == "no_uln":
        return f"ulnflow lrs submit {quoted(reference)}"
    line = FIXES.get(rule, "ulnflow learner why {who}")
    named = field if field in FIELDS else ""
    return line.format(who=quoted(reference), field=named, cohort=quoted(cohort)).strip()


def explain(reference: str) -> str:
    """The command that asks the rules anew, where what is remembered of them may hold no more."""
    return f"ulnflow learner why {quoted(reference)}"


def duty(name: str, reference: str) -> str:
    """The command that does or closes a duty of a learner."""
    if name in {"tell_learner", "tell_learner_again"}:
        return f"ulnflow uln told {quoted(reference)} --how HOW"
    return f"ulnflow duty close {quoted(reference)} {name} --evidence REFERENCE"
