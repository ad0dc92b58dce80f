"""Details that lack an item or the privacy notice, not put to the rules yet: what rules D1 and D6 would say now."""

from __future__ import annotations

from collections.abc import Sequence

from states.asked import Asked
from states.learner.incomplete import Gap, incomplete
from states.unit_of_work import Glance
from workflow import Move, Question
from workflow.store import roles
from workflow.store.queries import Remembered, SharedRefusal

RULES = ("D1", "D6")
ASKING = "submit_to_lrs"

Groups = dict[tuple[str, str, tuple[bool, ...]], list[Gap]]


def gaps(look: Glance, cohort: str | None) -> list[Gap]:
    """Cases that wait to be put to the LRS and lack something; nobody for an account that may read no details."""
    if roles.account(look.connection).kind == "auditor":
        return []
    states = [name for name, s in look.office.route.states.items() if any(e.trigger == ASKING for e in s.expects)]
    return incomplete(look.connection, states, cohort)


def as_refusals(look: Glance, found: Sequence[Gap]) -> list[Remembered]:
    """What these rules would say of each."""
    known, now = look.office.engine.definition.rules, look.office.engine.clock()
    standings = look.log.load([gap.case for gap in found])
    details = look.learners.current({standing.subject for standing in standings.values()})
    told = []
    for gap in found:
        standing = standings[gap.case]
        question = Question(ASKING, Move(case=gap.case), standing, now, stated=False, now=now)
        asked = Asked(question, look.office.policy, details=details[standing.subject][1])
        said = tuple(
            {"rule": rule.clear.name, "held": False, "code": o.code, "message": o.message, "field": o.field}
            for rule in map(known.__getitem__, RULES)
            for o in rule.ask(asked).objections
            if o.severity == "block"
        )
        place = (gap.case, gap.state, gap.cohort, gap.entered_at, gap.clock_from)
        told.append(Remembered(*place, ASKING, said, now, 0))
    return told


def shared(look: Glance, found: Sequence[Gap]) -> list[SharedRefusal]:
    """The same counted: by cohort, state and what lacks."""
    groups: Groups = {}
    for gap in found:
        groups.setdefault((gap.cohort, gap.state, gap.lacks), []).append(gap)
    firsts = as_refusals(look, [members[0] for members in groups.values()])
    return [
        SharedRefusal(one.cohort, one.state, one.trigger, one.said, len(members))
        for one, members in zip(firsts, groups.values(), strict=True)
    ]
