"""Rows B1 to B5: files that come in, through the commands."""

from __future__ import annotations

import csv
import shutil

import pytest

from tests.hostile.conftest import untouched
from tests.unit.commands import DATA, HEADINGS, REPLY, SHEET, sheet_line, write_sheet


def imported(centre, path):
    return centre.run("cohort", "import", path, "--cohort", "C", "--qualification", "8605-11", "--funded")


def test_a_sheet_with_headings_only_is_no_learner_and_no_error(centre, tmp_path):
    """B1"""
    result = imported(centre, write_sheet(tmp_path / "cohort.csv"))
    assert result.code == 0
    assert centre.places() == {}


@pytest.mark.parametrize(("mark", "end"), [(b"\xef\xbb\xbf", b"\r\n"), (b"", b"\n"), (b"", b"\r")])
def test_a_mark_and_any_line_end_are_accepted(centre, tmp_path, mark, end):
    """B1"""
    path = tmp_path / "cohort.csv"
    path.write_bytes(mark + end.join([HEADINGS.encode(), sheet_line().encode(), b""]))
    assert imported(centre, path).code == 0
    assert centre.places() == {"R1": "details_gathered"}


BAD_SHEETS = {
    "empty": (b"", ("the file is empty",)),
    "utf16": ((HEADINGS + "\n").encode("utf-16"), ("UTF-16", "CSV UTF-8")),
    "cp1252": (f"{HEADINGS}\nR1,Zo\u00eb,Lee,,,,,,\n".encode("cp1252"), ("line 2", "byte ", "UTF-8")),
    "unclosed quote": (f'{HEADINGS}\nR1,"Ann,Lee,1990-01-31,2,B8 6XA,1,2,\n'.encode(), ("line 2", "never closed")),
    "NUL": (f"{HEADINGS}\nR1,An\x00n,Lee,,,,,,\n".encode(), ("line 2", "NUL")),
    "long field": (f"{HEADINGS}\nR1,{'A' * 200_000},Lee,,,,,,\n".encode(), ("line 2", "100,000")),
    "short row": (f"{HEADINGS}\nR1,Ann,Lee,1990-01-31\n".encode(), ("line 2", "cells")),
    "wide row": (f"{HEADINGS}\n{sheet_line()},more\n".encode(), ("line 2", "cells")),
    "heading twice": (f"{HEADINGS},Surname\n{sheet_line()},x\n".encode(), ("Family name and Surname", "Rename")),
    "no reference": (b"Given name,Family name,Date of birth\nAnn,Lee,1990-01-31\n", ("Learner reference", "Add")),
    "no headings": (f"{sheet_line()}\n{sheet_line(reference='R2')}\n".encode(), ("no row of headings",)),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ("UTF-8",)),
    "workbook in name only": (HEADINGS.encode(), ("no workbook",)),
}


@pytest.mark.parametrize("kind", BAD_SHEETS)
def test_a_broken_sheet_is_refused_whole_with_file_line_rule_and_fix(centre, tmp_path, kind):
    """B1 to B3: exit 4, nothing written, nobody's name repeated."""
    data, says = BAD_SHEETS[kind]
    path = tmp_path / ("cohort.xlsx" if kind == "workbook in name only" else "cohort.csv")
    path.write_bytes(data)
    result = untouched(centre, "cohort", "import", path, "--cohort", "C", code=4, says=(path.name, *says))
    assert result.out == ""
    assert "Lee" not in result.err


def test_mojibake_is_taken_in_with_a_warning(centre, tmp_path):
    """B2"""
    result = imported(centre, write_sheet(tmp_path / "cohort.csv", sheet_line(given="ZoÃ«")))
    assert result.code == 0
    assert "given_name" in result.out
    assert "Ã" not in result.out + result.err


def test_an_unknown_column_is_named_and_left_out(centre, tmp_path):
    """B3"""
    path = write_sheet(tmp_path / "cohort.csv", sheet_line() + ",31", headings=HEADINGS + ",Ethnicity")
    result = imported(centre, path)
    assert result.code == 0
    assert "Columns not used: Ethnicity" in result.err


def test_the_same_sheet_twice_and_under_another_name_changes_nothing(at, tmp_path):
    """B4"""
    centre = at("gathered")
    shutil.copy(SHEET, tmp_path / "again.csv")
    for path in (SHEET, tmp_path / "again.csv"):
        result = untouched(centre, "cohort", "import", path, "--cohort", "NF-1", "--funded", code=0)
        assert "nothing was changed" in result.err


def test_a_sheet_that_overlaps_adds_only_what_is_new(at, tmp_path):
    """B4"""
    centre = at("gathered")
    lines = SHEET.read_text("utf-8").splitlines()
    new = lines[1].replace("ILM-00001", "ILM-00099").replace("Pearson", "Pears")
    (tmp_path / "more.csv").write_text("\n".join([*lines[:4], new, ""]), "utf-8")
    before = centre.events()
    result = centre.ok("cohort", "import", tmp_path / "more.csv", "--cohort", "NF-1", "--funded")
    assert "learners unchanged" in result.out
    assert sorted(centre.kinds(before)) == ["dispatch_received", "opened"]


def test_a_row_that_was_refused_is_taken_when_it_is_put_right(centre, tmp_path):
    """B4"""
    first = imported(centre, write_sheet(tmp_path / "a.csv", sheet_line(), sheet_line(reference="")))
    assert first.code == 1
    second = imported(centre, write_sheet(tmp_path / "b.csv", sheet_line(), sheet_line(reference="R2", given="Bo")))
    assert second.code == 0
    assert set(centre.places()) == {"R1", "R2"}


def test_the_same_reply_twice_and_under_another_name_changes_nothing(at, tmp_path):
    """B4: the content's digest decides."""
    centre = at("received")
    shutil.copy(REPLY, tmp_path / "again.csv")
    for path in (REPLY, tmp_path / "again.csv"):
        events, files = centre.events(), centre.files()
        result = centre.run("lrs", "receive", path)
        assert result.code == 0, result.said
        assert (centre.events(), centre.files()) == (events, files)
        assert "received before" in result.err


def changed_reply(path, change):
    """The tidy reply with its records changed."""
    with REPLY.open(encoding="utf-8", newline="") as source:
        rows = change(list(csv.reader(source)))
    with path.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, quoting=csv.QUOTE_ALL).writerows(rows)
    return path


def cell(row, column, value):
    def change(rows):
        rows[row][column] = value
        return rows

    return change


BAD_REPLIES = {
    "another provider": (cell(1, 2, "10000001"), ("UKPRN", "own reply")),
    "no provider": (cell(1, 2, "abc"), ("line 2", "UKPRN", "eight digits")),
    "another count": (cell(1, 3, "23"), ("line 2", "LearnerRecordCount", "24 learners")),
    "another version": (cell(1, 0, "3B"), ("line 2", "file version")),
    "two files joined": (cell(5, 2, "10000001"), ("line 6", "UKPRN", "contradicts")),
    "a date of a spreadsheet": (cell(3, 20, "31/10/1991"), ("line 4", "DateOfBirth", "YYYY-MM-DD")),
    "a heading re-cased": (cell(0, 5, "MisIdentifier"), ("line 1", "MISIdentifier")),
    "columns swapped": (lambda rows: [[r[1], r[0], *r[2:]] for r in rows], ("line 1", "FileVersion")),
    "a short row": (lambda rows: [*rows[:4], rows[4][:-1], *rows[5:]], ("line 5", "cells")),
    "headings only": (lambda rows: rows[:1], ("no learner",)),
    "our own batch": (lambda rows: [r[:-1] for r in rows], ("ReturnCode", "output file")),
    "practice": (cell(1, 1, "PRACTICE_LRB_99990001_230620261015"), ("practice",)),
}


@pytest.mark.parametrize("kind", BAD_REPLIES)
def test_a_reply_that_cannot_be_ours_is_refused_whole(at, tmp_path, kind):
    """B3, B5: exit 4, names the file, the line, the column, the rule and the fix; nobody moved."""
    change, says = BAD_REPLIES[kind]
    path = changed_reply(tmp_path / "reply.csv", change)
    untouched(at("prepared"), "lrs", "receive", path, code=4, says=("reply.csv", *says))


@pytest.mark.parametrize("data", [b"", REPLY.read_bytes()[:700], REPLY.read_text("utf-8").encode("utf-16"), b"\0" * 99])
def test_a_reply_that_is_no_csv_is_refused_whole(at, tmp_path, data):
    """B1 to B3"""
    (tmp_path / "reply.csv").write_bytes(data)
    untouched(at("prepared"), "lrs", "receive", tmp_path / "reply.csv", code=4, says=("reply.csv",))


def test_the_order_of_rows_does_not_matter(at, tmp_path):
    """B5"""

    def turned(rows):
        head, first, *rest = rows
        blank = [*[""] * 4, *first[4:]]
        turned = [*reversed(rest), blank]
        turned[0][:4] = first[:4]
        return [head, *turned]

    centre = at("prepared")
    assert centre.run("lrs", "receive", changed_reply(tmp_path / "reply.csv", turned)).code == 0
    assert centre.places() == at("received").places()


def test_rows_about_nobody_are_kept_apart_and_missing_rows_still_wait(at):
    """B5"""
    centre = at("prepared")
    with REPLY.open(encoding="utf-8", newline="") as source:
        stranger = {**list(csv.DictReader(source))[1], "MISIdentifier": "NOBODY-1"}
    reply = centre.reply({"ILM-00001": "3465047078"}, more=[stranger])
    result = centre.run("lrs", "receive", reply)
    assert result.code == 0
    assert "quarantine" in result.out
    assert "still waiting" in result.out
    assert centre.quarantined() == ["NOBODY-1"]
    assert set(centre.places()) == set(at("gathered").places())
    assert centre.places()["ILM-00002"] == "submitted_to_lrs"


def test_a_reply_that_names_another_file_is_taken_with_a_warning(at):
    """B5: the reference and an open file of ours decide."""
    result = at("prepared").run("lrs", "receive", REPLY)
    assert result.code == 0
    assert "names a file that is not in the register" in result.err


def test_an_older_answer_never_undoes_a_newer_one(at):
    """B5"""
    centre = at("prepared")
    newer = centre.reply({"ILM-00001": "3465047078"}, name="newer.csv")
    older = centre.reply({"ILM-00001": ("", "RC008")}, name="older.csv")
    centre.ok("lrs", "receive", newer)
    centre.run("lrs", "receive", older)
    assert centre.held("ILM-00001") == "3465047078"
    assert centre.places()["ILM-00001"] == "uln_received"


@pytest.mark.parametrize("value", ["＝1+1", "R\x1b[2J1", "x" * 200])
def test_a_reply_about_an_odd_reference_is_put_aside_unseen(at, tmp_path, value):
    """B5, A15"""
    centre = at("prepared")
    result = centre.run("lrs", "receive", changed_reply(tmp_path / "reply.csv", cell(2, 5, value)))
    assert result.code == 0
    assert value not in result.out + result.err
    assert centre.places()["ILM-00002"] == "submitted_to_lrs"


def test_the_college_export_is_read_the_same_from_any_folder(centre):
    result = centre.run("cohort", "import", DATA / "cohort_college_export.xlsx", "--cohort", "C")
    assert result.code in {0, 1}
    assert "Traceback" not in result.err


def test_a_bar_at_a_terminal_is_gone_when_the_import_is_done(centre, tmp_path):
    sheet = write_sheet(tmp_path / "cohort.csv", sheet_line(given="[/oops]"))
    result = centre.run("cohort", "import", sheet, "--cohort", "C", terminal=True, NO_COLOR="1", COLUMNS="100")
    assert result.code == 0, result.err
    assert "taking in" in result.err
    assert "oops" not in result.err
    assert centre.places() == {"R1": "details_gathered"}
