"""A route as a picture: Mermaid for a page, plain text for a terminal; with counts per state where they are handed in.

Both show the numbered steps in a row and the states beside them. A state whose name ends in "exception", and a final
state that is no step, is something that happens on the way: Mermaid shows it in the full picture only, the text names
it below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from workflow.route import Route, State

EXCEPTION: Final = "exception"
GAP: Final = "     "
OUT: Final = " ->  "
BACK: Final = " <-  "


def steps(route: Route) -> list[State]:
    """The numbered states in their order; where none is numbered, those the first expectations lead through."""
    numbered = sorted((s for s in route.states.values() if s.step is not None), key=lambda s: s.step or 0)
    if numbered:
        return numbered
    walked = [route.states[route.initial]]
    while walked[-1].expects:
        following = route.states[route.arrows[walked[-1].expects[0].trigger, walked[-1].name].target]
        if following in walked:
            break
        walked.append(following)
    return walked


def beside(route: Route) -> list[State]:
    """The states beside the steps: the alternative way."""
    row = steps(route)
    return [s for s in route.states.values() if s not in row and not s.final and not s.name.endswith(EXCEPTION)]


def mermaid(route: Route, counts: Mapping[str, int] | None = None, *, full: bool = False) -> str:
    """The route as a Mermaid flowchart; `counts` are cases per state, `full` draws every state and every arrow."""
    row, alternative = steps(route), beside(route)
    others = [s for s in route.states.values() if s not in row and s not in alternative] if full else []
    shown = {s.name for s in (*row, *alternative, *others)}
    lines = ["flowchart LR", *(f"    {_node(s, counts, n)}" for n, s in enumerate(row, 1))]
    for name, title, group in (("beside", "Alternative", alternative), ("aside", "On the way", others)):
        if group:
            lines += [f'    subgraph {name} ["{title}"]', *(f"        {_node(s, counts)}" for s in group), "    end"]
    for (source, target), triggers in _arrows(route, shown, full=full).items():
        words = " / ".join(_escaped(route.triggers[t]) for t in triggers)
        lines.append(f'    {source} -->|"{words}"| {target}')
    return "\n".join(lines) + "\n"


def text(route: Route, counts: Mapping[str, int] | None = None) -> str:
    """The route in plain ASCII: the steps from top to bottom, the alternative to their right where it leaves them."""
    row = steps(route)
    right = _places(route, row)
    height = max([len(row), *(index + 1 for index in right)])
    wide = max(len(s.title) for s in row)
    wide_right = max((len(s.title) for s, _ in right.values()), default=0)
    lines = []
    for index in range(height):
        left = f"{index + 1}  {_counted(row[index], counts, wide)}" if index < len(row) else ""
        link, state = GAP, ""
        if index in right:
            place, leaves = right[index]
            into = _expected_target(route, place)
            ends = index + 1 not in right or right[index + 1][1]
            here = index < len(row) and into == row[index].name
            link = OUT if leaves else BACK if ends and here else GAP
            state = _counted(place, counts, wide_right)
            if ends and not here and into:
                state += f"  then {row.index(route.states[into]) + 1}" if route.states[into] in row else ""
        blank = 3 + len(_counted(row[0], counts, wide))
        lines.append(f"{left:<{blank}}{link}{state}".rstrip())
        on_left = "|" if index + 1 < len(row) else ""
        on_right = "|" if index in right and index + 1 in right and not right[index + 1][1] else ""
        lines.append(f"{on_left:<{blank + len(GAP)}}{on_right}".rstrip())
    return "\n".join([*lines[:-1], *_others(route, counts)]) + "\n"


def _arrows(route: Route, shown: Iterable[str], *, full: bool) -> dict[tuple[str, str], list[str]]:
    """Triggers by (source, target): all of them, or those expected and one that leads into each state beside."""
    seen = set(shown)
    found: dict[tuple[str, str], list[str]] = {}
    if full:
        for (trigger, source), arrow in route.arrows.items():
            found.setdefault((source, arrow.target), []).append(trigger)
        return found
    for name in route.states:
        for expected in route.states[name].expects:
            target = route.arrows[expected.trigger, name].target
            if {name, target} <= seen:
                found.setdefault((name, target), []).append(expected.trigger)
    for state in beside(route):
        if not any(target == state.name for _, target in found):
            entry = _entry(route, state)
            if entry is not None:
                found[entry[1], state.name] = [entry[0]]
    return found


def _entry(route: Route, state: State) -> tuple[str, str] | None:
    """(trigger, source) of the way into a state beside: from the earliest step, else from a state beside."""
    order = {s.name: index for index, s in enumerate((*steps(route), *beside(route)))}
    into = [
        (order[source], trigger, source)
        for (trigger, source), arrow in route.arrows.items()
        if arrow.target == state.name and source in order and source != state.name
    ]
    return min(into, key=lambda e: e[0])[1:] if into else None


def _expected_target(route: Route, state: State) -> str:
    expected = state.expects[-1:]
    return route.arrows[expected[0].trigger, state.name].target if expected else ""


def _places(route: Route, row: list[State]) -> dict[int, tuple[State, bool]]:
    """Which line each state beside stands on, and whether it leaves the step there or goes on from the one above."""
    lines: dict[int, tuple[State, bool]] = {}
    at: dict[str, int] = {s.name: index for index, s in enumerate(row)}
    for state in beside(route):
        entry = _entry(route, state)
        source = entry[1] if entry else row[0].name
        follows = source not in {s.name for s in row}
        line = at.get(source, 0) + follows
        while line in lines:
            line += 1
        lines[line] = (state, not (follows and line - 1 in lines and lines[line - 1][0].name == source))
        at[state.name] = line
    return lines


def _others(route: Route, counts: Mapping[str, int] | None) -> list[str]:
    known = {s.name for s in (*steps(route), *beside(route))}
    others = [s for s in route.states.values() if s.name not in known]
    if not others:
        return []
    words = [s.title + ("" if counts is None else f" {counts.get(s.name, 0)}") for s in others]
    return ["", "On the way: " + ", ".join(words)]


def _counted(state: State, counts: Mapping[str, int] | None, wide: int) -> str:
    if counts is None:
        return f"{state.title:<{wide}}"
    digits = max(len(str(count)) for count in (0, *counts.values()))
    return f"{state.title:<{wide}}  {counts.get(state.name, 0):>{digits}}"


def _node(state: State, counts: Mapping[str, int] | None, place: int = 0) -> str:
    number = f"{place}. " if place else ""
    count = "" if counts is None else f"<br/>{counts.get(state.name, 0)}"
    return f'{state.name}["{_escaped(number + state.title)}{count}"]'


def _escaped(words: str) -> str:
    return words.replace('"', "#quot;").replace("|", "#124;")
