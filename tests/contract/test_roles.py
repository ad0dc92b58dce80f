"""On a server each account may do what its work needs and nothing else; one table says so, another is what happens."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from tests.fakes.accounts import EVERY_RIGHT, Accounts, dismiss, with_accounts
from workflow.errors import LogProtected, NotAllowed, StoreError
from workflow.event import leaf_hash, written
from workflow.store import meta, roles

ACTIONS = {
    "S": "SELECT * FROM {table}",
    "I": "INSERT INTO {table} DEFAULT VALUES",
    "U": "UPDATE {table} SET {column} = NULL WHERE false",
    "D": "DELETE FROM {table}",
    "T": "TRUNCATE {table}",
}
EXPECTED = {  # table: owner, operator, auditor, stranger; small letters are refused by the guards, not by the right
    "event": ("SIudt", "SI", "S", ""),
    "definition": ("SIUDT", "SI", "S", ""),
    "cases": ("SIUDT", "SIU", "S", ""),
    "dispatch": ("SIUDT", "SIU", "S", ""),
    "dispatch_member": ("SIUDT", "SIU", "S", ""),
    "duty": ("SIUDT", "SIU", "S", ""),
    "run": ("SIUDT", "SIU", "S", ""),
    "seal": ("SIUDT", "SI", "S", ""),
    "blocked": ("SIUDT", "SIUD", "S", ""),
    "meta": ("SIUDT", "S", "S", ""),
    "engine_version": ("SIUDT", "S", "S", ""),
    "learner": ("SIUDT", "SIU", "", ""),
    "personal": ("SIUDT", "SIUD", "", ""),
    "cohort": ("SIUDT", "SIU", "S", ""),
    "learner_version": ("SIUDT", "S", "S", ""),
}
ORIGIN = "ulnflow/99990001/test"
CASES = [
    (kind, table, action)
    for table in EXPECTED
    for kind in ("owner", "operator", "auditor", "stranger")
    for action in ACTIONS
]


@pytest.fixture(scope="module")
def accounts() -> Iterator[Accounts]:
    made = with_accounts()
    with made.connect("owner") as connection:
        connection.execute("INSERT INTO meta VALUES (%s, %s)", (meta.ORIGIN, ORIGIN))
    yield made
    dismiss(made)


@pytest.fixture(scope="module")
def connections(accounts: Accounts) -> Iterator[dict[str, psycopg.Connection]]:
    """One connection an account; a stranger is not let in at all, so they are made one once inside."""
    made = {kind: accounts.connect(kind) for kind in ("owner", "operator", "auditor")}
    made["stranger"] = accounts.connect("superuser")
    made["stranger"].execute(f"SET SESSION AUTHORIZATION {accounts.user('stranger')}")
    made["stranger"].execute("SET search_path = public")
    yield made
    for one in made.values():
        one.close()


def tried(connection: psycopg.Connection, sql: str) -> str:
    """What became of a statement: done, guarded or forbidden."""
    with connection.transaction(force_rollback=True):
        try:
            connection.execute(sql)
        except errors.NotNullViolation:
            return "done"  # the right was there, and a row of nothing is none
        except errors.RaiseException as wrong:
            return "guarded" if "append-only" in str(wrong) else str(wrong)
        except (errors.InsufficientPrivilege, errors.UndefinedTable):
            return "forbidden"
    return "done"


def test_the_table_names_every_table_there_is(connections):
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        assert {row[0] for row in cursor} == set(EXPECTED) == set(EVERY_RIGHT)


@pytest.mark.parametrize(("kind", "table", "action"), CASES, ids=["-".join(case) for case in CASES])
def test_an_account_may_do_what_the_table_says(connections, kind, table, action):
    may = EXPECTED[table][("owner", "operator", "auditor", "stranger").index(kind)]
    expected = "done" if action in may else "guarded" if action.lower() in may else "forbidden"
    column = connections["owner"].execute(f"SELECT * FROM {table} LIMIT 0").description[0].name
    assert tried(connections[kind], ACTIONS[action].format(table=table, column=column)) == expected


def test_a_stranger_is_not_let_in(accounts):
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        accounts.connect("stranger")
    database = accounts.database("stranger")
    with pytest.raises(StoreError, match="your role may not do that"), database.reading():
        pass
    database.close()


@pytest.mark.parametrize("kind", ["operator", "auditor"])
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE mine (x int)", "CREATE SCHEMA mine", "CREATE TEMP TABLE event (x int)", "ALTER TABLE event ADD x int",
        "DROP TABLE event", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE another", "SET session_replication_role = replica", "SET ROLE pg_read_all_data",
        "COPY event TO '/out.csv'", "CREATE RULE r AS ON INSERT TO event DO INSTEAD NOTHING",
        "CREATE TRIGGER t BEFORE INSERT ON event EXECUTE FUNCTION event_fixed('x')", "BEGIN; LOCK TABLE event IN ACCESS EXCLUSIVE MODE",
    ],
)  # fmt: skip
def test_nobody_at_work_may_do_what_a_table_cannot_say(connections, kind, sql):
    with pytest.raises(psycopg.Error) as refused:
        connections[kind].execute(sql)
    connections[kind].rollback()
    assert isinstance(refused.value, (errors.InsufficientPrivilege, errors.UndefinedTable))


def test_an_auditor_sees_references_and_neither_keys_nor_people(connections):
    auditor = connections["auditor"]
    assert auditor.execute("SELECT id, reference FROM learner").fetchall() == []
    for sql in ("SELECT key FROM learner", "SELECT * FROM learner", "SELECT 1 FROM personal", "TABLE personal"):
        with pytest.raises(errors.InsufficientPrivilege):
            auditor.execute(sql)


def look(accounts: Accounts, **changes: object) -> dict[str, object]:
    """A look as it should be, or changed."""
    with accounts.connect("superuser") as connection:
        head = connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0]
    evidence = {"account": accounts.user("auditor"), "scope": "history", "case": 3}
    body = {
        "schema": 1, "origin": ORIGIN, "actor": 'Ann "Bee" Ex\\ample-Łęcki', "command": "audit history", "command_id": "c",
        "product": "ulnflow 0", "kind": "looked_up", "position": head + 1, "occurred_at": 5, "recorded_at": 5,
        "evidence": evidence | changes.pop("evidence", {}),  # type: ignore[operator]
    }  # fmt: skip
    return {k: v for k, v in (body | changes).items() if v is not None}


def test_an_auditor_records_a_look_and_nothing_else(accounts):
    database = accounts.database("auditor")
    with database.writing() as connection:
        position = roles.record_look(connection, look(accounts))
        assert roles.record_look(connection, look(accounts, position=position + 1)) == position + 1
    with database.reading() as connection:
        rows = connection.execute("SELECT kind, case_id, actor, command_id FROM event ORDER BY position").fetchall()
        assert rows[-1] == ("looked_up", None, 'Ann "Bee" Ex\\ample-Łęcki', "c")
    with pytest.raises(NotAllowed), database.writing() as connection:
        connection.execute("INSERT INTO event DEFAULT VALUES")
    database.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "moved"}, {"position": 0}, {"position": 99}, {"origin": "elsewhere"}, {"schema": 2}, {"occurred_at": 4},
        {"actor": " "}, {"actor": None}, {"case": 1, "sequence": 1}, {"facts": {"uln": 1}}, {"trigger": "x"}, {"run": 1},
        {"evidence": {"account": "someone"}}, {"evidence": {"scope": "Robin Example"}}, {"evidence": {"name": "x"}},
        {"evidence": {"case": [1]}}, {"command": "x" * 3000}, {"schema": "1"}, {"actor": 5}, {"command_id": True},
        {"position": "1"}, {"occurred_at": 0, "recorded_at": 0}, {"occurred_at": -5, "recorded_at": -5},
        {"occurred_at": 2**53 - 1, "recorded_at": 2**53 - 1}, {"evidence": {"found": "Robin Example 1990-01-31"}},
        {"evidence": {"case": "3"}}, {"evidence": {"refused": 1}}, {"evidence": {"scope": True}}, {"product": ""},
        {"command_id": " "}, {"on_behalf_of": ""}, {"actor": "Ann\x1b[31m"}, {"actor": "Ann\u202e"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_look_is_refused(accounts, changes):
    data = written(look(accounts, **changes))
    assert_refused(accounts, data, leaf_hash(data))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data + b" ", lambda data: data.replace(b'"schema":1', b'"schema":1.0'),
        lambda data: data.replace(b'"actor"', b'"actor":"x","actor"'), lambda data: data.replace("Ł".encode(), b"\\u0141"),
        lambda data: data.replace("Ł".encode(), "L\u0301".encode()), lambda data: b"[]", lambda data: b"", lambda data: b"\xff",
        lambda data: data.replace(b'"schema":1', b'"schema":-0'),
    ],
)  # fmt: skip
def test_bytes_in_another_spelling_are_refused(accounts, spoil):
    data = spoil(written(look(accounts)))
    assert_refused(accounts, data, leaf_hash(data))


def test_another_leaf_is_refused(accounts):
    assert_refused(accounts, written(look(accounts)), leaf_hash(b"something else"))


def assert_refused(accounts: Accounts, data: bytes, leaf: bytes) -> None:
    with accounts.connect("auditor") as connection:
        before = connection.execute("SELECT count(*) FROM event").fetchone()
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT audit_look(%s, %s)", (data, leaf))
        assert connection.execute("SELECT count(*) FROM event").fetchone() == before


@pytest.mark.parametrize("kind", ["operator", "stranger"])
def test_only_auditors_reach_the_function(connections, kind):
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedFunction)):
        connections[kind].execute("SELECT audit_look('', '')")


def test_a_table_of_the_auditors_own_does_not_stand_in_for_the_log(accounts):
    """The function looks where it was told to, whatever path the caller sets."""
    with accounts.connect("superuser") as owner:
        owner.execute(f"CREATE SCHEMA trap AUTHORIZATION {accounts.user('auditor')}")
    data = written(look(accounts))
    with accounts.connect("auditor") as connection:
        connection.execute("CREATE TABLE trap.event (LIKE public.event)")
        connection.execute("SET search_path = trap, public")
        connection.execute("SELECT public.audit_look(%s, %s)", (data, leaf_hash(data)))
        assert connection.execute("SELECT count(*) FROM trap.event").fetchone() == (0,)
        connection.execute("DROP SCHEMA trap CASCADE")


def test_the_groups_are_made_twice_and_stay_the_same(accounts):
    database = accounts.database("owner")
    with database.writing() as connection:
        made = list(roles.statements(connection, EVERY_RIGHT))
        assert not [sql for sql in made if sql.startswith("CREATE ROLE")]
        roles.run(connection, made)
        assert list(roles.missing(connection, EVERY_RIGHT)) == []
        connection.raw.execute(
            "CREATE OR REPLACE FUNCTION audit_spelled(value json) RETURNS text LANGUAGE sql AS 'SELECT NULL'"
        )
        assert "audit_spelled" in " ".join(roles.missing(connection, EVERY_RIGHT))
        roles.run(connection, made)
        assert list(roles.missing(connection, EVERY_RIGHT)) == []
    database.close()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("GRANT SELECT ON personal TO {auditor}", "{auditor} may SELECT on personal"),
        ("GRANT SELECT (key) ON learner TO {auditor}", "{auditor} may SELECT on learner (key)"),
        ("GRANT SELECT ON personal TO PUBLIC", "everybody may SELECT on personal"),
        ("GRANT UPDATE, DELETE ON event TO {operator}", "{operator} may DELETE on event"),
        ("GRANT CONNECT ON DATABASE {database} TO PUBLIC", "everybody may CONNECT on database"),
        ("GRANT CREATE ON SCHEMA public TO {operator}", "{operator} may CREATE on schema"),
        ("GRANT EXECUTE ON FUNCTION audit_look TO PUBLIC", "everybody may EXECUTE on audit_look"),
        ("ALTER FUNCTION audit_look RESET ALL", "audit_look"),
        ("REVOKE SELECT ON event FROM {auditor}", "{auditor} may not SELECT on event"),
    ],
)
def test_rights_that_were_given_or_taken_by_hand_are_found_and_put_right(accounts, given, told):
    names = {"database": accounts.name, **roles.groups(accounts.name)}
    with accounts.connect("superuser") as connection:
        connection.execute(given.format(**names))
    database = accounts.database("owner")
    with database.writing() as connection:
        assert told.format(**names) in " ".join(roles.missing(connection, EVERY_RIGHT))
        roles.run(connection, list(roles.statements(connection, EVERY_RIGHT)))
        assert list(roles.missing(connection, EVERY_RIGHT)) == []
    database.close()


@pytest.mark.parametrize("kind", ["owner", "operator", "auditor"])
def test_an_account_knows_what_it_is(accounts, kind):
    database = accounts.database(kind)
    with database.reading() as connection:
        assert roles.account(connection) == roles.Account(accounts.user(kind), kind, superuser=False)
    database.close()


def test_through_our_own_connection_a_forbidden_thing_is_told_as_such(accounts):
    database = accounts.database("operator")
    with pytest.raises(NotAllowed, match="your role may not do that"), database.writing() as connection:
        connection.execute("DELETE FROM cases")
    database.close()
    database = accounts.database("owner")
    with pytest.raises(LogProtected), database.writing() as connection:
        connection.execute("DELETE FROM event")
    database.close()
