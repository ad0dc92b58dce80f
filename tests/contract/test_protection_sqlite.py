"""On SQLite the log refuses change from any connection, and the file is opened only in the one right way."""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.fakes.loan import DESK, Desk, open_desk
from workflow import Move
from workflow.errors import LogProtected, StoreError
from workflow.store.database import Database
from workflow.store.sqlite import is_sound

ROOT = Path(__file__).parents[2]
SAME = (
    "{position}, {case}, {sequence}, kind, trigger, source, target, occurred_at, recorded_at, actor, dispatch, "
    "command_id, run, body, leaf"
)
COPY = "INSERT {how} INTO event SELECT " + SAME + " FROM event WHERE position = 2"
CHANGES = {
    "an update": "UPDATE event SET actor = 'Eve' WHERE position = 2",
    "an update or replace": "UPDATE OR REPLACE event SET position = 1 WHERE position = 2",
    "a delete": "DELETE FROM event WHERE position = 2",
    "a delete of everything": "DELETE FROM event",
    "a replace of an older position": COPY.format(how="OR REPLACE", position=2, case=1, sequence=2),
    "a replace through case and sequence": COPY.format(how="OR REPLACE", position=4, case=1, sequence=2),
    "a replace of both": COPY.format(how="OR REPLACE", position=3, case=1, sequence=2),
    "a position out of order": COPY.format(how="", position=9, case=1, sequence=3),
    "a position before the first": COPY.format(how="", position=0, case=1, sequence=3),
    "a negative position": COPY.format(how="", position=-1, case=1, sequence=3),
    "a back-dated position": COPY.format(how="OR IGNORE", position=1, case=1, sequence=3),
    "a place out of order in its case": COPY.format(how="", position=4, case=1, sequence=4),
    "an upsert": COPY.format(how="", position=2, case=1, sequence=2)
    + " ON CONFLICT (position) DO UPDATE SET actor='Eve'",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(tmp_path / "ulnflow.db")
    yield made
    made.database.close()


@pytest.fixture
def log(desk: Desk) -> Desk:
    """Three events: an opening, a loan, a note."""
    case = desk.open()[0]
    desk.engine.fire("lend", Move(case=case), DESK)
    with desk.engine.work(DESK) as work:
        work.record("note")
    return desk


@pytest.mark.parametrize("recursive", [True, False], ids=["our pragmas", "a plain connection"])
@pytest.mark.parametrize("sql", CHANGES.values(), ids=CHANGES.keys())
def test_the_log_refuses(log: Desk, sql: str, recursive: bool) -> None:
    before = log.rows("SELECT * FROM event")
    with closing(sqlite3.connect(log.database.path)) as plain:
        plain.execute(f"PRAGMA recursive_triggers = {'ON' if recursive else 'OFF'}")
        with pytest.raises(sqlite3.IntegrityError, match=r"the log is append-only|UNIQUE|CHECK"):
            plain.execute(sql)
        plain.commit()
    assert log.rows("SELECT * FROM event") == before
    assert log.verify().faults == ()


def test_through_the_engines_own_database_the_refusal_is_log_protected(log: Desk) -> None:
    with pytest.raises(LogProtected, match="an event cannot be deleted"), log.database.writing() as connection:
        connection.execute("DELETE FROM event")
    with pytest.raises(LogProtected, match="an event cannot be deleted"), log.database.migrating() as connection:
        connection.exec_driver_sql("DELETE FROM event")
    assert log.count() == 3


def test_every_table_is_strict(desk: Desk) -> None:
    tables = desk.rows("SELECT name, strict FROM pragma_table_list WHERE schema='main' AND name NOT LIKE 'sqlite_%'")
    assert {name for name, strict in tables if not strict} == {"engine_version"}
    assert len(tables) > 8


def test_a_text_does_not_fit_in_a_number(desk: Desk) -> None:
    with desk.database.writing() as connection:
        raw = connection
        with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
            raw.execute("INSERT INTO duty VALUES ('x', 'd', 1, 1, 1, 1)")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"), ("synchronous", 2), ("busy_timeout", 30_000), ("foreign_keys", 1),
        ("recursive_triggers", 1), ("trusted_schema", 0), ("secure_delete", 1),
    ],
)  # fmt: skip
def test_a_connection_has_its_pragma(desk: Desk, pragma: str, value: object) -> None:
    assert desk.rows(f"PRAGMA {pragma}") == [(value,)]


def test_the_file_is_its_owners_alone(desk: Desk) -> None:
    assert stat.S_IMODE(desk.database.path.stat().st_mode) == 0o600


def test_a_database_error_shows_no_value(desk: Desk) -> None:
    canary = "Zbigniew-Canary"
    sql, values = text("INSERT INTO meta VALUES (:name, :value)"), {"name": canary, "value": canary}
    with desk.database.migrating() as connection:
        connection.execute(sql, values)
        with pytest.raises(IntegrityError) as caught:
            connection.execute(sql, values)
    assert canary not in str(caught.value)
    assert canary not in repr(caught.value)


def test_a_reader_sees_one_moment(desk: Desk) -> None:
    with desk.database.reading() as connection:
        raw = connection
        assert raw.execute("SELECT count(*) FROM event").fetchone() == (0,)
        desk.open()
        assert raw.execute("SELECT count(*) FROM event").fetchone() == (0,)
    assert desk.count() == 1


def test_a_folder_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"x\.db: it cannot be opened; check"),
        Database(tmp_path / "no" / "x.db").reading(),
    ):
        pass


def test_a_file_that_is_no_database_is_explained(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"This is a letter, not a database. " * 40)
    database = Database(tmp_path / "x.db")
    with pytest.raises(StoreError, match=r"x\.db: it is no database of ours"), database.writing():
        pass


def test_a_locked_database_is_explained(log: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.store.sqlite.PRAGMAS", ("PRAGMA busy_timeout=0",))
    with closing(sqlite3.connect(log.database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        second = Database(log.database.path)
        with pytest.raises(StoreError, match="another ulnflow is writing"), second.writing():
            pass
        second.close()


def test_a_second_writer_waits_at_the_gate_and_is_told_when_it_waited_too_long(
    log: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.store.sqlite.is_sound", lambda _version: False)
    monkeypatch.setattr("workflow.store.sqlite.BUSY_MS", 50)
    second = Database(log.database.path)
    with (
        log.database.writing(),
        second.reading(),
        pytest.raises(StoreError, match="another ulnflow is writing"),
        second.writing(),
    ):
        pass
    with second.writing():
        pass
    second.close()
    assert stat.S_IMODE((log.database.path.parent / "ulnflow.db.lock").stat().st_mode) == 0o600


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 52, 0), (4, 0, 0)])
def test_a_sqlite_that_checkpoints_soundly_needs_no_gate(
    log: Desk, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    assert is_sound(version)
    assert not is_sound((3, 51, 2))
    monkeypatch.setattr("workflow.store.sqlite.is_sound", lambda _version: True)
    gate = log.database.path.parent / "ulnflow.db.lock"
    gate.unlink(missing_ok=True)
    with log.database.writing():
        assert not gate.exists()


def test_a_full_disk_is_explained_and_nothing_is_written(log: Desk) -> None:
    with log.database.reading() as connection:
        raw = connection
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute("COMMIT")
        raw.execute(f"PRAGMA max_page_count={pages + 2}")
        raw.execute("BEGIN")
    with pytest.raises(StoreError, match="the disk is full; make room"):
        log.engine.open([(n, {"cohort": "A" * 500}) for n in range(500)], DESK)
    assert log.count() == 3


def test_engines_are_made_in_one_place_only() -> None:
    sources = [path for folder in ("workflow", "states", "cli", "config") for path in (ROOT / folder).rglob("*.py")]
    found = {p.relative_to(ROOT).as_posix() for p in sources if re.search(r"\bcreate_engine\b", p.read_text("utf-8"))}
    assert found == {"workflow/store/database.py"}


@pytest.mark.parametrize(("driver", "place"), [("driver", "sqlite.py"), ("psycopg", "postgres.py")])
def test_a_driver_is_connected_in_one_place_only(driver: str, place: str) -> None:
    sources = [path for folder in ("workflow", "states", "cli", "config") for path in (ROOT / folder).rglob("*.py")]
    found = [p for p in sources if re.search(rf"\b(?:sqlite3|{driver})\.connect\b", p.read_text("utf-8"))]
    assert found == [ROOT / "workflow" / "store" / place]
