"""What every store promises the engine: a move and its event together, in order, once, and never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.fakes.loan import DAY, DESK, MONDAY, SECOND, TOML, Desk, desk_on
from workflow import Act, Move
from workflow.errors import (
    ActRefused,
    CommandReused,
    Conflict,
    NamedTwice,
    NoSuchTransition,
    OtherRoute,
    RuleRefused,
    UnknownCase,
    Unwritable,
)
from workflow.event import Event, parse
from workflow.store.event_log import Draft
from workflow.working_days import microseconds, start_of

GIVEN: dict[str, Any] = {"reason": "torn", "evidence": {"by": "Ada"}}


def events(desk: Desk, case: int | None = None) -> list[Event]:
    where = "" if case is None else f" WHERE case_id={case}"
    return [parse(row[0]) for row in desk.rows(f"SELECT body FROM event{where} ORDER BY position")]


def noon(day: int) -> int:
    return microseconds(datetime(2026, 3, day, 12, tzinfo=UTC))


def test_opening_is_an_event(desk: Desk) -> None:
    case = desk.open(cohort="A")[0]
    (event,) = events(desk)
    assert (event.kind, event.case, event.sequence, event.target) == ("opened", case, 1, "requested")
    assert event.facts == {"subject": 101, "cohort": "A"}
    assert (event.actor, event.command, event.route_hash) == ("Ada Desk", "loan", desk.route.hash)
    assert desk.rows("SELECT hash, body FROM definition") == [(desk.route.hash, desk.route.canonical)]


def test_a_move_and_its_event_are_written_together(desk: Desk) -> None:
    case = desk.open()[0]
    outcome = desk.engine.fire("lend", Move(case=case), DESK)
    event = events(desk)[-1]
    assert (outcome.result, outcome.position, outcome.target) == ("moved", 2, "lent")
    assert (event.kind, event.source, event.target, event.position) == ("moved", "requested", "lent", 2)
    assert event.held == ("L0.1", "L1.2")
    assert desk.state(case) == "lent"
    assert event.prev == desk.rows("SELECT leaf FROM event WHERE position=1")[0][0].hex()


def test_the_source_is_asked_only_for_what_the_rules_of_the_arrow_need(desk: Desk) -> None:
    case = desk.open()[0]
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.engine.fire("take_back", Move(case=case), DESK)
    assert desk.library.needs == [frozenset({"readers"}), frozenset()]


def test_an_exception_rolls_back_event_and_state(desk: Desk) -> None:
    case = desk.open()[0]

    def breaks() -> None:
        with desk.engine.work(DESK) as work:
            assert work.fire("lend", [Move(case=case)])[0].result == "moved"
            raise RuntimeError("the roof fell in")

    with pytest.raises(RuntimeError, match="the roof fell in"):
        breaks()
    assert (desk.state(case), desk.count()) == ("requested", 1)


def test_positions_have_no_gaps_after_a_roll_back(desk: Desk) -> None:
    desk.open(3)
    desk.engine.fire("lend", Move(case=1), DESK, dry_run=True)
    desk.engine.fire("lend", Move(case=2), DESK)
    desk.engine.fire_many("lend", [1, 3], DESK)
    positions = [row[0] for row in desk.rows("SELECT position FROM event ORDER BY position")]
    assert positions == list(range(1, len(positions) + 1))
    assert desk.verify().faults == ()


def test_a_draft_that_saw_another_place_of_the_case_is_a_conflict_and_leaves_nothing(desk: Desk) -> None:
    case = desk.open()[0]
    body = {"kind": "noted", "case": case, "sequence": 2, "actor": "Ada", "command_id": "x"}
    with desk.engine.work(DESK) as work:
        stale = work.log.load([case])[case]
        work.fire("lend", [Move(case=case)])
    after = stale._replace(sequence=2)
    with pytest.raises(Conflict, match="Repeat it"), desk.engine.work(DESK) as work:
        work.log.append([Draft(dict(body), after)], MONDAY)
    with desk.engine.work(DESK) as work:
        work.connection.execute(desk.without_guard("event_next_sequence", "event_next"))
    with pytest.raises(Conflict, match="another event took this place"), desk.engine.work(DESK) as work:
        work.log.append([Draft(dict(body))], MONDAY)
    assert desk.count() == 2
    assert {fault.kind for fault in desk.verify().faults} == {"guard_missing"}


def test_no_such_transition_and_rule_refused_are_two_errors_and_both_are_in_the_log(desk: Desk) -> None:
    case = desk.open()[0]
    with pytest.raises(NoSuchTransition, match="take_back does not leave the state requested") as wrong:
        desk.engine.fire("take_back", Move(case=case), DESK)
    desk.library.banned = {101}
    with pytest.raises(RuleRefused, match="L1: the reader may not borrow"):
        desk.engine.fire("lend", Move(case=case), DESK)
    assert (wrong.value.case_id, wrong.value.trigger, wrong.value.state) == (case, "take_back", "requested")
    first, second = events(desk)[1:]
    assert (first.kind, first.trigger, first.said[0]["code"]) == ("refused", "take_back", "no_such_transition")
    assert (second.kind, second.held, second.said[0]["code"]) == ("refused", ("L0.1",), "banned")
    assert desk.state(case) == "requested"


def test_an_unknown_trigger_is_refused_and_recorded(desk: Desk) -> None:
    case = desk.open()[0]
    with pytest.raises(NoSuchTransition):
        desk.engine.fire("to_lost", Move(case=case), DESK)
    assert events(desk)[-1].trigger == "to_lost"


def test_an_unknown_case_is_an_error_that_writes_nothing(desk: Desk) -> None:
    with pytest.raises(UnknownCase, match="there is no case 9"):
        desk.engine.fire("lend", Move(case=9), DESK)
    with pytest.raises(UnknownCase), desk.engine.work(DESK) as work:
        work.note("seen", [Move(case=9)])
    assert desk.count() == 0


def test_every_attempt_of_a_person_is_an_event(desk: Desk) -> None:
    case = desk.open()[0]
    desk.library.banned = {101}
    for _ in range(3):
        with pytest.raises(RuleRefused):
            desk.engine.fire("lend", Move(case=case), DESK)
    assert desk.count(where="kind='refused'") == 3


def test_a_move_forgets_what_blocked_the_case(desk: Desk) -> None:
    case = desk.open()[0]
    desk.library.banned = {101}
    desk.engine.fire_many("lend", [case], DESK)
    desk.library.banned = set()
    desk.engine.fire("lend", Move(case=case), DESK)
    assert desk.count("blocked") == 0


def test_a_repeated_command_returns_what_the_first_did_and_writes_nothing(desk: Desk) -> None:
    case = desk.open()[0]
    act = replace(DESK, command_id="once")
    first = desk.engine.fire("lend", Move(case=case), act)
    before = desk.count()
    again = desk.engine.fire("lend", Move(case=case), act)
    assert (again.result, again.accepted) == ("repeated", True)
    assert (again.position, again.source, again.target) == (first.position, first.source, first.target)
    assert desk.count() == before


def test_another_trigger_of_the_same_command_is_not_a_repeat(desk: Desk) -> None:
    act = replace(DESK, command_id="once")
    case = desk.engine.open([(1, {})], act)[0]
    assert desk.engine.fire("lend", Move(case=case), act).result == "moved"
    assert desk.engine.fire("take_back", Move(case=case), act).result == "moved"
    assert desk.state(case) == "returned"


def test_a_refused_command_may_be_tried_again(desk: Desk) -> None:
    case = desk.open()[0]
    act = replace(DESK, command_id="once")
    desk.library.banned = {101}
    with pytest.raises(RuleRefused):
        desk.engine.fire("lend", Move(case=case), act)
    desk.library.banned = set()
    assert desk.engine.fire("lend", Move(case=case), act).result == "moved"


def test_a_repeated_opening_returns_the_same_numbers(desk: Desk) -> None:
    act = replace(DESK, command_id="opening")
    first = desk.engine.open([(1, {}), (2, {})], act)
    assert desk.engine.open([(1, {}), (2, {})], act) == first == [1, 2]
    assert desk.count("cases") == 2
    with pytest.raises(CommandReused, match="began as opened and cannot go on as lend"):
        desk.engine.fire_many("lend", first, act)


def test_a_repeated_note_is_written_once(desk: Desk) -> None:
    case = desk.open()[0]
    move = Move(case=case, facts={"torn": True}, command_id="n1")
    results = []
    for _ in range(2):
        with desk.engine.work(DESK) as work:
            results.append(work.note("seen", [move])[0])
    assert [(o.result, o.position) for o in results] == [("noted", 2), ("repeated", 2)]
    assert desk.count() == 2


def test_a_note_records_facts_and_moves_nothing(desk: Desk) -> None:
    case = desk.open()[0]
    with desk.engine.work(DESK) as work:
        outcome = work.note("seen", [Move(case=case, facts={"torn": True})])[0]
    event = events(desk)[-1]
    assert (event.kind, event.trigger, event.target, event.position) == ("noted", "seen", None, outcome.position)
    assert outcome.after is not None
    assert outcome.after.facts["torn"] is True
    assert desk.state(case) == "requested"


def test_a_dry_run_answers_and_writes_nothing(desk: Desk) -> None:
    cases = desk.open(3)
    before = [desk.rows(f"SELECT * FROM {table}") for table in ("event", "cases", "run", "blocked", "duty")]
    outcome = desk.engine.fire("lend", Move(case=1), DESK, dry_run=True)
    with pytest.raises(NoSuchTransition):
        desk.engine.fire("take_back", Move(case=1), DESK, dry_run=True)
    seen: list[int] = []
    result = desk.engine.fire_many("lend", cases, DESK, dry_run=True, progress=seen.append)
    assert (outcome.result, outcome.target, outcome.position) == ("moved", "lent", 0)
    assert (result.counts, result.run, result.stopped, seen) == ({"moved": 3}, 0, "rehearsed", [3])
    assert [desk.rows(f"SELECT * FROM {table}") for table in ("event", "cases", "run", "blocked", "duty")] == before


def test_asking_says_what_fire_would_say_and_writes_nothing(desk: Desk) -> None:
    cases = desk.open(2)
    desk.library.banned = {102}
    desk.engine.fire("lend", Move(case=1, command_id="done"), DESK)
    with desk.engine.work(DESK) as work:
        moves = [Move(case=9), Move(case=cases[1]), Move(case=cases[0], command_id="done")]
        asked = work.ask("lend", moves)
        assert work.ask("lend", []) == []
    assert [(o.case, o.result) for o in asked] == [(9, "unknown_case"), (2, "refused"), (1, "repeated")]
    assert desk.count() == 3


def test_the_same_case_twice_in_one_call_is_an_error_that_writes_nothing(desk: Desk) -> None:
    case = desk.open()[0]
    twice = [Move(case=case), Move(case=case)]
    with pytest.raises(NamedTwice, match="case 1 is named twice"), desk.engine.work(DESK) as work:
        work.fire("lend", twice)
    with pytest.raises(NamedTwice), desk.engine.work(DESK) as work:
        work.note("seen", twice)
    with pytest.raises(NamedTwice):
        desk.engine.fire_many("lend", [case, case], DESK)
    assert (desk.count(), desk.count("run")) == (1, 0)


def test_nothing_asked_of_nobody_is_nothing_done(desk: Desk) -> None:
    with desk.engine.work(DESK) as work:
        assert work.fire("lend", []) == work.fire("lend", [], bulk=True) == work.note("seen", []) == []
        assert work.open([]) == []
    assert desk.count() == 0
    result = desk.engine.fire_many("lend", [], DESK)
    assert (result.size, result.done, result.stopped) == (0, 0, "finished")
    assert [event.kind for event in events(desk)] == ["run_began", "run_ended"]


def test_a_case_of_another_version_of_the_route_is_not_moved_by_this_one(desk: Desk) -> None:
    case = desk.open()[0]
    newer = desk_on(desk.database, text=TOML.replace("version = 1", "version = 2"))
    with pytest.raises(OtherRoute, match="case 1 runs on loan version 1, not on loan version 2"):
        newer.engine.fire("lend", Move(case=case), DESK)
    assert desk.count() == 1


def test_what_verify_would_not_accept_is_not_written(desk: Desk) -> None:
    case = desk.open()[0]
    with pytest.raises(Unwritable, match="facts holds a float"):
        desk.engine.fire("lend", Move(case=case, facts={"weight": 1.5}), DESK)
    with pytest.raises(Unwritable, match="NFC"):
        desk.engine.open([(1, {"cohort": "Zoe\u0308"})], DESK)
    assert desk.count() == 1


@pytest.mark.parametrize("actor", ["", "  ", "Ada\n", "a" * 201, "\u202eAda", "Zoe\u0308"])
def test_an_act_names_a_person_in_plain_text(actor: str) -> None:
    with pytest.raises(ActRefused, match="actor"):
        Act(actor=actor, command="loan")


def test_duties_open_and_close_with_the_events_that_say_so(desk: Desk) -> None:
    case = desk.open(repeat_offender=True)[0]
    desk.engine.fire("lend", Move(case=case), DESK)
    reminded = desk.engine.fire("remind", Move(case=case, opens=("send_letter", "send_letter")), DESK)
    assert events(desk)[-1].opens == ("send_letter", "block_card")
    with desk.engine.work(DESK) as work:
        opened = work.log.open_duties([case])[case]
        closes = tuple(duty for duty in opened if duty[1] == "send_letter")
        noted = work.note("letter_sent", [Move(case=case, closes=closes)])[0]
    assert opened == [(reminded.position, "block_card"), (reminded.position, "send_letter")]
    rows = desk.rows("SELECT position, duty, closed FROM duty ORDER BY duty")
    assert rows == [(reminded.position, "block_card", None), (reminded.position, "send_letter", noted.position)]
    assert desk.verify().faults == ()


def test_a_duty_opens_only_when_the_fact_it_waits_for_stands(desk: Desk) -> None:
    case = desk.open()[0]
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.engine.fire("remind", Move(case=case), DESK)
    assert desk.rows("SELECT duty FROM duty") == [("send_letter",)]


def test_a_refused_move_opens_and_closes_nothing(desk: Desk) -> None:
    case = desk.open()[0]
    with pytest.raises(NoSuchTransition):
        desk.engine.fire("renew", Move(case=case, facts={"torn": True}, opens=("send_letter",)), DESK)
    event = events(desk)[-1]
    assert (event.opens, event.facts) == ((), {})
    assert desk.count("duty") == 0


def test_a_day_means_its_first_moment_but_not_before_the_step_before_it(desk: Desk) -> None:
    case = desk.open()[0]
    desk.clock.now = noon(4)
    lent = desk.engine.fire("lend", Move(case=case, on=date(2026, 3, 2)), DESK)
    renewed = desk.engine.fire("renew", Move(case=case, on=date(2026, 3, 3)), DESK)
    today = desk.engine.fire("renew", Move(case=case, on=date(2026, 3, 4)), DESK)
    found = [event.occurred_at for event in events(desk)[1:]]
    assert found == [MONDAY + SECOND, start_of(date(2026, 3, 3)), start_of(date(2026, 3, 4))]
    assert [o.position for o in (lent, renewed, today)] == [2, 3, 4]


def test_today_means_now_while_the_clock_is_behind_the_step_before(desk: Desk) -> None:
    case = desk.open()[0]
    desk.clock.now = noon(4)
    desk.engine.fire("lend", Move(case=case), DESK)
    desk.clock.now = noon(4) - 3_600 * SECOND
    desk.engine.fire("renew", Move(case=case, on=date(2026, 3, 4)), DESK)
    event = events(desk)[-1]
    assert event.occurred_at == event.recorded_at == noon(4) - 3_600 * SECOND + SECOND


def test_a_stated_time_stands_in_the_event_beside_the_time_it_was_recorded(desk: Desk) -> None:
    case = desk.open()[0]
    desk.engine.fire("lend", Move(case=case, occurred_at=MONDAY - DAY), DESK)
    event = events(desk)[-1]
    assert (event.occurred_at, event.recorded_at) == (MONDAY - DAY, MONDAY + 2 * SECOND)


def test_a_fact_about_no_case_is_an_event_without_empty_fields(desk: Desk) -> None:
    with desk.engine.work(DESK) as work:
        position = work.record("waived", reason="", evidence={}, closes=[], opens=(), dispatch=None, run=0)
    (event,) = events(desk)
    assert (event.position, event.case, event.sequence, event.run) == (position, None, None, 0)
    assert b"closes" not in desk.rows("SELECT body FROM event")[0][0]
