"""A sheet comes in again after a person corrected what it says: news is taken, old values undo nothing."""

from __future__ import annotations

import json
import re

import openpyxl
import pytest

from tests.fakes.centre import Centre, row
from tests.journey.databases import BOTH, at

FILE = ("--cohort", "NF-1")


def sheet(centre: Centre, *rows: dict[str, str], name: str = "cohort.csv", cohort: str = "NF-1"):
    """Write a sheet and hand it in; what came of it as JSON, with the exit code."""
    path = centre.sheet(rows, name)
    result = centre.run("cohort", "import", path, "--cohort", cohort, "--format", "json")
    return {**json.loads(result.out), "code": result.code}


def fixes(centre: Centre, name: str) -> dict[str, str]:
    """What the sheet that came back says under How to fix, by reference."""
    book = openpyxl.load_workbook(centre.folder / "outbox" / "results" / name)
    headings, *rows = book.active.iter_rows(values_only=True)
    book.close()
    return {cells[0]: cells[headings.index("How to fix")] for cells in rows}


def edit(centre: Centre, reference: str, field: str, value: str) -> None:
    centre.do("learner", "edit", reference, field, stdin=f"{value}\n")


def details(centre: Centre, reference: str) -> dict[str, str]:
    return centre.json("learner", "show", reference)["details"]


OLD = (row("L-08", Privacy_notice_seen="N"), row("L-09", Family_name="Irvng"), row("L-10"))


@pytest.fixture
def corrected(centre: Centre) -> Centre:
    assert sheet(centre, *OLD)["code"] == 0
    edit(centre, "L-08", "ability_to_share", "1")
    edit(centre, "L-09", "family_name", "Irving")
    return centre


@BOTH
def test_the_same_sheet_again_undoes_no_correction_and_writes_nothing(clock, tmp_path, database):
    centre = at(tmp_path, clock, database)
    sheet(centre, *OLD)
    edit(centre, "L-08", "ability_to_share", "1")
    edit(centre, "L-09", "family_name", "Irving")
    edit(centre, "L-10", "planned_end", "2027-07-31")
    before = centre.events()
    again = sheet(centre, *OLD)
    assert (again["code"], again["counts"]) == (0, {"learners unchanged": 3})
    assert centre.events() == before
    assert details(centre, "L-09")["Family name"] == "Irving"
    assert details(centre, "L-08")["Ability to share (privacy notice)"] == "1"
    (told,) = [note for note in again["notes"] if "kept as corrected" in note]
    assert "L-08 (Ability to share (privacy notice)), L-09 (Family name), L-10 (Planned end)" in told
    assert "Irv" not in told
    centre.do("audit", "verify")


def test_each_row_says_what_was_kept_and_since_when(corrected):
    said = corrected.do("cohort", "import", corrected.folder / "cohort.csv", *FILE).said
    assert re.search(r"family_name .*Family name: kept as corrected on 2026-09-07; the sheet still has the", said)
    assert "nothing in this sheet is new" in said


def test_what_the_sheet_says_anew_is_taken_beside_what_is_kept_and_told_in_the_sheet(corrected):
    again = sheet(corrected, OLD[0], row("L-09", Family_name="Irvng", Postcode="B8 6XA"), OLD[2])
    assert again["counts"] == {"learners unchanged": 2, "learners updated": 1}
    shown = details(corrected, "L-09")
    assert (shown["Family name"], shown["Postcode"]) == ("Irving", "B8 6XA")
    said = fixes(corrected, again["files"][0]["name"])
    assert "Family name: kept as corrected on 2026-09-07" in said["L-09"]
    assert "Postcode: the value on file was another; the sheet's replaced it" in said["L-09"]


def test_news_of_the_case_is_told_where_it_replaced_another_value(centre):
    sheet(centre, row("L-01", Start=""), row("L-02"))
    edit(centre, "L-01", "planned_end", "2027-07-31")
    edit(centre, "L-02", "start", "2026-09-02")
    news = sheet(
        centre, row("L-01", Planned_end="2027-08-31"), row("L-02", Start="2026-09-03", Funded="N"), name="2.csv"
    )
    assert news["counts"] == {"learners updated": 2}
    said, replaced = fixes(centre, news["files"][0]["name"]), "the value on file was another; the sheet's replaced it"
    assert f"Planned end: {replaced}" in said["L-01"]
    assert f"Start: {replaced}" not in said["L-01"]  # there was none
    assert f"Start: {replaced}" in said["L-02"]
    assert f"Funded: {replaced}" in said["L-02"]
    assert (centre.facts("L-01")["planned_end"], centre.facts("L-02")["start"]) == ("2027-08-31", "2026-09-03")


def test_a_value_the_file_never_had_is_news_even_after_a_correction(corrected):
    again = sheet(corrected, OLD[0], row("L-09", Family_name="Irvine"), OLD[2])
    assert again["counts"]["learners updated"] == 1
    assert details(corrected, "L-09")["Family name"] == "Irvine"
    older = sheet(corrected, *OLD, name="older.csv")
    assert older["counts"] == {"learners unchanged": 3}  # a person had changed the oldest value on purpose
    assert details(corrected, "L-09")["Family name"] == "Irvine"


def test_a_sheet_that_was_put_right_and_an_old_one_after_it_change_nothing(corrected):
    right = sheet(corrected, row("L-08"), row("L-09", Family_name="Irving"), OLD[2], name="right.csv")
    assert not any("kept" in note for note in right["notes"])
    edit(corrected, "L-09", "family_name", "Irvine")
    before = corrected.events()
    for name in ("right.csv", "cohort.csv"):
        corrected.do("cohort", "import", corrected.folder / name, *FILE)
    assert corrected.events() == before


def test_what_only_sheets_changed_follows_the_last_sheet(centre):
    sheet(centre, row("L-01", Postcode="B8 6XA"))
    sheet(centre, row("L-01", Postcode="B8 6XB"), name="other.csv")
    again = sheet(centre, row("L-01", Postcode="B8 6XA"))
    assert again["counts"] == {"learners updated": 1}
    assert details(centre, "L-01")["Postcode"] == "B8 6XA"


def test_a_value_that_was_cleared_stays_cleared_and_a_column_left_out_says_nothing(centre):
    sheet(centre, row("L-01", Email="someone@example.com"))
    centre.do("learner", "edit", "L-01", "email", stdin="-\n")
    again = sheet(centre, row("L-01", Email="someone@example.com"), name="again.csv")
    assert again["counts"] == {"learners unchanged": 1}
    assert not details(centre, "L-01").get("E-mail")
    assert not any("kept" in note for note in sheet(centre, row("L-01"), name="less.csv")["notes"])


@BOTH
def test_a_learner_who_was_moved_to_another_cohort_stays_there(clock, tmp_path, database):
    centre = at(tmp_path, clock, database)
    sheet(centre, row("L-01"))
    edit(centre, "L-01", "cohort", "NF-2")
    before = centre.events()
    again = sheet(centre, row("L-01"))
    assert (again["code"], again["counts"]) == (0, {"learners unchanged": 1})
    assert "L-01 (Cohort)" in " ".join(again["notes"])
    assert centre.events() == before
    third = sheet(centre, row("L-01"), name="third.csv", cohort="NF-3")
    assert (third["code"], third["counts"]) == (1, {"rows refused": 1})


@BOTH
def test_a_corrected_qualification_stays_and_no_second_case_is_opened(clock, tmp_path, database):
    centre = at(tmp_path, clock, database)
    sheet(centre, row("Q-1"), row("Q-2"))
    edit(centre, "Q-1", "qualification", "8605-41")
    before = centre.events()
    again = sheet(centre, row("Q-1"), row("Q-2"))
    assert (again["code"], again["counts"]) == (0, {"learners unchanged": 2})
    assert "Q-1 (Qualification)" in " ".join(again["notes"])
    assert centre.events() == before
    assert centre.facts("Q-1")["qualification"] == "8605-41"
    news = sheet(centre, row("Q-1", Planned_end="2027-07-31"), name="news.csv")
    assert news["counts"] == {"learners updated": 1}
    assert (centre.facts("Q-1")["qualification"], centre.facts("Q-1")["planned_end"]) == ("8605-41", "2027-07-31")
    other = sheet(centre, row("Q-1", Qualification="8605-32"), name="other.csv")
    assert other["counts"] == {"learners added": 1}  # a qualification no case of theirs ever had


def test_a_correction_holds_in_each_qualification_of_a_learner(centre):
    both = (row("L-01"), row("L-01", Qualification="8605-32", Postcode="CV4 9EE"))
    sheet(centre, both[0])
    sheet(centre, both[1], name="second.csv", cohort="NF-2")
    edit(centre, "L-01", "postcode", "B8 6XA")
    before = centre.events()
    assert sheet(centre, both[0])["counts"] == {"learners unchanged": 1}
    assert sheet(centre, both[1], name="second.csv", cohort="NF-2")["counts"] == {"learners unchanged": 1}
    assert centre.events() == before


def test_the_past_is_looked_up_for_rows_that_differ_alone(corrected, monkeypatch):
    from states.learner.repository import Learners

    asked, own = [], Learners.history
    monkeypatch.setattr(Learners, "history", lambda self, of: own(self, asked.append(list(of)) or asked[-1]))
    corrected.do("cohort", "import", corrected.folder / "cohort.csv", *FILE)
    assert [len(learners) for learners in asked] == [2]
