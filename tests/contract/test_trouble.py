"""Rows C10 and C11: a database that cannot be written, is held by somebody, went away, or was left in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from states.learner.repository import LINEAGE
from tests.contract.stores import STORES
from tests.fakes import postgres
from tests.fakes.loan import DESK, Desk, desk_on
from workflow.errors import StoreError
from workflow.store import schema
from workflow.store.database import Database
from workflow.store.writer import WRITER

ROOT = Path(__file__).parents[2]
LINEAGES = [schema.ENGINE, LINEAGE]
NEEDS_AN_ACCOUNT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere"
)


@pytest.fixture
def on_server(tmp_path: Path) -> Iterator[Desk]:
    made = desk_on(STORES["postgresql"](tmp_path))
    yield made
    made.database.close()


@pytest.fixture
def on_file(tmp_path: Path) -> Iterator[Desk]:
    made = desk_on(STORES["sqlite"](tmp_path))
    made.database.close()
    yield made
    made.database.close()


def refused(desk: Desk, words: str) -> None:
    """A writer is told what to do, and nothing was written."""
    with pytest.raises(StoreError, match=words):
        desk.open()


def run_on(desk: Desk, sql: str) -> None:
    name = psycopg.conninfo.conninfo_to_dict(str(desk.database.where))["dbname"]
    postgres.run(sql.format(name=name), str(name))


def test_a_database_that_takes_no_changes_is_explained(on_file: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow.store.sqlite.PRAGMAS", ("PRAGMA query_only=ON",))
    refused(on_file, "it cannot be written; give your account the right")
    assert on_file.count() == 0


@NEEDS_AN_ACCOUNT
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_or_folder_that_is_read_only_is_explained(on_file: Desk, what: str) -> None:
    path = on_file.database.path if what == "file" else on_file.database.path.parent
    mode = path.stat().st_mode
    path.chmod(0o400 if what == "file" else 0o500)
    try:
        refused(on_file, "it cannot be written|it cannot be opened")
    finally:
        path.chmod(mode)


def test_a_server_that_only_follows_is_explained(on_server: Desk) -> None:
    on_server.database.close()
    run_on(on_server, "ALTER DATABASE {name} SET default_transaction_read_only = on")
    refused(on_server, "the server takes no changes")
    assert on_server.count() == 0


def test_a_writer_who_waited_too_long_is_told_who_is_in_the_way(
    on_server: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow.store.postgres.SESSION", "SET lock_timeout = '50ms'")
    second = desk_on(Database(on_server.database.where))
    with closing(psycopg.connect(str(on_server.database.where))) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (WRITER,))
        refused(second, "another ulnflow is writing")
    assert second.open() == [1]
    second.database.close()


def test_a_connection_cut_in_the_middle_leaves_nothing_and_the_next_command_works(on_server: Desk) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"

    def interrupted() -> None:
        with on_server.engine.work(DESK) as work:
            work.open([(101, {})])
            run_on(on_server, cut)
            work.record("note")

    with pytest.raises(StoreError, match="the connection was lost"):
        interrupted()
    assert on_server.count() == 0
    assert on_server.open() == [1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "/nowhere-at-all"}, "the server cannot be reached"),
        ({"dbname": "nowhere"}, "there is no such database"),
        ({"user": "nobody_at_all"}, "the server refuses the account"),
    ],
)
def test_a_server_that_lets_nobody_in_is_explained_without_its_address(changes: dict[str, str], words: str) -> None:
    address = psycopg.conninfo.make_conninfo(postgres.server(), **{"password": "s3cret", **changes})
    database = Database(address)
    with pytest.raises(StoreError, match=words) as told, database.reading():
        pass
    assert "s3cret" not in str(told.value)
    assert "/" not in str(told.value)
    database.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from states.learner.repository import LINEAGE
from workflow.store import schema
from workflow.store.database import Database
where = sys.argv[2] if sys.argv[1] == "postgresql" else Path(sys.argv[2])
real, done = schema._migrate, []
def half(connection, lineage):
    if done:
        os.kill(os.getpid(), signal.SIGKILL)
    real(connection, lineage)
    done.append(lineage)
schema._migrate = half
schema.upgrade(Database(where), [schema.ENGINE, LINEAGE])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_migration_killed_half_way_leaves_nothing_and_is_done_anew(kind: str, tmp_path: Path) -> None:
    where: Any = tmp_path / "m.db" if kind == "sqlite" else postgres.empty_address()
    killed = subprocess.run([sys.executable, "-c", KILLED, kind, str(where)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    database = Database(where)
    with database.reading() as connection:
        assert connection.tables() == set()
    assert len(schema.upgrade(database, LINEAGES)) == 2
    schema.check(database, LINEAGES)
    desk_on(database).open()
    database.close()
