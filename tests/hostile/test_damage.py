"""A database file damaged on the disk (D14): never called whole, and what is missing is found by the checkpoint."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.centre import DATA, Centre


@pytest.fixture
def database(centre: Centre) -> Path:
    if centre.on != "sqlite":
        pytest.skip("a file is damaged")
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    path = centre.folder / "ulnflow.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def page_of_an_event(data: bytes) -> int:
    """Where the page begins that holds the body of event 9."""
    return data.index(b'"position":9,') // 4_096 * 4_096


def flipped(data: bytes) -> bytes:
    at = data.index(b'"position":9,') - 20
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def zeroed(data: bytes) -> bytes:
    at = page_of_an_event(data)
    return data[:at] + bytes(4_096) + data[at + 4_096 :]


@pytest.mark.parametrize("damage", [flipped, zeroed, lambda data: data[: page_of_an_event(data)]],
                         ids=["a bit", "a page", "cut off"])  # fmt: skip
def test_a_damaged_file_is_never_called_whole(centre, database, damage):
    database.write_bytes(damage(database.read_bytes()))
    result = centre.run("audit", "verify", "--format", "json")
    assert result.code in {1, 3}, result.said
    assert "Traceback" not in result.said


def test_a_write_ahead_log_that_was_deleted_is_found_by_the_checkpoint(centre, database):
    """What was in it is gone; the last checkpoint in the seals folder knows of it."""
    whole = json.loads(centre.do("audit", "verify", "--format", "json").out)["events"]
    before = centre.folder.parent / "before.db"
    shutil.copy(database, before)
    centre.do("lrs", "submit")
    for left in database.parent.glob("ulnflow.db-*"):
        left.unlink()
    shutil.copy(before, database)
    result = centre.run("audit", "verify", "--format", "json")
    fault = next(f for f in json.loads(result.out)["faults"] if f["kind"] == "seal")
    assert (result.code, fault["position"]) == (1, whole + 1)
    assert "the log is shorter than" in fault["what"]


@pytest.mark.parametrize("kind", ["key_made", "cohort_waived", "people_changed", "looked_up"])
def test_an_event_that_cannot_be_read_is_named_and_trips_no_command(centre, database, kind):
    """Also one of a kind that verifying, sealing and every command look up beside the log as a whole."""
    settings = centre.folder / "ulnflow.toml"
    people = '[people]\n"Ann Example" = ["operator", "approver"]\n"Bo Example" = ["approver"]\n[approvals]\nsecond_person = false\n'
    settings.write_text(settings.read_text("utf-8") + people, "utf-8")
    centre.do("learner", "show", "ILM-00001")
    centre.do("cohort", "waive", "NF-1", "--reason", "answers_outstanding")
    ((position,),) = centre.rows(f"SELECT min(position) FROM event WHERE kind='{kind}'")
    for (name,) in centre.rows("SELECT name FROM sqlite_master WHERE type='trigger'"):
        centre.write(f"DROP TRIGGER {name}")
    centre.write(f"UPDATE event SET body=CAST('z' || substr(CAST(body AS TEXT), 2) AS BLOB) WHERE position={position}")
    result = centre.run("audit", "verify", "--format", "json")
    assert result.code == 1, result.said
    assert position in {fault["position"] for fault in json.loads(result.out)["faults"]}
    for words in (("status",), ("audit", "seal"), ("keys", "show"), ("audit", "ask", "Q14"), ("audit", "events", "--all"),
                  ("learner", "withdraw", "ILM-00001", "--reason", "left_course")):  # fmt: skip
        said = centre.run(*words)
        assert "nobody foresaw" not in said.said, (words, said.said)
        assert said.code in {0, 1, 4}
