"""Random routes that are right by construction, for property tests."""

from __future__ import annotations

from typing import Any

import tomli_w
from hypothesis import strategies as st

from workflow import Route, read_route


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """A route of 2 to 6 states: a spine from the first to a final last one, and any arrows beside it."""
    count = draw(st.integers(2, 6))
    names = [f"s{n}" for n in range(count)]
    spine = {(f"t{n}", names[n]): names[n + 1] for n in range(count - 1)}
    extra = draw(
        st.dictionaries(
            st.tuples(st.sampled_from([f"t{n}" for n in range(5)]), st.sampled_from(names)),
            st.sampled_from([*names, "="]),
            max_size=10,
        )
    )
    record: dict[str, Any] = {
        "route": {"name": "random", "version": 1, "initial": names[0]},
        "states": {name: {"owner": "somebody", "clock": 1} for name in names[:-1]} | {names[-1]: {"final": True}},
        "transitions": [
            {"trigger": trigger, "from": source, "to": target} for (trigger, source), target in (extra | spine).items()
        ],
    }
    return read_route(tomli_w.dumps(record), source="random", rules=())
