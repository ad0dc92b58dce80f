"""However verify gets through a log (by frames or event by event, facts kept or read again), it finds the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.stores import STORES
from tests.fakes.intruder import Intruder, connected, unguarded
from tests.fakes.loan import DESK, ORIGIN, Desk, desk_on
from workflow import Move
from workflow.event import canonical
from workflow.store import verify as verify_module
from workflow.store.fault import Fault
from workflow.store.verify import Reading
from workflow.store.verify_cases import Cases

SIZE = 67
LATER = 10**12


def fill(desk: Desk) -> Desk:
    """Eight loans moved together, so that most events are like the one before: 67 events, some with facts."""
    cases = desk.open(8, cohort="Zoë", torn=False)
    desk.engine.fire_many("lend", cases, DESK)
    desk.engine.fire_many("remind", cases, DESK, move=lambda case: Move(case=case, facts={"due_on": 5 * case}))
    desk.engine.fire_many("renew", cases, DESK, move=lambda case: Move(case=case, facts={"torn": None, "how": "100%"}))
    desk.engine.fire_many("lend", cases, DESK)
    desk.engine.fire_many("take_back", cases, DESK)
    with desk.engine.work(DESK) as work:
        work.note("seen", [Move(case=case, facts={"seen": [case]}, evidence={"by": "mail"}) for case in cases])
        work.record("looked_up")
    return desk


@pytest.fixture(scope="module", params=STORES)
def log(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A log without guards, put back by each test as it was."""
    made = fill(desk_on(STORES[request.param](tmp_path_factory.mktemp("ways"))))
    with connected(made) as them:
        them.take_guards_away()
    yield made
    made.database.close()


class NeverOrdinary(Cases):
    def open(self, *_: Any) -> bool:
        return False


def faults(log: Desk) -> tuple[Fault, ...]:
    return tuple(fault for fault in log.verify().faults if not fault.kind.startswith("guard"))


def every_way(log: Desk) -> tuple[Fault, ...]:
    """The faults, found the same in every way."""
    found = faults(log)
    with pytest.MonkeyPatch.context() as other:
        other.setattr(verify_module, "Cases", lambda: Cases(room=0))
        assert faults(log) == found
    with pytest.MonkeyPatch.context() as other:
        other.setattr(verify_module, "FRAMES", 0)
        assert faults(log) == found
        other.setattr(verify_module, "Cases", NeverOrdinary)
        assert faults(log) == found
    return found


def test_most_events_are_read_by_frames(log: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []
    look = Reading._look
    monkeypatch.setattr(Reading, "_look", lambda self, row: (looked.append(row), look(self, row)))
    assert faults(log) == ()
    assert log.count() == SIZE
    assert len(looked) < SIZE / 2


def test_a_whole_log_holds_in_every_way(log: Desk) -> None:
    assert every_way(log) == ()


KEYS = st.sampled_from(
    ["actor", "case", "command", "command_id", "dispatch", "evidence", "facts", "held", "kind", "occurred_at", "opens",
     "origin", "position", "prev", "product", "recorded_at", "route", "rules", "run", "schema", "sequence", "settles",
     "source", "target", "trigger", "voids", "closes", "row", "colour"]
)  # fmt: skip
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 70), st.just(2**53), st.floats(0, 9), st.sampled_from(
        ["Ada Desk", "lent", "moved", "opened", "e\u0308", "\x00", "%d", [], [1.5], ["L0.1"], [[3, "send_letter"]], {},
         {"subject": 9}, {"torn": 1.5}, {"torn": None}, {"a": [{}]}]
    )
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(1, SIZE), key=KEYS, value=VALUES, gone=st.booleans(), copied=st.booleans())
def test_a_forged_body_is_judged_the_same_in_every_way(
    log: Desk, position: int, key: str, value: Any, gone: bool, copied: bool
) -> None:
    """With the leaf that goes with it, and with or without the copy in a column."""
    with connected(log) as them:
        before = them.run("SELECT body, leaf, actor, trigger, source, target FROM event WHERE position=?", (position,))
        record = them.record(position) | {key: value}
        if gone:
            del record[key]
        them.put(position, bytes_of(record))
        if (
            copied
            and key in {"actor", "trigger", "source", "target"}
            and isinstance(value, str)
            and "\x00" not in value
        ):
            them.run(f"UPDATE event SET {key}=? WHERE position=?", (value, position))
    try:
        every_way(log)
    finally:
        with connected(log) as them:
            them.run(
                "UPDATE event SET body=?, leaf=?, actor=?, trigger=?, source=?, target=? WHERE position=?",
                (*before[0], position),
            )


def bytes_of(record: dict[str, Any]) -> bytes:
    try:
        return canonical(record)
    except TypeError:
        return b'{"position":9007199254740992}'


def test_nothing_but_a_correction_takes_back_an_earlier_event(desk: Desk) -> None:
    fill(desk)
    with unguarded(desk) as them:
        them.put(59, canonical({**them.record(59), "voids": 50}))
    found = every_way(desk)
    assert [(fault.kind, fault.position, fault.case) for fault in found] == [("correction", 59, 1)]


def copy_to_case(them: Intruder, case: int) -> None:
    body = canonical({**them.record(1), "position": SIZE + 1, "case": case})
    them.run(
        f"INSERT INTO event SELECT {SIZE + 1}, {case}, 1, kind, trigger, source, target, occurred_at, recorded_at, "
        "actor, dispatch, command_id, run, body, leaf FROM event WHERE position=1"
    )
    them.put(SIZE + 1, body)


@pytest.mark.parametrize("case", [-1, 0, 500, LATER, 2**53 - 1])
def test_a_case_with_a_number_out_of_the_row_is_found_without_a_row(desk: Desk, case: int) -> None:
    fill(desk)
    with unguarded(desk) as them:
        copy_to_case(them, case)
    assert every_way(desk) == (Fault("projection", "1 cases have events but no row"),)
    assert desk.verify().cases == 9


TYPES = {
    "position": ["ALTER TABLE event DROP CONSTRAINT event_position", "text USING 'x' || position"],
    "case_id": ["text"], "sequence": ["text"], "occurred_at": ["text"], "recorded_at": ["double precision"],
    "actor": ["bytea USING 'x'::bytea"], "run": ["text"], "dispatch": ["boolean USING false"], "leaf": ["text"],
    "body": ["text USING convert_from(body, 'UTF8')"], "command_id": ["integer USING 5"], "kind": ["integer USING 5"],
}  # fmt: skip


def retype(them: Intruder, table: str, column: str, how: list[str]) -> None:
    """A column made to hold other things, as whoever owns the table can."""
    if them.kind == "sqlite":
        names = [row[1] for row in them.run(f"PRAGMA table_info({table})")]
        as_text = ", ".join(f"'x' || quote({name}) AS {name}" if name == column else name for name in names)
        them.run(f"CREATE TABLE other AS SELECT {as_text} FROM {table}")
        them.run(f"DROP TABLE {table}")
        them.run(f"ALTER TABLE other RENAME TO {table}")
        return
    *first, new = how
    them.run("DROP INDEX event_rare")  # its condition holds the column fast
    for statement in first:
        them.run(statement)
    them.run(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {new}")


@pytest.mark.parametrize("column", TYPES)
def test_a_column_that_was_given_another_type_is_reported(desk: Desk, column: str) -> None:
    fill(desk)
    with connected(desk) as them:
        them.take_guards_away()
        retype(them, "event", column, TYPES[column])
    assert len(faults(desk)) >= SIZE - 1


@pytest.mark.parametrize(
    ("table", "column", "kind"),
    [("cases", "id", "projection"), ("cases", "facts", "projection"), ("cases", "sequence", "projection"),
     ("duty", "position", "duty"), ("duty", "opened_at", "duty"), ("run", "members", "run"), ("run", "cursor", "run"),
     ("run", "counts", "run"), ("definition", "body", "definition")],
)  # fmt: skip
def test_a_row_that_was_given_another_type_is_reported(desk: Desk, table: str, column: str, kind: str) -> None:
    fill(desk)
    with connected(desk) as them:
        retype(them, table, column, [f"text USING 'x' || {column}::text"])
    assert kind in {fault.kind for fault in faults(desk)}


def test_the_origin_is_told_of_every_event(log: Desk) -> None:
    other = desk_on(log.database, origin="elsewhere")
    assert ORIGIN != "elsewhere"
    assert [f.kind for f in faults(other)] == ["origin"] * SIZE
