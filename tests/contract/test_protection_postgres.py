"""On a server the log refuses change from any account, and what only its owner or a superuser can do is found by verify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from psycopg import errors

from tests.fakes.accounts import Accounts, dismiss, with_accounts
from tests.fakes.loan import DESK, Desk, desk_on
from workflow import Move

SAME = (
    "{position}, {case}, {sequence}, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
    "command_id, run, body, leaf"
)
ROW = "SELECT " + SAME + " FROM event WHERE position = 2"
COPY = "INSERT INTO event " + ROW
MERGE = "MERGE INTO event e USING (SELECT 2::bigint AS p) s ON e.position = s.p WHEN MATCHED THEN "
ATTACKS = {
    "an update": "UPDATE event SET actor = 'Eve' WHERE position = 2",
    "an update of nothing": "UPDATE event SET actor = 'Eve' WHERE false",
    "an update by a join": "UPDATE event e SET actor = 'Eve' FROM cases c WHERE c.id = e.case_id",
    "a delete": "DELETE FROM event WHERE position = 2",
    "a delete of everything": "DELETE FROM event",
    "a truncate": "TRUNCATE event",
    "a truncate with others": "TRUNCATE cases, event CASCADE",
    "an upsert": COPY.format(position=2, case=1, sequence=2) + " ON CONFLICT (position) DO UPDATE SET actor = 'Eve'",
    "an upsert by the place in the case": COPY.format(position=4, case=1, sequence=2)
    + " ON CONFLICT (case_id, sequence) DO UPDATE SET actor = 'Eve'",
    "a merge that updates": MERGE + "UPDATE SET actor = 'Eve'",
    "a merge that deletes": MERGE + "DELETE",
    "a position out of order": COPY.format(position=9, case=1, sequence=3),
    "a position before the first": COPY.format(position=0, case=1, sequence=3),
    "a negative position": COPY.format(position=-1, case=1, sequence=3),
    "a position that is taken": COPY.format(position=1, case=1, sequence=3),
    "a place out of order in its case": COPY.format(position=4, case=1, sequence=4),
    "a place before the first": COPY.format(position=4, case=1, sequence=0),
    "a case that begins in the middle": COPY.format(position=4, case=7, sequence=2),
    "a place without a case": COPY.format(position=4, case="NULL::bigint", sequence=3),
    "a hidden change within a query": "WITH gone AS (DELETE FROM event RETURNING position) SELECT count(*) FROM gone",
    "a gap within one statement": "INSERT INTO event " + ROW.format(position=4, case="NULL::bigint", sequence="NULL::bigint")
    + " UNION ALL " + ROW.format(position=6, case="NULL::bigint", sequence="NULL::bigint"),
}  # fmt: skip
BY_POWER = {
    "a trigger switched off": (
        ["ALTER TABLE event DISABLE TRIGGER event_no_update", "UPDATE event SET actor = 'Eve' WHERE position = 2"],
        {"guard_changed", "copy"},
    ),
    "all triggers switched off": (
        ["ALTER TABLE event DISABLE TRIGGER USER", "DELETE FROM event WHERE position = 2"],
        {"guard_changed", "gap"},
    ),
    "a trigger off for a moment": (
        ["ALTER TABLE event DISABLE TRIGGER USER", "UPDATE event SET body = body || '\\x20'::bytea WHERE position = 2",
         "ALTER TABLE event ENABLE TRIGGER USER"],
        {"guard_changed", "leaf"},
    ),
    "a trigger that fires never": (
        ["CREATE OR REPLACE TRIGGER event_no_update BEFORE UPDATE ON event WHEN (false) EXECUTE FUNCTION event_fixed('changed')",
         "ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_update"],
        {"guard_changed"},
    ),
    "a trigger for one column": (
        ["CREATE OR REPLACE TRIGGER event_no_update BEFORE UPDATE OF position ON event EXECUTE FUNCTION event_fixed('changed')",
         "ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_update"],
        {"guard_changed"},
    ),
    "settings of a function": (
        ["ALTER FUNCTION event_in_order() RESET ALL"],
        {"guard_changed"},
    ),
    "a trigger gone": (
        ["DROP TRIGGER event_no_delete ON event", "DELETE FROM event WHERE position = 3"],
        {"guard_missing"},
    ),
    "a trigger put back after the deed": (
        ["ALTER TABLE event DISABLE TRIGGER USER", "UPDATE event SET leaf = '\\x00' WHERE position = 2",
         "ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_update", "ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_delete",
         "ALTER TABLE event ENABLE ALWAYS TRIGGER event_no_truncate", "ALTER TABLE event ENABLE ALWAYS TRIGGER event_next"],
        {"leaf"},
    ),
    "a rule that swallows inserts": (
        ["CREATE RULE swallow AS ON INSERT TO event DO INSTEAD NOTHING"],
        {"guard_unknown"},
    ),
    "a column rewritten as it changes its type": (
        ["ALTER TABLE event ALTER COLUMN actor TYPE text COLLATE \"C\" USING 'Eve'"],
        {"copy"},
    ),
    "bodies rewritten as they change their type": (
        ["ALTER TABLE event ALTER COLUMN body TYPE bytea USING '\\x7b7d'::bytea"],
        {"leaf"},
    ),
    "a function emptied": (
        ["CREATE OR REPLACE FUNCTION event_fixed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
         "DELETE FROM event WHERE position = 2"],
        {"guard_changed", "gap"},
    ),
    "a trigger of their own": (
        ["CREATE FUNCTION eve() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.actor := ''Eve''; RETURN NEW; END'",
         "CREATE TRIGGER aaa BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION eve()"],
        {"guard_unknown"},
    ),
    "a policy that hides rows": (
        ["CREATE POLICY hide ON event USING (position < 3)", "ALTER TABLE event ENABLE ROW LEVEL SECURITY"],
        {"guard_unknown"},
    ),
    "a table that adds rows from beside": (
        ["CREATE TABLE beside () INHERITS (event)"],
        {"guard_unknown"},
    ),
    "the table exchanged for a view": (
        ["ALTER TABLE event RENAME TO event_kept", "CREATE VIEW event AS SELECT * FROM event_kept"],
        {"guard_changed"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def accounts() -> Iterator[Accounts]:
    made = with_accounts()
    yield made
    dismiss(made)


@pytest.fixture(scope="module")
def desk(accounts: Accounts) -> Iterator[Desk]:
    """Three events: an opening, a loan, a note."""
    made = desk_on(accounts.database("operator"))
    case = made.open()[0]
    made.engine.fire("lend", Move(case=case), DESK)
    with made.engine.work(DESK) as work:
        work.record("note")
    yield made
    made.database.close()


@pytest.fixture
def reader(accounts: Accounts, desk: Desk) -> Iterator[Desk]:
    """Somebody else who verifies."""
    made = desk_on(accounts.database("superuser"))
    yield made
    made.database.close()


@pytest.mark.parametrize("kind", ["operator", "owner", "superuser"])
@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("sql", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_log_refuses(accounts: Accounts, reader: Desk, kind: str, role: str, sql: str) -> None:
    """A replica's role switches ordinary triggers off; only a superuser may take it, and ours fire all the same."""
    before = reader.rows("SELECT * FROM event ORDER BY position")
    with accounts.connect(kind) as connection:
        if role == "replica":
            if kind != "superuser":
                with pytest.raises(errors.InsufficientPrivilege):
                    connection.execute("SET session_replication_role = replica")
                return
            connection.execute("SET session_replication_role = replica")
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(sql.format(position=4, case=1, sequence=3) if "{" in sql else sql)
    expected = (errors.RaiseException, errors.UniqueViolation, errors.CheckViolation, errors.InsufficientPrivilege)
    assert isinstance(refused.value, expected), refused.value
    if isinstance(refused.value, errors.InsufficientPrivilege):
        assert kind == "operator"
    assert reader.rows("SELECT * FROM event ORDER BY position") == before
    assert reader.verify().faults == ()


@pytest.mark.parametrize("kind", ["operator", "owner", "superuser"])
def test_copy_takes_the_next_line_and_no_other(accounts: Accounts, reader: Desk, kind: str) -> None:
    row = reader.rows("SELECT * FROM event WHERE position = 3")[0]
    before = reader.count()
    for position in (2, 3, 5):
        with (
            pytest.raises((errors.RaiseException, errors.UniqueViolation)),
            accounts.connect(kind) as connection,
            connection.cursor() as cursor,
            cursor.copy("COPY event FROM STDIN") as copy,
        ):
            copy.write_row((position, *row[1:]))
    assert reader.count() == before


@pytest.mark.parametrize("kind", ["operator", "auditor"])
@pytest.mark.parametrize("sql", [sql for statements, _ in BY_POWER.values() for sql in statements[:1]])
def test_who_works_or_audits_takes_no_guard_away(accounts: Accounts, desk: Desk, kind: str, sql: str) -> None:
    with accounts.connect(kind) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(sql)


@pytest.mark.parametrize("kind", ["owner", "superuser"])
@pytest.mark.parametrize("attack", BY_POWER)
def test_what_an_owner_can_do_is_found(accounts: Accounts, reader: Desk, kind: str, attack: str) -> None:
    """All of it in one transaction that is undone in the end, with verify in the midst."""
    statements, expected = BY_POWER[attack]
    database = accounts.database(kind)
    eve = desk_on(database)
    with suppress(Undone), database.writing() as connection:
        for sql in statements:
            connection.raw.execute(sql)
        report = eve.look(connection)
        raise Undone
    database.close()
    assert expected <= {fault.kind for fault in report.faults}, report.faults
    assert reader.verify().faults == ()


class Undone(Exception):
    """What was done in a test is undone."""
