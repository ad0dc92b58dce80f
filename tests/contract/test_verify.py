"""Verify reads the whole log again: an untouched one holds, and every edit is found, by kind and first place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.stores import STORES
from tests.fakes.intruder import Intruder, connected, unguarded
from tests.fakes.loan import DAY, DESK, ORIGIN, Desk, desk_on
from workflow import Move
from workflow.errors import StoreError
from workflow.event import canonical, leaf_hash, parse
from workflow.store.dispatch_log import PREPARED, Dispatch
from workflow.store.verify import verify
from workflow.work import Work


def prepare(work: Work[Any], number: int, kind: str, members: list[tuple[int, int, int]]) -> None:
    """A file with its event, whose evidence proves the members."""
    frozen = sha256(canonical([list(member) for member in members])).hexdigest()
    evidence = {"kind": kind, "name": "a.csv", "digest": "d", "members": len(members), "frozen": frozen}
    work.record("dispatch_prepared", dispatch=number, evidence=evidence)
    file = Dispatch(number, "out", kind, "a.csv", "", "d", PREPARED, work.clock(), None, len(members))
    work.dispatches.add(file, members)


def fill(desk: Desk) -> Desk:
    """Positions 1-3 open cases 1-3, 5-7 lend them, 9-10 remind and renew case 1, 11-12 a file and its answer."""
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
def log(desk: Desk) -> Desk:
    return fill(desk)


def found(desk: Desk) -> list[tuple[str, int | None, int | None]]:
    return [(fault.kind, fault.position, fault.case) for fault in desk.verify().faults]


def test_an_untouched_log_holds(log: Desk) -> None:
    report = log.verify()
    assert (report.faults, report.notes, report.holds) == ((), (), True)
    assert (report.size, report.cases, report.origin) == (12, 3, ORIGIN)


def test_an_empty_log_holds(desk: Desk) -> None:
    assert desk.verify().holds


def test_the_same_log_under_another_origin_does_not_hold(log: Desk) -> None:
    assert found(desk_on(log.database, origin="elsewhere"))[0] == ("origin", 1, None)


def one_byte_of_a_body(them: Intruder) -> None:
    body = them.body(6).replace(b"Ada", b"Eve")
    them.run("UPDATE event SET body=? WHERE position=6", (body,))


def a_copied_column(them: Intruder) -> None:
    them.run("UPDATE event SET actor='Eve' WHERE position=6")


def a_leaf(them: Intruder) -> None:
    them.run("UPDATE event SET leaf=zeroblob(32) WHERE position=6")


def a_body_and_its_leaf(them: Intruder) -> None:
    them.put(6, canonical({**them.record(6), "actor": "Eve"}))
    them.run("UPDATE event SET actor='Eve' WHERE position=6")


def a_body_that_is_no_event(them: Intruder) -> None:
    them.put(9, b"not an event")


def a_body_with_facts_that_are_none(them: Intruder) -> None:
    them.put(9, canonical({**them.record(9), "facts": 7}))


def a_second_spelling(them: Intruder) -> None:
    them.put(6, canonical(them.record(6)) + b" ")


def a_middle_event_deleted(them: Intruder) -> None:
    them.run("DELETE FROM event WHERE position=6")


def swap(them: Intruder, one: int, other: int) -> None:
    for old, new in ((one, 99), (other, one), (99, other)):
        them.run("UPDATE event SET position=? WHERE position=?", (new, old))


def two_events_swapped(them: Intruder) -> None:
    swap(them, 6, 7)


def two_events_swapped_with_their_positions(them: Intruder) -> None:
    first, second = them.record(9), them.record(10)
    swap(them, 9, 10)
    them.put(9, canonical({**second, "position": 9}))
    them.put(10, canonical({**first, "position": 10}))


def an_event_inserted_and_all_after_renumbered(them: Intruder) -> None:
    them.run("UPDATE event SET position=position+100 WHERE position>=6")
    them.run("UPDATE event SET position=position-99 WHERE position>=100")
    record = {**them.record(5), "position": 6, "case": 9, "sequence": 1}
    body = canonical(record)
    them.run(
        "INSERT INTO event SELECT 6, 9, 1, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, ?, ? FROM event WHERE position=5", (body, leaf_hash(body)),
    )  # fmt: skip


def the_event_of_one_case_copied_to_another(them: Intruder) -> None:
    them.run(
        "INSERT INTO event SELECT 13, 2, 3, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, body, leaf FROM event WHERE position=9"
    )


def the_event_of_one_case_copied_to_another_with_its_body(them: Intruder) -> None:
    body = canonical({**them.record(9), "position": 13, "case": 2})
    them.run(
        "INSERT INTO event SELECT 13, 2, 3, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
        "command_id, run, ?, ? FROM event WHERE position=9", (body, leaf_hash(body)),
    )  # fmt: skip


def the_last_events_deleted(them: Intruder) -> None:
    them.run("DELETE FROM event WHERE position > 9")


def a_state_edited(them: Intruder) -> None:
    them.run("UPDATE cases SET state='returned' WHERE id=2")


def the_facts_of_a_case_edited(them: Intruder) -> None:
    them.run("UPDATE cases SET facts='nonsense' WHERE id=2")


def a_cohort_edited(them: Intruder) -> None:
    them.run("UPDATE cases SET cohort='B' WHERE id=2")


def a_case_deleted(them: Intruder) -> None:
    them.run("DELETE FROM cases WHERE id=2")


def a_case_invented(them: Intruder) -> None:
    them.run("INSERT INTO cases SELECT 9, subject, cohort, route, route_version, state, sequence, entered_at, "
                "clock_from, occurred_at, leaf, facts FROM cases WHERE id=2")  # fmt: skip


def a_duty_reopened(them: Intruder) -> None:
    them.run("UPDATE duty SET closed=NULL")


def a_duty_invented(them: Intruder) -> None:
    them.run("INSERT INTO duty VALUES (5, 'block_card', 1, NULL, 1, NULL)")


def a_place_in_a_file_edited(them: Intruder) -> None:
    them.run("UPDATE dispatch_member SET state='answered' WHERE case_id=2")


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
    log: Desk, tamper: Callable[[Intruder], None], first: tuple[str, int | None, int | None]
) -> None:
    with unguarded(log) as them:
        tamper(them)
    assert found(log)[0] == first


def test_one_edited_body_is_one_fault_in_the_log_and_not_a_row_of_them(log: Desk) -> None:
    with unguarded(log) as them:
        one_byte_of_a_body(them)
    assert [kind for kind, position, _ in found(log) if position is not None] == ["leaf"]


def test_a_body_and_leaf_forged_inside_a_case_break_its_chain_at_the_next_event(log: Desk) -> None:
    with unguarded(log) as them:
        them.put(5, canonical({**them.record(5), "evidence": {"by": "Eve"}}))
    assert found(log)[0] == ("chain", 9, 1)


def test_a_dropped_trigger_is_named(log: Desk) -> None:
    with connected(log) as them:
        them.run(log.without_guard("event_no_update", "event_no_update"))
    (fault,) = log.verify().faults
    assert (fault.kind, "event_no_update" in fault.message) == ("guard_missing", True)


HARMLESS = {
    "sqlite": [
        "DROP TRIGGER event_no_update",
        "CREATE TRIGGER event_no_update BEFORE UPDATE ON event BEGIN SELECT 1; END",
    ],
    "postgresql": ["ALTER TABLE event DISABLE TRIGGER event_no_update"],
}


def test_a_trigger_that_was_made_harmless_is_named(log: Desk) -> None:
    with connected(log) as them:
        for statement in HARMLESS[them.kind]:
            them.run(statement)
    (fault,) = log.verify().faults
    assert (fault.kind, "event_no_update" in fault.message) == ("guard_changed", True)


def test_a_route_that_is_not_known_is_a_fault_and_not_a_crash(log: Desk) -> None:
    with unguarded(log) as them:
        them.run("UPDATE cases SET route='other' WHERE id=2")
    assert found(log) == [("route", None, 2)]


def test_a_row_moved_to_another_known_route_is_found(log: Desk) -> None:
    with unguarded(log) as them:
        them.run("UPDATE cases SET route_version=2 WHERE id=2")
    route = log.route
    known = {(route.name, 1): route, (route.name, 2): replace(route, version=2)}
    with log.database.reading() as connection:
        (fault,) = verify(connection, ORIGIN, known).faults
    assert (fault.kind, fault.case) == ("projection", 2)
    assert fault.message == f"is said to run on {route.name} version 2, but its events run on {route.name} version 1"


@pytest.mark.parametrize(
    ("change", "kind"),
    [("UPDATE event SET actor=CAST(x'41ff' AS TEXT) WHERE position=6", "copy"),
     ("UPDATE cases SET cohort=CAST(x'41ff' AS TEXT) WHERE id=2", "projection"),
     ("UPDATE dispatch SET name=CAST(x'41ff' AS TEXT)", "dispatch")],
)  # fmt: skip
def test_text_in_no_encoding_of_ours_is_a_finding(log: Desk, change: str, kind: str) -> None:
    with unguarded(log) as them:
        if them.kind != "sqlite":
            pytest.skip("the server takes no such text")
        them.run(change)
    assert {fault.kind for fault in log.verify().faults} == {kind}
    with pytest.raises(StoreError, match="not UTF-8") as caught, log.database.reading() as connection:
        connection.execute(f"SELECT * FROM {change.split()[1]}").fetchall()
    assert "A\\xff" not in str(caught.value)


def test_a_clock_set_back_is_a_note_and_no_fault(log: Desk) -> None:
    log.clock.now -= DAY
    log.engine.fire("take_back", Move(case=2), DESK)
    report = log.verify()
    assert report.holds
    assert [(note.kind, note.position) for note in report.notes] == [("clock", 13)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(1, 12), place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_edited_byte_of_any_body_is_found_at_its_position(
    edited: Desk, position: int, place: int, change: int
) -> None:
    with connected(edited) as them:
        body = them.body(position)
        bad = bytearray(body)
        bad[place % len(bad)] ^= change
        them.run("UPDATE event SET body=? WHERE position=?", (bytes(bad), position))
    faults = [fault for fault in edited.verify().faults if not fault.kind.startswith("guard")]
    with connected(edited) as them:
        them.run("UPDATE event SET body=? WHERE position=?", (body, position))
    assert (faults[0].kind, faults[0].position) == ("leaf", position)
    assert parse(body).position == position


@pytest.fixture(scope="module", params=STORES)
def edited(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A log whose guards are down for good."""
    made = fill(desk_on(STORES[request.param](tmp_path_factory.mktemp("edited"))))
    with connected(made) as them:
        them.take_guards_away()
    yield made
    made.database.close()
