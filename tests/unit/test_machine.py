"""The transitions package and the compiled table give one answer, and neither has a way past the rules."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given

from states.rules import LEARNER_RULES
from tests.fakes.loan import loan_route
from tests.fakes.routes import routes
from workflow import Route, read_route
from workflow.machine import Machine

ILM = read_route(
    (Path(__file__).parents[2] / "states" / "routes" / "ilm.toml").read_text(encoding="utf-8"),
    source="ilm.toml",
    rules=LEARNER_RULES,
)


def agrees(route: Route) -> bool:
    """Whether machine, table and route say the same of every trigger in every state, known or not."""
    machine = Machine(route)
    triggers = {trigger for trigger, _ in route.arrows} | {"unknown", "to_" + route.initial}
    return all(
        machine.step(trigger, state) is machine.look_up(trigger, state) is route.arrows.get((trigger, state))
        for trigger in triggers
        for state in [*route.states, "nowhere"]
    )


@given(routes())
def test_table_and_machine_agree_on_every_random_route(route: Route) -> None:
    assert agrees(route)


def test_table_and_machine_agree_on_the_learners_route_and_on_the_loan() -> None:
    assert agrees(ILM)
    assert agrees(loan_route())


@given(routes())
def test_no_trigger_leads_past_the_rules_of_a_random_route(route: Route) -> None:
    machine = Machine(route)
    assert machine.triggers() == {trigger for trigger, _ in route.arrows}
    assert set(machine.table) == set(route.arrows)


def test_no_automatic_trigger_exists() -> None:
    triggers = Machine(ILM).triggers()
    assert not {f"to_{state}" for state in ILM.states} & triggers
    assert triggers == {trigger for trigger, _ in ILM.arrows}


def test_the_machine_holds_no_models_and_no_callbacks() -> None:
    machine = Machine(ILM)
    for trigger, state in ILM.arrows:
        machine.step(trigger, state)
    inner = machine._machine
    assert inner.models == []
    assert not any((inner.before_state_change, inner.after_state_change, inner.prepare_event, inner.finalize_event))
