"""The only file that knows the transitions package: one machine for a route, and the table compiled from it.

The machine holds no models (each would cost memory and time), has no automatic triggers (they would pass every
guard) and no callbacks (the engine asks every rule itself, not only up to the first that fails). It decides where a
single move goes; a bulk run looks the same answer up in the table, and a property test holds both equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import SimpleNamespace

from transitions import Machine as TransitionsMachine
from transitions import MachineError

from workflow.route import Route, Transition


class Machine:
    """A route made runnable; shared by every case."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self._machine = TransitionsMachine(
            model=None,
            states=list(route.states),
            initial=None,
            auto_transitions=False,
            transitions=[
                {"trigger": arrow.trigger, "source": arrow.source, "dest": arrow.target}
                for arrow in route.arrows.values()
            ],
        )
        self.table: Mapping[tuple[str, str], Transition] = self._compiled()
        self.step = cache(self._step)
        """The arrow a trigger takes from a state; the machine is asked once for each pair, for it never changes."""

    def _step(self, trigger: str, state: str) -> Transition | None:
        """The arrow a trigger takes from a state, as the machine itself moves; None when there is none."""
        event = self._machine.events.get(trigger)
        if event is None or state not in self.route.states:
            return None
        subject = SimpleNamespace(state=state)
        try:
            event.trigger(subject)
        except MachineError:
            return None
        arrow = self.route.arrows[trigger, state]
        return arrow if arrow.target == subject.state else None

    def look_up(self, trigger: str, state: str) -> Transition | None:
        """The same answer from the compiled table."""
        return self.table.get((trigger, state))

    def triggers(self) -> frozenset[str]:
        """Every trigger the machine knows."""
        return frozenset(self._machine.events)

    def _compiled(self) -> dict[tuple[str, str], Transition]:
        return {
            (name, source): self.route.arrows[name, source]
            for name, event in self._machine.events.items()
            for source, arrows in event.transitions.items()
            for arrow in arrows
            if self.route.arrows[name, source].target == arrow.dest
        }
