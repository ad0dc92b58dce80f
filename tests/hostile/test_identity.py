"""Rows A1 to A17: what a sheet or a person may say about somebody, through the commands."""

from __future__ import annotations

import json
from datetime import date, timedelta

import openpyxl
import pytest

from tests.hostile.conftest import untouched
from tests.unit.commands import HEADINGS, sheet_line, write_sheet


def took_in(centre, tmp_path, **changes):
    """Import one row; what was said, the details on file, and whether the LRS file would take the learner."""
    sheet = write_sheet(tmp_path / "cohort.csv", sheet_line(**changes))
    said = centre.run("cohort", "import", sheet, "--cohort", "C", "--qualification", "8605-11", "--funded")
    assert "Traceback" not in said.err
    details = on_file(centre)
    return " ".join((said.out + said.err).split()), details, centre.run("lrs", "submit", "--format", "json")


def on_file(centre):
    rows = centre.rows("SELECT payload FROM personal WHERE kind='details' ORDER BY number DESC LIMIT 1")
    return json.loads(rows[0][0]) if rows else None


def sent(centre):
    """The cells of the one batch file that was written."""
    (batch,) = centre.outbox("LRB_*.CSV")
    return batch.read_text("utf-8")


def test_the_published_test_number_is_accepted_and_kept(centre, tmp_path):
    """A1"""
    _said, details, submitted = took_in(centre, tmp_path, uln="1000102504")
    assert details["existing_uln"] == "1000102504"
    assert submitted.code == 0
    assert '"1000102504"' in sent(centre)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("1000102508", "check digit"),
        ("100010250", "ten digits"),
        ("10001025041", "ten digits"),
        ("ABC0102504", "ten digits"),
        ("10001 02504", "ten digits"),
        ("1000000063", "these nine digits"),
        ("١٠٠٠١٠٢٥٠٤", "ten digits"),
        ("１０００１０２５０４", "ten digits"),
        ("1_000102504", "ten digits"),
        ("1.000102504E+09", "ten digits"),
    ],
)
def test_a_wrong_uln_is_left_out_with_its_row_and_rule_and_never_sent(centre, tmp_path, value, says):
    """A1, A2, A4, A6: the learner is kept, the number is not, and the screen names row, field and fix."""
    said, details, _ = took_in(centre, tmp_path, uln=value)
    assert "existing_uln" not in details
    assert "existing_uln" in said
    assert says in said
    assert value not in said
    assert value not in sent(centre)


def test_blanks_around_a_uln_are_cut_with_a_note(centre, tmp_path):
    """A2"""
    said, details, _ = took_in(centre, tmp_path, uln=" 1000102504 ")
    assert details["existing_uln"] == "1000102504"
    assert "lanks around" in said


def test_the_placeholder_means_no_uln_yet_everywhere(centre, tmp_path):
    """A3: taken as empty with a note, never sent, never received."""
    said, details, _ = took_in(centre, tmp_path, uln="9999999999")
    assert "existing_uln" not in details
    assert "placeholder" in said
    assert "9999999999" not in sent(centre)
    reply = centre.reply({"R1": ("9999999999", "RC001")})
    result = centre.run("lrs", "receive", reply)
    assert result.code == 1
    assert "U1" in result.out
    assert centre.places() == {"R1": "lrs_exception"}
    assert centre.rows("SELECT count(*) FROM personal WHERE kind='uln'") == [(0,)]
    refused = centre.run("exception", "resolve", "R1", "--decision", "new", "--reason", "x", stdin="9999999999\n")
    assert refused.code == 1
    assert centre.places() == {"R1": "lrs_exception"}


def test_a_check_digit_of_nought_is_accepted(centre, tmp_path):
    """A5"""
    _, details, submitted = took_in(centre, tmp_path, uln="1000000000")
    assert (details["existing_uln"], submitted.code) == ("1000000000", 0)


def test_a_whole_number_in_a_spreadsheet_is_accepted_and_reported(centre, tmp_path):
    """A6: Excel hands numbers over as floats."""
    book = openpyxl.Workbook()
    book.active.append(HEADINGS.split(","))
    book.active.append(["R1", "Ann", "Lee", date(1990, 1, 31), 2, "B8 6XA", 1, 2, 1000102504.0])
    book.save(tmp_path / "cohort.xlsx")
    said = centre.run("cohort", "import", tmp_path / "cohort.xlsx", "--cohort", "C")
    assert said.code == 0
    assert on_file(centre)["existing_uln"] == "1000102504"
    assert "existing_uln" in said.out


def test_a_uln_of_somebody_else_is_refused_and_both_references_are_named(at):
    """A7: to the person at the screen, and the number is in neither log nor output."""
    centre = at("prepared")
    reply = centre.reply({"ILM-00001": ("3465047078", "RC001"), "ILM-00002": ("3465047078", "RC001")})
    result = centre.run("lrs", "receive", reply)
    assert result.code == 1
    assert "U2" in result.out
    assert "ILM-00001 holds this ULN" in " ".join(result.out.split())
    assert "ILM-00002" in result.out
    assert "3465047078" not in result.out + result.err
    assert centre.places()["ILM-00002"] == "lrs_exception"
    held = centre.rows("SELECT learner FROM personal WHERE kind='uln' AND status='held'")
    assert held == [(1,)]


def test_a_second_different_uln_goes_to_a_person_and_the_first_is_kept(at):
    """A8"""
    centre = at("received")
    result = centre.run("lrs", "receive", centre.reply({"ILM-00001": ("2886060835", "RC001")}, name="second.csv"))
    assert result.code == 1
    assert "differs from the ULN held" in " ".join(result.out.split()) or "U4" in result.out
    assert centre.ulns("ILM-00001") == [("3465047078", "held")]


@pytest.mark.parametrize(
    "value", ["2005-02-30", "0001-01-01", "20050228", "2005-W01-1", "03/04/05", "2005-02-29", "31/13/1990", "yesterday"]
)
def test_a_day_that_is_none_is_left_out_and_holds_the_learner_back(centre, tmp_path, value):
    """A9, A10"""
    said, details, submitted = took_in(centre, tmp_path, dob=value)
    assert "date_of_birth" not in details
    assert "date_of_birth" in said
    assert value not in said
    assert submitted.code == 1
    assert centre.outbox("LRB_*.CSV") == []


@pytest.mark.parametrize(
    "born",
    [
        date.today() + timedelta(days=400),
        date.today() - timedelta(days=12 * 365),
        date.today() - timedelta(days=111 * 366),
    ],
)
def test_an_age_the_lrs_refuses_holds_the_learner_back(centre, tmp_path, born):
    """A9"""
    _said, _, submitted = took_in(centre, tmp_path, dob=born.isoformat())
    assert submitted.code == 1
    refusal = json.loads(submitted.out)["refusals"][0]
    assert (refusal["rule"], refusal["field"]) == ("D3", "date_of_birth")


def test_a_leap_day_is_a_birthday(centre, tmp_path):
    """A10"""
    _, details, submitted = took_in(centre, tmp_path, dob="2004-02-29")
    assert (details["date_of_birth"], submitted.code) == ("2004-02-29", 0)


@pytest.mark.parametrize("value", ["xx", "7", "TRUE", "10", "m/f"])
def test_a_gender_outside_the_list_is_refused_with_the_list(centre, tmp_path, value):
    """A11"""
    said, details, submitted = took_in(centre, tmp_path, gender=value)
    assert "gender" not in details
    assert "1 (male)" in said
    assert submitted.code == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [("zz99 9zz", "ZZ99 9ZZ"), ("b86xa", "B8 6XA"), ("B8  6XA", "B8 6XA"), ("bfpo123", "BFPO 123")],
)
def test_a_postcode_is_written_as_the_lrs_wants_it(centre, tmp_path, value, kept):
    """A12"""
    _, details, submitted = took_in(centre, tmp_path, postcode=value)
    assert (details["postcode"], submitted.code) == (kept, 0)
    warned = any("unknown or overseas" in words for words in json.loads(submitted.out)["warnings"])
    assert warned is (kept == "ZZ99 9ZZ")


@pytest.mark.parametrize("value", ["75001", "M1 1AC", "AB1 2IK", "D02 AF30"])
def test_a_foreign_postcode_is_refused_with_the_way_out(centre, tmp_path, value):
    """A12"""
    said, details, submitted = took_in(centre, tmp_path, postcode=value)
    assert "postcode" not in details
    assert "ZZ99 9ZZ" in said
    assert submitted.code == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("O'Brien-Łęcki", "O'Brien-Łęcki"),
        ("Zoe\u0308", "Zoë"),
        ("van der Berg", "van der Berg"),
        ("X", "X"),
        ("A" * 35, "A" * 35),
        ("-Smith", "-Smith"),
        ("Robert'); DROP TABLE learner;--", "Robert'); DROP TABLE learner;--"),
        ("%s{0}$(id)", "%s{0}$(id)"),
        ("[link=http://e]x[/link]", "[link=http://e]x[/link]"),
        ("[/oops]", "[/oops]"),
    ],
)
def test_an_unusual_name_is_stored_and_sent_as_it_is(centre, tmp_path, value, kept):
    """A13, A15 to A17: nothing is run, formatted, split or re-cased, and the machine's file holds it unaltered."""
    _, details, submitted = took_in(centre, tmp_path, family=value)
    assert (details["family_name"], submitted.code) == (kept, 0)
    assert f'"{kept}"' in sent(centre)
    assert centre.rows("SELECT count(*) FROM learner") == [(1,)]
    shown = centre.run("learner", "show", "R1")
    assert shown.code == 0
    assert kept in shown.out


HOSTILE_NAMES = [
    "An\x1b[31mn", "An\nn", "An\u202en", "An\u200bn", "   ", "Ann😀", "A" * 36, '=HYPERLINK("http://e/?"&A1)',
    "+441234", "@x", "\tTab", " =1+1", "＝1+1", "＋1", "＠x",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE_NAMES)
def test_a_hostile_name_is_left_out_and_never_reaches_screen_or_file(centre, tmp_path, value):
    """A13, A14, A15: the row says which field and what to do; the learner waits."""
    said, details, submitted = took_in(centre, tmp_path, family=value)
    assert "family_name" not in details
    assert "family_name" in said
    assert submitted.code == 1
    refused = {(r["rule"], r["field"]) for r in json.loads(submitted.out)["refusals"]}
    assert ("D1", "family_name") in refused
    assert centre.outbox("LRB_*.CSV") == []
    if value.strip():
        assert value.strip() not in said


@pytest.mark.parametrize("data", [b"R1,Ann\x00,Lee", b"R1,Ann\xed\xa0\x80,Lee", b"R1,Zo\xeb,Lee"])
def test_bytes_that_are_no_text_are_refused_with_their_place(centre, tmp_path, data):
    """A14, B2, B3"""
    path = tmp_path / "cohort.csv"
    path.write_bytes(HEADINGS.encode() + b"\r\n" + data + b",1990-01-31,2,B8 6XA,1,2,\r\n")
    untouched(centre, "cohort", "import", path, "--cohort", "C", code=4, says=("cohort.csv, line 2", "byte ", "UTF-8"))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("family_name", "=1+1", "Begins with ="),
        ("family_name", "An\x1bn", "control"),
        ("family_name", "An\u202en", "cannot be seen"),
        ("family_name", "A" * 36, "Longer than 35"),
        ("existing_uln", "1000102508", "would be 4"),
        ("existing_uln", "١٠٠٠١٠٢٥٠٤", "ten digits"),
        ("date_of_birth", "2005-02-30", "no such day"),
        ("date_of_birth", "20050228", "YYYY-MM-DD"),
        ("gender", "x", "1 (male)"),
        ("postcode", "75001", "ZZ99 9ZZ"),
        ("email", "a@b", "last dot"),
        ("nickname", "x", "fields are"),
    ],
)
def test_what_a_person_types_is_judged_like_a_sheet(at, field, value, says):
    """A1 to A15 by `learner edit`: nothing is changed, the value is not repeated."""
    result = untouched(at("gathered"), "learner", "edit", "ILM-00001", field, code=2, says=(says,), stdin=value + "\n")
    assert value not in result.err or len(value) < 3


def test_an_edit_that_is_not_utf8_is_refused(at):
    untouched(at("gathered"), "learner", "edit", "ILM-00001", "family_name", code=4, says=("UTF-8",), stdin=b"Zo\xeb\n")


def test_the_placeholder_typed_in_clears_the_number(at):
    """A3"""
    centre = at("gathered")
    centre.ok("learner", "edit", "ILM-00004", "existing_uln", stdin="9999999999\n")
    assert "9999999999" not in centre.rows("SELECT group_concat(payload) FROM personal")[0][0]
