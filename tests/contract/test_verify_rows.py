"""Verify compares every row with the events it comes from: an edit that no guard stops is found all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contract.test_verify import prepare
from tests.fakes.intruder import connected
from tests.fakes.loan import DAY, DESK, Desk
from workflow import Move
from workflow.store.dispatch_log import ANSWERED, RECEIVED, REJECTED, SENT, SUPERSEDED, Dispatch
from workflow.work import Work


def advance(work: Work[object], number: int, state: str) -> None:
    work.record(f"dispatch_{state}", dispatch=number)
    work.dispatches.set_state(number, state, sent_at=None if state == SUPERSEDED else work.clock())
    if state in {REJECTED, SUPERSEDED}:
        work.dispatches.release(number)


@pytest.fixture
def log(desk: Desk) -> Desk:
    """Files in every state, a duty, a run that opened cases, one that ended and one that was broken off."""
    desk.engine.open([(n, {}) for n in (101, 102, 103)], replace(DESK, command_id="open"))
    desk.engine.fire_many("lend", [1, 2, 3, 99], replace(DESK, command_id="bulk"))
    desk.engine.fire("remind", Move(case=1), DESK)
    with desk.engine.work(DESK) as work:
        for number, states in enumerate(((), (SENT,), (SENT, ANSWERED), (REJECTED,), (SUPERSEDED,)), 1):
            prepare(work, number, "letters", [(1, 1, 1), (2, 2, 4)])
            if ANSWERED in states:
                work.note("answered", [Move(case=c, dispatch=number, settles="answered") for c in (1, 2)])
            if REJECTED in states:
                work.note("answered", [Move(case=2, dispatch=number, settles="answered")])
            for state in states:
                advance(work, number, state)
        work.record("dispatch_received", dispatch=6, evidence={"kind": "replies", "digest": "r", "rows": 2})
        now = work.clock()
        work.dispatches.add(Dispatch(6, "in", "replies", "D6-replies", "", "r", RECEIVED, now, now, 0), [])
    with pytest.raises(KeyboardInterrupt):
        desk.engine.fire_many("take_back", [2, 3], replace(DESK, command_id="broken"), move=interrupted)
    return desk


def interrupted(_case: int) -> Move:
    raise KeyboardInterrupt


def kinds(desk: Desk) -> set[str]:
    return {fault.kind for fault in desk.verify().faults}


def test_rows_that_nobody_touched_hold(log: Desk) -> None:
    assert log.verify().faults == ()


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        ("UPDATE dispatch SET state='answered' WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET state='rejected' WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET state='sent' WHERE id=4", "dispatch"),
        (f"UPDATE dispatch SET sent_at=sent_at-{DAY} WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET sent_at=prepared_at WHERE id=1", "dispatch"),
        ("UPDATE dispatch SET sent_at=NULL WHERE id=2", "dispatch"),
        (f"UPDATE dispatch SET prepared_at=prepared_at+{DAY} WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET digest='e' WHERE id=6", "dispatch"),
        ("UPDATE dispatch SET name='b.csv' WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET kind='calls' WHERE id=6", "dispatch"),
        ("UPDATE dispatch SET direction='in' WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET members=3 WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET members=3 WHERE id=6", "dispatch"),
        ("DELETE FROM dispatch WHERE id=6", "dispatch"),
        ("DELETE FROM dispatch WHERE id=2", "dispatch"),
        ("UPDATE dispatch SET id=7 WHERE id=6", "dispatch"),
        ("INSERT INTO dispatch VALUES (7, 'in', 'replies', 'x', '', 'x', 'received', 1, 1, 0)", "dispatch"),
        ("DELETE FROM dispatch_member WHERE dispatch=2 AND case_id=2", "dispatch"),
        ("DELETE FROM dispatch_member WHERE dispatch=2", "dispatch"),
        ("INSERT INTO dispatch_member VALUES (2, 3, 3, 1, 'open')", "dispatch"),
        ("INSERT INTO dispatch_member VALUES (6, 3, 3, 1, 'open')", "dispatch"),
        ("INSERT INTO dispatch_member VALUES (7, 3, 3, 1, 'open')", "dispatch"),
        ("UPDATE dispatch_member SET case_id=3 WHERE dispatch=2 AND case_id=2", "dispatch"),
        ("UPDATE dispatch_member SET version=9 WHERE dispatch=2 AND case_id=2", "dispatch"),
        ("UPDATE dispatch_member SET row=9 WHERE dispatch=2 AND case_id=1", "dispatch"),
        ("UPDATE dispatch_member SET state='released' WHERE dispatch=2 AND case_id=1", "dispatch"),
        ("UPDATE dispatch_member SET state='open' WHERE dispatch=3 AND case_id=1", "dispatch"),
        ("UPDATE dispatch_member SET state='answered' WHERE dispatch=4 AND case_id=1", "dispatch"),
        ("UPDATE dispatch_member SET state='released' WHERE dispatch=4 AND case_id=2", "dispatch"),
        ("UPDATE dispatch_member SET state='open' WHERE dispatch=5 AND case_id=1", "dispatch"),
        (f"UPDATE duty SET opened_at=opened_at+{DAY}", "duty"),
        ("UPDATE duty SET case_id=2", "duty"),
        ("UPDATE duty SET dispatch=1", "duty"),
        ("DELETE FROM duty", "duty"),
        ("""UPDATE run SET counts='{"moved":2,"unknown_case":2}' WHERE id=2""", "run"),
        ("""UPDATE run SET counts='{"moved":3,"refused":1}' WHERE id=2""", "run"),
        ("UPDATE run SET counts='nonsense' WHERE id=2", "run"),
        ("UPDATE run SET cursor=1 WHERE id=2", "run"),
        ("UPDATE run SET cursor=1 WHERE id=3", "run"),
        ("UPDATE run SET stopped='' WHERE id=2", "run"),
        ("UPDATE run SET stopped='finished' WHERE id=3", "run"),
        ("UPDATE run SET members=x'00' WHERE id=3", "run"),
        ("UPDATE run SET size=1 WHERE id=3", "run"),
        ("UPDATE run SET trigger='opened' WHERE id=3", "run"),
        ("UPDATE run SET command_id='other' WHERE id=3", "run"),
        ("UPDATE run SET first_position=1 WHERE id=3", "run"),
        ("UPDATE run SET last_position=1 WHERE id=2", "run"),
        ("UPDATE run SET members=x'00' WHERE id=1", "run"),
        ("UPDATE run SET command_id='other' WHERE id=1", "run"),
        ("DELETE FROM run WHERE id=2", "run"),
        ("DELETE FROM run WHERE id=3", "run"),
        ("INSERT INTO run VALUES (9, 'x', 'lend', x'00', 1, 1, 1, 1, 'finished', '{}')", "run"),
        ("INSERT INTO run VALUES (9, 'x', 'opened', x'00', 1, 1, 1, 1, 'finished', '{}')", "run"),
        ("UPDATE definition SET body=CAST('{}' AS BLOB)", "definition"),
        ("UPDATE definition SET version=9", "definition"),
        ("DELETE FROM definition", "definition"),
    ],
)  # fmt: skip
def test_an_edited_row_is_found(log: Desk, tamper: str, kind: str) -> None:
    with connected(log) as them:
        assert them.changes(tamper) > 0
    assert kinds(log) == {kind}


THEIRS = {
    "sqlite": ["CREATE TRIGGER mine AFTER INSERT ON event BEGIN DELETE FROM duty; END"],
    "postgresql": ["CREATE RULE mine AS ON INSERT TO duty DO INSTEAD NOTHING"],
}


def test_a_trigger_or_rule_of_somebody_else_is_found(log: Desk) -> None:
    with connected(log) as them:
        for statement in THEIRS[them.kind]:
            them.run(statement)
    assert kinds(log) == {"guard_unknown"}


def test_a_file_from_before_its_members_were_proved_holds(desk: Desk) -> None:
    desk.open(2)
    with desk.engine.work(DESK) as work:
        work.record("dispatch_prepared", dispatch=1, evidence={"kind": "letters", "members": 1})
        file = Dispatch(1, "out", "letters", "a.csv", "", "d", "prepared", work.clock(), None, 1)
        work.dispatches.add(file, [(1, 1, 1)])
    assert desk.verify().faults == ()
