"""A centre's database set up, checked, shared with others, moved, and looked after."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from cli import checkup, wiring
from tests.fakes import postgres
from tests.fakes.accounts import dismiss, with_accounts
from tests.fakes.centre import DATA, Centre, uln
from tests.journey.databases import BOTH, at, empty_url, gathered
from workflow import verifier
from workflow.store.schema import ENGINE


@pytest.fixture
def centre(tmp_path, clock):
    """One that begins on a file, whatever the others work on."""
    return at(tmp_path, clock, "sqlite")


# --- set up and checked ------------------------------------------------------------------------------------------------


@BOTH
def test_an_upgrade_says_what_it_did_and_a_repeat_changes_nothing(tmp_path, clock, database):
    centre = Centre(tmp_path / "centre", clock, on=database)
    if database == "postgresql":
        centre.init()
        centre.set(f'database_url = "{empty_url()}"')
    else:
        centre.init()
        (centre.folder / "ulnflow.db").unlink()
        (centre.folder / "ulnflow.db").touch()
    done = [line["done"] for line in centre.json("db", "upgrade")]
    assert done == [f"engine_version nothing -> {ENGINE.newest}", "learner_version nothing -> 0001"]
    again = centre.do("db", "upgrade")
    assert "at this version already" in again.said
    assert centre.json("db", "upgrade") == []


@BOTH
def test_a_sound_database_is_found_sound(tmp_path, clock, database):
    centre = gathered(at(tmp_path, clock, database))
    found = centre.json("db", "check")
    wrong = {one["about"]: one["message"] for one in found if one["weight"] == "wrong"}
    expected = {"account"} if database == "postgresql" else set()  # tests work as a superuser
    if not os.environ.get("ULNFLOW_TEST_POSTGRES"):
        wrong.pop("settings", None)  # and on a server that may forget
    assert set(wrong) == expected
    assert {one["message"] for one in found if one["about"] == "guards"} == {
        "every trigger that protects the log is there and unchanged"
    }


def test_an_index_that_hides_a_row_is_found(centre):
    gathered(centre)
    with sqlite3.connect(centre.folder / "ulnflow.db") as raw:
        raw.execute("PRAGMA writable_schema=ON")
        kept = raw.execute("SELECT * FROM sqlite_master WHERE name = 'cases_by_cohort'").fetchall()
        raw.execute("DELETE FROM sqlite_master WHERE name = 'cases_by_cohort'")
    raw.close()
    with sqlite3.connect(centre.folder / "ulnflow.db") as raw:
        raw.execute("UPDATE cases SET cohort = 'NF-9' WHERE id = 1")
        raw.execute("PRAGMA writable_schema=ON")
        raw.executemany("INSERT INTO sqlite_master VALUES (?,?,?,?,?)", kept)
    raw.close()
    found = centre.run("db", "check", "--format", "json")
    assert (found.code, "cases_by_cohort" in found.out) == (1, True)


def test_a_real_database_that_says_it_is_for_practice_is_not_opened(centre):
    with sqlite3.connect(centre.folder / "ulnflow.db") as raw:
        raw.execute("UPDATE meta SET value = 'practice' WHERE name = 'mode'")
    raw.close()
    result = centre.run("status")
    assert (result.code, "its log says otherwise" in result.err) == (4, True)


@BOTH
def test_a_missing_guard_is_found(tmp_path, clock, database):
    centre = gathered(at(tmp_path, clock, database))
    centre.change("DROP TRIGGER event_no_delete" + (" ON event" if database == "postgresql" else ""))
    result = centre.run("db", "check", "--format", "json")
    assert result.code == 1
    assert "event_no_delete" in result.out


def test_a_page_that_cannot_be_read_is_found(centre):
    gathered(centre)
    file = centre.folder / "ulnflow.db"
    with sqlite3.connect(file) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'personal'").fetchone()[0]
        size = raw.execute("PRAGMA page_size").fetchone()[0]
    raw.close()
    data = bytearray(file.read_bytes())
    data[(page - 1) * size + 8 : page * size] = bytes(size - 8)
    file.write_bytes(data)
    assert centre.run("db", "check").code in {1, 3}


def test_what_is_no_database_cannot_be_checked(centre):
    (centre.folder / "ulnflow.db").write_bytes(b"This is a letter. " * 100)
    result = centre.run("db", "check")
    assert (result.code, "cannot be checked" in result.err) == (3, True)


@BOTH
def test_a_newer_schema_is_refused_by_every_command(tmp_path, clock, database):
    """C11"""
    centre = gathered(at(tmp_path, clock, database))
    centre.change("UPDATE learner_version SET version_num = '9999'")
    for words in (["status"], ["db", "check"], ["db", "upgrade"], ["init"], ["audit", "verify"], ["lrs", "submit"]):
        result = centre.run(*words)
        assert result.code in {3, 4}, words
        assert "later version of ulnflow" in result.err, words


# --- shared ------------------------------------------------------------------------------------------------------------


def test_a_file_knows_no_roles(centre):
    assert centre.run("db", "roles").code == 2


@pytest.fixture
def shared(tmp_path, clock):
    """A database with accounts, and the folder of each person."""
    accounts = with_accounts()
    folders = {}
    for kind in ("owner", "operator", "auditor"):
        folders[kind] = Centre(tmp_path / kind, clock, on="sqlite")
        wiring.write_settings(
            folders[kind].folder,
            ukprn="99990001",
            nation="england",
            late_uln="centre",
            operator=f"{kind} Person",
            sender="",
        )
        folders[kind].set(f'database_url = "{postgres.url_of(accounts.addresses[kind])}"')
        folders[kind].do("init")
    yield folders, accounts
    dismiss(accounts)


def test_the_groups_are_shown_before_they_are_made_and_making_them_again_is_harmless(shared):
    folders, accounts = shared
    rehearsed = [line["sql"] for line in folders["owner"].json("db", "roles", "--dry-run")]
    assert f"GRANT SELECT, INSERT ON event TO {accounts.name}_operator;" in rehearsed
    assert not [sql for sql in rehearsed if "personal" in sql and "auditor" in sql.partition(" TO ")[2]]
    made = folders["owner"].json("db", "roles")
    assert {line["group"] for line in made} == {f"{accounts.name}_operator", f"{accounts.name}_auditor"}
    assert folders["operator"].run("db", "roles").code == 4


def test_an_operator_does_the_whole_route(shared):
    operator = shared[0]["operator"]
    for words in (
        ("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded"), ("lrs", "submit"),
        ("lrs", "receive", DATA / "lrb_reply_tidy.csv"), ("uln", "pass"), ("uln", "told", "--how", "email", "--all"),
        ("cohort", "waive", "NF-1", "--reason", "three answers are owed"), (), ("ilm", "register"),
        ("ilm", "confirm", "--order", "WG-1", "--all"), ("lar", "confirm", "--by", "ilm", "--reference", "L-1", "--all"),
        ("audit", "verify"), ("today",), ("learner", "show", "ILM-00001"), ("learner", "why", "ILM-00011"),
        ("learner", "withdraw", "ILM-00011", "--reason", "left_course"), ("route", "show"), ("stuck",),
        ("audit", "history", "ILM-00001", "--reasons"), ("cohort", "list"), ("duty", "list"), ("exception", "list"),
    ):  # fmt: skip
        if not words:
            operator.agree()
            continue
        result = operator.run(*words)
        assert result.code in ({0, 1} if words == ("stuck",) else {0}), (words, result.said)


def test_an_auditor_asks_of_the_log_and_is_refused_what_tells_of_people(shared):
    folders, _ = shared
    gathered(folders["operator"])
    auditor = folders["auditor"]
    for number in ("Q4", "Q5", "Q6", "Q7", "Q8", "Q12", "Q14", "Q15", "R1", "R3", "R5"):
        assert auditor.json("audit", "ask", number)["log"]["holds"] is True, number
    assert auditor.run("audit", "ask", "R2").code == 4
    asked = auditor.json("audit", "ask", "Q17")["rows"]
    assert {"moved-without-notice", "registered-in-time"} < {one["question"] for one in asked}
    assert all(one["account"] for one in asked if one["question"] == "moved-without-notice")


def test_an_auditor_reads_the_log_leaves_a_trace_and_sees_nobody(shared):
    """E9: each look is an event, a refused one too."""
    folders, _ = shared
    gathered(folders["operator"])
    auditor = folders["auditor"]
    auditor.do("audit", "verify")
    before = auditor.events()
    auditor.do("audit", "history", "ILM-00001")
    auditor.do("audit", "events", "--limit", "5")
    for words in (
        ("learner", "show", "ILM-00001"), ("learner", "why", "ILM-00001"), ("audit", "history", "ILM-00001", "--reasons"),
        ("exception", "show", "ILM-00001"), ("lrs", "submit", "--via", "portal", "ILM-00001"), ("learner", "find"),
        ("learner", "withdraw", "ILM-00001", "--reason", "left_course"),
    ):  # fmt: skip
        result = auditor.run(*words, stdin="Brandon\n")
        assert result.code == 4, words
        assert "your role may not do that" in result.err, words
        assert "Brandon" not in result.said
    looks = auditor.json("audit", "events", "--kind", "looked_up")
    assert auditor.events() == before + 10
    assert len(looks) == 9
    assert {look["who"] for look in looks} == {"auditor Person"}
    told = auditor.json("audit", "history", "ILM-00001", "--refusals")["lines"]
    assert "An auditor read the learner's history" in " ".join(line["what"] for line in told)
    auditor.do("audit", "verify")


def test_each_folder_makes_packs_with_its_own_key_and_an_auditor_makes_none(shared):
    """The last checkpoint may bear another folder's signature: the pack's own is added to it."""
    folders, _ = shared
    gathered(folders["operator"])
    folders["owner"].do("audit", "seal")
    made = folders["operator"].json("audit", "pack", "--cohort", "NF-1")
    assert verifier.check(Path(made["folder"]), [made["key"]])
    assert made["key"] not in {one["key"] for one in folders["owner"].json("keys", "show") if one["ours"]}
    result = folders["auditor"].run("audit", "pack", "--cohort", "NF-1")
    assert result.code == 4
    assert "ask the centre for one" in result.err
    assert not (folders["auditor"].folder / "outbox" / "packs").exists()
    refusals = folders["auditor"].json("audit", "events", "--kind", "looked_up")
    assert refusals[-1]["who"] == "auditor Person"
    folders["owner"].do("audit", "verify")


def test_each_folder_is_sealed_with_its_own_key_as_soon_as_it_is_there_and_an_auditors_never(shared):
    folders, _ = shared
    made = {kind: [path.name for path in (one.folder / "seals").glob("*")] for kind, one in folders.items()}
    told = folders["owner"].json("audit", "events", "--kind", "key_made")
    assert [line["position"] for line in told] == sorted(int(names[0][:9]) for names in made.values() if names)
    assert (made["auditor"], len(told)) == ([], 2)
    folders["owner"].do("audit", "verify")
    folders["owner"].change("DELETE FROM seal WHERE size > 1")
    faults = folders["operator"].json("audit", "verify")["faults"]
    assert {(fault["kind"], fault["position"]) for fault in faults} == {("seal", told[-1]["position"])}
    done = folders["owner"].run("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    assert "was taken out. Nothing was signed" in done.said


def test_only_its_owner_moves_a_database_and_nothing_is_made_for_others(shared):
    folders, _ = shared
    for kind in ("operator", "auditor"):
        result = folders[kind].run("db", "move", "--to-file", "new.db")
        assert (result.code, "only the owner" in result.err) == (2, True)
        assert not (folders[kind].folder / "new.db").exists()


# --- looked after ------------------------------------------------------------------------------------------------------


def doctor(centre):
    result = centre.run("doctor", "--format", "json")
    found = json.loads(result.out)
    return result.code, {(one["about"], one["message"]) for one in found if one["weight"] == "wrong"}, found


def test_a_centre_in_order_needs_no_doctor(tmp_path):
    """At its own time: the doctor holds the clock beside that of the disk."""
    centre = at(tmp_path, None, "sqlite")
    centre.folder.chmod(0o700)
    code, wrong, found = doctor(centre)
    assert (code, wrong) == (0, set())
    assert {"Python", "libraries", "settings file", "operator", "folder", "disk", "database", "guards", "clock"} <= {
        one["about"] for one in found
    }


@pytest.mark.parametrize(
    "state", ["missing", "no database", "no settings", "server down", "not set up", "wrong settings"]
)
def test_the_doctor_speaks_when_nothing_else_does(centre, state):
    file = centre.folder / "ulnflow.db"
    if state == "missing":
        for path in centre.folder.glob("ulnflow.db*"):
            path.unlink()
        centre.set('database_url = ""')
    elif state == "no database":
        centre.set('database_url = ""')
        file.write_bytes(b"This is a letter. " * 100)
    elif state == "no settings":
        (centre.folder / "ulnflow.toml").unlink()
    elif state == "server down":
        centre.set('database_url = "postgresql://owner9:s3cret@127.0.0.1:9/centre?connect_timeout=2"')
    elif state == "not set up":
        centre.set(f'database_url = "{empty_url()}"')
    else:
        centre.set("operator = 5")
    code, wrong, _ = doctor(centre)
    assert code == 1
    assert wrong
    assert "s3cret" not in str(wrong)


def test_the_doctor_sees_what_others_may_read_and_what_is_left(centre):
    gathered(centre)
    (centre.folder / "ulnflow.db").touch()
    (centre.folder / "ulnflow.db").chmod(0o644)
    left = centre.folder / "outbox" / ".pending" / "token" / "lrs"
    left.mkdir(parents=True)
    (left / "x.csv").write_text("x", "utf-8")
    _, wrong, found = doctor(centre)
    assert ("rights", "ulnflow.db can be read by others") in wrong
    assert "1 file to be named" in {one["message"] for one in found}
    assert stat.S_IMODE((centre.folder / "ulnflow.db").stat().st_mode) == 0o644


def test_the_doctor_sees_a_clock_that_is_behind(centre, clock):
    gathered(centre)
    clock.shift(-86_400)
    assert "clock" in {about for about, _ in doctor(centre)[1]}


def test_the_doctor_sees_another_package_with_our_names(centre, monkeypatch):
    monkeypatch.setattr(
        checkup.importlib.metadata,
        "packages_distributions",
        lambda: {"cli": ["ulnflow", "another-cli"], "states": ["ulnflow"]},
    )
    assert ("names", "another-cli has a module named cli as well") in doctor(centre)[1]


def test_no_address_stands_in_a_log_of_ours(tmp_path, clock):
    centre = gathered(at(tmp_path, clock, "postgresql"))
    centre.run("learner", "find", stdin=uln(1))
    for path in (centre.folder / "logs").rglob("*"):
        assert b"postgresql:" not in path.read_bytes()
