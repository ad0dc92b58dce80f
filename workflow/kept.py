"""Whom an act is kept to: some cohorts, asked wherever something is written about a case.

Who has one case of a subject may note on its other cases what is the subject's own, such as a change of its details;
whoever notes such a thing says so.
An act that is kept to none costs one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from workflow.case import Standing
from workflow.errors import OtherCohort
from workflow.event import EMPTY
from workflow.move import Judged, Question
from workflow.route import Transition
from workflow.rule import Objection, Verdict
from workflow.store.connection import Connection
from workflow.store.event_log import EventLog
from workflow.store.queries import Queries

RULE: Final = "cohorts"
CODE: Final = "other_cohort"
DENIED: Final = "denied"
"""The event that tells of what somebody may not do, and so may name any case."""

Judge = Callable[[str, Sequence[Question], Sequence[Transition | None]], list[Judged]]


def objection(cohort: str) -> str:
    """What is said of a case of another cohort."""
    whose = f"of cohort {cohort}" if cohort else "without a cohort"
    return f"this is {whose}, and whoever asks is kept to others: see [people] in ulnflow.toml"


def judge(
    ask: Judge,
    cohorts: Collection[str],
    trigger: str,
    questions: Sequence[Question],
    arrows: Sequence[Transition | None],
) -> list[Judged]:
    """What the rules say of the cases an act is kept to; of any other, that it is another's, and no rule is asked."""
    pairs = list(zip(questions, arrows, strict=True))
    asked = [(q, arrow) for q, arrow in pairs if _foreign(cohorts, q.standing, q.move.facts) is None]
    own = iter(ask(trigger, [q for q, _ in asked], [arrow for _, arrow in asked]))
    return [
        next(own)
        if (cohort := _foreign(cohorts, question.standing, question.move.facts)) is None
        else (question, arrow, () if arrow is None else _verdicts(cohort))
        for question, arrow in pairs
    ]


def refuse_case(
    connection: Connection,
    cohorts: Collection[str],
    standing: Standing,
    facts: Mapping[str, Any] = EMPTY,
    *,
    shared: bool = False,
) -> None:
    """Raise OtherCohort for an event about a case of another cohort, or one that brings it there.

    With `shared` it is enough that another case of the subject is one the act is kept to.
    """
    cohort = _foreign(cohorts, standing, facts)
    if cohort is None:
        return
    if shared and "cohort" not in facts and not Queries(connection).cohorts_of(standing.subject).isdisjoint(cohorts):
        return
    raise OtherCohort(cohort, standing.case)


def refuse_cohort(cohorts: Collection[str], cohort: str) -> None:
    """Raise OtherCohort for a cohort that is another's."""
    if cohort not in cohorts:
        raise OtherCohort(cohort)


def refuse_told(connection: Connection, cohorts: Collection[str], kind: str, evidence: Mapping[str, Any]) -> None:
    """Raise OtherCohort for a fact about no case whose evidence names a case or a cohort of others."""
    if kind == DENIED:
        return
    if "cohort" in evidence:
        refuse_cohort(cohorts, str(evidence["cohort"]))
    if "case" in evidence:
        for standing in EventLog(connection, "").load([int(evidence["case"])]).values():
            refuse_case(connection, cohorts, standing, shared=True)


def _foreign(cohorts: Collection[str], standing: Standing, facts: Mapping[str, Any]) -> str | None:
    """The cohort in question that is another's; None where there is none."""
    if standing.cohort not in cohorts:
        return standing.cohort
    if "cohort" in facts and facts["cohort"] not in cohorts:
        return str(facts["cohort"] or "")
    return None


def _verdicts(cohort: str) -> tuple[Verdict, ...]:
    return (Verdict(RULE, 1, (Objection(CODE, objection(cohort), field="cohort"),)),)
