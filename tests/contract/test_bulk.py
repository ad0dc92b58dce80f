"""A bulk run: each case judged by its own rules, honest counts, and a crash that costs nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.loan import DESK, Desk
from workflow import Move
from workflow.errors import CommandReused
from workflow.event import Event, parse


def events(desk: Desk, case: int | None = None) -> list[Event]:
    where = "" if case is None else f" WHERE case_id={case}"
    return [parse(row[0]) for row in desk.rows(f"SELECT body FROM event{where} ORDER BY position")]


def test_in_bulk_a_refusal_is_an_event_only_when_its_reasons_changed(desk: Desk) -> None:
    case = desk.open()[0]
    desk.library.banned = {101}
    for _ in range(3):
        assert desk.engine.fire_many("lend", [case], DESK).counts == {"refused": 1}
    assert desk.count(where="kind='refused'") == 1
    asked_at = desk.rows("SELECT asked_at FROM blocked")[0][0]
    assert asked_at > events(desk, case)[-1].recorded_at
    with desk.engine.work(DESK) as work:
        work.note("seen", [Move(case=case, facts={"no_card": True})])
    desk.engine.fire_many("lend", [case], DESK)
    assert desk.count(where="kind='refused'") == 2
    assert desk.rows("SELECT reasons FROM blocked") == [("L0.1:no_card:card L1.2:banned:reader",)]


def test_in_bulk_a_wrong_trigger_is_recorded_once_too(desk: Desk) -> None:
    case = desk.open()[0]
    for _ in range(3):
        assert desk.engine.fire_many("take_back", [case], DESK).counts == {"no_such_transition": 1}
    assert desk.count(where="kind='refused'") == 1


def test_a_bulk_run_counts_what_happened_and_knows_how_it_ended(desk: Desk) -> None:
    cases = desk.open(5)
    desk.library.banned = {102}
    desk.engine.fire("lend", Move(case=3), DESK)
    result = desk.engine.fire_many("lend", [*cases, 99], DESK)
    assert result.counts == {"moved": 3, "refused": 1, "no_such_transition": 1, "unknown_case": 1}
    assert (result.size, result.done, result.stopped) == (6, 6, "finished")
    assert result.kinds == {("L1", "banned", "reader"): 1}
    assert [outcome.case for outcome in result.examples] == [2, 3, 99]
    ended = events(desk)[-1]
    assert (ended.kind, ended.run, ended.evidence["counts"]) == ("run_ended", result.run, dict(result.counts))


def test_the_same_bulk_command_again_changes_nothing_and_gives_the_same_counts(desk: Desk) -> None:
    cases = desk.open(3)
    act = replace(DESK, command_id="bulk")
    first = desk.engine.fire_many("lend", cases, act)
    before = desk.count()
    again = desk.engine.fire_many("lend", cases, act)
    assert (again.counts, again.done, again.stopped) == (first.counts, 3, "finished")
    assert desk.count() == before
    with pytest.raises(CommandReused, match="began as lend and cannot go on as take_back"):
        desk.engine.fire_many("take_back", cases, act)


def test_too_many_refusals_stop_a_bulk_run_at_the_end_of_their_chunk(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    cases = desk.open(6)
    desk.library.banned = {101, 102, 103}
    result = desk.engine.fire_many("lend", cases, DESK, stop_after=2)
    assert (result.counts, result.done, result.stopped) == ({"refused": 2}, 2, "too_many_refusals")


def test_a_run_broken_off_goes_on_where_it_was_with_whole_counts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    cases = desk.open(5)
    desk.library.banned = {101}
    act = replace(DESK, command_id="bulk")

    def breaks(_done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.engine.fire_many("lend", cases, act, given={"evidence": {"by": "post"}}, progress=breaks)
    assert [(run.cursor, given) for run, given in desk.engine.unfinished("lend")] == [(2, {"evidence": {"by": "post"}})]
    result = desk.engine.fire_many("lend", [], act)
    assert (result.counts, result.done, result.size) == ({"moved": 4, "refused": 1}, 5, 5)
    assert desk.engine.unfinished("lend") == []
    assert [event.kind for event in events(desk)].count("run_ended") == 1
    assert desk.verify().faults == ()
