"""Who may do what on PostgreSQL: a group for those who work, one for those who audit, and nothing for anybody else.

Whoever runs the migrations owns the tables; nobody works as the owner. An auditor writes nothing, but for one thing: a
look at the log is itself an event, which `audit_look` appends for them after it has checked every byte of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from workflow.errors import StoreError
from workflow.event import LARGEST, leaf_hash, written
from workflow.store.connection import Connection
from workflow.store.guards import FUNCTIONS
from workflow.store.writer import WRITER

Rights = Mapping[str, tuple[str, str]]
Kind = Literal["owner", "operator", "auditor", "stranger"]

READ: Final = "SELECT"
ADD: Final = "SELECT, INSERT"
KEEP: Final = "SELECT, INSERT, UPDATE"
RIGHTS: Final[Rights] = {
    "event": (ADD, READ),
    "definition": (ADD, READ),
    "cases": (KEEP, READ),
    "dispatch": (KEEP, READ),
    "dispatch_member": (KEEP, READ),
    "duty": (KEEP, READ),
    "run": (KEEP, READ),
    "seal": (ADD, READ),
    "blocked": ("SELECT, INSERT, UPDATE, DELETE", READ),
    "meta": (READ, READ),
    "engine_version": (READ, READ),
}
"""Table -> what an operator may, what an auditor may."""

LOOK: Final = f"""
DECLARE
    words text := convert_from(given, 'UTF8');
    said json := words;
    place bigint;
    again text;
BEGIN
    PERFORM pg_advisory_xact_lock({WRITER});
    SELECT coalesce(max(e.position), 0) + 1 INTO place FROM event e;
    SELECT '{{' || string_agg(to_json(s.key)::text || ':' || CASE
            WHEN s.key = 'evidence' THEN (
                SELECT '{{' || string_agg(to_json(t.key)::text || ':' || audit_spelled(t.value), ','
                                          ORDER BY t.key COLLATE "C") || '}}'
                FROM json_each(s.value) t)
            ELSE audit_spelled(s.value) END, ',' ORDER BY s.key COLLATE "C") || '}}'
        INTO again FROM json_each(said) s;
    IF again IS DISTINCT FROM words OR NOT words IS NFC NORMALIZED OR octet_length(given) > 2000
       OR (SELECT count(*) <> count(DISTINCT s.key) FROM json_each(said) s)
       OR (SELECT count(*) <> count(DISTINCT t.key) FROM json_each(said -> 'evidence') t)
       OR hash IS DISTINCT FROM sha256('\\x00'::bytea || given) THEN
        RAISE EXCEPTION 'the log is append-only: a look is written in its own bytes';
    END IF;
    IF (SELECT array_agg(s.key ORDER BY s.key COLLATE "C") FROM json_each(said) s WHERE s.key <> 'on_behalf_of')
           IS DISTINCT FROM ARRAY['actor', 'command', 'command_id', 'evidence', 'kind', 'occurred_at', 'origin',
                                  'position', 'product', 'recorded_at', 'schema']
       OR EXISTS (SELECT 1 FROM json_each(said -> 'evidence') t
                  WHERE t.key NOT IN ('account', 'case', 'found', 'refused', 'scope'))
       OR said ->> 'kind' <> 'looked_up' OR (said ->> 'schema')::bigint <> 1
       OR (said ->> 'position')::bigint <> place
       OR said ->> 'origin' IS DISTINCT FROM (SELECT m.value FROM meta m WHERE m.name = 'origin')
       OR (said ->> 'occurred_at')::bigint <> (said ->> 'recorded_at')::bigint
       OR NOT (said ->> 'recorded_at')::bigint BETWEEN 1 AND (extract(epoch FROM clock_timestamp()) + 86400) * 1000000
       OR EXISTS (SELECT 1 FROM json_each(said) s WHERE json_typeof(s.value) <> CASE
                      WHEN s.key IN ('occurred_at', 'position', 'recorded_at', 'schema') THEN 'number'
                      WHEN s.key = 'evidence' THEN 'object' ELSE 'string' END
                  OR (json_typeof(s.value) = 'string' AND (btrim(s.value #>> '{{}}') = '' OR s.value #>> '{{}}'
                      ~ '[[:cntrl:]\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069]')))
       OR EXISTS (SELECT 1 FROM json_each(said -> 'evidence') t WHERE json_typeof(t.value) <> CASE
                      WHEN t.key IN ('account', 'scope') THEN 'string'
                      WHEN t.key = 'refused' THEN 'boolean' ELSE 'number' END
                  OR (json_typeof(t.value) = 'number'
                      AND NOT (t.value #>> '{{}}')::numeric BETWEEN 0 AND {LARGEST}))
       OR said -> 'evidence' ->> 'account' IS DISTINCT FROM session_user::text
       OR coalesce(said -> 'evidence' ->> 'scope', '') !~ '^[a-z_]{{1,20}}$' THEN
        RAISE EXCEPTION 'the log is append-only: an auditor records looks, each in its place, as themselves';
    END IF;
    INSERT INTO event (position, kind, occurred_at, recorded_at, actor, command_id, body, leaf)
    VALUES (place, 'looked_up', (said ->> 'occurred_at')::bigint, (said ->> 'recorded_at')::bigint,
            said ->> 'actor', said ->> 'command_id', given, hash);
    RETURN place;
END"""
SPELLED: Final = """
    SELECT CASE json_typeof(value)
        WHEN 'string' THEN to_json(value #>> '{}')::text
        WHEN 'number' THEN (value #>> '{}')::bigint::text
        WHEN 'boolean' THEN value #>> '{}'
    END"""
AUDIT_FUNCTIONS: Final = {
    "audit_spelled": ("(value json) RETURNS text LANGUAGE sql IMMUTABLE", SPELLED),
    "audit_look": ("(given bytea, hash bytea) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER", LOOK),
}
"""Name -> what it takes and is, and its body."""
SIGNATURES: Final = {"audit_spelled": "json", "audit_look": "bytea, bytea"}
LONGEST_NAME: Final = 50
"""PostgreSQL cuts names at 63 bytes; the groups are named after the database."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server takes us for: the account, what it may do here, and whether it may do anything at all."""

    name: str
    kind: Kind
    superuser: bool


def groups(database: str) -> dict[str, str]:
    """The names of the two groups of a database; raises StoreError for a name too long to end in them."""
    if len(database.encode()) > LONGEST_NAME:
        raise StoreError(f"the name of the database is longer than {LONGEST_NAME} bytes: its groups cannot bear it")
    return {"operator": f"{database}_operator", "auditor": f"{database}_auditor"}


def statements(connection: Connection, rights: Rights) -> Iterator[str]:
    """What makes the groups and gives each its rights, whatever they had before; the same every time."""
    database, schema = connection.execute("SELECT current_database(), current_schema()").fetchone()
    named, there = groups(database), present(connection)
    for name in named.values():
        if name not in there:
            yield f"CREATE ROLE {quoted(name)} NOLOGIN"
    operator, auditor = quoted(named["operator"]), quoted(named["auditor"])
    everyone = f"PUBLIC, {operator}, {auditor}"
    yield f"REVOKE ALL ON DATABASE {quoted(database)} FROM {everyone}"
    yield f"GRANT CONNECT ON DATABASE {quoted(database)} TO {operator}, {auditor}"
    yield f"REVOKE ALL ON SCHEMA {quoted(schema)} FROM {everyone}"
    yield f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {operator}, {auditor}"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {quoted(schema)} FROM {everyone}"
    for table, (works, audits) in rights.items():
        for group, given in ((operator, works), (auditor, audits)):
            if given:
                yield f"GRANT {given} ON {table} TO {group}"
    for name, (head, body) in AUDIT_FUNCTIONS.items():
        arguments, _, rest = head.partition(" RETURNS")
        yield (
            f"CREATE OR REPLACE FUNCTION {name}{arguments} RETURNS{rest} "
            f"SET search_path = pg_catalog, {quoted(schema)}, pg_temp AS $ulnflow${body}$ulnflow$"
        )
    for signature in (*(f"{name}()" for name in FUNCTIONS), *(f"{n}({a})" for n, a in SIGNATURES.items())):
        yield f"REVOKE ALL ON FUNCTION {signature} FROM {everyone}"
    yield f"GRANT EXECUTE ON FUNCTION audit_look({SIGNATURES['audit_look']}) TO {auditor}"


def run(connection: Connection, made: Sequence[str]) -> None:
    """Run statements as they stand: a mark of ours in them means nothing."""
    for statement in made:
        connection.raw.execute(statement)


def present(connection: Connection) -> dict[str, tuple[bool, bool]]:
    """Which groups are there, and whether each may log in or do anything."""
    named = groups(connection.execute("SELECT current_database()").fetchone()[0])
    rows = connection.execute(
        "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname IN [?]", (list(named.values()),)
    )
    return {name: (logs_in, everything) for name, logs_in, everything in rows}


def missing(connection: Connection, rights: Rights) -> Iterator[str]:
    """What is wrong with the groups, their rights and the function of auditors, in words; nothing without groups."""
    there = present(connection)
    if not there:
        return
    for name in groups(connection.execute("SELECT current_database()").fetchone()[0]).values():
        if name not in there:
            yield f"the group {name} is gone"
        elif any(there[name]):
            yield f"the group {name} may log in, or do anything"
    found = {
        row[0]: tuple(row[1:])
        for row in connection.execute(
            "SELECT proname, prosrc, prosecdef, proconfig IS NOT NULL FROM pg_proc "
            "WHERE pronamespace = current_schema()::regnamespace AND proname IN [?]",
            (list(AUDIT_FUNCTIONS),),
        )
    }
    for name, (head, body) in AUDIT_FUNCTIONS.items():
        if found.get(name) != (body, "DEFINER" in head, True):
            yield f"the function {name}, by which auditors record their looks, is gone or was changed"
    yield from _misgiven(connection, rights)


GIVEN: Final = """
WITH ours AS (SELECT oid, relname, relacl, relowner FROM pg_class
              WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'v', 'm', 'p', 'f')),
given AS (
    SELECT o.relname::text AS thing, o.relowner AS owner, a.grantee, a.privilege_type AS may
        FROM ours o, aclexplode(o.relacl) a
    UNION ALL SELECT o.relname || ' (' || t.attname || ')', o.relowner, a.grantee, a.privilege_type
        FROM ours o JOIN pg_attribute t ON t.attrelid = o.oid, aclexplode(t.attacl) a
    UNION ALL SELECT 'database', d.datdba, a.grantee, a.privilege_type
        FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
        WHERE d.datname = current_database()
    UNION ALL SELECT 'schema', n.nspowner, a.grantee, a.privilege_type
        FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
        WHERE n.nspname = current_schema()
    UNION ALL SELECT p.proname::text, p.proowner, a.grantee, a.privilege_type
        FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE p.pronamespace = current_schema()::regnamespace AND p.proname IN [?])
SELECT g.thing, coalesce(r.rolname, 'everybody'), g.may FROM given g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE g.grantee <> g.owner AND coalesce(r.rolname, '') <> 'pg_database_owner'"""
"""Every right somebody but the owner was given: on what, to whom, to do what."""


def _misgiven(connection: Connection, rights: Rights) -> Iterator[str]:
    """Rights that somebody has and should not have, and rights that a group lacks."""
    named = groups(connection.execute("SELECT current_database()").fetchone()[0])
    expected = {("audit_look", named["auditor"], "EXECUTE")}
    for name in named.values():
        expected |= {("database", name, "CONNECT"), ("schema", name, "USAGE")}
    for table, pair in rights.items():
        for name, given in zip((named["operator"], named["auditor"]), pair, strict=True):
            expected |= {(thing, name, may) for thing, may in _each(table, given)}
    functions = [*FUNCTIONS, *AUDIT_FUNCTIONS]
    found = {tuple(row) for row in connection.execute(GIVEN, (functions,))}
    for thing, name, may in sorted(found - expected):
        yield f"{name} may {may} on {thing}, which is nobody's but the owner's to give"
    for thing, name, may in sorted(expected - found):
        yield f"{name} may not {may} on {thing}, which its work needs"


def _each(table: str, given: str) -> Iterator[tuple[str, str]]:
    """(what, right) of each right in a list such as `SELECT, INSERT` or `SELECT (id, reference)`."""
    if "(" in given:
        right, _, columns = given.rstrip(")").partition(" (")
        yield from ((f"{table} ({column})", right) for column in columns.split(", "))
    elif given:
        yield from ((table, right) for right in given.split(", "))


def account(connection: Connection) -> Account:
    """Whom the server takes us for; on a file we are its owner."""
    if connection.kind == "sqlite":
        return Account("", "owner", superuser=False)
    name, superuser, owner, writes, looks = connection.execute(
        "SELECT session_user::text, r.rolsuper, pg_has_role(c.relowner, 'USAGE'), "
        "has_table_privilege(c.oid, 'INSERT'), "
        "EXISTS (SELECT 1 FROM pg_proc p WHERE p.proname = 'audit_look' AND p.pronamespace = c.relnamespace "
        "AND has_function_privilege(p.oid, 'EXECUTE')) "
        "FROM pg_roles r, pg_class c WHERE r.rolname = current_user AND c.oid = to_regclass('event')"
    ).fetchone() or (None, False, False, False, False)
    kind: Kind = "owner" if owner else "operator" if writes else "auditor" if looks else "stranger"
    return Account(name or "", kind, superuser=superuser)


def record_look(connection: Connection, body: Mapping[str, Any]) -> int:
    """Have an auditor's look appended; raises LogProtected for what is no look."""
    head = connection.execute("SELECT coalesce(max(position), 0) FROM event").fetchone()[0]
    data = written({**body, "kind": "looked_up", "position": head + 1})
    return int(connection.execute("SELECT audit_look(?, ?)", (data, leaf_hash(data))).fetchone()[0])


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'
