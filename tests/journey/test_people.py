"""People and their roles: one table decides, and what it refuses is in the log."""

import json

import pytest

from cli.people import NEEDS, ROLES, may, roles_of
from tests.fakes.centre import DATA
from tests.house.test_commands import COMMANDS
from tests.unit.commands import Centre, centre_at

PEOPLE = """
[people]
"Ann Example" = ["operator"]
"bo.approver" = ["approver"]
"Asha Patel" = ["operator", "approver"]
"Cy Auditor" = ["auditor"]
"""


@pytest.fixture
def staffed(tmp_path):
    """A centre with people, whose learners hold a ULN."""
    centre = centre_at("received", tmp_path)
    with (centre.folder / "ulnflow.toml").open("a", encoding="utf-8") as file:
        file.write(PEOPLE)
    return centre


def by(centre: Centre, who: str, *words: str, stdin: str = ""):
    """A command typed by somebody."""
    return centre.run(*words, stdin=stdin, ULNFLOW_OPERATOR=who)


def denied(centre: Centre) -> list[dict]:
    return [json.loads(body) for (body,) in centre.rows("SELECT body FROM event WHERE kind='denied' ORDER BY position")]


@pytest.mark.parametrize(
    ("words", "asked", "right"),
    [
        (("learner", "show", "ILM-00001"), "learner show", "see"),
        (("learner", "find"), "learner find", "see"),
        (("learner", "why", "ILM-00001"), "learner why", "see"),
        (("exception", "show", "ILM-00011"), "exception show", "see"),
        (("audit", "history", "ILM-00001", "--reasons"), "audit history --reasons", "see"),
        (("audit", "pack", "--learner", "ILM-00001", "--with-names"), "audit pack --with-names", "see"),
        (("uln", "told", "--how", "email", "--all"), "uln told", "work"),
        (("learner", "withdraw", "ILM-00001", "--reason", "left_course"), "learner withdraw", "work"),
        (("learner", "withdraw", "ILM-00001", "--reason", "left_course", "--dry-run"), "learner withdraw", "work"),
        (("enrolment", "reconcile", "nothing.csv"), "enrolment reconcile", "work"),
        (("keys", "rotate"), "keys rotate", "work"),
        (("db", "upgrade"), "db upgrade", "work"),
        (("db", "move", "--to-file", "other.db"), "db move", "work"),
    ],
)
def test_an_auditor_moves_nobody_and_sees_nobody_and_the_attempt_is_in_the_log(staffed, words, asked, right):
    """E9"""
    places, files = staffed.places(), staffed.files()
    result = by(staffed, "Cy Auditor", *words, stdin="Brandon\n")
    assert result.code == 4
    assert result.out == ""
    assert "Cy Auditor may not do that" in result.err
    assert "auditor" in result.err
    (event,) = denied(staffed)
    assert (event["actor"], event["evidence"]) == ("Cy Auditor", {"asked": asked, "right": right})
    assert (staffed.places(), staffed.files()) == (places, files)
    staffed.ok("audit", "verify")


@pytest.mark.parametrize(
    "words",
    [
        ("today",), ("status",), ("stuck",), ("audit", "history", "ILM-00001"), ("audit", "events"), ("audit", "verify"),
        ("dispatch", "list"), ("keys", "show"), ("db", "check"),
        ("audit", "pack", "--learner", "ILM-00001"), ("doctor",), ("profile", "list"),
    ],
)  # fmt: skip
def test_an_auditor_reads_the_log(staffed, words):
    assert by(staffed, "Cy Auditor", *words).code in {0, 1}
    assert denied(staffed) == []


def test_who_is_operator_works_and_who_is_only_approver_does_not(staffed):
    told = ("uln", "told", "ILM-00001", "--how", "email")
    assert by(staffed, "bo.approver", *told).code == 4
    assert by(staffed, "bo.approver", "learner", "show", "ILM-00001").code == 0
    assert by(staffed, "  ann   EXAMPLE ", *told).code == 0
    assert by(staffed, "Asha Patel", "uln", "told", "ILM-00002", "--how", "email").code == 0
    assert [event["actor"] for event in denied(staffed)] == ["bo.approver"]


def test_who_is_not_among_the_people_may_nothing_that_is_the_centres(staffed):
    result = by(staffed, "Dee Stranger", "status")
    assert result.code == 4
    assert "not among the people" in result.err
    assert denied(staffed)[0]["actor"] == "Dee Stranger"
    assert by(staffed, "Dee Stranger", "doctor").code == 1


def test_acting_for_somebody_gives_no_right(staffed):
    """C7: rights are those of the person at the keyboard."""
    result = staffed.run(
        "--on-behalf-of", "Ann Example", "learner", "withdraw", "ILM-00001", "--reason", "left_course",
        ULNFLOW_OPERATOR="Cy Auditor",
    )  # fmt: skip
    assert result.code == 4
    (event,) = denied(staffed)
    assert (event["actor"], event["on_behalf_of"]) == ("Cy Auditor", "Ann Example")


@pytest.mark.parametrize("name", ["", "   ", "root", "Administrator", "test", "x" * 10_000, "An\x1bn", "An\nn", "42"])
def test_whom_one_acts_for_is_a_person(staffed, name):
    """C7"""
    before = staffed.snapshot()
    result = staffed.run("--on-behalf-of", name, "learner", "withdraw", "ILM-00001", "--reason", "left_course")
    assert result.code == 4
    assert "--on-behalf-of" in result.err
    assert staffed.snapshot() == before


@pytest.mark.parametrize("roles", ['["operater"]', '"operator"', "7", '[["operator"]]'])
def test_a_role_that_is_none_is_refused_without_its_value(tmp_path, roles):
    centre = centre_at("gathered", tmp_path)
    with (centre.folder / "ulnflow.toml").open("a", encoding="utf-8") as file:
        file.write(f'[people]\n"Ann Example" = {roles}\n')
    result = centre.run("status")
    assert result.code == 4
    assert "people" in result.err
    assert "operater" not in result.err


def test_without_people_everybody_is_operator_and_approver_and_doctor_says_so(tmp_path):
    centre = centre_at("gathered", tmp_path)
    said = json.loads(centre.run("doctor", "--format", "json").out)
    (found,) = [row for row in said if row["about"] == "people"]
    assert (found["weight"], found["message"]) == ("note", "nobody is named: everybody is operator and approver")
    assert all(may({}, "anybody", right) for right in ("read", "see", "work", "approve"))


def test_doctor_says_who_is_missing(staffed):
    path = staffed.folder / "ulnflow.toml"
    path.write_text(path.read_text("utf-8").replace('"approver"', '"auditor"'), "utf-8")
    said = json.loads(by(staffed, "Dee Stranger", "doctor", "--format", "json").out)
    wrong = [row["message"] for row in said if row["about"] == "people" and row["weight"] == "wrong"]
    assert wrong == ["4 are named; Dee Stranger is none of them", "nobody is approver"]


def test_the_log_is_told_who_may_do_what_once_for_each_change(staffed):
    by(staffed, "Cy Auditor", "learner", "show", "ILM-00001")
    by(staffed, "Cy Auditor", "status")
    path = staffed.folder / "ulnflow.toml"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace('"Cy Auditor" = ["auditor"]', '"Cy Auditor" = ["operator"]'), "utf-8")
    by(staffed, "Cy Auditor", "status")
    path.write_text(whole.partition("[people]")[0], "utf-8")
    by(staffed, "Cy Auditor", "status")
    told = [json.loads(b) for (b,) in staffed.rows("SELECT body FROM event WHERE kind='people_changed'")]
    assert [event["evidence"]["people"].get("Cy Auditor") for event in told] == [["auditor"], ["operator"], None]
    assert told[2]["evidence"]["people"] == {}
    assert told[0]["position"] < denied(staffed)[0]["position"]
    said = by(staffed, "Cy Auditor", "audit", "events", "--kind", "people_changed", "--format", "json").out
    assert "Asha Patel (approver, operator)" in said
    assert "everybody is operator and approver" in said
    staffed.ok("audit", "verify")


def test_every_command_stands_in_the_table_of_rights():
    assert set(COMMANDS) <= NEEDS.keys()


def test_an_operator_approves_nothing_and_an_approver_changes_nothing():
    people = {"Ann": ["operator"], "Bo": ["approver"], "Cy": ["auditor"], "Di": ["operator", "approver"]}
    rights = ("read", "see", "work", "approve")
    assert {name: [r for r in rights if may(people, name, r)] for name in (*people, "Ed")} == {
        "Ann": ["read", "see", "work"],
        "Bo": ["read", "see", "approve"],
        "Cy": ["read"],
        "Di": ["read", "see", "work", "approve"],
        "Ed": [],
    }
    assert roles_of(people, "DI") == ["approver", "operator"]
    assert {right for rights in ROLES.values() for right in rights} == {*rights, "nothing"}


def test_a_move_by_somebody_who_was_no_operator_is_found_afterwards(centre, monkeypatch):
    """By a program that knows no roles, say: the log had been told who may."""
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    with (centre.folder / "ulnflow.toml").open("a", encoding="utf-8") as file:
        file.write(PEOPLE)
    centre.do("status")
    assert centre.json("audit", "ask", "Q7")["rows"] == []
    monkeypatch.setattr("cli.wiring.actor", lambda _settings: "Cy Auditor")
    monkeypatch.setattr("cli.people.may", lambda *_: True)
    centre.do("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    monkeypatch.undo()
    (found,) = centre.json("audit", "ask", "Q7")["rows"]
    assert found["finding"] == "moved by Cy Auditor: was no operator then"


def test_an_operator_sees_what_waits_and_approves_nothing(staffed):
    assert by(staffed, "Ann Example", "approve").code == 0
    refused = by(staffed, "Ann Example", "approve", "1")
    assert refused.code == 4
    assert "approver" in refused.err
