"""Route, State, Transition: a declared graph, read from TOML, checked when read, and hashed.

A route says which states a case may be in, who owns the next move there and how long it may take, which trigger
leads where, which rules each asks and which duties it opens. Clocks are not part of its hash: a centre may change
them without making another route.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflow.errors import DefinitionError
from workflow.event import canonical

SAME: Final = "="
EVERY_OPEN_STATE: Final = "*"
Shape = Mapping[str, tuple[type, ...]]
ROUTE: Final[Shape] = {"route": (dict,), "states": (dict,), "transitions": (list,), "duties": (dict,)}
HEAD: Final[Shape] = {"name": (str,), "version": (int,), "title": (str,), "initial": (str,), "always": (list,)}
STATE: Final[Shape] = {
    "title": (str,), "owner": (str,), "meaning": (str,), "clock": (object,), "clock_from": (str,),
    "deadline": (dict,), "final": (bool,), "step": (int,), "expects": (list,),
}  # fmt: skip
DEADLINE: Final[Shape] = {"name": (str,), "before": (int,)}
EXPECTATION: Final[Shape] = {"trigger": (str,), "when": (list,)}
DUTY: Final[Shape] = {"title": (str,), "owner": (str,), "clock": (int,)}
TRANSITION: Final[Shape] = {
    "trigger": (str,), "from": (str, list), "to": (str,), "rules": (list,), "warns": (list,), "requires": (list,),
    "opens": (list,), "title": (str,), "hidden": (bool,),
}  # fmt: skip
OPENED_DUTY: Final[Shape] = {"duty": (str,), "when": (str,)}
TEXTS: Final = frozenset({"always", "from", "rules", "warns", "requires", "when"})
WORDS: Final = {str: "a text", list: "a list", dict: "a table", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Deadline:
    """A day named elsewhere that a state must be left before: `before` working days ahead of it."""

    name: str
    before: int


@dataclass(frozen=True, slots=True)
class Expectation:
    """The trigger that should come next, when the named rules hold."""

    trigger: str
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A place on the route; `clock` counts working days from entering, or from the fact `clock_from` names."""

    name: str
    title: str
    owner: str
    meaning: str
    clock: int | None
    clock_from: str | None
    deadline: Deadline | None
    final: bool
    step: int | None
    expects: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class OpenedDuty:
    """A duty that a transition opens, always or only when a fact stands."""

    duty: str
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow: from `source` by `trigger` to `target`, past `rules`."""

    trigger: str
    source: str
    target: str
    rules: tuple[str, ...]
    warns: frozenset[str]
    requires: frozenset[str]
    opens: tuple[OpenedDuty, ...]


@dataclass(frozen=True, slots=True)
class Duty:
    """A side obligation beside the states; `clock` counts working days from its opening."""

    name: str
    title: str
    owner: str
    clock: int


@dataclass(frozen=True, slots=True)
class Route:
    """A checked route. `arrows` is keyed by (trigger, source)."""

    name: str
    version: int
    title: str
    initial: str
    states: Mapping[str, State]
    arrows: Mapping[tuple[str, str], Transition]
    triggers: Mapping[str, str]
    """Trigger -> the sentence a person reads for it."""
    duties: Mapping[str, Duty]
    hash: str
    canonical: bytes

    def triggers_from(self, state: str) -> tuple[str, ...]:
        """The triggers a state has, in the route's order."""
        return tuple(trigger for trigger, source in self.arrows if source == state)

    def final_states(self) -> tuple[str, ...]:
        """The states in which a case rests."""
        return tuple(name for name, state in self.states.items() if state.final)


def read_route(text: str, *, source: str, rules: Collection[str], clocks: Mapping[str, int] | None = None) -> Route:
    """Read a route from TOML and check it whole.

    `rules` are the codes that exist, `clocks` a centre's own working days per state or duty. Raises
    DefinitionError with every fault found, each with its place; what is malformed is said first.
    """
    try:
        record = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise DefinitionError(source, [f"is not TOML: {wrong}"]) from wrong
    if malformed := list(_malformed(record)):
        raise DefinitionError(source, malformed)
    head, faults = record["route"], list[str]()
    own = dict(clocks or {})
    states = {name: _state(name, raw, own, faults) for name, raw in record.get("states", {}).items()}
    duties = {
        name: Duty(name, raw.get("title", name), raw.get("owner", ""), own.pop(name, raw.get("clock", 0)))
        for name, raw in record.get("duties", {}).items()
    }
    faults += [f"a clock is set for {name}, which is neither a state nor a duty" for name in own]
    arrows = _arrows(record.get("transitions", []), head.get("always", []), states, faults)
    faults += _dangling(head, states, duties, arrows, set(rules))
    if not faults:
        faults += _shape(head["initial"], states, arrows)
    if faults:
        raise DefinitionError(source, faults)
    lasting = canonical(_without_clocks(record))
    return Route(
        name=head["name"],
        version=head["version"],
        title=head.get("title", head["name"]),
        initial=head["initial"],
        states=states,
        arrows=arrows,
        triggers={raw["trigger"]: raw.get("title", raw["trigger"]) for raw in reversed(record["transitions"])},
        duties=duties,
        hash=hashlib.sha256(lasting).hexdigest(),
        canonical=lasting,
    )


def _malformed(record: Mapping[str, Any]) -> Iterator[str]:
    """What keeps a route from being read at all: unknown keys, missing ones, values of the wrong kind."""
    yield from _form("the file", record, ROUTE)
    yield from _form("[route]", record.get("route", {}), HEAD, ("name", "version", "initial"))
    for name, raw in _tables(record, "states"):
        yield from _form(f"state {name}", raw, STATE)
        if isinstance(raw, dict) and "deadline" in raw:
            yield from _form(f"the deadline of state {name}", raw["deadline"], DEADLINE, ("name", "before"))
        for expected in _listed(raw, "expects"):
            yield from _form(f"what state {name} expects", expected, EXPECTATION, ("trigger",))
    for name, raw in _tables(record, "duties"):
        yield from _form(f"duty {name}", raw, DUTY, ("owner", "clock"))
    for raw in _listed(record, "transitions"):
        place = f"transition {raw.get('trigger', '')}".rstrip() if isinstance(raw, dict) else "a transition"
        yield from _form(place, raw, TRANSITION, ("trigger", "from", "to"))
        for opened in _listed(raw, "opens"):
            if not isinstance(opened, str):
                yield from _form(f"what {place} opens", opened, OPENED_DUTY, ("duty",))


def _form(place: str, raw: Any, shape: Shape, needed: Iterable[str] = ()) -> Iterator[str]:
    if not isinstance(raw, dict):
        yield f"{place} must be a table"
        return
    for key in needed:
        if raw.get(key, "") == "":
            yield f"{place} lacks {key}"
    for key, value in raw.items():
        kinds = shape.get(key)
        if kinds is None:
            yield f"{place} has the unknown key {key}: one of {', '.join(shape)}"
        elif not isinstance(value, kinds) or (isinstance(value, bool) and int in kinds):
            yield f"{key} of {place} must be {' or '.join(WORDS[kind] for kind in kinds)}"
        elif key in TEXTS and not _texts(value):
            yield f"{key} of {place} must hold texts only"


def _texts(value: Any) -> bool:
    return all(isinstance(item, str) for item in value)


def _tables(record: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    found = record.get(key, {})
    return list(found.items()) if isinstance(found, dict) else []


def _listed(raw: Any, key: str) -> list[Any]:
    found = raw.get(key, []) if isinstance(raw, dict) else []
    return found if isinstance(found, list) else []


def _state(name: str, raw: Mapping[str, Any], clocks: dict[str, int], faults: list[str]) -> State:
    final = bool(raw.get("final", False))
    clock = clocks.pop(name, raw.get("clock"))
    if not final and clock is None:
        faults.append(f"state {name} has no clock: say after how many working days it is overdue")
    if clock is not None and (type(clock) is not int or clock < 0):
        faults.append(f"the clock of state {name} must be a whole number of working days, 0 or more")
    if not final and not raw.get("owner"):
        faults.append(f"state {name} has no owner: say who makes the next move")
    deadline = raw.get("deadline")
    return State(
        name=name,
        title=raw.get("title", name),
        owner=raw.get("owner", ""),
        meaning=raw.get("meaning", ""),
        clock=None if final else clock,
        clock_from=raw.get("clock_from"),
        deadline=Deadline(deadline["name"], deadline["before"]) if deadline else None,
        final=final,
        step=raw.get("step"),
        expects=tuple(Expectation(e["trigger"], tuple(e.get("when", ()))) for e in raw.get("expects", ())),
    )


def _arrows(
    raws: Iterable[Mapping[str, Any]],
    always: Iterable[str],
    states: Mapping[str, State],
    faults: list[str],
) -> dict[tuple[str, str], Transition]:
    arrows: dict[tuple[str, str], Transition] = {}
    for raw in raws:
        trigger = raw["trigger"]
        sources = [raw["from"]] if isinstance(raw["from"], str) else raw["from"]
        if sources == [EVERY_OPEN_STATE]:
            sources = [name for name, state in states.items() if not state.final]
        opens = tuple(
            OpenedDuty(o) if isinstance(o, str) else OpenedDuty(o["duty"], o.get("when")) for o in raw.get("opens", ())
        )
        warns = tuple(raw.get("warns", ()))
        for name in sources:
            if (trigger, name) in arrows:
                faults.append(f"trigger {trigger} leaves state {name} twice")
            arrows[trigger, name] = Transition(
                trigger=trigger,
                source=name,
                target=name if raw["to"] == SAME else raw["to"],
                rules=(*always, *raw.get("rules", ()), *warns),
                warns=frozenset(warns),
                requires=frozenset(raw.get("requires", ())),
                opens=opens,
            )
    return arrows


def _dangling(
    head: Mapping[str, Any],
    states: Mapping[str, State],
    duties: Mapping[str, Duty],
    arrows: Mapping[tuple[str, str], Transition],
    rules: set[str],
) -> list[str]:
    faults = [] if head["initial"] in states else [f"the initial state {head['initial']} is not declared"]
    for (trigger, source), arrow in arrows.items():
        faults += [
            f"transition {trigger} names the unknown state {name}"
            for name in (source, arrow.target)
            if name not in states
        ]
        faults += [f"transition {trigger} asks the unknown rule {code}" for code in arrow.rules if code not in rules]
        faults += [
            f"transition {trigger} opens the unknown duty {opened.duty}"
            for opened in arrow.opens
            if opened.duty not in duties
        ]
        faults += [
            f"transition {trigger} requires {word}: only reason and evidence can be required"
            for word in sorted(arrow.requires - {"reason", "evidence"})
        ]
    for state in states.values():
        for expected in state.expects:
            if (expected.trigger, state.name) not in arrows:
                faults.append(f"state {state.name} expects {expected.trigger}, which does not leave it")
            faults += [
                f"state {state.name} expects {expected.trigger} when {code} holds, which is no rule"
                for code in expected.when
                if code not in rules
            ]
    return list(dict.fromkeys(faults))


def _shape(initial: str, states: Mapping[str, State], arrows: Mapping[tuple[str, str], Transition]) -> list[str]:
    forward: dict[str, set[str]] = {name: set() for name in states}
    backward: dict[str, set[str]] = {name: set() for name in states}
    for arrow in arrows.values():
        forward[arrow.source].add(arrow.target)
        backward[arrow.target].add(arrow.source)
    reached = _walk({initial}, forward)
    final = {name for name, state in states.items() if state.final}
    finishing = _walk(final, backward)
    faults = [f"state {name} cannot be reached from {initial}" for name in states if name not in reached]
    if not final:
        faults.append("no state is final")
    faults += [f"state {name} is a dead end: no final state follows it" for name in states if name not in finishing]
    return faults


def _walk(start: set[str], along: Mapping[str, set[str]]) -> set[str]:
    seen, border = set(start), set(start)
    while border:
        border = {after for name in border for after in along[name]} - seen
        seen |= border
    return seen


def _without_clocks(record: Mapping[str, Any]) -> dict[str, Any]:
    lasting = dict(record)
    for table in ("states", "duties"):
        lasting[table] = {
            name: {k: v for k, v in raw.items() if k not in {"clock", "deadline"}}
            for name, raw in record.get(table, {}).items()
        }
    return lasting
