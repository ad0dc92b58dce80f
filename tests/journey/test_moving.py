"""A centre's database moved to another: every byte arrives, and never are there two that go on."""

from __future__ import annotations

import json
import sqlite3

import pytest

from cli import wiring
from states.steps.waive_cohort import waive_cohort
from tests.fakes.centre import DATA, fresh_url
from tests.journey.databases import BOTH, at, empty_url, gathered
from workflow.errors import StoreError
from workflow.store import guards, transfer
from workflow.store.database import Database


@pytest.fixture
def centre(tmp_path, clock):
    """One that begins on a file, whatever the others work on."""
    return at(tmp_path, clock, "sqlite")


def everything(centre):
    office = wiring.open_office(centre.folder)
    try:
        with office.look() as look:
            return {
                name: sorted(map(tuple, look.connection.execute(f"SELECT * FROM {name}")), key=repr)
                for name in (*transfer.tables(), "meta")
            }
    finally:
        office.database.close()


def test_a_centre_moves_to_a_server_works_there_and_moves_back(centre, monkeypatch):
    gathered(centre)
    before, address = everything(centre), empty_url()
    moved = centre.do("db", "move", "--format", "json", stdin=f"{address}\n")
    assert {line["table"]: line["rows"] for line in json.loads(moved.out)}["event"] == len(before["event"])
    assert "database_url" in moved.err
    assert address not in moved.said
    closed = centre.run("status")
    assert (closed.code, "was moved" in closed.err) == (4, True)
    assert "moved already" in centre.run("db", "move", stdin=f"{address}\n").err
    centre.set(f'database_url = "{address}"')
    assert everything(centre) == before
    centre.do("lrs", "receive", DATA / "lrb_reply_tidy.csv")
    centre.do("audit", "verify")
    later = everything(centre)
    back = centre.do("db", "move", "--to-file", "ulnflow.db")
    assert 'set database = "ulnflow.db"' in back.said
    centre.set('database_url = ""')
    assert everything(centre) == later
    centre.do("audit", "verify")
    centre.do("uln", "pass")


def test_a_password_is_refused_as_an_argument(centre):
    for address in (
        "postgresql://ann:s3cret@host/x",
        "postgresql://ann@host/x?password=s3cret",
        "postgresql://ann@s3cret",
    ):
        result = centre.run("db", "move", "--to", address)
        assert result.code in {2, 4}
        assert "s3cret" not in result.said
    assert centre.run("db", "move", "--to-file", "../elsewhere.db").code == 2
    assert centre.run("db", "move", "--to-file", "ulnflow.db").code == 2
    assert centre.run("db", "move", "--to-file", "x.db", "--to", "postgresql://ann@host/x").code == 2


def test_a_database_of_another_centre_is_not_written_into(tmp_path, clock):
    first, second = (gathered(at(tmp_path, clock, "sqlite", name)) for name in ("first", "second"))
    other = (second.folder / "ulnflow.db").rename(first.folder / "other.db")
    for suffix in ("-wal", "-shm"):
        if (second.folder / f"ulnflow.db{suffix}").exists():
            (second.folder / f"ulnflow.db{suffix}").rename(first.folder / f"other.db{suffix}")
    result = first.run("db", "move", "--to-file", other.name)
    assert (result.code, "another origin" in result.err) == (4, True)
    first.do("status")


def test_a_move_that_was_cut_short_serves_nobody_and_goes_on(centre, monkeypatch):
    gathered(centre)
    monkeypatch.setattr(transfer, "CHUNK", 7)
    address, real = fresh_url(), transfer._copy

    def fail_in_cases(source, target, name, key, progress):
        if name != "cases":
            return real(source, target, name, key, progress)
        done = []

        def count(rows):
            done.append(rows)
            if len(done) == 3:
                raise KeyboardInterrupt

        return real(source, target, name, key, count)

    monkeypatch.setattr(transfer, "_copy", fail_in_cases)
    assert centre.run("db", "move", stdin=f"{address}\n").code == 130
    monkeypatch.setattr(transfer, "_copy", real)
    half = Database(address)
    with half.reading() as connection:
        assert 0 < connection.execute("SELECT count(*) FROM cases").fetchone()[0] < 24
    half.close()
    centre.do("lrs", "receive", DATA / "lrb_reply_tidy.csv")  # the old one is still the one to use
    before = everything(centre)
    keep = (centre.folder / "ulnflow.toml").read_text("utf-8")
    centre.set(f'database_url = "{address}"')
    assert "half copied" in centre.run("status").err
    (centre.folder / "ulnflow.toml").write_text(keep, "utf-8")
    centre.do("db", "move", stdin=f"{address}\n")
    centre.set(f'database_url = "{address}"')
    assert everything(centre) == before
    centre.do("audit", "verify")


@BOTH
def test_a_move_that_ended_between_its_two_commits_is_finished_by_repeating_it(tmp_path, clock, database, monkeypatch):
    """The old database is shut by then and the new one not open yet: nobody can work on two."""
    centre = gathered(at(tmp_path, clock, database))
    before, address, real = everything(centre), fresh_url(), transfer.open_up

    def fail(target):
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "open_up", fail)
    assert centre.run("db", "move", stdin=f"{address}\n").code == 130
    monkeypatch.setattr(transfer, "open_up", real)
    assert "was moved" in centre.run("status").err
    other = centre.run("db", "move", stdin=f"{fresh_url()}\n")
    assert (other.code, "moved already" in other.err) == (4, True)
    centre.do("db", "move", stdin=f"{address}\n")
    centre.set(f'database_url = "{address}"')
    assert everything(centre) == before
    centre.do("audit", "verify")


@BOTH
def test_a_program_that_had_the_old_database_open_writes_nothing_there_any_more(tmp_path, clock, database):
    centre = gathered(at(tmp_path, clock, database))
    office = wiring.open_office(centre.folder)
    address = fresh_url()
    centre.do("db", "move", stdin=f"{address}\n")
    act = wiring.act(wiring.load_settings(centre.folder), "test")
    with pytest.raises(StoreError, match="it was moved while this program had it open; nothing was written"):
        waive_cohort(office, act, "NF-1", "it cannot wait")
    with office.database.reading() as connection:
        assert [kind for kind, _ in guards.missing(connection)] == []
    office.database.close()
    found = centre.run("db", "check", "--format", "json")
    assert (found.code, "left for another" in found.out) == (1, True)


def test_a_copy_that_went_its_own_way_is_left_alone(centre):
    gathered(centre)
    address = fresh_url()
    centre.do("db", "move", stdin=f"{address}\n")
    with sqlite3.connect(centre.folder / "ulnflow.db") as raw:
        raw.execute("DELETE FROM meta WHERE name = 'moved'")
        raw.execute("DROP TRIGGER event_shut")
    raw.close()
    result = centre.run("db", "move", stdin=f"{address}\n")
    assert (result.code, "is in use" in result.err) == (4, True)
