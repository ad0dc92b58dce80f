"""Sheets in and out."""

import csv
import io
import os
import struct
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from states.errors import FileRefused
from states.exchange.cells import neutralise, restore
from states.exchange.csv_file import CsvFile
from states.exchange.sheets import (
    read_table,
    write_for_people_csv,
    write_for_people_xlsx,
)


def workbook(*titles):
    book = openpyxl.Workbook()
    book.active.title = titles[0] if titles else "One"
    for title in titles[1:]:
        book.create_sheet(title)
    return book


@pytest.fixture
def save(tmp_path):
    def save_book(book, name="a.xlsx"):
        book.save(tmp_path / name)
        return tmp_path / name

    return save_book


def refused(path, **named):
    with pytest.raises(FileRefused) as caught:
        read_table(path, **named)
    assert caught.value.fix
    return caught.value.rule


def repack(path, *, extra=(), replaced=None, **options):
    """Write a workbook again with members added or replaced."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    members.update(replaced or {})
    with zipfile.ZipFile(path, "w", **({"compression": zipfile.ZIP_DEFLATED} | options)) as new:
        for name, content in [*members.items(), *extra]:
            new.writestr(name, content)
    return path


def test_cells_keep_their_types_and_rows_their_numbers(save):
    book = workbook()
    book.active.append([])
    book.active.append(["a", 1.5, date(2001, 2, 3), datetime(2001, 2, 3, 4, 5), True, None])
    book.active["G2"] = "end"
    table = read_table(save(book))
    assert table.rows[1] == (2, ["a", 1.5, date(2001, 2, 3), datetime(2001, 2, 3, 4, 5), True, None, "end"])
    assert table.sheet == "One"
    assert repr(table) == "Table(2 rows)"


def test_dates_counted_from_1904_are_the_same_days(save):
    book = workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active["A1"] = date(2001, 2, 3)
    assert read_table(save(book)).rows == [(1, [date(2001, 2, 3)])]


def test_formulas_and_errors_are_known_by_their_place(save):
    book = workbook()
    book.active["B3"] = "=1+1"
    book.active["C3"] = "#N/A"
    book.active["C3"].data_type = "e"
    table = read_table(save(book))
    assert table.formulas == {(3, 1)}
    assert table.errors == {(3, 2)}


def test_one_filled_visible_sheet_is_chosen_by_itself(save):
    book = workbook("Empty", "A & B", "Hidden")
    book["A & B"]["A1"] = 1
    book["Hidden"]["A1"] = 2
    book["Hidden"].sheet_state = "hidden"
    path = save(book)
    assert read_table(path).sheet == "A & B"
    assert read_table(path, sheet="Hidden").rows == [(1, [2.0])]


def test_several_filled_sheets_ask_for_a_choice(save):
    book = workbook("One", "Two")
    book["One"]["A1"] = book["Two"]["A1"] = 1
    path = save(book)
    with pytest.raises(FileRefused, match="--sheet: One, Two"):
        read_table(path)
    assert read_table(path, sheet="Two").sheet == "Two"
    assert "no such sheet" in refused(path, sheet="Three")


def test_a_workbook_with_nothing_in_it_is_refused(save):
    assert "holds anything" in refused(save(workbook()))


@pytest.mark.parametrize(
    ("member", "says"),
    [
        (("../evil", b"x"), "leads out"),
        (("/etc/x", b"x"), "leads out"),
        (("..\\evil", b"x"), "leads out"),
        (("xl/vbaProject.bin", b"x"), "macros"),
        (("xl/externalLinks/externalLink1.xml", b"<x/>"), "other workbooks"),
        (("xl/media/zeros", b"\0" * 5_000_000), "packed more than 100"),
        (("xl/embeddings/a.xlsx", b"PK\x03\x04rest"), "another packed file"),
        (("XL/workbook.xml", b"<x/>"), "twice"),
    ],
)
def test_dangerous_members_are_refused(save, member, says):
    book = workbook()
    book.active["A1"] = 1
    assert says in refused(repack(save(book), extra=[member]))


def test_too_many_members_are_refused(save):
    assert "2000 parts" in refused(repack(save(workbook()), extra=[(f"x/{n}", b"") for n in range(2_001)]))


def test_a_size_field_that_lies_is_found_out(save):
    path = repack(save(workbook()), extra=[("xl/media/a", b"ab" * 500_000)])
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.rfind(b"xl/media/a")
        at = data.rfind(mark, 0, at if mark == b"PK\x01\x02" else data.find(b"xl/media/a"))
        struct.pack_into("<I", data, at + offset, 1_000)
    path.write_bytes(data)
    assert "not as large" in refused(path)


def test_a_cell_far_away_does_not_eat_the_memory(save):
    book = workbook()
    book.active["A1"] = 1
    book.active["XFD1048576"] = 1
    assert "too large to lay out" in refused(save(book))


def test_a_document_type_is_refused(save):
    path = save(workbook())
    with zipfile.ZipFile(path) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    evil = b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet
    assert "document type" in refused(repack(path, replaced={"xl/worksheets/sheet1.xml": evil}))


def test_other_formats_are_named(tmp_path, save):
    ole = bytes.fromhex("d0cf11e0a1b11ae1")
    (tmp_path / "old.xls").write_bytes(ole + b"\0" * 100)
    (tmp_path / "locked.xlsx").write_bytes(ole + "EncryptedPackage".encode("utf-16-le"))
    (tmp_path / "text.xlsx").write_bytes(b"a,b")
    (tmp_path / "cut.xlsx").write_bytes(save(workbook()).read_bytes()[:500])
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as ods:
        ods.writestr("content.xml", "<x/>")
    assert "old .xls" in refused(tmp_path / "old.xls")
    assert "password" in refused(tmp_path / "locked.xlsx")
    assert "no workbook" in refused(tmp_path / "text.xlsx")
    assert "damaged" in refused(tmp_path / "cut.xlsx")
    assert "no XLSX" in refused(tmp_path / "a.ods")
    assert "macros" in refused(save(workbook(), "a.xlsm"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_with_the_separator_it_has(tmp_path, delimiter):
    (tmp_path / "a.csv").write_text(delimiter.join("abc") + "\n\n" + delimiter.join("1 3") + "\n", encoding="utf-8-sig")
    table = read_table(tmp_path / "a.csv")
    assert table.rows[0] == (1, ["a", "b", "c"])
    assert table.rows[2][0] == 3
    assert "no sheets" in refused(tmp_path / "a.csv", sheet="One")


@pytest.mark.parametrize("text", ["=1+1", " =1", "+44", "-5", "@x", "\tx", "\rx", "＝1", "\u00a0＋1"])
def test_what_looks_like_a_formula_is_neutralised_and_can_be_restored(text):
    assert neutralise(text) == f"'{text}"
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize("cell", ["O'Brien", "'quoted'", "a=b", "", None, -5.0, date(2001, 2, 3)])
def test_other_cells_stay_as_they_are(cell):
    assert neutralise(cell) == cell
    assert restore(cell) == cell


def test_a_workbook_for_people_holds_texts_numbers_and_dates_but_no_formula(tmp_path):
    target = io.BytesIO()
    rows = [["Name", "ULN", "Born", "N"], ["=1+1", 1000102504.0, date(2001, 2, 3), 2.5], ["http://e", None, True, "1"]]
    write_for_people_xlsx(rows, target, sheet="A/B", text_columns={1}, tinted={3})
    page = openpyxl.load_workbook(io.BytesIO(target.getvalue())).active
    assert [cell.value for cell in page[2]] == ["'=1+1", "1000102504", datetime(2001, 2, 3), 2.5]
    assert [cell.value for cell in page[3]] == ["http://e", None, True, "1"]
    assert page["A2"].data_type == "s"
    assert page["A3"].hyperlink is None
    assert page["D2"].fill.fgColor.rgb == "FFFFF4D6"


def test_csv_for_people_is_neutralised_and_marked_as_utf8():
    target = io.BytesIO()
    write_for_people_csv([["Zoë", "=1", None, 3.0, date(2001, 2, 3)]], target)
    assert target.getvalue().startswith(b"\xef\xbb\xbf")
    text = target.getvalue().decode("utf-8-sig")
    assert list(csv.reader([text])) == [["Zoë", "'=1", "", "3", "2001-02-03"]]


def test_what_a_killed_command_left_of_a_workbook_is_removed_a_day_later(tmp_path):
    scratch = tmp_path / ".scratch"
    for name, age in (("old", 90_000), ("new", 60)):
        (scratch / name).mkdir(parents=True)
        (scratch / name / "half.xml").write_text("Lee")
        os.utime(scratch / name, (time.time() - age,) * 2)
    target = io.BytesIO()
    write_for_people_xlsx([["Ann", None, "=1"]], target, scratch=scratch)
    assert [path.name for path in scratch.iterdir()] == ["new"]
    assert [cell.value for cell in openpyxl.load_workbook(target).active[1]] == ["Ann", None, "'=1"]


def test_a_disk_that_is_full_while_a_long_workbook_is_made_is_an_error_of_the_system(tmp_path):
    def rows():
        yield ["Ann"]
        raise OSError(28, "No space left on device")

    target = io.BytesIO()
    with pytest.raises(OSError, match="No space"):
        write_for_people_xlsx(rows(), target, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert target.getvalue() == b""


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("a;b;c\n1,5;2,5;3\n1,5;2,5;3\n", ";"),
        ('a,b\n"x;y;z",1\n"x;y;z",2\n', ","),
        ("a|b\n1|2\n", "|"),
        ("Title, with commas, and more\na\tb\tc\td\n1\t2\t3\t4\n", "\t"),
        ("alone\n", ","),
    ],
)
def test_the_separator_is_the_one_that_gives_even_rows(tmp_path, text, delimiter):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert CsvFile(tmp_path / "a.csv").delimiter == delimiter


def test_a_csv_that_changes_between_two_readings_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n", encoding="utf-8")
    grid = CsvFile(path)
    assert len(list(grid.rows())) == 1
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FileRefused, match="changed since"):
        list(grid.rows())
