"""Rows B1 to B4, B8 to B10, C2 and A15: files of awarding organisations and LAR systems, through the commands."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
from pathlib import Path

import openpyxl
import pytest

from states.exchange import outbox
from tests.fakes.bodies import csv_file, workbook
from tests.hostile.conftest import untouched

WHO = "ILM-00001"
COMMANDS = {
    "confirm": ("ordered", ("ilm", "confirm", "--file")),
    "mismatches": ("registered", ("ilm", "mismatches")),
    "reconcile": ("registered", ("ilm", "reconcile")),
    "enrolment": ("registered", ("enrolment", "reconcile")),
}
BROKEN = {
    "empty": b"",
    "utf16": "Reference,Reason\r\nL-1,x\r\n".encode("utf-16"),
    "cp1252": b"Reference,Reason\r\nL-1,Zo\xeb\r\n",
    "NUL": b"Reference,Reason\r\nL-1,\x00\r\n",
    "unclosed quote": b'Reference,Reason\r\n"L-1,x\r\n',
    "no headings": b"1,2\r\n3,4\r\n",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "a packed file": b"PK\x03\x04 broken",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_refused_whole_by_name_and_nothing_is_left(at, tmp_path, command, kind):
    """B1 to B3, B8"""
    place, words = COMMANDS[command]
    path = tmp_path / "theirs.csv"
    path.write_bytes(BROKEN[kind])
    untouched(at(place), *words, path, code=4, says=("theirs.csv",))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", ["none.csv", "../../../../etc/none", ".", "/dev/zero", "/dev/null"])
def test_a_path_that_is_no_plain_file_is_refused_at_once(at, command, path):
    """B9"""
    place, words = COMMANDS[command]
    untouched(at(place), *words, path, code=4)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes of that kind")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_pipe_never_blocks(at, tmp_path, command):
    """B9"""
    os.mkfifo(tmp_path / "pipe")
    place, words = COMMANDS[command]
    untouched(at(place), *words, tmp_path / "pipe", code=4, says=("a pipe or a device",))


CONFIRMATIONS = {
    "no number": ([{"Reference": WHO, "Candidate number": ""}], ("line 2", "Candidate number", "empty")),
    "a name for a number": ([{"Reference": WHO, "Candidate number": "Ann Lee"}], ("line 2", "letters, digits")),
    "a formula": ([{"Reference": "=1+1", "Candidate number": "C-1"}], ("line 2", "plain text")),
    "an unknown status": (
        [{"Reference": WHO, "Candidate number": "C-1", "Status": "Perhaps"}], ("line 2", "Status", "[confirmation.words]"),
    ),
    "twice": ([{"Reference": WHO, "Candidate number": f"C-{n}"} for n in (1, 2)], ("line 3", "earlier row")),
    "two references": ([{"Reference": WHO, "Your reference": "x", "Candidate": "C-1"}], ("two columns look like",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", CONFIRMATIONS)
def test_a_confirmation_that_cannot_be_right_moves_nobody(at, tmp_path, kind):
    """B3: file, line, column, rule and fix; a status nobody knows is never a registration."""
    rows, says = CONFIRMATIONS[kind]
    path = csv_file(tmp_path / "answer.csv", rows)
    result = untouched(at("ordered"), "ilm", "confirm", "--file", path, code=4, says=("answer.csv", *says))
    assert "Perhaps" not in result.said
    assert "Ann Lee" not in result.said


@pytest.mark.parametrize("field", ["Candidate number", "Order number"])
def test_a_uln_in_the_column_of_another_number_confirms_nobody(at, tmp_path, field):
    """It would stand in the log for good; another number is written with letters before it."""
    centre = at("ordered")
    row = {"Reference": WHO, "Candidate number": "C-1", "Order number": "WG-1"}
    path = csv_file(tmp_path / "answer.csv", [row | {field: "1000102504"}])
    untouched(centre, "ilm", "confirm", "--file", path, code=4, says=("line 2", "looks like a ULN", "such as WG-"))
    path = csv_file(tmp_path / "answer-2.csv", [row | {field: "WG-1000102504"}])
    centre.ok("ilm", "confirm", "--file", path)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"ULN": "", "Reason": "x"}, ("line 2", "names nobody")),
        ({"ULN": "1000000043", "Remark": "x"}, ("line 1", "no column holds the reason")),
        ({"Name": "Ann Lee", "Reason": "x"}, ("line 1", "no column holds the")),
        ({"ULN": "1000000043", "Reason": "x" * 1_001}, ("line 2", "longer than 1,000")),
    ],
)
def test_a_mismatch_report_that_cannot_be_right_reports_nobody(at, tmp_path, row, says):
    """B3"""
    path = csv_file(tmp_path / "report.csv", [row])
    result = untouched(at("registered"), "ilm", "mismatches", path, code=4, says=("report.csv", *says))
    assert "1000000043" not in result.said


def test_a_formula_in_a_cell_that_is_read_is_refused(at, tmp_path):
    """B8"""
    path = workbook(tmp_path / "report.xlsx", [["ULN", "Reason"], ["=1000000000+43", "x"]])
    untouched(at("registered"), "ilm", "mismatches", path, code=4, says=("report.xlsx, line 2", "Paste it as a value"))


def test_a_date_that_is_none_is_refused_by_line_and_never_shown(at, tmp_path):
    """A9"""
    path = csv_file(tmp_path / "list.csv", [{"Reference": WHO, "Date of birth": "30/02/1990"}])
    result = untouched(at("registered"), "ilm", "reconcile", path, code=4, says=("line 2", "DD/MM/YYYY"))
    assert "30/02/1990" not in result.said


def test_the_same_confirmation_twice_and_under_another_name_changes_nothing(at, tmp_path):
    """B4: it overlaps with another, and each learner is registered once."""
    centre = at("ordered")
    names = [name for name, state in centre.places().items() if state == "uln_passed_to_learner"]
    rows = [{"Reference": name, "Candidate number": f"C-{n}"} for n, name in enumerate(names)]
    path = csv_file(tmp_path / "answer.csv", rows[:3])
    centre.ok("ilm", "confirm", "--file", path, "--order", "WG-1")
    shutil.copy(path, tmp_path / "again.csv")
    for name in ("answer.csv", "again.csv"):
        before = centre.snapshot()
        assert centre.run("ilm", "confirm", "--file", tmp_path / name, "--order", "WG-1").code == 0
        assert centre.snapshot() == before
    overlap = csv_file(tmp_path / "overlap.csv", rows[2:5])
    result = centre.ok("ilm", "confirm", "--file", overlap, "--order", "WG-1")
    assert f"{names[2]}: in the file, but no registration of ours waits" in result.err
    assert sum(kind == "moved" for kind in centre.kinds()) == sum(kind == "moved" for kind in at("ordered").kinds()) + 5


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("told", ("lar", "create", WHO, "--prepare")),
        ("gathered", ("lar", "create", WHO, "--prepare")),
        ("registered", ("lar", "cross-reference", WHO, "--prepare")),
        ("received", ("ilm", "register", "ILM-00011")),
    ],
)
def test_no_file_is_written_for_who_is_not_that_far(at, place, words):
    """C2: no LAR before ILM, no cross-reference before the LAR, no registration without a ULN."""
    centre = at(place)
    places, files = centre.places(), centre.files()
    result = centre.run(*words)
    assert result.code == 1, result.said
    assert (centre.places(), centre.files()) == (places, files)


def test_a_registration_name_that_is_taken_is_refused_and_the_old_file_stays(at):
    """B10"""
    centre = at("told")
    centre.ok("cohort", "waive", "NF-1", "--reason", "x")
    centre.agree()
    ((last,),) = centre.rows("SELECT max(id) FROM dispatch")
    old = centre.folder / "outbox" / "ilm" / f"D{last + 1}-ilm-generic-funded.csv"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.write_text("somebody's own", "utf-8")
    untouched(centre, "ilm", "register", code=4, says=(old.name,))
    assert old.read_text("utf-8") == "somebody's own"


def test_a_disk_that_fails_under_a_result_sheet_leaves_no_look_and_no_file(at, tmp_path, monkeypatch):
    """B10"""
    centre = at("registered")
    path = csv_file(tmp_path / "list.csv", [{"Reference": "NOBODY"}])

    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(outbox.os, "fsync", full)
    untouched(centre, "ilm", "reconcile", path, code=4)


PROFILES = {
    "not TOML": ("a = = 1\n", 4, ("profiles/ilm-generic.toml", "line 1")),
    "empty": ("", 4, ("it has no column", "names no heading")),
    "not UTF-8": (b"\xff\xfe\x00", 4, ("UTF-8",)),
    "an unknown key": ("max_row = 3\n", 4, ("max_row: is not a key",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", PROFILES)
def test_a_broken_profile_stops_the_step_and_names_its_faults(at, kind):
    """Nothing is half done, and the file is named."""
    text, code, says = PROFILES[kind]
    centre = at("told")
    path = centre.folder / "config" / "profiles" / "ilm-generic.toml"
    path.parent.mkdir(parents=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    untouched(centre, "ilm", "register", code=code, says=says)


@pytest.mark.parametrize("name", ["../ulnflow", "/etc/passwd", "none", "CON", "x\ny", "", "ilm-generic.toml"])
def test_a_profile_is_a_name_and_never_a_path(at, name):
    """B9"""
    centre = at("new")
    result = centre.run("profile", "check", name)
    assert result.code == (4 if name else 0)
    assert "Traceback" not in result.said


@pytest.mark.parametrize(("kind", "says"), [("cut", "damaged"), ("macros", "macros"), ("links", "other workbooks")])
def test_a_template_that_is_damaged_or_holds_macros_is_refused(at, kind, says):
    """B8"""
    centre = at("told")
    place = centre.folder / "config" / "profiles"
    place.mkdir(parents=True)
    shipped = (Path(__file__).parents[2] / "config" / "profiles" / "ilm-generic.toml").read_text("utf-8")
    head = '[template]\nfile = "their.xlsx"\nsheet = "Sheet"\nfirst_row = 2\nheading_row = 0\n'
    letters = iter("ABCDEFGHIJK")
    first, *rest = shipped.replace('extension = "csv" ', 'extension = "xlsx" ').split("[[column]]\n")
    text = first + head + "".join(f'[[column]]\nat = "{next(letters)}"\n{part}' for part in rest)
    (place / "ilm-generic.toml").write_text(text, "utf-8")
    path = place / "their.xlsx"
    openpyxl.Workbook().save(path)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:1_000])
    else:
        name = {"macros": "xl/vbaProject.bin", "links": "xl/externalLinks/externalLink1.xml"}[kind]
        with zipfile.ZipFile(path, "a") as packed:
            packed.writestr(name, b"x")
    centre.ok("cohort", "waive", "NF-1", "--reason", "x")
    centre.agree()
    untouched(centre, "ilm", "register", code=4, says=("their.xlsx", says))
