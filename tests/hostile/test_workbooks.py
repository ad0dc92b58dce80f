"""Row B8 and what belongs to it: workbooks of every format, through the command."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from states.errors import FileRefused
from states.exchange import workbook_gate
from states.exchange.workbook_gate import SheetScan
from states.exchange.xls_gate import check_xls
from tests.fakes.workbooks import MAKERS, ods, save, xls, xlsx
from tests.hostile.conftest import untouched
from tests.unit.commands import HEADINGS

HEAD = HEADINGS.split(",")
ANN = ["R1", "Ann", "Lee", date(1990, 1, 31), 2, "B8 6XA", 1, 2, 1000102504]
FORMATS = list(MAKERS)


def cohort(centre, path, *more, code=0):
    return centre.ok("cohort", "import", path, "--cohort", "C", "--qualification", "8605-11", *more, code=code)


def refused(centre, path, *says):
    return untouched(centre, "cohort", "import", path, "--cohort", "C", code=4, says=(path.name, *says))


def packed(data, *, extra=(), replaced=()):
    """A packed workbook with parts added or replaced."""
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        members = {info.filename: (info.compress_type, old.read(info)) for info in old.infolist()}
    for name, content in [*extra, *replaced]:
        members[name] = (zipfile.ZIP_DEFLATED, content)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as new:
        for name, (how, content) in members.items():
            new.writestr(name, content, how)
    return target.getvalue()


def with_size(data, name, size):
    """A packed workbook that says a part is so many bytes long, which it is not."""
    changed = bytearray(data)
    for mark, where, offset in ((b"PK\x01\x02", data.rfind(name), 24), (b"PK\x03\x04", data.find(name), 22)):
        struct.pack_into("<I", changed, data.rfind(mark, 0, where) + offset, size)
    return bytes(changed)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_brings_the_same_learner(centre, tmp_path, suffix):
    cohort(centre, save(tmp_path / f"a{suffix}", [["Our learners"], [], HEAD, ANN, [None] * 9, ["Total", None, 1]]))
    (payload,) = centre.rows("SELECT payload FROM personal WHERE kind='details'")
    for value in ("Ann", "1990-01-31", "B8 6XA", "1000102504"):
        assert value in payload[0]
    (back,) = centre.outbox("result-*.xlsx")
    assert [cell.value for cell in openpyxl.load_workbook(back).active[4]][-2] == "Added"


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_formula_where_a_uln_belongs_is_left_out(centre, tmp_path, suffix):
    """B8: whatever the format, the cell is refused and the learner kept."""
    result = cohort(centre, save(tmp_path / f"a{suffix}", [HEAD, [*ANN[:8], "=1000102504"]]))
    assert "holds a formula" in result.out
    assert "1000102504" not in centre.rows("SELECT payload FROM personal WHERE kind='details'")[0][0]


def test_only_the_named_one_of_several_sheets_is_read(centre, tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.load_workbook(io.BytesIO(xlsx([HEAD, ANN], "One")))
    book.create_sheet("Two").append(["other"])
    book.save(path)
    refused(centre, path, "more than one sheet is filled", "--sheet: One, Two")
    cohort(centre, path, "--sheet", "One")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(centre, tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", [HEAD, ANN], "One")
    untouched(centre, "cohort", "import", path, "--sheet", "Two", code=4, says=("no such sheet", "--sheet: One"))


def test_a_hidden_sheet_is_read_only_when_it_is_named(centre, tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(xlsx([HEAD, ANN], "Hidden")))
    book.create_sheet("Shown")
    book["Hidden"].sheet_state = "hidden"
    book.save(tmp_path / "a.xlsx")
    refused(centre, tmp_path / "a.xlsx", "no visible sheet holds anything")
    cohort(centre, tmp_path / "a.xlsx", "--sheet", "Hidden")


def test_merged_cells_and_days_counted_from_1904_are_the_same_learner(centre, tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(xlsx([["Our learners"], HEAD])))
    book.epoch = CALENDAR_MAC_1904
    book.active.append(ANN)
    book.active.merge_cells("A1:I1")
    book.save(tmp_path / "a.xlsx")
    cohort(centre, tmp_path / "a.xlsx")
    assert "1990-01-31" in centre.rows("SELECT payload FROM personal WHERE kind='details'")[0][0]


GOOD = {".xlsx": xlsx([HEAD, ANN]), ".xls": xls([HEAD, ANN]), ".ods": ods([HEAD, ANN])}
FAR = '<table:table-cell office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'


def ods_with(old, new):
    with zipfile.ZipFile(io.BytesIO(GOOD[".ods"])) as book:
        content = book.read("content.xml").decode()
    assert old in content
    return packed(GOOD[".ods"], replaced=[("content.xml", content.replace(old, new, 1).encode())])


ROW = "<table:table-row>"
PACKED = {
    "up": ([("../evil", b"x")], "leads out"),
    "absolute": ([("/etc/x", b"x")], "leads out"),
    "bomb": ([("media/zeros", b"\0" * 5_000_000)], "packed more than 100"),
    "nested": ([("embeddings/a.bin", b"PK\x03\x04rest")], "another packed file"),
    "many": ([(f"x/{n}", b"") for n in range(2_001)], "2000 parts"),
}


@pytest.mark.parametrize("suffix", [".xlsx", ".ods"])
@pytest.mark.parametrize("kind", PACKED)
def test_dangerous_parts_of_a_packed_workbook_are_refused(centre, tmp_path, suffix, kind):
    """B8"""
    extra, says = PACKED[kind]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(packed(GOOD[suffix], extra=extra))
    refused(centre, path, says)


BAD_XLSX = {
    "macros": (packed(GOOD[".xlsx"], extra=[("xl/vbaProject.bin", b"x")]), "macros"),
    "links": (packed(GOOD[".xlsx"], extra=[("xl/externalLinks/externalLink1.xml", b"<x/>")]), "other workbooks"),
    "lying": (
        with_size(packed(GOOD[".xlsx"], extra=[("xl/media/a", b"ab" * 500_000)]), b"xl/media/a", 90_000),
        "not as large",
    ),
    "locked": (bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"), "password"),
    "cut": (GOOD[".xlsx"][:900], "damaged"),
}
BAD_ODS = {
    "rows": (ods_with(ROW, '<table:table-row table:number-rows-repeated="9000000">'), "too large"),
    "columns": (
        ods_with("<table:table-cell ", '<table:table-cell table:number-columns-repeated="9000000" '),
        "too large",
    ),
    "far": (
        ods_with(ROW, f'<table:table-row table:number-rows-repeated="9000000"/><table:table-row>{FAR}{ROW}'),
        "too large",
    ),
    "endless": (ods_with(ROW, '<table:table-row table:number-rows-repeated="99999999999">'), "damaged"),
    "entity": (ods_with("<office:document", '<!DOCTYPE x [<!ENTITY a "b">]><office:document'), "document type"),
    "source": (ods_with(ROW, f'<table:table-source table:table-name="x"/>{ROW}'), "other workbooks"),
    "macros": (packed(GOOD[".ods"], extra=[("Basic/Standard/Module1.xml", b"<x/>")]), "macros"),
    "locked": (
        packed(GOOD[".ods"], replaced=[("META-INF/manifest.xml", b"<m><manifest:encryption-data/></m>")]),
        "password",
    ),
    "text": (GOOD[".ods"].replace(b"opendocument.spreadsheet", b"opendocument.textxxxxxxx"), "no spreadsheet"),
    "cut": (GOOD[".ods"][:900], "damaged"),
}


def xls_with(*changes):
    """The old workbook with bytes changed: (where, bytes)."""
    data = bytearray(GOOD[".xls"])
    for where, new in changes:
        data[where : where + len(new)] = new
    return bytes(data)


FOLDER = GOOD[".xls"].rfind("Workbook".encode("utf-16-le")) + 128
VBA = "_VBA_PROJECT_CUR".encode("utf-16-le")
BAD_XLS = {
    "locked": (xls_with((512 + 20, struct.pack("<H", 0x2F))), "password"),
    "locked as a whole": (GOOD[".xls"] + "EncryptedPackage".encode("utf-16-le"), "password"),
    "macros": (xls_with((FOLDER, VBA), (FOLDER + 64, struct.pack("<HB", len(VBA) + 2, 1))), "macros"),
    "far": (xls([HEAD, *[[]] * 65_000, [None] * 255 + ["x"]]), "too large"),
    "a circle": (xls_with((48, b"\0\0\0\0"), (76, b"\0\0\0\0")), "damaged"),
    "nothing": (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "damaged"),
    "another document": (xls_with((FOLDER - 128, "Documents".encode("utf-16-le"))), "no old .xls workbook"),
    "cut": (GOOD[".xls"][:1500], "damaged"),
    "a web page": (b"\xef\xbb\xbf<html><table><tr><td>Ref</td></tr></table></html>", "web page"),
    "text": (HEADINGS.encode(), "no workbook"),
}
CASES = [
    (suffix, kind, *case)
    for suffix, cases in ((".xlsx", BAD_XLSX), (".ods", BAD_ODS), (".xls", BAD_XLS))
    for kind, case in cases.items()
]


@pytest.mark.parametrize(
    ("suffix", "data", "says"), [(s, d, w) for s, _, d, w in CASES], ids=[f"{s}{k}" for s, k, *_ in CASES]
)
def test_a_workbook_that_cannot_be_trusted_is_refused_whole(centre, tmp_path, suffix, data, says):
    """B8: exit 4, the file and the reason named, nothing written."""
    path = tmp_path / f"cohort{suffix}"
    path.write_bytes(data)
    refused(centre, path, says)


@pytest.mark.parametrize("suffix", [".xlsm", ".xltm", ".xlsb"])
def test_formats_with_macros_are_refused_by_name(centre, tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(GOOD[".xlsx"])
    refused(centre, tmp_path / f"a{suffix}", "macros")


@pytest.mark.parametrize("suffix", [".xlsx", ".ods"])
def test_what_unpacks_to_300_mb_is_refused_by_its_list_of_parts_alone(centre, tmp_path, suffix, monkeypatch):
    """B8: no part is unpacked, memory stays flat, and it takes no longer than opening an ordinary workbook."""
    ordinary = save(tmp_path / f"ordinary{suffix}", [HEAD, *[[f"R{n}", *ANN[1:8]] for n in range(300)]])
    began = time.perf_counter()
    untouched(centre, "cohort", "import", ordinary, "--cohort", "C", "--dry-run", code=0)
    usual = time.perf_counter() - began
    path = tmp_path / f"bomb{suffix}"
    part = bytes(range(256)) * 16_000
    data = packed(GOOD[suffix])
    with zipfile.ZipFile(target := io.BytesIO(data), "a") as book:
        book.writestr("media/large", part, zipfile.ZIP_STORED)
    path.write_bytes(with_size(target.getvalue(), b"media/large", 300_000_000))

    def unpacked(*_args):
        raise AssertionError("a part was unpacked")

    monkeypatch.setattr(workbook_gate.zlib, "decompressobj", unpacked)
    tracemalloc.start()
    began = time.perf_counter()
    refused(centre, path, "unpacks to more than")
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 3 * usual + 1
    assert peak < 60_000_000


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD[".xls"]) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_a_damaged_old_workbook_is_passed_or_refused_never_worse(changes):
    data = bytearray(GOOD[".xls"])
    for where, value in changes:
        data[where] = value
    with suppress(FileRefused):
        assert set(map(type, check_xls(bytes(data), "a.xls").values())) <= {SheetScan}
