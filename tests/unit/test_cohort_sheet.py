"""Cohort sheets: headings understood, every planted fault found."""

import io
import tomllib
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

import config
from states.errors import FileRefused
from states.exchange.cohort_sheet import CohortSheets
from states.learner.details import Details
from states.sheet_ports import Reading, RowResult
from workflow.errors import DefinitionError

DATA = Path(__file__).parent.parent / "data"
HEADINGS = tomllib.loads((Path(config.__file__).parent / "headings.toml").read_text(encoding="utf-8"))
COLUMNS = "Ref,Forename,Surname,DOB,Sex,Postcode,Privacy notice seen,ID seen,ULN"
GOOD = ["R1", "Ann", "Lee", "1990-01-31", "F", "B8 6XA", "Y", "Passport", ""]
PLACES = dict(
    zip(["reference", "given", "family", "dob", "gender", "postcode", "notice", "id", "uln"], range(9), strict=True)
)


class Whole:
    """A sheet with all its rows in hand, and what only shows between them told with each."""

    def __init__(self, sheet):
        self.opened = sheet
        rows = list(sheet.rows())
        alike = sheet.alike()
        self.rows = tuple(
            replace(row, findings=(*row.findings, alike[row.row])) if row.row in alike else row for row in rows
        )

    def __getattr__(self, name):
        return getattr(self.opened.about, name)

    def __repr__(self):
        return repr(self.opened) + repr(self.opened.about)


class Source(CohortSheets):
    def read(self, path, **named):
        return Whole(self.open(path, Reading(**{"day_first": True, **named})))


@pytest.fixture
def source():
    return Source(HEADINGS)


@pytest.fixture
def read(source, tmp_path):
    def read_text(*lines, **named):
        path = tmp_path / "cohort.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return source.read(path, **named)

    return read_text


def line(**changes):
    cells = list(GOOD)
    for name, value in changes.items():
        cells[PLACES[name]] = value
    return ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells)


def codes(row):
    return {(f.weight, f.field, f.code) for f in row.findings}


@pytest.fixture
def college(source):
    return source.read(DATA / "cohort_college_export.xlsx", day_first=True)


PLANTED = [
    (5, {("note", "reference", "same_details")}),
    (6, set()),
    (7, {("note", "existing_uln", "number")}),
    (8, {("note", "existing_uln", "placeholder")}),
    (9, {("malformed", "existing_uln", "check_digit")}),
    (10, {("note", "postcode", "postcode_rewritten")}),
    (11, {("note", "postcode", "postcode_unknown")}),
    (12, {("missing", "postcode", "missing")}),
    (13, {("malformed", "date_of_birth", "date_impossible")}),
    (14, {("note", "date_of_birth", "date_order")}),
    (15, {("missing", "ability_to_share", "notice_not_shown")}),
    (16, set()),
    (17, {("missing", "id_description", "missing")}),
    (18, {("note", "given_name", "trimmed")}),
    (19, {("malformed", "family_name", "formula")}),
    (20, {("note", "reference", "same_details")}),
    (21, {("refused", "reference", "reference_twice")}),
    (22, {("note", "gender", "gender_word")}),
    (23, {("malformed", "family_name", "too_long")}),
    *((number, set()) for number in range(24, 35)),
]


@pytest.mark.parametrize(("number", "expected"), PLANTED)
def test_every_planted_fault_of_the_college_export_is_found_and_nothing_else(college, number, expected):
    assert codes({row.row: row for row in college.rows}[number]) == expected


def test_the_table_of_the_college_export_is_found_between_titles_and_notes(college):
    assert college.header_row == 4
    assert [row.row for row in college.rows] == list(range(5, 35))
    assert [number for number, _ in college.skipped] == [1, 2, 36]
    assert college.unknown_columns == ()
    assert college.columns["Forename(s)"] == "given_name"
    assert college.sheet == "Enrolments"


def test_values_of_the_college_export_become_details(college):
    rows = {row.row: row for row in college.rows}
    assert rows[7].details.existing_uln == "2349325511"
    assert rows[8].details.existing_uln == rows[9].details.existing_uln == ""
    assert rows[10].details.postcode == "WA3Y 3QT"
    assert rows[14].details.date_of_birth == date(1988, 4, 7)
    assert rows[15].details.ability_to_share == "0"
    assert (rows[16].details.id_type, rows[16].details.id_description) == ("999", "Employer letter")
    assert rows[18].details.given_name == "Jennifer"
    assert (rows[22].details.gender, rows[5].details.gender, rows[6].details.gender) == ("9", "1", "2")
    assert (rows[5].funded, rows[6].funded) == (False, True)


def test_same_details_name_the_other_reference(college):
    rows = {row.row: row for row in college.rows}
    assert "ILM-00116" in rows[5].findings[-1].message
    assert "ILM-00101" in rows[20].findings[-1].message
    assert "row 5" in rows[21].findings[-1].message


def test_no_text_about_the_college_export_holds_a_personal_value(college):
    said = " ".join(f.message + f.fix for row in college.rows for f in row.findings) + repr(college)
    for value in ("Garner", "Jennifer", "31/02/1999", "7/4/1988", "1000102508", "wa3y3qt", "example.net"):
        assert value not in said


def test_the_tidy_cohort_has_nothing_to_say(source):
    sheet = source.read(DATA / "cohort_tidy.csv", day_first=True)
    assert len(sheet.rows) == 24
    assert all(row.findings == () for row in sheet.rows)
    assert all(row.details.missing() == () for row in sheet.rows)
    assert sheet.rows[9].details.given_name == "Zoë"
    assert sheet.rows[0].qualification == "8605-11"


def test_the_headings_of_ilr_and_lrs_exports_are_understood(read):
    sheet = read(
        "LearnRefNumber,GivenNames,FamilyName,DateOfBirth,Sex,PostcodePrior,LearnStartDate,LearnPlanEndDate,Ethnicity",
        "R1,Ann,Lee,1990-01-31,F,B8 6XA,2026-09-01,2027-07-31,31",
    )
    assert sheet.unknown_columns == ("Ethnicity",)
    assert (sheet.rows[0].start, sheet.rows[0].planned_end) == (date(2026, 9, 1), date(2027, 7, 31))
    sheet = read(
        "MISIdentifier,GivenName,FamilyName,LastKnownPostCode,DateOfBirth,Gender,AbilityToShare,VerificationType",
        "R1,Ann,Lee,B8 6XA,1990-01-31,2,1,2",
    )
    assert sheet.rows[0].details == Details(
        given_name="Ann", family_name="Lee", postcode="B8 6XA", date_of_birth=date(1990, 1, 31), gender="2",
        ability_to_share="1", id_type="2",
    )  # fmt: skip


def test_headings_only_are_a_sheet_without_learners(read):
    assert read(COLUMNS).rows == ()


def test_a_sheet_without_headings_is_refused_and_shows_nobody(read):
    with pytest.raises(FileRefused) as caught:
        read(line(), line(reference="R2"))
    assert "Ann" not in str(caught.value)
    assert "Learner reference" in caught.value.fix


def test_a_sheet_without_references_is_refused_with_the_fix(read):
    with pytest.raises(FileRefused, match="no column with the learner reference") as caught:
        read("Title", "Forename,Surname,DOB", "Ann,Lee,1990-01-31")
    assert caught.value.line == 2


def test_two_columns_for_one_field_are_refused_by_name(read):
    with pytest.raises(FileRefused, match="Surname and Last name"):
        read("Ref,Forename,Surname,Last name", "R1,Ann,Lee,Lee")


def test_a_row_of_another_width_is_refused_with_its_line(read):
    with pytest.raises(FileRefused, match="line 3"):
        read(COLUMNS, line(), line() + ",more")


def test_a_heading_under_two_fields_is_a_fault_of_the_table():
    broken = HEADINGS | {"headings": {"reference": ["Ref"], "given_name": ["REF."]}}
    with pytest.raises(DefinitionError, match="two fields"):
        CohortSheets(broken)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"uln": "1000102504"}, None),
        ({"uln": " 1000102504 "}, ("note", "existing_uln", "trimmed")),
        ({"uln": "1.000102504E+09"}, ("malformed", "existing_uln", "not_ten_digits")),
        ({"uln": "1000000063"}, ("malformed", "existing_uln", "no_such_number")),
        ({"uln": "9999999999"}, ("note", "existing_uln", "placeholder")),
        ({"gender": "male"}, None),
        ({"gender": "2"}, None),
        ({"gender": "Unknown"}, ("note", "gender", "gender_word")),
        ({"gender": "TRUE"}, ("malformed", "gender", "gender_code")),
        ({"gender": "7"}, ("malformed", "gender", "gender_code")),
        ({"notice": "N"}, ("missing", "ability_to_share", "notice_not_shown")),
        ({"notice": "0"}, ("missing", "ability_to_share", "notice_not_shown")),
        ({"notice": ""}, ("missing", "ability_to_share", "missing")),
        ({"notice": "maybe"}, ("malformed", "ability_to_share", "ability_code")),
        ({"id": "driving licence"}, None),
        ({"id": "Other"}, ("missing", "id_description", "missing")),
        ({"id": "Library card"}, ("malformed", "id_type", "id_type_code")),
        ({"given": "ZoÃ«"}, ("note", "given_name", "mojibake")),
        ({"given": "Zoe\u0308"}, None),
        ({"given": "An\u200bn"}, ("malformed", "given_name", "hidden")),
        ({"given": "   "}, ("missing", "given_name", "missing")),
        ({"family": "＝1+1"}, ("malformed", "family_name", "formula_start")),
        ({"family": "'-Smith"}, ("note", "family_name", "text_mark")),
        ({"family": "-Smith"}, None),
        ({"family": "Robert'); DROP TABLE learner;--"}, None),
        ({"dob": "03/04/05"}, ("malformed", "date_of_birth", "date_form")),
        ({"dob": "29/02/2005"}, ("malformed", "date_of_birth", "date_impossible")),
        ({"dob": "29/02/2004"}, None),
        ({"postcode": "75001"}, ("malformed", "postcode", "postcode_form")),
        ({"reference": ""}, ("refused", "reference", "reference_missing")),
        ({"reference": "x" * 129}, ("refused", "reference", "reference_missing")),
        ({"reference": "R\x1b1"}, ("refused", "reference", "reference_missing")),
        ({"reference": "1000102504"}, ("refused", "reference", "tells_of_a_person")),
        ({"reference": "ann@example.org"}, ("refused", "reference", "tells_of_a_person")),
        ({"reference": "1000102508"}, None),
        ({"reference": "S-1000102504"}, None),
    ],
)
def test_each_value_is_read_with_what_there_is_to_say(read, changes, expected):
    row = read(COLUMNS, line(**changes)).rows[0]
    found = codes(row)
    if expected is None:
        assert found == set()
    else:
        assert expected in found
        assert len(found) == (2 if expected[2] == "reference_missing" and changes["reference"] else 1)


@pytest.mark.parametrize("text", ["1000102504", "ann@example.org", "EC1A 1BB"])
@pytest.mark.parametrize(("heading", "name"), [("Cohort", "cohort"), ("Qualification code", "qualification")])
def test_a_cohort_and_a_qualification_tell_of_no_person(read, text, heading, name):
    """Both go into the log for good: the row is refused with the fix, and the value is dropped."""
    row = read(f"{COLUMNS},{heading}", f"{line()},{text}").rows[0]
    assert codes(row) == {("refused", name, "tells_of_a_person")}
    assert (row.cohort, row.qualification) == ("", "")
    assert all(text not in finding.message + finding.fix for finding in row.findings)
    assert "with letters before it" in row.findings[0].fix


def test_names_are_kept_in_nfc(read):
    assert read(COLUMNS, line(given="Zoe\u0308")).rows[0].details.given_name == "Zo\u00eb"


def test_a_row_with_a_reference_and_details_but_no_name_is_a_learner(read):
    sheet = read(COLUMNS, line(given="", family="", dob=""), "Total,,30,,,,,,")
    assert [row.row for row in sheet.rows] == [2]
    assert {f.field for f in sheet.rows[0].findings} == {"given_name", "family_name", "date_of_birth"}
    assert sheet.skipped == ((3, "no name and no date of birth"),)


def test_dates_follow_the_setting(read):
    assert read(COLUMNS, line(dob="7/4/1988"), day_first=False).rows[0].details.date_of_birth == date(1988, 7, 4)


def sheet_of(tmp_path, *changes):
    book = openpyxl.Workbook()
    book.active.append(COLUMNS.split(","))
    for change in changes:
        cells = [cell or None for cell in GOOD]
        for name, value in change.items():
            cells[PLACES[name]] = value
        book.active.append(cells)
    book.save(tmp_path / "cohort.xlsx")
    return tmp_path / "cohort.xlsx"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"uln": 1000102504}, ("note", "existing_uln", "number")),
        ({"uln": "=1000102504"}, ("malformed", "existing_uln", "formula")),
        ({"gender": True}, ("malformed", "gender", "gender_code")),
        ({"given": 30}, ("malformed", "given_name", "number")),
        ({"dob": 28379.5}, ("malformed", "date_of_birth", "date_form")),
        ({"reference": datetime(8605, 11, 1)}, ("malformed", "reference", "turned_into_date")),
    ],
)
def test_cells_of_a_spreadsheet_are_judged_by_their_type(source, tmp_path, change, expected):
    assert expected in codes(source.read(sheet_of(tmp_path, change), day_first=True).rows[0])


def test_a_truth_value_answers_a_yes_or_no_question_and_a_number_is_a_reference(source, tmp_path):
    row = source.read(sheet_of(tmp_path, {"notice": True, "reference": 1001, "gender": 2}), day_first=True).rows[0]
    assert (row.reference, row.details.ability_to_share, row.details.gender) == ("1001", "1", "2")


def written(read, results):
    """What goes back; every learner gets an answer, those not named a blank one."""
    told = {result.row: result for result in results}
    target = io.BytesIO()
    read.opened.write_results((told.get(row.row, RowResult(row=row.row, result="")) for row in read.rows), target)
    return target.getvalue()


def test_the_college_gets_its_own_sheet_back_with_two_columns(source, college, tmp_path):
    results = [RowResult(row=5, result="gathered"), RowResult(row=12, result="incomplete", fixes=("Fill in A.", "B."))]
    data = written(college, results)
    page = openpyxl.load_workbook(io.BytesIO(data)).active
    assert page.title == "Enrolments"
    assert [cell.value for cell in page[4]][-2:] == ["Result", "How to fix"]
    assert [cell.value for cell in page[12]][-2:] == ["incomplete", "Fill in A.\nB."]
    assert page["D5"].value == datetime(1977, 9, 11)
    assert page["G7"].value == "2349325511"
    assert page["A1"].value.startswith("Northfield")
    assert page["C36"].value == 30
    (tmp_path / "back.xlsx").write_bytes(data)
    again = source.read(tmp_path / "back.xlsx", day_first=True)
    assert [row.reference for row in again.rows] == [row.reference for row in college.rows]
    assert again.unknown_columns == ()
    twice = openpyxl.load_workbook(io.BytesIO(written(again, [RowResult(row=5, result="new")]))).active
    assert [cell.value for cell in twice[4]].count("Result") == 1
    assert twice["M5"].value == "new"


def test_a_csv_comes_back_as_a_workbook_that_runs_nothing(source, read, tmp_path):
    sheet = read(COLUMNS, line(family="=1+1", given="-Ann"))
    data = written(sheet, [RowResult(row=2, result="=x")])
    page = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [page["B2"].value, page["C2"].value, page["J2"].value] == ["'-Ann", "'=1+1", "'=x"]
    assert {cell.data_type for row in page for cell in row} <= {"s", "n"}
    (tmp_path / "back.xlsx").write_bytes(data)
    assert source.read(tmp_path / "back.xlsx", day_first=True).rows[0].details.given_name == "-Ann"


def test_results_are_not_written_over_a_sheet_that_changed(source, read, tmp_path):
    sheet = read(COLUMNS, line())
    read(COLUMNS, line(), line(reference="R2"))
    with pytest.raises(FileRefused, match="changed since"):
        written(sheet, [])
