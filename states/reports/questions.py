"""The catalogue of questions: what an auditor asks, in words, and what answers it."""

from __future__ import annotations

from typing import Any, Final

from states.errors import NotFound
from states.reports import ask_checks, ask_learners, ask_log
from states.reports.asking import Question

WHEN: Final = ("since", "until")
BOTH_TIMES: Final = (*WHEN, "at", "known_at")
WHOM: Final = ("learner", "cohort", "actor")


def _wrong(row: Any) -> bool:
    """What is a finding among notes."""
    return bool(row["weight"] == "wrong")


def _any(_row: Any) -> bool:
    return True


QUESTIONS: Final = (
    Question(
        number="Q1", name="learner-history",
        words="What happened to this learner, in order, by whom, and why?",
        columns=ask_log.STORY, brief=("position", "happened", "who", "what", "stands"), takes=("learner",),
        needs="learner", ask=ask_log.story, command="ulnflow audit history",
    ),
    Question(
        number="Q2", name="states-at",
        words="Where did the learner, or the cohort, stand on that day, as known on another?",
        columns=ask_learners.STATES, takes=("learner", "cohort", "at", "known_at"), ask=ask_learners.states,
        command="ulnflow status --at",
    ),
    Question(
        number="Q3", name="actor",
        words="What did this person do in that period, refused attempts and looks included?",
        columns=ask_log.EVENTS, brief=ask_log.BRIEF, needs="actor",
        takes=("actor", "learner", "trigger", "dispatch", *WHEN),
        ask=ask_log.by_actor, command="ulnflow audit events --actor",
    ),
    Question(
        number="Q4", name="refusals",
        words="Which attempts were refused, and by which rule?",
        columns=ask_log.REFUSALS, takes=(*WHOM, "rule", "trigger", *BOTH_TIMES), ask=ask_log.refusals,
    ),
    Question(
        number="Q5", name="sent-to-lrs",
        words="Which version of the details went to the LRS, in which file and row, and when?",
        columns=ask_learners.SENT, brief=ask_learners.SENT[:9], takes=("learner", "cohort", "dispatch", *WHEN),
        ask=ask_learners.sent_to_lrs,
    ),
    Question(
        number="Q6", name="disclosures",
        words="Who saw personal values, and to whom were they sent?",
        columns=ask_log.DISCLOSURES, takes=(*WHOM, "dispatch", *BOTH_TIMES), ask=ask_log.disclosures,
    ),
    Question(
        number="Q7", name="moved-without-notice",
        words="Was anybody moved without privacy notice or ID evidence, or by somebody who may not?",
        columns=ask_checks.CONTROLS, brief=("position", "recorded", "who", "reference", "finding", "weight"),
        takes=(*WHOM, "trigger", *BOTH_TIMES), ask=ask_checks.moved_without, finds=_wrong,
    ),
    Question(
        number="Q8", name="overrides",
        words="What was corrected, waived, decided or done another way, why, and who approved it?",
        columns=ask_log.OVERRIDES, takes=(*WHOM, *BOTH_TIMES), ask=ask_log.overrides,
    ),
    Question(
        number="Q9", name="stuck",
        words="Who is stuck, for how long, whose move is it, why, and what is next?",
        columns=ask_learners.STUCK,
        brief=("reference", "title", "kind", "owner", "working_days", "due", "why", "next_command"),
        takes=("cohort",), ask=ask_learners.stuck_now, finds=_any, command="ulnflow stuck",
    ),
    Question(
        number="Q10", name="altered",
        words="Has the log been altered, and is it whole?",
        columns=ask_checks.FAULTS, ask=ask_checks.altered, finds=_any, verifies=True,
        command="ulnflow audit verify --against FILE",
    ),
    Question(
        number="Q11", name="state-differs",
        words="Does what is shown as the current state equal what the events add up to?",
        columns=ask_checks.FAULTS, ask=ask_checks.state_differs, finds=_any, verifies=True,
    ),
    Question(
        number="Q12", name="odd-times",
        words="Do times run backwards, lie in the future or jump, and what was entered late?",
        columns=ask_checks.TIMES, brief=(*ask_checks.TIMES[:7], "weight"),
        takes=("actor", "trigger", "dispatch", *BOTH_TIMES), ask=ask_checks.odd_times,
        finds=_wrong,
    ),
    Question(
        number="Q13", name="privacy-register",
        words="What was erased, held, kept or disclosed under the privacy rules?",
        columns=ask_log.FACTS, brief=ask_log.FACTS[:5], takes=(*WHOM, *BOTH_TIMES), ask=ask_log.privacy,
    ),
    Question(
        number="Q14", name="changes",
        words="When did settings, rules, route, roles, keys, schema or program change?",
        columns=ask_log.CHANGES, brief=("position", "recorded", "who", "what", "from", "to"),
        takes=("actor", *BOTH_TIMES), ask=ask_log.changes,
    ),
    Question(
        number="Q15", name="look-ups",
        words="Did anybody look up far more learners than they usually do?",
        columns=ask_checks.LOOKS, takes=("actor", *WHEN), ask=ask_checks.look_ups,
        finds=lambda row: row["flag"] == ask_checks.HIGH,
    ),
    Question(
        number="Q16", name="evidence-pack",
        words="May I have a copy that I can check myself?",
        command="ulnflow audit pack",
    ),
    Question(
        number="Q17", name="queries",
        words="Who asked what of the log, and how much did they get?",
        columns=ask_log.QUERIES, takes=(*WHOM, *BOTH_TIMES), ask=ask_log.queries,
    ),
    Question(
        number="R1", name="registered-in-time",
        words="Was each learner registered in time, and how long after the course began?",
        columns=ask_learners.IN_TIME, takes=("learner", "cohort"), ask=ask_learners.registered_in_time,
        finds=lambda row: row["in_time"] not in {"yes", ask_learners.NOT_DUE},
        unjudged=lambda row: row["in_time"].startswith(ask_learners.UNJUDGED),
    ),
    Question(
        number="R2", name="id-evidence",
        words="Who saw which ID evidence, and when was it recorded?",
        columns=ask_learners.EVIDENCE, takes=(*WHOM, *BOTH_TIMES), ask=ask_learners.id_evidence,
    ),
    Question(
        number="R3", name="sent-to-ilm",
        words="Which version of the details went to ILM, in which file and row, and when?",
        columns=ask_learners.SENT, brief=ask_learners.SENT[:9], takes=("learner", "cohort", "dispatch", *WHEN),
        ask=ask_learners.sent_to_ilm,
    ),
    Question(
        number="R4", name="lists-compared",
        words="Does ILM's list match ours, and when was that last looked at?",
        columns=ask_learners.LISTS, brief=ask_learners.LISTS[:8], takes=("actor", *BOTH_TIMES),
        ask=ask_learners.lists_compared, command="ulnflow ilm reconcile",
    ),
    Question(
        number="R5", name="placeholder",
        words="Who is registered without a ULN, carrying 9999999999, and since when?",
        columns=ask_learners.OWED,
        brief=("reference", "cohort", "registered", "working_days", "days_left", "placeholder_days_left"),
        takes=("cohort",), ask=ask_learners.placeholder, command="ulnflow lar owed",
    ),
)  # fmt: skip
"""Every question, in the order of the catalogue: Q1 to Q17, then what funding bodies and ILM ask beside them."""


def find(text: str) -> Question:
    """A question by its number or its name in words; raises NotFound."""
    wanted = text.strip().casefold().replace("_", "-").replace(" ", "-")
    for question in QUESTIONS:
        if wanted in {question.number.casefold(), question.name}:
            return question
    raise NotFound(f"there is no question {text}; see them all: ulnflow audit ask", text)
