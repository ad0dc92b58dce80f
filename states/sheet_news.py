"""What a row of a sheet says anew of a learner we have; what a person corrected since is no news in an old sheet.

A value is old when it was on file before and a person changed the field since it last was. Whatever else differs is
news, and is taken: a value that was never on file, and one that only other sheets changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from states.cohorts import meant
from states.details_change import CASE_FIELDS
from states.learner.details import LABELS, Details
from states.learner.entry import FIELDS
from states.sheet_ports import Finding
from states.unit_of_work import UnitOfWork
from workflow import Event, Standing
from workflow.event import NOTED, OPENED
from workflow.store.audit import Audit, Wanted
from workflow.working_days import day_of

KEPT: Final = "kept"
"""The code of a finding that says a correction was kept."""

Was = tuple[Any, int | None]
"""A value once on file, and the moment when a person put it there; None where a sheet did."""

Past = dict[str, list[Was]]
"""What was on file over time, by field."""


class KnownRow(NamedTuple):
    """A row about a learner we have: the current version of their details, what the row says, and their cases."""

    row: int
    learner: int
    current: tuple[int, Details] | None
    details: Details
    facts: Mapping[str, Any]
    own: Sequence[Standing]

    def changed_details(self) -> dict[str, Any]:
        """What the row says otherwise than the file; its blanks say nothing."""
        if self.current is None:
            return {}
        said = ((name, getattr(self.details, name)) for name in LABELS)
        return {name: value for name, value in said if value and value != getattr(self.current[1], name)}


@dataclass(slots=True)
class News:
    """The case a row is about, what of the row is to be taken, and what is kept as a person corrected it."""

    same: Standing | None
    details: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    kept: list[Finding] = field(default_factory=list)


def find_news(uow: UnitOfWork, rows: Sequence[KnownRow]) -> dict[int, News]:
    """What is new in rows about learners we have, by row; only of those that differ is the past looked up."""
    news = {one.row: News(_same(uow, one), one.changed_details()) for one in rows}
    corrected = [one for one in rows if news[one.row].details and one.current is not None and one.current[0] > 1]
    for one, versions in _past_details(uow, corrected):
        _keep(news[one.row], news[one.row].details, versions)
    past = _past_facts(uow, [case for one in rows for case in _in_question(one, news[one.row].same)])
    for one in rows:
        mine = news[one.row]
        if mine.same is None:
            mine.same = _once_same(one, past)
        if mine.same is not None:
            mine.facts = _changed_facts(one, mine.same)
            _keep(mine, mine.facts, past.get(mine.same.case, {}))
    return news


def _same(uow: UnitOfWork, one: KnownRow) -> Standing | None:
    """The case the row is about, by its qualification; without one, it is the case that is meant by the reference."""
    wanted = one.facts.get("qualification", "")
    if not wanted:
        return meant(uow.cohorts, one.own, uow.office.route.final_states()) if one.own else None
    return next((s for s in reversed(one.own) if _qualification(s) in {"", wanted}), None)


def _changed_facts(one: KnownRow, same: Standing) -> dict[str, Any]:
    """What the row says otherwise of the case it is about."""
    return {name: value for name, value in one.facts.items() if same.facts.get(name) != value}


def _in_question(one: KnownRow, same: Standing | None) -> list[int]:
    """The cases whose past matters: the one the row differs from or, where it is about none there is, all of them."""
    asked = one.own if same is None else [same] if _changed_facts(one, same) else []
    return [standing.case for standing in asked if standing.sequence > 1]


def _once_same(one: KnownRow, past: Mapping[int, Past]) -> Standing | None:
    """The latest case that had the qualification of the row until a person changed it."""
    wanted = one.facts.get("qualification")
    return next(
        (s for s in reversed(one.own) if _changed_since(past.get(s.case, {}).get("qualification", ()), wanted)), None
    )


def _keep(news: News, said: dict[str, Any], past: Mapping[str, Sequence[Was]]) -> None:
    """Take out of what is said what a person changed since."""
    for name in list(said):
        moment = _changed_since(past.get(name, ()), said[name])
        if moment is not None:
            del said[name]
            text = f"{FIELDS[name]}: kept as corrected on {day_of(moment)}; the sheet still has the older value"
            fix = "Correct it in the sheet. If the sheet is right after all: ulnflow learner edit"
            news.kept.append(Finding("note", name, KEPT, text, fix))


def _changed_since(past: Sequence[Was], value: object) -> int | None:
    """When a person last changed what once was this value; None where it never was, or nobody did."""
    last = max((at for at, (was, _) in enumerate(past) if was == value), default=None)
    if last is None:
        return None
    return max((moment for _, moment in past[last + 1 :] if moment is not None), default=None)


def _past_details(uow: UnitOfWork, rows: Sequence[KnownRow]) -> Iterable[tuple[KnownRow, Past]]:
    if not rows:
        return
    history = uow.learners.history(one.learner for one in rows)
    people: dict[tuple[int, int], int] = {}
    owner = {standing.case: one.learner for one in rows for standing in one.own}
    for event in _noted(uow, owner, "details_changed"):
        if event.dispatch is None:
            people[owner[event.case or 0], int(event.evidence["version"])] = event.occurred_at
    for one in rows:
        past: Past = {}
        for version, details in history.get(one.learner, ()):
            for name in LABELS:
                value, was = getattr(details, name), past.setdefault(name, [])
                if not was or was[-1][0] != value:
                    was.append((value, people.get((one.learner, version))))
        yield one, past


def _past_facts(uow: UnitOfWork, cases: Sequence[int]) -> dict[int, Past]:
    past: dict[int, Past] = {}
    if not cases:
        return past
    opened = Audit(uow.connection).of_cases([OPENED], Wanted(cases=tuple(cases)))
    for event in (*opened, *_noted(uow, cases, "case_changed")):
        moment = event.occurred_at if event.dispatch is None else None
        for name in CASE_FIELDS:
            if event.kind == OPENED or name in event.facts:
                known = past.setdefault(event.case or 0, {}).setdefault(name, [])
                known.append((event.facts.get(name), moment if known else None))
    return past


def _noted(uow: UnitOfWork, cases: Iterable[int], what: str) -> Iterable[Event]:
    return Audit(uow.connection).of_cases([NOTED], Wanted(cases=tuple(cases)), triggers=[what])


def _qualification(standing: Standing) -> str:
    return str(standing.facts.get("qualification", ""))
