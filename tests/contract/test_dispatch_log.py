"""A dispatch is kept once, with its members frozen, and how far it got is never forgotten."""

from __future__ import annotations

from tests.fakes.loan import DESK, Desk
from workflow import Move
from workflow.event import parse
from workflow.store.dispatch_log import PREPARED, SENT, Dispatch, DispatchLog, Member
from workflow.store.event_log import EventLog

LETTERS = Dispatch(1, "out", "letters", "a.csv", "", "d1", PREPARED, 10, None, 2)
REPLIES = Dispatch(2, "in", "replies", "b.csv", "old", "d2", SENT, 20, 20, 1)


def with_two(desk: Desk) -> None:
    desk.open(2)
    with desk.engine.work(DESK) as work:
        assert work.dispatches.next_id() == 1
        work.record("dispatch_prepared", dispatch=1, opens=["send_letter"])
        work.dispatches.add(LETTERS, [(2, 1, 1), (1, 2, 3)])
        work.dispatches.add(REPLIES, [(1, 1, 1)])


def test_a_dispatch_is_found_by_number_kind_state_digest_and_name(desk: Desk) -> None:
    with_two(desk)
    with desk.database.reading() as connection:
        log = DispatchLog(connection)
        assert (log.get(1), log.get(9), log.next_id()) == (LETTERS, None, 3)
        assert log.find() == [LETTERS, REPLIES]
        assert log.find(kinds=["replies"]) == log.find(states=[SENT]) == log.find(digest="d2") == [REPLIES]
        assert log.find(name="a.csv", kinds=["letters", "x"], states=[PREPARED]) == [LETTERS]


def test_members_come_in_row_order_and_by_case(desk: Desk) -> None:
    with_two(desk)
    with desk.database.reading() as connection:
        log = DispatchLog(connection)
        assert [member.case for member in log.members(1)] == [2, 1]
        assert log.members(1, "answered") == []
        held = log.holding([1], ["letters"])
        assert held == {1: [(Member(1, 1, 2, 3, "open"), LETTERS)]}
        assert log.counts(1) == {"open": 2}


def test_an_answer_settles_one_place_and_a_release_the_open_rest(desk: Desk) -> None:
    with_two(desk)
    with desk.engine.work(DESK) as work:
        work.fire("lend", [Move(case=1, dispatch=1, row=2, settles="answered")])
        assert work.dispatches.counts(1) == {"open": 1, "answered": 1}
        work.dispatches.release(1)
        assert work.dispatches.counts(1) == {"released": 1, "answered": 1}


def test_a_refused_answer_settles_nothing(desk: Desk) -> None:
    with_two(desk)
    with desk.engine.work(DESK) as work:
        work.fire("take_back", [Move(case=1, dispatch=1, settles="answered")], bulk=True)
        assert work.dispatches.counts(1) == {"open": 2}


def test_the_first_time_of_sending_stays(desk: Desk) -> None:
    with_two(desk)
    with desk.engine.work(DESK) as work:
        work.dispatches.set_state(1, SENT, sent_at=30)
        work.dispatches.set_state(1, SENT, sent_at=40)
        found = work.dispatches.get(1)
    assert found is not None
    assert (found.state, found.sent_at) == (SENT, 30)


def test_the_duty_of_a_file_belongs_to_no_case(desk: Desk) -> None:
    with_two(desk)
    with desk.database.reading() as connection:
        log = EventLog(connection, desk.engine.origin)
        assert log.open_duties_of_dispatch(1) == [(3, "send_letter")]
        assert log.open_duties([1, 2]) == {}


def test_what_a_command_recorded_beside_the_cases_is_found_again(desk: Desk) -> None:
    with desk.engine.work(DESK) as work:
        position = work.record("waived")
        assert work.log.repeats_without_case("waived", work.command_id) == position
        assert work.log.repeats_without_case("waived", "other") is None


def test_an_opening_names_the_file_and_the_row_that_told_of_it(desk: Desk) -> None:
    with desk.engine.work(DESK) as work:
        work.open([(7, {}), (8, {})], dispatch=5, rows=[3, 4])
        found = [parse(body) for _, body, _ in work.log.bodies(after=1)]
    assert [(event.dispatch, event.row, event.case) for event in found] == [(5, 4, 2)]
