"""What a command takes for a case: a reference alone may mean another case of the learner than the one in hand."""

from __future__ import annotations

from collections.abc import Sequence

from states.unit_of_work import Glance
from workflow import Standing


def names_to_type(look: Glance, standings: Sequence[Standing]) -> dict[int, str]:
    """What to type for each case, by number: REFERENCE@QUALIFICATION where another is meant by the reference alone."""
    names = look.references(standings)
    cases = look.learners.cases({s.subject for s in standings})
    several = [s for s in standings if len(cases[s.subject]) > 1]
    if several:
        references = sorted({names[s.case] for s in several})
        meant = {s.case for s in look.find_cases(references, erased=True, others=True)}
        for one in several:
            code = one.facts.get("qualification")
            if code and one.case not in meant:
                names[one.case] += f"@{code}"
    return names
