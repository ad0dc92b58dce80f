"""The board: how many learners stand where, by cohort, along the route."""

from __future__ import annotations

from dataclasses import dataclass

from states.reports import late
from states.unit_of_work import Office
from workflow.store.queries import Queries


@dataclass(frozen=True, slots=True)
class BoardRow:
    """The learners of one cohort in one state; `cohort` is empty for those in none."""

    cohort: str
    state: str
    title: str
    owner: str
    learners: int
    overdue: int


def board(office: Office, cohort: str | None = None) -> list[BoardRow]:
    """Every cohort's states with somebody in them, in the order of the route."""
    order = {name: index for index, name in enumerate(office.route.states)}
    with office.look() as look:
        counts = Queries(look.connection).counts(cohort)
        overdue = late.count(look)
    return [
        BoardRow(
            cohort=group,
            state=name,
            title=office.route.states[name].title,
            owner=office.route.states[name].owner,
            learners=counts[group, name],
            overdue=overdue.get((group, name), late.Late()).overdue,
        )
        for group, name in sorted(counts, key=lambda key: (key[0], order[key[1]]))
    ]
