"""What an auditor asks: a question, whom and when it is about, and the answer as rows of one moment of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from states.errors import NotFound, NotPossible
from states.reports.board import end_of
from states.rules import LEARNER_RULES
from states.unit_of_work import Glance, Office
from workflow.store import roles
from workflow.store.audit import Audit, Wanted
from workflow.store.verify import Report
from workflow.working_days import start_of

Row = dict[str, Any]
ABOUT_THE_COMMAND: Final = ("route", "given", "cohorts", "roles", "same_person")
"""What refuses beside the rules: the route, what was left out of a command, and who may not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What was asked about, as it was typed; empty and None mean everything.

    `since` and `until` are days of recording, `at` the last day it happened, `known_at` the last day it was recorded.
    """

    learner: str = ""
    cohort: str = ""
    actor: str = ""
    rule: str = ""
    trigger: str = ""
    dispatch: str = ""
    since: date | None = None
    until: date | None = None
    at: date | None = None
    known_at: date | None = None

    def given(self) -> list[str]:
        """The names of the filters that were given."""
        return [one.name for one in fields(self) if getattr(self, one.name)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a question is answered: a moment of the log, the filters, and what was found when the log was verified.

    `nobody` says why a name is no person who may act here, or nothing. `notes` take what an answer says of
    itself.
    """

    look: Glance
    filters: Filters
    wanted: Wanted
    report: Report | None
    nobody: Callable[[str], str]
    notes: list[str]

    @property
    def office(self) -> Office:
        """The centre at work."""
        return self.look.office

    @property
    def audit(self) -> Audit:
        """The log, to be asked."""
        return Audit(self.look.connection)

    @property
    def reads_people(self) -> bool:
        """Whether this account may read what is known of people; an auditor's on a server may not."""
        return roles.account(self.look.connection).kind in {"owner", "operator"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question: its number in the catalogue, its name in words, what it asks, and how it is answered.

    `takes` names the filters it understands, `needs` the one it cannot do without. `brief` are the columns of a table,
    `columns` all of them. A row that `finds` something makes the answer one of findings; None where none ever does.
    Of those, a row is `unjudged` that could not be judged: it is counted apart.
    `command` answers it as well, or instead where there is no `ask`.
    """

    number: str
    name: str
    words: str
    columns: tuple[str, ...] = ()
    brief: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    needs: str = ""
    ask: Callable[[Scope], Iterator[Row]] | None = None
    finds: Callable[[Mapping[str, Any]], bool] | None = None
    unjudged: Callable[[Mapping[str, Any]], bool] | None = None
    verifies: bool = False
    command: str = ""


def check(question: Question, filters: Filters, *, option: Callable[[str], str]) -> None:
    """Raise NotPossible for a filter the question does not understand, or one it lacks."""
    takes = ", ".join(option(name) for name in question.takes) or "no filter"
    for name in filters.given():
        if name not in question.takes:
            raise NotPossible(f"{question.name} does not know {option(name)}; it takes {takes}")
    if question.needs and question.needs not in filters.given():
        raise NotPossible(f"{question.name} needs {option(question.needs)}")
    if question.ask is None:
        raise NotPossible(f"{question.name} has a command of its own: {question.command}")


def answer(
    office: Office,
    question: Question,
    filters: Filters,
    *,
    report: Report | None,
    nobody: Callable[[str], str],
    notes: list[str] | None = None,
) -> Iterator[Row]:
    """The rows of an answer, read as they are asked for; raises NotFound and NotPossible for what is not known.

    What the answer has to say beside its rows is in `notes` once all were read.
    """
    with office.look() as look:
        scope = Scope(
            look=look, filters=filters, wanted=_wanted(look, filters), report=report, nobody=nobody,
            notes=[] if notes is None else notes,
        )  # fmt: skip
        if question.ask is not None:
            yield from question.ask(scope)


def _wanted(look: Glance, filters: Filters) -> Wanted:
    """What was typed, looked up; raises NotFound and NotPossible."""
    route = look.office.route
    if filters.cohort:
        look.learners.cohort(filters.cohort)
    if filters.rule and filters.rule not in {*LEARNER_RULES, *ABOUT_THE_COMMAND}:
        raise NotFound(f"there is no rule {filters.rule}; rules are: {', '.join(LEARNER_RULES)}, "
                       f"{', '.join(ABOUT_THE_COMMAND)}", filters.rule)  # fmt: skip
    if filters.trigger and filters.trigger not in route.triggers:
        raise NotFound(
            f"there is no trigger {filters.trigger}; triggers are: {', '.join(route.triggers)}", filters.trigger
        )
    if filters.actor and not (audit := Audit(look.connection)).has_actor(filters.actor):
        raise NotFound(
            f"nobody of the name {filters.actor} is in the log; in it are: {', '.join(audit.actors())}", filters.actor
        )
    if filters.since and filters.until and filters.until < filters.since:
        raise NotPossible("the period ends before it begins; give the earlier day with --since")
    until = min((day for day in (filters.until, filters.known_at) if day), default=None)
    cases = None
    if filters.learner:
        learner = look.find_case(filters.learner, erased=True).subject
        cases = tuple(look.learners.cases([learner])[learner])
    return Wanted(
        cases=cases,
        cohort=filters.cohort or None,
        actor=filters.actor or None,
        trigger=filters.trigger or None,
        dispatch=look.find_dispatch(filters.dispatch).id if filters.dispatch else None,
        since=start_of(filters.since) if filters.since else None,
        until=end_of(until) + 1 if until else None,
        happened=end_of(filters.at) if filters.at else None,
    )
