"""Sentences for what happens beside the route: evidence handed out, people and what their roles refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from states.counting import counted
from states.vocabulary import DISCLOSED, PEOPLE_CHANGED
from workflow import Event


def _pack(event: Event) -> str:
    many = counted(event.evidence.get("learners", 0), "learner")
    events = counted(event.evidence.get("events", 0), "event")
    return f"An evidence pack of {events} about {many} was made{_to(event)}"


def _disclosed(event: Event) -> str:
    if "what" not in event.evidence:
        return "Everything held about a learner was handed out"
    what = "Names and ULNs" if event.evidence.get("what") == "names_and_ulns" else "Personal values"
    return f"{what} of {counted(event.evidence.get('learners', 0), 'learner')} were given out{_to(event)}"


def _not_made(event: Event) -> str:
    return f"The evidence pack of entry {event.evidence.get('recorded', '')} was not made after all"


def _to(event: Event) -> str:
    return f" for {event.evidence['to']}" if event.evidence.get("to") else ""


def _people(event: Event) -> str:
    kept = event.evidence.get("cohorts", {})
    named = [
        f"{name} ({', '.join(roles)}{', of ' + ', '.join(kept[name]) + ' alone' if name in kept else ''})"
        for name, roles in event.evidence.get("people", {}).items()
    ]
    now = ", ".join(named) or "everybody is operator and approver"
    return f"Found changed, by whoever edited the settings: who may do what: {now}"


def _denied(event: Event) -> str:
    asked = event.evidence.get("asked", event.command)
    if "cohort" in event.evidence:
        whose = f"of cohort {event.evidence['cohort']}" if event.evidence["cohort"] else "without a cohort"
        many = f" ({counted(event.evidence['learners'], 'learner')})" if "learners" in event.evidence else ""
        return f"Refused: {asked}, about what is {whose}{many}; {event.actor} is kept to others"
    return f"Refused: {asked}, which the roles of {event.actor} do not allow"


def _of(sentence: Callable[[Event], str]) -> Callable[[Event, Any], str]:
    return lambda event, _register: sentence(event)


BESIDE: Final[Mapping[str, Callable[[Event, Any], str]]] = {
    "pack_made": _of(_pack),
    "pack_not_made": _of(_not_made),
    DISCLOSED: _of(_disclosed),
    PEOPLE_CHANGED: _of(_people),
    "denied": _of(_denied),
}
"""Kind of event -> its sentence, without the reason."""
