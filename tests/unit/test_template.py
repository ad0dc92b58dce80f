"""A locked template of somebody else's: values go into empty cells, everything else stays as it was."""

import io
import zipfile

import openpyxl
import pytest

from states.errors import FileRefused
from states.exchange.template import Template, fill
from tests.fakes.bodies import FIRST, template

LAYOUT = Template("their.xlsx", "Learners", FIRST, FIRST - 1)
COLUMNS = {"B": "Ref", "C": "Surname", "D": "DOB"}


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path, change):
    """The template with something changed by openpyxl."""
    book = openpyxl.load_workbook(path)
    change(book)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def test_values_are_filled_in_as_text_and_nothing_else_changes(tmp_path):
    """A leading zero stays, an equals sign is no formula, protection, lists and the hidden sheet stay."""
    before = template(tmp_path / "their.xlsx").read_bytes()
    after = fill(before, LAYOUT, COLUMNS, [["007", "O'Brien & <Co>", "2004-02-29"], ["L-2", "", "=1+1"]])
    page = openpyxl.load_workbook(io.BytesIO(after))["Learners"]
    assert [[page.cell(row, column).value for column in (2, 3, 4)] for row in (FIRST, FIRST + 1)] == [
        ["007", "O'Brien & <Co>", "2004-02-29"],
        ["L-2", None, "=1+1"],
    ]
    assert {page.cell(FIRST, 2).data_type, page.cell(FIRST + 1, 4).data_type} == {"s"}
    assert page["B3"].value.startswith("=COUNTA")
    assert page.protection.sheet
    assert page.protection.password == openpyxl.load_workbook(io.BytesIO(before))["Learners"].protection.password
    assert page.data_validations.dataValidation[0].formula1 == '"Yes,No"'
    old, new = members(before), members(after)
    assert set(old) == set(new)
    assert {name for name in old if old[name] != new[name]} == {"xl/worksheets/sheet1.xml", "xl/workbook.xml"}
    assert b'fullCalcOnLoad="1"' in new["xl/workbook.xml"]
    assert fill(before, LAYOUT, COLUMNS, [["007", "O'Brien & <Co>", "2004-02-29"], ["L-2", "", "=1+1"]]) == after


def full(book):
    book["Learners"].cell(FIRST + 1, 3).value = "taken"


def merged(book):
    book["Learners"].merge_cells(start_row=FIRST, end_row=FIRST + 1, start_column=2, end_column=2)


@pytest.mark.parametrize(
    ("change", "layout", "columns", "says"),
    [
        (None, Template("their.xlsx", "People", FIRST, 5), COLUMNS, "no sheet of the name.*Learners, Codes"),
        (None, LAYOUT, {**COLUMNS, "C": "Family name"}, "cell C5 .* is not headed Family name"),
        (None, Template("their.xlsx", "Learners", FIRST + 19, 5), COLUMNS, "cell B26 .* is locked"),
        (None, Template("their.xlsx", "Learners", 3, 5), COLUMNS, "cell B3 .* holds something"),
        (full, LAYOUT, COLUMNS, "cell C7 .* holds something"),
        (merged, LAYOUT, COLUMNS, "cell B7 .* hidden within a merged cell"),
    ],
)
def test_a_template_that_does_not_take_a_value_is_refused_by_cell(tmp_path, change, layout, columns, says):
    data = template(tmp_path / "their.xlsx").read_bytes()
    if change is not None:
        data = changed(tmp_path / "their.xlsx", change)
    with pytest.raises(FileRefused, match=says) as refused:
        fill(data, layout, columns, [["L-1", "Secret", "x"], ["L-2", "Secret", "x"]])
    assert "Secret" not in str(refused.value)


def test_an_unprotected_template_takes_values_in_rows_that_are_not_there_yet(tmp_path):
    def unlock(book):
        book["Learners"].protection.sheet = False

    template(tmp_path / "their.xlsx", rows=1)
    data = changed(tmp_path / "their.xlsx", unlock)
    after = fill(data, LAYOUT, {"D": "DOB", "B": "Ref", "AA": ""}, [["x", "L-1", "far"], ["y", "L-2", ""]])
    page = openpyxl.load_workbook(io.BytesIO(after))["Learners"]
    assert (page["B6"].value, page["D7"].value, page["AA6"].value) == ("L-1", "y", "far")


@pytest.mark.parametrize("data", [b"no workbook", b"", b"PK\x03\x04 broken"])
def test_a_template_that_is_no_workbook_is_refused(data):
    with pytest.raises(FileRefused, match=r"their\.xlsx"):
        fill(data, LAYOUT, COLUMNS, [["L-1", "x", "y"]])
