"""Triggers that refuse any change to the log, and any insert that is not its next line.

They stop an honest mistake and slow a dishonest hand; `verify` detects what gets past them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workflow.store import meta
from workflow.store.connection import Connection

SQLITE: Final = {
    "event_no_update": """CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event cannot be changed'); END""",
    "event_no_delete": """CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event cannot be deleted'); END""",
    "event_next_position": """CREATE TRIGGER event_next_position BEFORE INSERT ON event
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM event)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event takes the next position'); END""",
    "event_next_sequence": """CREATE TRIGGER event_next_sequence BEFORE INSERT ON event
WHEN NEW.case_id IS NOT NULL
 AND NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM event WHERE case_id = NEW.case_id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: an event takes the next place in its case'); END""",
}
"""Name -> statement; a position is compared as the first, so INSERT OR REPLACE never reaches an older row."""

FIXED: Final = """
BEGIN
    RAISE EXCEPTION 'the log is append-only: an event cannot be %', TG_ARGV[0];
END"""
IN_ORDER: Final = """
DECLARE
    low bigint;
    high bigint;
    many bigint;
    follow boolean;
BEGIN
    SELECT min(a.position), max(a.position), count(*), bool_and(a.case_id IS NULL OR a.sequence = 1 OR EXISTS (
            SELECT 1 FROM event e WHERE e.case_id = a.case_id AND e.sequence = a.sequence - 1))
        INTO low, high, many, follow FROM added a;
    IF many = 0 THEN
        RETURN NULL;
    END IF;
    IF high - low + 1 <> many OR low < 1
       OR (low > 1 AND NOT EXISTS (SELECT 1 FROM event WHERE position = low - 1)) THEN
        RAISE EXCEPTION 'the log is append-only: an event takes the next position';
    END IF;
    IF NOT follow THEN
        RAISE EXCEPTION 'the log is append-only: an event takes the next place in its case';
    END IF;
    RETURN NULL;
END"""
FUNCTIONS: Final = {"event_fixed": FIXED, "event_in_order": IN_ORDER}
PLANS: Final = "SET enable_seqscan = off"
"""A plan made while the log was short must not be kept for a long one.

Positions and places are unique, so an event that stands behind another stands behind the last one.
"""

TRIGGERS: Final = {
    "event_no_update": (18, "event_fixed", "BEFORE UPDATE ON event EXECUTE FUNCTION event_fixed('changed')"),
    "event_no_delete": (10, "event_fixed", "BEFORE DELETE ON event EXECUTE FUNCTION event_fixed('deleted')"),
    "event_no_truncate": (34, "event_fixed", "BEFORE TRUNCATE ON event EXECUTE FUNCTION event_fixed('deleted')"),
    "event_next": (
        4,
        "event_in_order",
        "AFTER INSERT ON event REFERENCING NEW TABLE AS added EXECUTE FUNCTION event_in_order()",
    ),
}
"""Name -> PostgreSQL's own number for when it fires, the function it runs, and its statement; for whole statements."""


SHUT: Final = "event_shut"
LEFT: Final = "this database was moved: nothing can be written here"
"""What a database that was left says to a program that had it open before."""

LEFT_ADVICE: Final = (
    "it was moved while this program had it open; nothing was written. Name the new one in ulnflow.toml"
)
"""What that means for a person."""

SHUTTING: Final = {
    "sqlite": (f"CREATE TRIGGER {SHUT} BEFORE INSERT ON event\nBEGIN SELECT RAISE(ABORT, '{LEFT}'); END",),
    "postgresql": (
        f"CREATE FUNCTION {SHUT}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION '{LEFT}'; END$$",
        f"CREATE TRIGGER {SHUT} BEFORE INSERT ON event EXECUTE FUNCTION {SHUT}()",
        f"ALTER TABLE event ENABLE ALWAYS TRIGGER {SHUT}",
    ),
}
OPENING: Final = {
    "sqlite": (f"DROP TRIGGER IF EXISTS {SHUT}",),
    "postgresql": (f"DROP TRIGGER IF EXISTS {SHUT} ON event", f"DROP FUNCTION IF EXISTS {SHUT}()"),
}


def shut(connection: Connection) -> None:
    """Let nothing be added to this log any more, not even by a program that has it open already."""
    for statement in SHUTTING[connection.kind]:
        connection.raw.execute(statement)


def reopen(connection: Connection) -> None:
    """Let the log be added to again."""
    for statement in OPENING[connection.kind]:
        connection.raw.execute(statement)


def postgres() -> Iterator[str]:
    """The statements that put the guards up on PostgreSQL; they fire for replication roles too."""
    for name, body in FUNCTIONS.items():
        plans = f" {PLANS}" if name == "event_in_order" else ""
        yield f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql{plans} AS $ulnflow${body}$ulnflow$"
    for name, (_, _, statement) in TRIGGERS.items():
        yield f"CREATE TRIGGER {name} {statement}"
        yield f"ALTER TABLE event ENABLE ALWAYS TRIGGER {name}"


BESIDE: Final = """
SELECT 'policy ' || policyname || ' on ' || tablename FROM pg_policies WHERE schemaname = current_schema()
UNION ALL SELECT 'row security of ' || relname FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND (relrowsecurity OR relforcerowsecurity)
UNION ALL SELECT 'table ' || i.inhrelid::regclass || ', a child of ' || i.inhparent::regclass FROM pg_inherits i
    JOIN pg_class c ON c.oid = i.inhparent WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"""
"""What else stands between a table and who reads it: policies that hide rows, tables whose rows appear in ours."""


def missing(connection: Connection) -> Iterator[tuple[str, str]]:
    """What is wrong with the guards, as (kind, sentence): gone, changed, or somebody else's."""
    found, expected = (_on_postgres if connection.kind == "postgresql" else _on_sqlite)(connection)
    for name in expected:
        if name not in found:
            yield "guard_missing", f"the trigger {name} that protects the log is gone"
        elif found[name] != expected[name]:
            yield "guard_changed", f"the trigger {name} that protects the log was changed or switched off"
    for name in sorted(found.keys() - expected.keys() - _shutting(connection)):
        yield (
            "guard_unknown",
            f"{name}, a trigger, rule or the like, is none of ours: it may change or hide rows behind our back",
        )


def _shutting(connection: Connection) -> set[str]:
    """The trigger that keeps a database shut that was left for another."""
    return {SHUT} if meta.MOVED in meta.read(connection) else set()


def _on_sqlite(connection: Connection) -> tuple[dict[str, object], dict[str, object]]:
    return dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type='trigger'")), dict(SQLITE)


def _on_postgres(connection: Connection) -> tuple[dict[str, object], dict[str, object]]:
    expected: dict[str, object] = {
        name: (
            "event", kind, "A", function, FUNCTIONS[function], True, "",
            statement.partition("(")[2].rstrip(")").replace("'", ""),
            "added" if "added" in statement else None,
            "plpgsql", False, ["enable_seqscan=off"] if function == "event_in_order" else None, True,
        )
        for name, (kind, function, statement) in TRIGGERS.items()
    }  # fmt: skip
    found: dict[str, object] = {
        name: tuple(rest)
        for name, *rest in connection.execute(
            "SELECT t.tgname, c.relname, t.tgtype, t.tgenabled::text, p.proname, p.prosrc, t.tgqual IS NULL, "
            "t.tgattr::text, rtrim(encode(t.tgargs, 'escape'), '\\000'), t.tgnewtable, l.lanname, p.prosecdef, "
            "p.proconfig, p.pronamespace = c.relnamespace FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_language l ON l.oid = p.prolang "
            "WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
        )
    }
    for name, table in connection.execute(
        "SELECT rulename, tablename FROM pg_rules WHERE schemaname = current_schema()"
    ):
        found[f"{name} on {table}"] = "a rule"
    for (name,) in connection.execute(BESIDE):
        found[name] = "none of ours"
    return found, expected
