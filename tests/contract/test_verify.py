"""Verify reads the whole log again: an untouched one holds, and every edit is found, by kind and first place."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.loan import DAY, DESK, ORIGIN, Desk, desk_on, open_desk
from workflow import Move
from workflow.event import canonical, leaf_hash, parse
from workflow.store.dispatch_log import PREPARED, Dispatch
from workflow.store.guards import SQLITE
from workflow.work import Work

Raw = sqlite3.Connection


def prepare(work: Work[Any], number: int, kind: str, members: list[tuple[int, int, int]]) -> None:
    """A file with its event, whose evidence proves the members."""
    frozen = sha256(canonical([list(member) for member in members])).hexdigest()
    evidence = {"kind": kind, "name": "a.csv", "digest": "d", "members": len(members), "frozen": frozen}
    work.record("dispatch_prepared", dispatch=number, evidence=evidence)
    file = Dispatch(number, "out", kind, "a.csv", "", "d", PREPARED, work.clock(), None, len(members))
    work.dispatches.add(file, members)


def full(path: Path) -> Desk:
    """Positions 1-3 open cases 1-3, 5-7 lend them, 9-10 remind and renew case 1, 11-12 a file and its answer."""
    desk = open_desk(path)
    desk.open(3, cohort="A")
    desk.engine.fire_many("lend", [1, 2, 3], DESK)
    desk.engine.fire("remind", Move(case=1), DESK)
    desk.engine.fire("renew", Move(case=1), DESK)
    with desk.engine.work(DESK) as work:
        prepare(work, 1, "letters", [(1, 1, 1), (2, 2, 1)])
        duty = work.log.open_duties([1])[1][0]
        work.note("answered", [Move(case=1, dispatch=1, settles="answered", closes=(duty,))])
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return full(tmp_path / "loan.db")


@contextmanager
def unguarded(desk: Desk) -> Iterator[Raw]:
    """A plain connection for someone who dropped the triggers, and puts them back."""
    with closing(sqlite3.connect(desk.database.path)) as raw:
        for name in SQLITE:
            raw.execute(f"DROP TRIGGER {name}")
        yield raw
        for statement in SQLITE.values():
            raw.execute(statement)
        raw.commit()


def found(desk: Desk) -> list[tuple[str, int | None, int | None]]:
    return [(fault.kind, fault.position, fault.case) for fault in desk.verify().faults]


def body_of(raw: Raw, position: int) -> dict[str, Any]:
    record: dict[str, Any] = orjson.loads(
        raw.execute("SELECT body FROM event WHERE position=?", (position,)).fetchone()[0]
    )
    return record


def put(raw: Raw, position: int, body: bytes) -> None:
    """A body with the leaf that goes with it: what a careful forger writes."""
    raw.execute("UPDATE event SET body=?, leaf=? WHERE position=?", (body, leaf_hash(body), position))


def test_an_untouched_log_holds(desk: Desk) -> None:
    report = desk.verify()
    assert (report.faults, report.notes, report.holds) == ((), (), True)
    assert (report.size, report.cases, report.origin) == (12, 3, ORIGIN)


def test_an_empty_log_holds(tmp_path: Path) -> None:
    assert open_desk(tmp_path / "empty.db").verify().holds


def test_the_same_log_under_another_origin_does_not_hold(desk: Desk) -> None:
    assert found(desk_on(desk.database, origin="elsewhere"))[0] == ("origin", 1, None)


def one_byte_of_a_body(raw: Raw) -> None:
    raw.execute("UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'Ada', 'Eve') AS BLOB) WHERE position=6")


def a_copied_column(raw: Raw) -> None:
    raw.execute("UPDATE event SET actor='Eve' WHERE position=6")


def a_leaf(raw: Raw) -> None:
    raw.execute("UPDATE event SET leaf=zeroblob(32) WHERE position=6")


def a_body_and_its_leaf(raw: Raw) -> None:
    put(raw, 6, canonical({**body_of(raw, 6), "actor": "Eve"}))
    raw.execute("UPDATE event SET actor='Eve' WHERE position=6")


def a_body_that_is_no_event(raw: Raw) -> None:
    put(raw, 9, b"not an event")


def a_body_with_facts_that_are_none(raw: Raw) -> None:
    put(raw, 9, canonical({**body_of(raw, 9), "facts": 7}))


def a_second_spelling(raw: Raw) -> None:
    put(raw, 6, canonical(body_of(raw, 6)) + b" ")


def a_middle_event_deleted(raw: Raw) -> None:
    raw.execute("DELETE FROM event WHERE position=6")


def two_events_swapped(raw: Raw) -> None:
    raw.executescript(
        "UPDATE event SET position=99 WHERE position=6; UPDATE event SET position=6 WHERE position=7;"
        "UPDATE event SET position=7 WHERE position=99;"
    )


def two_events_swapped_with_their_positions(raw: Raw) -> None:
    first, second = body_of(raw, 9), body_of(raw, 10)
    raw.executescript("UPDATE event SET position=99 WHERE position=9; UPDATE event SET position=9 WHERE position=10;"
                      "UPDATE event SET position=10 WHERE position=99;")  # fmt: skip
    put(raw, 9, canonical({**second, "position": 9}))
    put(raw, 10, canonical({**first, "position": 10}))


def an_event_inserted_and_all_after_renumbered(raw: Raw) -> None:
    raw.execute("UPDATE event SET position=position+100 WHERE position>=6")
    raw.execute("UPDATE event SET position=position-99 WHERE position>=100")
    record = {**body_of(raw, 5), "position": 6, "case": 9, "sequence": 1}
    body = canonical(record)
    raw.execute(
        "INSERT INTO event SELECT 6, 9, 1, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, ?, ? FROM event WHERE position=5", (body, leaf_hash(body)),
    )  # fmt: skip


def the_event_of_one_case_copied_to_another(raw: Raw) -> None:
    raw.execute(
        "INSERT INTO event SELECT 13, 2, 3, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, body, leaf FROM event WHERE position=9"
    )


def the_event_of_one_case_copied_to_another_with_its_body(raw: Raw) -> None:
    body = canonical({**body_of(raw, 9), "position": 13, "case": 2})
    raw.execute(
        "INSERT INTO event SELECT 13, 2, 3, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, ?, ? FROM event WHERE position=9", (body, leaf_hash(body)),
    )  # fmt: skip


def the_last_events_deleted(raw: Raw) -> None:
    raw.execute("DELETE FROM event WHERE position > 9")


def a_state_edited(raw: Raw) -> None:
    raw.execute("UPDATE cases SET state='returned' WHERE id=2")


def the_facts_of_a_case_edited(raw: Raw) -> None:
    raw.execute("UPDATE cases SET facts='nonsense' WHERE id=2")


def a_cohort_edited(raw: Raw) -> None:
    raw.execute("UPDATE cases SET cohort='B' WHERE id=2")


def a_case_deleted(raw: Raw) -> None:
    raw.execute("DELETE FROM cases WHERE id=2")


def a_case_invented(raw: Raw) -> None:
    raw.execute("INSERT INTO cases SELECT 9, subject, cohort, route, route_version, state, sequence, entered_at, "
                "clock_from, occurred_at, leaf, facts FROM cases WHERE id=2")  # fmt: skip


def a_duty_reopened(raw: Raw) -> None:
    raw.execute("UPDATE duty SET closed=NULL")


def a_duty_invented(raw: Raw) -> None:
    raw.execute("INSERT INTO duty VALUES (5, 'block_card', 1, NULL, 1, NULL)")


def a_place_in_a_file_edited(raw: Raw) -> None:
    raw.execute("UPDATE dispatch_member SET state='answered' WHERE case_id=2")


@pytest.mark.parametrize(
    ("tamper", "first"),
    [
        (one_byte_of_a_body, ("leaf", 6, None)),
        (a_copied_column, ("copy", 6, None)),
        (a_leaf, ("leaf", 6, None)),
        (a_body_and_its_leaf, ("projection", None, 2)),
        (a_body_that_is_no_event, ("body", 9, None)),
        (a_body_with_facts_that_are_none, ("body", 9, None)),
        (a_second_spelling, ("canonical", 6, None)),
        (a_middle_event_deleted, ("gap", 6, None)),
        (two_events_swapped, ("copy", 6, None)),
        (two_events_swapped_with_their_positions, ("sequence", 9, 1)),
        (an_event_inserted_and_all_after_renumbered, ("chain", 6, 9)),
        (the_event_of_one_case_copied_to_another, ("copy", 13, None)),
        (the_event_of_one_case_copied_to_another_with_its_body, ("chain", 13, 2)),
        (the_last_events_deleted, ("projection", None, 1)),
        (a_state_edited, ("projection", None, 2)),
        (the_facts_of_a_case_edited, ("projection", None, 2)),
        (a_cohort_edited, ("projection", None, 2)),
        (a_case_deleted, ("projection", None, None)),
        (a_case_invented, ("projection", None, 9)),
        (a_duty_reopened, ("duty", 9, None)),
        (a_duty_invented, ("duty", 5, None)),
        (a_place_in_a_file_edited, ("dispatch", None, 2)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_tampering_is_found(
    desk: Desk, tamper: Callable[[Raw], None], first: tuple[str, int | None, int | None]
) -> None:
    with unguarded(desk) as raw:
        tamper(raw)
    assert found(desk)[0] == first


def test_one_edited_body_is_one_fault_in_the_log_and_not_a_row_of_them(desk: Desk) -> None:
    with unguarded(desk) as raw:
        one_byte_of_a_body(raw)
    assert [kind for kind, position, _ in found(desk) if position is not None] == ["leaf"]


def test_a_body_and_leaf_forged_inside_a_case_break_its_chain_at_the_next_event(desk: Desk) -> None:
    with unguarded(desk) as raw:
        put(raw, 5, canonical({**body_of(raw, 5), "evidence": {"by": "Eve"}}))
    assert found(desk)[0] == ("chain", 9, 1)


def test_a_dropped_trigger_is_named(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.database.path)) as raw:
        raw.execute("DROP TRIGGER event_no_update")
    (fault,) = desk.verify().faults
    assert (fault.kind, "event_no_update" in fault.message) == ("guard_missing", True)


def test_a_trigger_that_was_replaced_by_a_harmless_one_is_named(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.database.path)) as raw:
        raw.execute("DROP TRIGGER event_no_update")
        raw.execute("CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT 1; END")
    (fault,) = desk.verify().faults
    assert (fault.kind, "event_no_update" in fault.message) == ("guard_changed", True)


def test_a_route_that_is_not_known_is_a_fault_and_not_a_crash(desk: Desk) -> None:
    with unguarded(desk) as raw:
        raw.execute("UPDATE cases SET route='other' WHERE id=2")
    assert found(desk) == [("route", None, 2)]


def test_a_clock_set_back_is_a_note_and_no_fault(desk: Desk) -> None:
    desk.clock.now -= DAY
    desk.engine.fire("take_back", Move(case=2), DESK)
    report = desk.verify()
    assert report.holds
    assert [(note.kind, note.position) for note in report.notes] == [("clock", 13)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(1, 12), place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_edited_byte_of_any_body_is_found_at_its_position(
    edited: Desk, position: int, place: int, change: int
) -> None:
    with closing(sqlite3.connect(edited.database.path)) as raw:
        (body,) = raw.execute("SELECT body FROM event WHERE position=?", (position,)).fetchone()
        bad = bytearray(body)
        bad[place % len(bad)] ^= change
        raw.execute("UPDATE event SET body=? WHERE position=?", (bytes(bad), position))
        raw.commit()
        faults = [fault for fault in edited.verify().faults if fault.kind != "guard_missing"]
        raw.execute("UPDATE event SET body=? WHERE position=?", (body, position))
        raw.commit()
    assert (faults[0].kind, faults[0].position) == ("leaf", position)
    assert parse(body).position == position


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A log whose guards are down for good."""
    desk = full(tmp_path_factory.mktemp("edited") / "loan.db")
    with closing(sqlite3.connect(desk.database.path)) as raw:
        for name in SQLITE:
            raw.execute(f"DROP TRIGGER {name}")
    return desk
