"""Matches gone stale: a detail changed after the LRS matched it, and nobody asked again (rule I1)."""

from __future__ import annotations

from collections.abc import Sequence

from states.asked import Asked
from states.unit_of_work import Glance
from workflow import Move, Objection, Question, Standing
from workflow.store.queries import Remembered

RULE = "I1"
ASKING = "verify_again"


def objections(look: Glance, standing: Standing) -> list[Objection]:
    """What rule I1 says of a match that is stale, field by field; nothing of one that is fresh."""
    if not standing.facts.get("uln") or not standing.facts.get("stale"):
        return []
    now = look.office.engine.clock()
    question = Question(ASKING, Move(case=standing.case), standing, now, stated=False, now=now)
    rule = look.office.engine.definition.rules[RULE]
    return list(rule.check(Asked(question, look.office.policy)))


def told(look: Glance, standing: Standing) -> list[str]:
    """What is said of a stale match where a learner stands; to ask again is advised where that can be done."""
    can_ask = any((trigger, standing.state) in look.office.route.arrows for trigger in (ASKING, "submit_to_lrs"))
    said = [objection.message for objection in objections(look, standing)]
    return said if can_ask else [f"{words.partition(';')[0]}; the LRS is not asked again from here" for words in said]


def stale_cases(look: Glance, cohort: str | None) -> list[int]:
    """Cases whose match is stale, which no open file to the LRS holds and no remembered refusal tells of already."""
    states = [state for trigger, state in look.office.route.arrows if trigger == ASKING]
    return look.learners.stale(states, cohort)


def as_refusals(look: Glance, cases: Sequence[int]) -> list[Remembered]:
    """What rule I1 would say of them if the next step were asked now."""
    rule, now = look.office.engine.definition.rules[RULE], look.office.engine.clock()
    found = []
    for standing in look.log.load(cases).values():
        said = tuple(
            {"rule": rule.clear.name, "held": False, "code": o.code, "message": o.message, "field": o.field}
            for o in objections(look, standing)
        )
        place = (standing.case, standing.state, standing.cohort, standing.entered_at, standing.clock_from)
        found.append(Remembered(*place, ASKING, said, now, 0))
    return found
