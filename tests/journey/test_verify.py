"""What `audit verify` says of a log that is whole, changed, or cannot be read."""

import json
import sqlite3

import pytest

from tests.fakes.centre import DATA


def gathered(centre):
    centre.do("cohort", "import", str(DATA / "cohort_tidy.csv"), "--cohort", "NF-1", "--funded")
    return centre.folder / "ulnflow.db"


def test_a_whole_log_holds(centre):
    gathered(centre)
    result = centre.run("audit", "verify", "--format", "json")
    assert (result.code, json.loads(result.out)["holds"]) == (0, True)


def test_a_standing_that_was_edited_is_named(centre):
    gathered(centre)
    centre.change("UPDATE cases SET state='lar_updated' WHERE id=3")
    result = centre.run("audit", "verify", "--format", "json")
    fault = json.loads(result.out)["faults"][0]
    assert (result.code, fault["kind"], fault["case"]) == (1, "projection", 3)


def test_a_log_that_cannot_be_read_is_never_called_whole(centre):
    database = gathered(centre)
    if centre.on != "sqlite":
        pytest.skip("a file is damaged")
    sqlite3.connect(database).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    data = bytearray(database.read_bytes())
    data[4096 : len(data)] = bytes(len(data) - 4096)
    database.write_bytes(data)
    result = centre.run("audit", "verify")
    assert result.code == 3
    assert "cannot be verified" in result.err
