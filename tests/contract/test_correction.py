"""Corrections on a route that owes nothing to learners: what is voided is as if it had never been."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.loan import DESK, Desk, open_desk
from workflow import Move, Standing
from workflow.case import fold
from workflow.errors import CorrectionRefused
from workflow.event import CORRECTED, NOTED, Event, parse
from workflow.move import Question
from workflow.store.dispatch_log import PREPARED, Dispatch
from workflow.store.event_log import Draft, EventLog


def events(desk: Desk, case: int) -> list[tuple[Event, bytes]]:
    rows = desk.rows("SELECT body FROM event WHERE case_id=? ORDER BY sequence", case)
    return [(parse(body), body) for (body,) in rows]


def stored(desk: Desk, case: int) -> Standing:
    with desk.database.reading() as connection:
        return EventLog(connection, desk.engine.origin).load([case])[case]


def known(standing: Standing) -> tuple[Any, ...]:
    """All of a standing but its place and leaf, which every event moves on."""
    return tuple(value for name, value in standing._asdict().items() if name not in {"sequence", "leaf"})


def without_the_voided(desk: Desk, case: int) -> Standing:
    pairs = events(desk, case)
    void = {event.voids for event, _ in pairs}
    return fold(desk.route, [(e, b) for e, b in pairs if e.position not in void and e.kind != CORRECTED])


def position_of(desk: Desk, case: int, trigger: str) -> int:
    return [event.position for event, _ in events(desk, case) if event.trigger == trigger][-1]


def fired(desk: Desk, *triggers: str) -> int:
    (case,) = desk.open(cohort="A")
    for trigger in triggers:
        desk.engine.fire(trigger, Move(case=case), DESK)
    return case


def test_the_last_move_is_taken_back_and_its_duties_end(desk: Desk) -> None:
    case = fired(desk, "lend")
    before = stored(desk, case)
    desk.engine.fire("remind", Move(case=case), DESK)
    desk.engine.correct(position_of(desk, case, "remind"), "slip", DESK)
    assert known(stored(desk, case)) == known(before)
    assert desk.count("duty", "closed IS NULL") == 0
    assert desk.verify().holds


def test_a_later_move_that_rests_on_it_is_named_or_voided_with_it(desk: Desk) -> None:
    case = fired(desk, "lend", "remind", "take_back")
    lent, reminded, returned = (position_of(desk, case, t) for t in ("lend", "remind", "take_back"))
    size = desk.count()
    with pytest.raises(CorrectionRefused, match=f"rest on entry {lent}: {reminded}, {returned}"):
        desk.engine.correct(lent, "slip", DESK)
    assert desk.count() == size
    assert desk.engine.correct(lent, "slip", DESK, and_after=True, dry_run=True) == [size + 1, size + 2, size + 3]
    assert desk.count() == size
    desk.engine.correct(lent, "slip", DESK, and_after=True)
    assert desk.state(case) == "requested"
    assert known(stored(desk, case)) == known(without_the_voided(desk, case))
    voids = [(e.voids, e.evidence.get("rests_on")) for e, _ in events(desk, case) if e.kind == CORRECTED]
    assert voids == [(returned, lent), (reminded, lent), (lent, None)]
    assert desk.verify().holds


def test_a_move_whose_rule_held_by_the_voided_entry_alone_rests_on_it(desk: Desk) -> None:
    (case,) = desk.open(torn=True)
    desk.engine.fire("lend", Move(case=case), DESK)
    with desk.engine.work(DESK) as work:
        work.note("mended", [Move(case=case, facts={"torn": None})])
    desk.engine.fire("renew", Move(case=case), DESK)
    desk.engine.fire("take_back", Move(case=case), DESK)
    mended, returned = (position_of(desk, case, t) for t in ("mended", "take_back"))
    with pytest.raises(CorrectionRefused, match=f"rest on entry {mended}: {returned}$"):
        desk.engine.correct(mended, "slip", DESK)


def test_what_ended_a_duty_of_the_voided_entry_rests_on_it_and_a_duty_it_ended_begins_anew(desk: Desk) -> None:
    case = fired(desk, "lend", "remind")
    with desk.engine.work(DESK) as work:
        work.note("letter_sent", [Move(case=case, closes=tuple(work.log.open_duties([case])[case]))])
    sent, reminded = (position_of(desk, case, t) for t in ("letter_sent", "remind"))
    with pytest.raises(CorrectionRefused, match=f"rest on entry {reminded}: {sent}$"):
        desk.engine.correct(reminded, "slip", DESK)
    desk.engine.correct(sent, "slip", DESK)
    assert desk.rows("SELECT duty FROM duty WHERE closed IS NULL") == [("send_letter",)]
    desk.engine.correct(reminded, "slip", DESK)
    assert desk.verify().holds


def test_a_place_in_a_file_waits_again(desk: Desk) -> None:
    case = fired(desk, "lend")
    with desk.engine.work(DESK) as work:
        says = {"kind": "letters", "name": "a.csv", "digest": "d", "members": 1}
        work.record("dispatch_prepared", dispatch=1, evidence=says)
        file = Dispatch(1, "out", "letters", "a.csv", "", "d", PREPARED, work.clock(), None, 1)
        work.dispatches.add(file, [(case, 1, 1)])
        work.note("answered", [Move(case=case, dispatch=1, settles="answered")])
    desk.engine.correct(position_of(desk, case, "answered"), "slip", DESK)
    assert desk.rows("SELECT state FROM dispatch_member") == [("open",)]
    assert desk.verify().holds


def test_voiding_again_changes_nothing_and_what_cannot_be_voided_is_refused(desk: Desk) -> None:
    case = fired(desk, "lend", "remind")
    (correction,) = desk.engine.correct(position_of(desk, case, "remind"), "slip", DESK)
    size = desk.count()
    assert desk.engine.correct(position_of(desk, case, "remind"), "slip", DESK) == []
    for position, why in ((1, "cannot be voided"), (correction, "a correction itself"), (999, "about no case")):
        with pytest.raises(CorrectionRefused, match=why):
            desk.engine.correct(position, "slip", DESK)
    assert desk.count() == size


def test_what_was_voided_may_be_done_again_by_the_same_command(desk: Desk) -> None:
    case = fired(desk, "lend")
    move = Move(case=case, command_id="from-file-7")
    first = desk.engine.fire("remind", move, DESK)
    desk.engine.correct(first.position, "slip", DESK)
    again = desk.engine.fire("remind", move, DESK)
    assert (again.result, again.position > first.position) == ("moved", True)
    assert desk.engine.fire("remind", move, DESK).result == "repeated"


@pytest.mark.parametrize("voids", ["another case's", "an opening", "a later one", "twice", "a note that corrects"])
def test_a_made_up_correction_is_a_fault(desk: Desk, voids: str) -> None:
    desk.open(2)
    for case in (1, 2):
        desk.engine.fire("lend", Move(case=case), DESK)
    own, other = position_of(desk, 1, "lend"), position_of(desk, 2, "lend")
    if voids == "twice":
        desk.engine.correct(own, "slip", DESK)
    target = {"another case's": other, "an opening": 1, "a later one": 99}.get(voids, own)
    with desk.engine.work(DESK) as work:
        standing, now = work.log.load([1])[1], work.clock()
        kind = NOTED if voids == "a note that corrects" else CORRECTED
        body = work.body(Question("", Move(case=1), standing, now, False, now), kind) | {"voids": target}
        made = Draft(body, standing._replace(sequence=standing.sequence + 1))
        (position,) = work.log.append([made], now)
    faults = [(fault.kind, fault.position, fault.case) for fault in desk.verify().faults]
    assert faults == [("correction", position, 1)]


def test_a_correction_of_no_case_is_a_fault(desk: Desk) -> None:
    desk.open()
    with desk.engine.work(DESK) as work:
        position = work.record("cohort_waived", voids=1)
    assert [(fault.kind, fault.position) for fault in desk.verify().faults] == [("correction", position)]


TRIGGERS = st.sampled_from(["lend", "remind", "renew", "take_back", "write_off", "find_again", "note"])
STEPS = st.lists(st.one_of(TRIGGERS, st.integers(0, 12)), min_size=3, max_size=14)


@settings(max_examples=25)
@given(steps=STEPS)
def test_any_walk_with_corrections_stands_where_the_events_that_were_not_voided_lead(steps: list[str | int]) -> None:
    """A number voids one of the case's entries, with those that rest on it."""
    with TemporaryDirectory() as folder:
        desk = open_desk(Path(folder) / "loans.db")
        (case,) = desk.open(cohort="A", repeat_offender=True)
        for number, step in enumerate(steps):
            walk(desk, case, step, number)
            now = stored(desk, case)
            assert now == fold(desk.route, events(desk, case))
            assert known(now) == known(without_the_voided(desk, case))
            void = {event.voids for event, _ in events(desk, case)}
            at = desk.rows("SELECT position FROM duty WHERE closed IS NULL")
            assert not {position for (position,) in at} & void
        assert desk.verify().faults == ()
        desk.database.close()


def walk(desk: Desk, case: int, step: str | int, number: int) -> None:
    if isinstance(step, int):
        listed = [event.position for event, _ in events(desk, case)]
        try:
            desk.engine.correct(listed[step % len(listed)], "slip", DESK, and_after=True)
        except CorrectionRefused:
            return
        return
    move = Move(case=case, reason="r", evidence={"e": "x"})
    with desk.engine.work(DESK) as work:
        if step == "note":
            duties = tuple(work.log.open_duties([case]).get(case, ()))[:1]
            work.note("noted", [move._replace(facts={"torn": True if number % 2 else None}, closes=duties)])
        else:
            work.fire(step, [move])
