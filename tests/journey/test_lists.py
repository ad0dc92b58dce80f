"""ILM's mismatch report, ILM's own list and the enrolments of another system, held beside ours by commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.bodies import cells, csv_file, workbook
from tests.fakes.centre import Centre, Result, row, uln

NUMBERS = range(1, 6)


@pytest.fixture
def registered(centre: Centre) -> Centre:
    """L-1 to L-5 registered, their candidate numbers C-1 to C-5."""
    names = [f"L-{number}" for number in NUMBERS]
    centre.enrol(*names)
    centre.ask_lrs({name: uln(number) for number, name in enumerate(names, 1)})
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("ilm", "register")
    answer = [{"Reference": f"L-{n}", "Candidate number": f"C-{n}", "Order number": "WG-1"} for n in NUMBERS]
    centre.do("ilm", "confirm", "--file", csv_file(centre.folder / "answer.csv", answer))
    assert centre.states() == {"registered_with_ilm": 5}
    return centre


def unmoved(centre: Centre, *args: str | Path, code: int) -> Result:
    """Run what only looks: everybody stays where they are, and only the look is in the log."""
    before, states = centre.events(), centre.states()
    result = centre.run(*args)
    assert result.code == code, result.said
    assert (centre.events(), centre.states()) == (before + 1, states)
    return result


REPORT = [
    ["Mismatches of October"],
    ["ULN", "Reference", "Candidate no", "Error"],
    [int(uln(1)), "", "", "Surname is Featherstone at the LRS"],
    ["", "L-2", "", "DOB does not match"],
    ["", "", "C-3", "something else"],
    ["", "L-2", "", "the forename as well"],
    [int(uln(99)), "", "", "not found"],
    ["", "NOBODY", "", "not found"],
]


def test_a_mismatch_report_makes_exceptions_once_and_names_rows_about_nobody(registered):
    """B4: found by ULN, reference or candidate number; words apart from the log; the same report changes nothing."""
    report = workbook(registered.folder / "report.xlsx", REPORT)
    before = registered.events()
    rehearsed = registered.json("ilm", "mismatches", report, "--dry-run")
    assert registered.events() == before
    told = registered.json("ilm", "mismatches", report)
    assert told["counts"] == rehearsed["counts"] == {
        "rows about nobody registered here": 2, "further rows about the same learner": 1, "ILM exception recorded": 3,
    }  # fmt: skip
    assert "rows about nobody registered here: 7, 8" in told["notes"]
    assert [registered.state(f"L-{number}") for number in NUMBERS[:4]] == ["ilm_exception"] * 3 + [
        "registered_with_ilm"
    ]
    assert [registered.facts(f"L-{n}")["mismatch"] for n in (1, 2, 3)] == [
        "name_differs",
        "date_of_birth_differs",
        "other",
    ]
    (listed,) = registered.json("exception", "list", "--code", "name_differs")
    assert (listed["reference"], listed["code"]) == ("L-1", "name_differs")
    assert "Featherstone" not in registered.do("audit", "history", "L-1").said
    assert "Featherstone" in registered.do("audit", "history", "L-1", "--reasons").said

    shutil.copy(report, registered.folder / "renamed.xlsx")
    registered.do("ilm", "resolve", "L-1", "--evidence", "MAIL-1")
    assert "mismatch" not in registered.facts("L-1")
    before = registered.events()
    for path in (report, registered.folder / "renamed.xlsx"):
        assert "taken in before" in registered.do("ilm", "mismatches", path).said
    assert registered.events() == before
    assert registered.state("L-1") == "registered_with_ilm"

    later = csv_file(registered.folder / "later.csv", [{"Reference": f"L-{n}", "Reason": "name"} for n in (1, 2)])
    assert registered.json("ilm", "mismatches", later)["counts"] == {
        "an ILM exception already, nothing changed": 1, "ILM exception recorded": 1,
    }  # fmt: skip
    registered.do("audit", "verify")


def test_a_mismatch_about_who_cannot_be_reported_any_more_is_refused_and_kept(registered):
    """C1: the record is updated already."""
    registered.do("lar", "confirm", "L-1", "--by", "ilm", "--reference", "LAR-1")
    report = csv_file(registered.folder / "report.csv", [{"Reference": "L-1", "Reason": "name"}])
    refused = registered.refused("ilm", "mismatches", report)
    assert refused.code == 1
    assert "does not leave the state lar_updated" in refused.said


def test_the_bodys_own_list_is_compared_and_the_values_stand_in_the_sheet_alone(registered):
    registered.enrol("L-6", cohort="LATER")
    registered.do("learner", "withdraw", "L-4", "--reason", "left_course")
    listed = csv_file(
        registered.folder / "list.csv",
        [
            {"Reference": "L-1", "ULN": uln(1), "Last name": "OFB", "First name": "Robin", "Date of birth": "31/01/1990",
             "Gender": "F", "Candidate number": "C-1", "Qualification": "8605-31"},
            {"Reference": "", "ULN": uln(2), "Last name": "Featherstone", "First name": "Robin",
             "Date of birth": "01/02/1990", "Gender": "F", "Candidate number": "C-2", "Qualification": "8605-31"},
            {"Reference": "", "ULN": "", "Last name": "", "First name": "", "Date of birth": "", "Gender": "",
             "Candidate number": "C-4", "Qualification": ""},
            {"Reference": "L-6", "ULN": "", "Last name": "", "First name": "", "Date of birth": "", "Gender": "",
             "Candidate number": "C-6", "Qualification": ""},
            {"Reference": "X-1", "ULN": "", "Last name": "Y", "First name": "Z", "Date of birth": "", "Gender": "",
             "Candidate number": "C-7", "Qualification": ""},
        ],
    )  # fmt: skip
    result = unmoved(registered, "ilm", "reconcile", listed, "--format", "json", code=1)
    assert "Featherstone" not in result.said
    found = registered.json("ilm", "reconcile", listed)
    assert [(one["finding"], one["reference"], one["row"], one["fields"]) for one in found] == [
        ("differs", "L-2", 3, ["Family name", "Date of birth"]),
        ("left here", "L-4", 4, []),
        ("not registered", "L-6", 5, []),
        ("missing here", "", 6, []),
        ("missing there", "L-3", None, []),
        ("missing there", "L-5", None, []),
    ]  # fmt: skip
    sheets = sorted((registered.folder / "outbox" / "results").glob("body-list-*.xlsx"))
    assert len(sheets) == 2
    rows = cells(sheets[0])
    assert ["3", "L-2", "differs", "Family name", "Ofc", "Featherstone"] in [one[:6] for one in rows]
    assert (
        "list was compared with our learners"
        in registered.do("audit", "events", "--kind", "looked_up", "--limit", "1").said
    )
    registered.do("audit", "verify")


def test_lists_that_agree_are_no_finding(registered):
    listed = csv_file(registered.folder / "list.csv", [{"Reference": f"L-{n}", "ULN": uln(n)} for n in NUMBERS])
    assert "0 findings" in unmoved(registered, "ilm", "reconcile", listed, code=0).err
    enrolled = registered.sheet([row(f"L-{n}") for n in NUMBERS])
    assert "0 findings" in unmoved(registered, "enrolment", "reconcile", enrolled, code=0).err
    assert not list((registered.folder / "outbox" / "results").glob("*-list-*"))


def test_enrolments_are_compared_who_is_not_registered_who_is_not_enrolled_what_differs(registered):
    registered.enrol("L-6", "L-7")
    registered.do("learner", "withdraw", "L-5", "--reason", "left_course")
    rows = [row("L-1"), row("L-2", Postcode="B8 6XA"), row("L-5"), row("L-6"), row("NEW-1")]
    found_in = registered.sheet(rows)
    result = unmoved(registered, "enrolment", "reconcile", found_in, "--format", "json", code=1)
    assert "B8 6XA" not in result.said
    found = registered.json("enrolment", "reconcile", found_in)
    assert [(one["finding"], one["reference"], one["row"], one["fields"]) for one in found] == [
        ("differs", "L-2", 3, ["Postcode"]),
        ("left here", "L-5", 4, []),
        ("not registered", "L-6", 5, []),
        ("missing here", "NEW-1", 6, []),
        ("not enrolled", "L-3", None, []),
        ("not enrolled", "L-4", None, []),
        ("not enrolled", "L-7", None, []),
    ]
    (sheet, _) = sorted((registered.folder / "outbox" / "results").glob("enrolments-*.xlsx"))
    assert ["3", "L-2", "differs", "Postcode", "CV4 9EE", "B8 6XA"] in [one[:6] for one in cells(sheet)]
    assert "there is no cohort NONE" in registered.refused("enrolment", "reconcile", found_in, "--cohort", "NONE").said


def test_a_value_of_theirs_is_no_formula_in_the_sheet_for_people(registered):
    """A15: neutralised for people."""
    listed = csv_file(registered.folder / "list.csv", [{"Reference": "L-1", "Last name": "=1+1"}])
    assert registered.run("ilm", "reconcile", listed).code == 1
    (sheet,) = (registered.folder / "outbox" / "results").glob("body-list-*.xlsx")
    assert "'=1+1" in [one[5] for one in cells(sheet)]


@pytest.mark.parametrize(
    "command",
    ["status", "status --at 2026-09-01", "status --learners", "stuck", "lar owed", "cohort list", "dispatch list",
     "exception list", "duty list", "retention due", "approve"],
)  # fmt: skip
def test_a_list_without_a_row_has_its_headings_as_csv(centre, command):
    (line,) = centre.do(*command.split(), "--format", "csv").out.splitlines()
    assert all(name == name.strip() and name for name in line.split(","))
