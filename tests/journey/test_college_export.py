"""A college's own export, with a title line, a total at its end and every fault seen in such sheets."""

from __future__ import annotations

import openpyxl
import pytest

from tests.fakes.centre import DATA, Centre

EXPORT = DATA / "cohort_college_export.xlsx"
IMPORT = ("cohort", "import", EXPORT, "--cohort", "NF-2026-09", "--qualification", "8605-31")
NOT_READY = {
    "ILM-00101": "has the same five details",
    "ILM-00108": "Postcode: missing",
    "ILM-00109": "there is no such day",
    "ILM-00111": "the privacy notice has not been shown",
    "ILM-00113": "ID verification description: missing",
    "ILM-00115": "holds a formula",
    "ILM-00116": "has the same five details",
    "ILM-00119": "longer than 35 characters",
    "ILM-00120": "age on the day of submission must be 13 to 110",
}
READ_SO = {
    "ILM-00103": "kept as a number in the sheet",
    "ILM-00104": "the placeholder was read as no ULN yet",
    "ILM-00106": "put into upper case with one space",
    "ILM-00107": "unknown or abroad",
    "ILM-00110": "read day first, as the setting says; the other way round it would be another day",
    "ILM-00114": "blanks around it were removed",
    "ILM-00118": "the word was taken for code 9",
}


@pytest.fixture
def imported(centre: Centre) -> Centre:
    assert centre.run(*IMPORT).code == 1  # one row was refused
    return centre


def returned(centre: Centre) -> dict[int, dict[str, str]]:
    """The sheet that came back, by row, by heading."""
    (path,) = (centre.folder / "outbox" / "results").glob("*.xlsx")
    book = openpyxl.load_workbook(path)
    rows = list(book.active.iter_rows(values_only=True))
    book.close()
    headings = rows[3]
    return {
        number: dict(zip(headings, cells, strict=True))
        for number, cells in enumerate(rows[4:], 5)
        if cells[1] is not None
    }


def test_every_row_comes_back_with_what_was_done_and_how_to_fix_it(imported):
    rows = returned(imported)
    assert len(rows) == 30
    by_reference = {cells["Learner Ref"]: cells for number, cells in rows.items() if number != 21}
    for reference, words in NOT_READY.items():
        assert by_reference[reference]["Result"] == "Added, not ready for the LRS", reference
        assert words in by_reference[reference]["How to fix"]
    for reference, words in READ_SO.items():
        assert by_reference[reference]["Result"] == "Added", reference
        assert words in by_reference[reference]["How to fix"]
    assert by_reference["ILM-00105"]["Result"] == "Added, please check"
    assert "the check digit does not match" in by_reference["ILM-00105"]["How to fix"]
    assert rows[21]["Result"] == "Refused"
    assert "row 5 has the same one" in rows[21]["How to fix"]
    rest = by_reference.keys() - NOT_READY.keys() - READ_SO.keys() - {"ILM-00105"}
    assert {by_reference[reference]["Result"] for reference in rest} == {"Added"}


def test_the_sheet_that_comes_back_keeps_the_centres_own_cells_and_runs_nothing(imported):
    (path,) = (imported.folder / "outbox" / "results").glob("*.xlsx")
    ours, theirs = openpyxl.load_workbook(path), openpyxl.load_workbook(EXPORT)
    for mine, own in zip(ours.active.iter_rows(max_col=12), theirs.active.iter_rows(max_col=12), strict=True):
        for here, there in zip(mine, own, strict=True):
            assert here.data_type != "f"
            if there.data_type == "f":
                assert here.value is None
            else:
                assert str(here.value) == str(there.value)
    ours.close()
    theirs.close()


def test_every_finding_says_what_is_wrong_and_what_to_do(imported):
    for cells in returned(imported).values():
        if cells["Result"] != "Added":
            assert len(cells["How to fix"].splitlines()) >= 1
            assert "." in cells["How to fix"]


def test_good_rows_are_kept_beside_bad_ones_and_the_total_line_is_passed_over(centre):
    result = centre.run(*IMPORT)
    assert result.code == 1
    assert centre.states() == {"details_gathered": 29}
    assert "Row 36 passed over" in result.err
    assert "headings in row 4" in result.err
    assert "need attention before the LRS 9" in result.said


def test_nothing_is_guessed_silently(centre):
    said = centre.run(*IMPORT).said
    assert "dates like 7/4/1988 are read day first" in said
    for words in READ_SO.values():
        assert words.split(";")[0] in said
    assert centre.json("learner", "show", "ILM-00110")["details"]["Date of birth"] == "1988-04-07"


def test_a_rehearsal_finds_the_same_and_writes_nothing(centre):
    rehearsed = centre.run(*IMPORT, "--dry-run")
    assert rehearsed.code == 1
    assert "row 5 has the same one" in rehearsed.said
    assert centre.events() == 1, "only the key of the log is told"
    assert centre.files() == []
    real = centre.run(*IMPORT)
    assert real.out == rehearsed.out


def test_the_same_export_again_changes_nothing(imported):
    before = imported.events()
    again = imported.run(*IMPORT)
    assert again.code == 1  # the doubled row is still refused
    assert imported.events() == before
    assert imported.states() == {"details_gathered": 29}
    assert "learners unchanged 29" in again.said


def test_who_is_not_ready_is_refused_at_submission_by_rule_and_the_rest_goes(imported):
    made = imported.json("lrs", "submit")
    refused: dict[str, set[str]] = {}
    for one in made["refusals"]:
        refused.setdefault(one["reference"], set()).add(one["rule"])
    assert refused == {
        "ILM-00101": {"D8"},
        "ILM-00116": {"D8"},
        "ILM-00108": {"D1"},
        "ILM-00109": {"D1"},
        "ILM-00111": {"D6"},
        "ILM-00113": {"D1", "D7"},
        "ILM-00115": {"D1"},
        "ILM-00119": {"D1"},
        "ILM-00120": {"D3"},
    }
    assert set(refused) == set(NOT_READY)  # what the sheet said is what happened
    assert made["files"][0]["learners"] == 20
    assert {asked["MISIdentifier"] for asked in imported.batch()}.isdisjoint(refused)
    assert {asked["ULN"] for asked in imported.batch()} == {"", "2349325511"}


def test_what_was_put_right_goes_with_the_next_file(imported):
    imported.run("lrs", "submit")
    imported.do("learner", "edit", "ILM-00108", "postcode", stdin="b8 6xa\n")
    imported.do("learner", "edit", "ILM-00109", "date of birth", stdin="28/02/1999\n")
    imported.do("learner", "edit", "ILM-00111", "ability_to_share", stdin="yes\n")
    imported.do("learner", "edit", "ILM-00113", stdin="ID verification description: Employer letter\n")
    imported.do("learner", "edit", "ILM-00119", "family_name", stdin="Longley\n")
    imported.do("learner", "withdraw", "ILM-00116", "--reason", "duplicate")
    again = imported.run("lrs", "submit")
    assert {asked["MISIdentifier"] for asked in imported.batch()} == {
        "ILM-00101", "ILM-00108", "ILM-00109", "ILM-00111", "ILM-00113", "ILM-00119",
    }  # fmt: skip
    assert again.code == 1
    assert "ILM-00115" in again.out
    assert "ILM-00120" in again.out


def test_a_corrected_sheet_completes_its_learners_and_blanks_never_erase(imported):
    """The returned sheet, put right and given back, is an ordinary sheet."""
    (path,) = (imported.folder / "outbox" / "results").glob("*.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.active
    sheet["F12"] = "B8 6XA"
    sheet["D12"] = None
    sheet["B21"] = None
    sheet["C21"] = None
    sheet["D21"] = None
    sheet["A21"] = None
    for column in "EFGHIJKL":
        sheet[f"{column}21"] = None
    corrected = imported.folder / "corrected.xlsx"
    book.save(corrected)
    book.close()
    given_back = imported.do(
        "cohort", "import", corrected, "--cohort", "NF-2026-09", "--qualification", "8605-31", "--format", "json"
    )
    assert '"learners updated": 1' in given_back.out
    shown = imported.json("learner", "show", "ILM-00108")["details"]
    assert (shown["Postcode"], shown["Date of birth"]) == ("B8 6XA", "1975-07-25")
    made = imported.json("lrs", "submit")
    assert made["files"][0]["learners"] == 21
