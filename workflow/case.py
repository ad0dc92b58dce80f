"""Case and Standing: where one subject is on its route, folded from its events.

A standing is a projection: `fold` makes it again from the events alone, and `verify` demands that both agree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from workflow.event import EMPTY, MOVED, OPENED, Event, leaf_hash
from workflow.route import Route
from workflow.working_days import start_of


class Standing(NamedTuple):
    """Where a case is: state, place in its own log, since when (microseconds, UTC) and what is known of it.

    `clock_from` is when the clock of the state began, None while that is not known. `leaf` is the leaf hash of the
    case's latest event. A tuple, because bulk makes millions of them.
    """

    case: int
    route: str
    route_version: int
    state: str
    sequence: int
    entered_at: int
    clock_from: int | None
    occurred_at: int
    leaf: bytes
    facts: Mapping[str, Any]

    def sealed(self, leaf: bytes) -> Standing:
        """The same standing with the leaf hash of the event that led to it."""
        return self._replace(leaf=leaf)

    @property
    def subject(self) -> int:
        """Whom the case is about: a number that means something outside the engine."""
        return int(self.facts["subject"])

    @property
    def cohort(self) -> str:
        """The group the case goes with; empty when it goes alone."""
        return str(self.facts.get("cohort", ""))


def changed(facts: Mapping[str, Any], delta: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts after an event's changes; a change to None forgets the fact."""
    if not delta:
        return facts
    merged = {**facts, **delta}
    return {name: value for name, value in merged.items() if value is not None}


def clock_start(route: Route, state: str, entered_at: int, facts: Mapping[str, Any]) -> int | None:
    """When the clock of a state began: on entering, or at the fact the route names; None while unknown."""
    place = route.states[state]
    if place.final:
        return None
    if place.clock_from is None:
        return entered_at
    value = facts.get(place.clock_from)
    if isinstance(value, str):
        return start_of(date.fromisoformat(value))
    return value


def advanced(
    route: Route, standing: Standing, target: str | None, occurred_at: int, facts: Mapping[str, Any]
) -> Standing:
    """The standing after one more event; its leaf is set when the event has got its bytes.

    Only a move (one with a target) says when something happened on the route: a note or a refusal recorded in
    between does not keep an earlier fact from being recorded after it.
    """
    case, name, version, source, sequence, since, _, latest, leaf, before = standing
    state = source if target is None else target
    entered_at = since if state == source else occurred_at
    known = changed(before, facts) if facts else before
    happened = latest if target is None else max(occurred_at, latest)
    begins = clock_start(route, state, entered_at, known)
    return Standing(case, name, version, state, sequence + 1, entered_at, begins, happened, leaf, known)


def fold(route: Route, events: Iterable[tuple[Event, bytes]], *, without: Collection[int] = ()) -> Standing:
    """The standing that a case's events (each with its bytes) add up to; voided events count for their place only.

    `without` are positions to leave out as if they were voided as well. Raises ValueError when they do not begin with
    an opening.
    """
    listed = list(events)
    voided = {*without, *(event.voids for event, _ in listed if event.voids is not None)}
    standing: Standing | None = None
    for event, body in listed:
        if standing is None:
            standing = opening(route, event)
        else:
            stands = event.position not in voided
            standing = advanced(
                route,
                standing,
                target=event.target if stands and event.kind == MOVED else None,
                occurred_at=event.occurred_at,
                facts=event.facts if stands else EMPTY,
            )
        standing = standing.sealed(leaf_hash(body))
    if standing is None:
        raise ValueError("a case without events")
    return standing


def opening(route: Route, event: Event) -> Standing:
    """The standing right after a case was opened."""
    if event.kind != OPENED or event.case is None or "subject" not in event.facts:
        raise ValueError("a case does not begin with its opening")
    return Standing(
        case=event.case,
        route=event.route or route.name,
        route_version=event.route_version or route.version,
        state=event.target or route.initial,
        sequence=1,
        entered_at=event.occurred_at,
        clock_from=clock_start(route, event.target or route.initial, event.occurred_at, event.facts),
        occurred_at=event.occurred_at,
        leaf=b"",
        facts=changed({}, event.facts),
    )
