"""A standing is what its events add up to: nothing else knows where a case is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.loan import DAY, DESK, MONDAY, Desk, loan_route, open_desk
from tests.fakes.routes import routes
from workflow import Event, Move, Route, Standing
from workflow.case import fold, opening
from workflow.event import CORRECTED, MOVED, NOTED, OPENED, REFUSED, parse
from workflow.store.event_log import EventLog

ROUTE = loan_route()
TRIGGERS = sorted({trigger for trigger, _ in ROUTE.arrows})
FACTS = st.dictionaries(
    st.sampled_from(["torn", "no_card", "repeat_offender", "cohort", "due_on"]), st.none(), max_size=2
).flatmap(
    lambda keys: st.fixed_dictionaries(
        {
            key: st.sampled_from({"cohort": ["A", "Ż", None], "due_on": ["2026-03-20", 5, None]}.get(key, [True, None]))
            for key in keys
        }
    )
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([*TRIGGERS, *TRIGGERS, "note", "unknown"]),
        FACTS,
        st.booleans(),
        st.sampled_from([None, None, -3 * DAY, DAY]),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return open_desk(tmp_path_factory.mktemp("walk") / "loan.db")


def stored_and_folded(desk: Desk, case: int) -> tuple[Standing, Standing, list[Event]]:
    with desk.database.reading() as connection:
        log = EventLog(connection, desk.engine.origin)
        bodies = [(parse(body), body) for _, body, _ in log.bodies(case)]
        return log.load([case])[case], fold(desk.route, bodies), [event for event, _ in bodies]


def walk(desk: Desk, steps: list[Any]) -> int:
    case = desk.open(facts_of_opening="x")[0]
    desk.library.banned = {101} if len(steps) % 3 == 0 else set()
    for word, facts, stated, shift in steps:
        now = desk.clock.now + (shift or 0)
        move = Move(
            case=case, facts=facts, occurred_at=now if shift is not None else None,
            reason="torn" if stated else "", evidence={"by": "Ada"} if stated else {},
        )  # fmt: skip
        with desk.engine.work(DESK) as work:
            outcome = work.note("seen", [move])[0] if word == "note" else work.fire(word, [move])[0]
        stored, _, _ = stored_and_folded(desk, case)
        assert outcome.after == stored
    return case


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_fold_equals_the_stored_standing_after_any_walk_and_the_walk_stays_on_the_route(
    desk: Desk, steps: list[Any]
) -> None:
    case = walk(desk, steps)
    stored, folded, events = stored_and_folded(desk, case)
    assert folded == stored
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    state = ROUTE.initial
    for event in events[1:]:
        if event.kind == MOVED:
            assert event.source == state
            assert ROUTE.arrows[event.trigger or "", state].target == event.target
            state = event.target or ""
    assert stored.state == state


def test_after_all_walks_verify_holds(desk: Desk) -> None:
    walk(desk, [("lend", {}, False, None), ("remind", {"torn": True}, False, None), ("take_back", {}, False, None)])
    assert desk.verify().faults == ()


@given(routes(), st.lists(st.sampled_from([f"t{n}" for n in range(5)]), max_size=15))
def test_no_random_walk_leaves_a_random_route(route: Route, triggers: list[str]) -> None:
    events = [event_of(route, OPENED, 1, target=route.initial, facts={"subject": 1})]
    state = route.initial
    for place, trigger in enumerate(triggers, 2):
        arrow = route.arrows.get((trigger, state))
        kind, target = (MOVED, arrow.target) if arrow else (REFUSED, None)
        events.append(event_of(route, kind, place, trigger=trigger, source=state, target=target))
        state = target or state
    standing = fold(route, [(event, b"") for event in events])
    assert standing.state == state
    assert standing.state in route.states
    assert standing.sequence == len(events)


def event_of(route: Route, kind: str, place: int, **fields: Any) -> Event:
    return Event(
        position=place, origin="o", kind=kind, occurred_at=MONDAY + place, recorded_at=MONDAY + place, actor="Ada",
        command="c", command_id="x", product="p", case=1, sequence=place, route=route.name, **fields,
    )  # fmt: skip


def history() -> list[Event]:
    return [
        event_of(ROUTE, OPENED, 1, target="requested", facts={"subject": 7, "cohort": "A"}),
        event_of(ROUTE, MOVED, 2, trigger="lend", source="requested", target="lent", facts={"cohort": "B"}),
        event_of(ROUTE, NOTED, 3, trigger="seen", facts={"torn": True}),
        event_of(ROUTE, REFUSED, 4, trigger="take_back", source="lent"),
    ]


def folded(events: list[Event]) -> Standing:
    return fold(ROUTE, [(event, b"%d" % event.position) for event in events])


def test_a_voided_move_counts_for_its_place_only() -> None:
    standing = folded([*history(), event_of(ROUTE, CORRECTED, 5, voids=2)])
    assert (standing.state, standing.cohort, standing.sequence) == ("requested", "A", 5)
    assert standing.facts["torn"] is True
    assert standing.entered_at == MONDAY + 1


def test_a_voided_note_takes_its_facts_with_it() -> None:
    standing = folded([*history(), event_of(ROUTE, CORRECTED, 5, voids=3)])
    assert (standing.state, standing.sequence) == ("lent", 5)
    assert "torn" not in standing.facts


def test_a_refusal_or_note_moves_nothing_but_the_place() -> None:
    before, after = folded(history()[:2]), folded(history())
    assert after._replace(sequence=2, leaf=before.leaf, facts=before.facts) == before


def test_a_note_recorded_later_does_not_say_when_the_case_moved() -> None:
    assert folded(history()).occurred_at == MONDAY + 2


def test_a_change_to_none_forgets_the_fact() -> None:
    forgets = event_of(ROUTE, NOTED, 5, trigger="seen", facts={"torn": None, "cohort": None})
    standing = folded([*history(), forgets])
    assert "torn" not in standing.facts
    assert standing.cohort == ""


def test_the_clock_starts_at_the_fact_the_route_names_and_waits_while_it_is_unknown() -> None:
    overdue = event_of(ROUTE, MOVED, 5, trigger="remind", source="lent", target="overdue")
    known = event_of(ROUTE, NOTED, 6, trigger="seen", facts={"due_on": "1970-01-02"})
    assert folded([*history(), overdue]).clock_from is None
    assert folded([*history(), overdue, known]).clock_from == DAY


def test_a_final_state_has_no_clock() -> None:
    ends = event_of(ROUTE, MOVED, 5, trigger="take_back", source="lent", target="returned")
    assert folded([*history(), ends]).clock_from is None


def test_going_on_in_the_same_state_keeps_the_time_it_was_entered() -> None:
    renewed = event_of(ROUTE, MOVED, 5, trigger="renew", source="lent", target="lent")
    assert folded([*history(), renewed]).entered_at == MONDAY + 2


@pytest.mark.parametrize("events", [[], history()[1:], [replace(history()[0], facts={})]])
def test_events_that_do_not_begin_with_an_opening_add_up_to_nothing(events: list[Event]) -> None:
    with pytest.raises(ValueError, match="case"):
        folded(events)


def test_a_case_is_opened_where_the_route_begins() -> None:
    assert opening(ROUTE, history()[0]).state == "requested"
