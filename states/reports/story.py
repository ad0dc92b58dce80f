"""What an evidence pack tells in words: the story of each learner in it, and what befell files, cohorts and the log."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from states.learner.erasure import ERASED
from states.learner.repository import HELD
from states.reports.events import rows
from states.reports.sentences import Register
from states.reports.trail import TrailLine, line
from states.unit_of_work import Glance
from states.vocabulary import RULES
from workflow import Standing
from workflow.store import excerpt
from workflow.store.history import History, event_of
from workflow.working_days import day_of

AT_ONCE: Final = 500
NAMED: Final = ("reference", "given_name", "family_name", "uln")
"""The columns of the list of names."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One case: whose, for which qualification, where it stands now, and its events in the pack.

    `name` and `uln` are empty unless names were asked for.
    """

    reference: str
    qualification: str
    stands: str
    name: str
    uln: str
    lines: tuple[TrailLine, ...]


def chapters(look: Glance, cases: Sequence[int], positions: array[int], *, names: bool) -> Iterator[Chapter]:
    """A chapter for each case that has an event in the pack; positions ascend."""
    route = look.office.route
    register, history = Register(route, look.dispatches), History(look.connection)
    for start in range(0, len(cases), AT_ONCE):
        standings = look.log.load(list(cases[start : start + AT_ONCE])).values()
        known = look.references(list(standings))
        told = _names(look, list(standings)) if names else {}
        for standing in standings:
            events = [e for e in history.events(case=standing.case, refusals=True) if _holds(positions, e.position)]
            voided = {e.voids: e.position for e in events if e.voids is not None}
            qualification = str(standing.facts.get("qualification", ""))
            state = route.states.get(standing.state)
            if events:
                yield Chapter(
                    known[standing.case], qualification, state.title if state else standing.state,
                    *told.get(standing.subject, ("", "")),
                    tuple(
                        line(e, known[standing.case], qualification, register, voided_by=voided.get(e.position))
                        for e in events
                    ),
                )  # fmt: skip


def beside(look: Glance, positions: array[int]) -> Iterator[TrailLine]:
    """The events of the pack that are about no case."""
    register = Register(look.office.route, look.dispatches)
    for _, body in excerpt.bodies(look.connection, positions):
        event = event_of(body)
        if event.case is None:
            yield line(event, "", "", register)


def listed(look: Glance, positions: array[int]) -> Iterator[dict[str, Any]]:
    """The events of the pack as flat rows, as `audit events` lists them."""
    register = Register(look.office.route, look.dispatches)
    coming = (event_of(body) for _, body in excerpt.bodies(look.connection, positions))
    while chunk := list(islice(coming, AT_ONCE)):
        yield from rows(look, chunk, register)


def people(look: Glance, cases: Sequence[int]) -> Iterator[tuple[str, str, str, str]]:
    """Names and ULN of the learners of some cases, by reference, each once; of the erased, that the values are gone."""
    done: set[int] = set()
    for start in range(0, len(cases), AT_ONCE):
        standings = list(look.log.load(list(cases[start : start + AT_ONCE])).values())
        fresh = [learner for learner in dict.fromkeys(s.subject for s in standings) if learner not in done]
        done.update(fresh)
        references, details = look.learners.references(fresh), look.learners.current(fresh)
        ulns, gone = _held(look, fresh), _erased(standings)
        for learner in fresh:
            if learner in gone:
                yield references[learner], gone[learner], "", ""
            elif learner in details:
                own = details[learner][1]
                yield references[learner], own.given_name, own.family_name, ulns.get(learner, "")


def _names(look: Glance, standings: Sequence[Standing]) -> dict[int, tuple[str, str]]:
    """Name and ULN of each learner; of one who was erased, that they were."""
    learners = {s.subject for s in standings}
    ulns = _held(look, sorted(learners))
    named = {
        learner: (f"{details.given_name} {details.family_name}".strip(), ulns.get(learner, ""))
        for learner, (_, details) in look.learners.current(learners).items()
    }
    return {**named, **{learner: (words, "") for learner, words in _erased(standings).items()}}


def _erased(standings: Sequence[Standing]) -> dict[int, str]:
    """When the values of those among some learners were erased whose values were, in words."""
    return {s.subject: f"values erased on {day_of(int(s.facts[ERASED]))}" for s in standings if ERASED in s.facts}


def _held(look: Glance, learners: Sequence[int]) -> dict[int, str]:
    return {
        learner: record.uln
        for learner, records in look.learners.ulns(learners).items()
        for record in records
        if record.status == HELD
    }


def _holds(positions: array[int], position: int) -> bool:
    return bisect_left(positions, position) < bisect_right(positions, position)


def rules(look: Glance, seen: set[str]) -> dict[str, Any]:
    """The rules as they are now with the version of their set, and the versions the events were judged by.

    An event names each rule it was judged by with that rule's version.
    """
    definition = look.office.engine.definition
    return {
        "rule_set": definition.rule_set,
        "judged_by": sorted(seen),
        "rules": [
            {
                "code": rule.code,
                "version": rule.version,
                "holds_when": RULES.get(rule.code, rule.title),
                "weight": rule.severity or "its own",
            }
            for rule in definition.rules.values()
        ],
    }
