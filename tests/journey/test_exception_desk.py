"""The desk where a person decides: candidates side by side, decisions given to somebody, held, and made for many."""

from __future__ import annotations

from dataclasses import replace

import openpyxl
import pytest

from states.exchange.lrs.plug import LrsFiles
from tests.fakes.centre import Centre, uln

HEADINGS = "ULN,Given name,Family name,Date of birth,Gender,Postcode"
RIGHT = f"{uln(11)},Robin,Ofb,1990-01-31,F,CV4 9EE"
MOVED = f"{uln(12)},Robyn,Ofb,31/01/1990,F,CV4 8UW"
OTHER = f"{uln(13)},Hans,Zimmer,1957-09-12,M,M1 1AE"
WHY = ("--reason", "compared with the passport")


def waiting(centre: Centre, *references: str, code: str = "RC008") -> None:
    """Learners whose answer a person must decide about."""
    centre.enrol(*references)
    assert centre.ask_lrs(dict.fromkeys(references, ("", code))).code == 0


def candidates(centre: Centre, *rows: str, reference: str = "L-1", name: str = "candidates.csv"):
    path = centre.folder / name
    path.write_text("\n".join([HEADINGS, *rows, ""]), "utf-8")
    return centre.run("exception", "candidates", reference, path)


def kept(centre: Centre, text: str = uln(11)) -> bool:
    """Whether a candidate's number stands anywhere in the database."""
    return centre.holds(text)


# --- side by side ---------------------------------------------------------------------------------------------------


def test_candidates_stand_beside_the_learner_best_first_with_what_differs(centre):
    waiting(centre, "L-1")
    assert candidates(centre, OTHER, MOVED, RIGHT).code == 0
    shown = centre.json("exception", "show", "L-1")
    assert [one["number"] for one in shown["Candidates"]] == [3, 2, 1]
    best, second, last = shown["Candidates"]
    assert (best["percent"], best["differs"], best["ULN"]) == (100, [], uln(11))
    assert second["differs"] == ["given_name", "postcode"]
    assert 80 < second["percent"] < 100
    assert last["differs"] == ["given_name", "family_name", "date_of_birth", "gender", "postcode"]
    assert last["percent"] < 60
    table = centre.do("exception", "show", "L-1").said
    assert "candidate 3" in table
    assert "differs: Robyn" in table
    assert "100 %" in table
    assert "--candidate NUMBER" in table


def test_choosing_by_number_needs_no_typing_and_says_what_differed(centre):
    waiting(centre, "L-1")
    candidates(centre, OTHER, MOVED)
    centre.do("exception", "resolve", "L-1", "--decision", "existing", "--candidate", "2", *WHY)
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(12))
    history = centre.do("audit", "history", "L-1", "--format", "json").out
    assert "candidate 2 of 2" in history
    assert not kept(centre, uln(13))
    centre.do("audit", "verify")


def test_candidates_are_gone_once_the_exception_is_decided_or_left(centre):
    waiting(centre, "L-1", "L-2", "L-3", "L-4")
    for reference in ("L-1", "L-2", "L-3", "L-4"):
        candidates(centre, OTHER, reference=reference)
        assert len(centre.json("exception", "show", reference)["Candidates"]) == 1
    centre.do("exception", "resolve", "L-1", "--decision", "again", *WHY)
    centre.do("exception", "resolve", "L-2", "--decision", "new", *WHY, stdin=uln(2))
    centre.do("learner", "withdraw", "L-3", "--reason", "left_course")
    assert kept(centre, uln(13))
    centre.do("advance", "withdraw", "L-4", "--reason", "left_course", "--dry-run")
    assert kept(centre, uln(13))
    centre.do("advance", "withdraw", "L-4", "--reason", "left_course")
    assert not kept(centre, uln(13))
    assert not kept(centre, "Zimmer")
    assert "not an LRS exception" in candidates(centre, OTHER, reference="L-2").said


def test_the_same_list_changes_nothing_and_a_number_never_means_another(centre):
    waiting(centre, "L-1")
    candidates(centre, MOVED, OTHER)
    before = centre.events()
    assert "nothing was changed" in candidates(centre, MOVED, OTHER).said
    assert centre.events() == before
    assert "forgotten 1" in candidates(centre, OTHER, RIGHT).said
    assert {one["number"]: one["ULN"] for one in centre.json("exception", "show", "L-1")["Candidates"]} == {
        2: uln(13),
        3: uln(11),
    }
    gone = centre.refused("exception", "resolve", "L-1", "--decision", "existing", "--candidate", "1", *WHY)
    assert "has no candidate 1" in gone.said
    wrong = centre.refused("exception", "resolve", "L-1", "--decision", "new", "--candidate", "2", *WHY)
    assert "--decision existing" in wrong.said
    assert centre.state("L-1") == "lrs_exception"


def test_candidates_may_be_typed_or_come_as_a_workbook(centre):
    waiting(centre, "L-1", "L-2")
    centre.do("exception", "candidates", "L-1", stdin=f"{HEADINGS}\n{RIGHT}\n")
    assert centre.json("exception", "show", "L-1")["Candidates"][0]["percent"] == 100
    book = openpyxl.Workbook()
    book.active.append(["Unique learner number", "Forename", "Surname", "DOB", "Sex", "Post code"])
    book.active.append([int(uln(13)), "Hans", "Zimmer", "1957-09-12", "M", "M1 1AE"])
    book.save(centre.folder / "portal.xlsx")
    centre.do("exception", "candidates", "L-2", centre.folder / "portal.xlsx")
    assert centre.json("exception", "show", "L-2")["Candidates"][0]["ULN"] == uln(13)


def test_who_holds_a_candidates_number_here_is_said_and_it_cannot_be_chosen(centre):
    """A7"""
    centre.enrol("L-2")
    assert centre.ask_lrs({"L-2": uln(11)}).code == 0
    centre.days(1)
    waiting(centre, "L-1")
    candidates(centre, RIGHT)
    assert centre.json("exception", "show", "L-1")["Candidates"][0]["known here"] == "held by L-2"
    refused = centre.run("exception", "resolve", "L-1", "--decision", "existing", "--candidate", "1", *WHY)
    assert refused.code == 1
    assert "L-2 holds this ULN" in refused.said
    assert uln(11) not in refused.said
    assert centre.state("L-1") == "lrs_exception"
    assert len(centre.json("exception", "show", "L-1")["Candidates"]) == 1


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (["1000102508,Robin,Ofb,1990-01-31,F,CV4 9EE"], "line 2, ULN: the check digit does not match"),
        ([RIGHT, RIGHT], "line 3, ULN: it is the ULN of row 2 too"),
        ([",Robin,Ofb,1990-01-31,F,CV4 9EE"], "line 2, ULN: there is no ULN"),
        (["9999999999,Robin,Ofb,1990-01-31,F,CV4 9EE"], "line 2, ULN: there is no ULN"),
        ([f"{uln(11)},Robin,=Ofb,1990-01-31,F,CV4 9EE"], "line 2, Family name: begins with"),
        ([f"{uln(11)},Robin,Ofb,1990-02-31,F,CV4 9EE"], "line 2, Date of birth: there is no such day"),
        ([f"{uln(11)},Robin,Ofb,1990-01-31,Q,CV4 9EE"], "line 2, Gender: not a gender code"),
        ([f"{uln(11)},Robin,Ofb,1990-01-31,F,75001"], "line 2, Postcode: not a UK postcode"),
        ([f"{uln(11)},Robin,Ofb,1990-01-31,F,CV4 9EE,more"], "line 2: the row has more cells"),
        ([f"{uln(11)},,,,,"], "line 2: there are no details"),
        ([f"{uln(n)},Robin,Ofb,1990-01-31,F,CV4 9EE" for n in range(51)], "more than 50 rows"),
    ],
)
def test_a_list_with_a_value_that_cannot_be_right_is_refused_whole(centre, rows, says):
    """B3: file, row, column, rule and fix, nobody's value, nothing kept."""
    waiting(centre, "L-1")
    before = centre.events()
    refused = candidates(centre, OTHER, *rows) if len(rows) > 50 else candidates(centre, *rows)
    assert refused.code == 4
    assert "candidates.csv" in refused.said
    assert says in refused.said
    assert "Ofb" not in refused.said
    assert centre.events() == before
    assert centre.json("exception", "show", "L-1")["Candidates"] == []


@pytest.mark.parametrize("text", ["", "Name,DOB\nRobin,1990-01-31\n", f"{HEADINGS},Surname\n"])
def test_a_list_without_its_headings_is_refused(centre, text):
    waiting(centre, "L-1")
    assert centre.run("exception", "candidates", "L-1", stdin=text).code == 4


# --- given to somebody, held ----------------------------------------------------------------------------------------


def test_a_decision_is_given_to_a_person_and_the_list_filters_by_it(centre):
    waiting(centre, "L-1", "L-2", "L-3")
    centre.do("exception", "assign", "L-1", "L-2", "--to", "Bo Example")
    centre.do("exception", "assign", "L-3", "--to", "Ann Example")
    assert [one["reference"] for one in centre.json("exception", "list", "--to", "Bo Example")] == ["L-1", "L-2"]
    assert [one["reference"] for one in centre.json("exception", "list", "--mine")] == ["L-3"]
    assert "Bo Example" in centre.do("exception", "show", "L-1").said
    before = centre.events()
    assert "nothing changed 1" in centre.do("exception", "assign", "L-1", "--to", "Bo Example").said
    assert centre.events() == before
    centre.do("exception", "assign", "L-1", "--to", "Ann Example")
    assert {one["assigned"] for one in centre.json("exception", "list", "--mine")} == {"Ann Example"}
    assert "given to Ann Example" in centre.do("audit", "history", "L-1", "--format", "json").out
    centre.enrol("L-9")
    assert "no decision waits" in centre.refused("exception", "assign", "L-9", "--to", "Ann Example").said
    for nobody in ("", "root", "\x1b[31m"):
        assert centre.refused("exception", "assign", "L-1", "--to", nobody).code == 4
    assert "say who" in centre.refused("exception", "assign", "--to", "Ann Example").said


def test_an_assignment_ends_with_its_exception(centre):
    waiting(centre, "L-1")
    centre.do("exception", "assign", "L-1", "--to", "Bo Example")
    centre.do("exception", "resolve", "L-1", "--decision", "again", *WHY)
    centre.days(1)
    assert centre.ask_lrs({"L-1": ("", "RC009")}).code == 0
    (row,) = centre.json("exception", "list")
    assert (row["code"], row["assigned"]) == ("RC009", "")


def test_a_data_challenge_holds_the_learner_with_its_reference_and_age(centre):
    waiting(centre, "L-1")
    centre.do("exception", "challenge", "L-1", "--reference", "LRS-77", "--reason", "two records of one person")
    centre.days(7)
    (row,) = centre.json("exception", "list")
    assert (row["challenge"], row["working_days"]) == ("LRS-77", 5)
    held = "data challenge LRS-77 at the LRS since 2026-09-07 (5 working days)"
    assert held in row["meaning"]
    why = centre.json("learner", "why", "L-1")
    assert (held in why["answer"], why["waits_for"]) == (True, "LRS")
    centre.days(1)
    stuck = [one for one in centre.json("stuck")["rows"] if one["reference"] == "L-1"]
    assert [(one["owner"], "LRS-77" in " ".join(one["why"])) for one in stuck] == [("LRS", True)]
    before = centre.events()
    centre.do("exception", "challenge", "L-1", "--reference", "LRS-77")
    assert centre.events() == before
    centre.do("exception", "resolve", "L-1", "--decision", "existing", *WHY, stdin=uln(1))
    assert centre.json("exception", "list") == []
    assert "LRS-77" not in centre.do("learner", "why", "L-1").said
    centre.do("audit", "verify")


def test_two_ulns_for_one_person_are_held_where_the_learner_stands(centre):
    """A8: the first number stays, the second goes to a person, the challenge is followed by its reference."""
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("lrs", "submit", "L-1")
    assert centre.run("lrs", "receive", centre.reply({"L-1": uln(2)}, name="second.csv")).code == 1
    assert "give the LRS's reference" in centre.refused("exception", "challenge", "L-1").said
    centre.do("exception", "challenge", "L-1", "--reference", "LRS-78")
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert centre.json("learner", "show", "L-1")["ulns"] == [
        {"uln": uln(1), "status": "held"},
        {"uln": uln(2), "status": "answered"},
    ]
    assert centre.json("exception", "show", "L-1")["ULNs answered"] == uln(2)
    assert centre.json("exception", "list")[0]["challenge"] == "LRS-78"
    centre.days(10)
    why = [" ".join(one["why"]) for one in centre.json("stuck")["rows"] if one["kind"] == "owed"]
    assert ["LRS-78" in words for words in why] == [True]
    centre.do("exception", "resolve", "L-1", "--decision", "existing", *WHY, stdin=uln(2))
    assert centre.ulns("L-1") == [(uln(1), "merged"), (uln(2), "held")]
    assert centre.json("exception", "list") == []


def test_nothing_is_held_where_nothing_waits(centre):
    centre.enrol("L-1")
    assert "not an LRS exception" in centre.refused("exception", "challenge", "L-1", "--reference", "LRS-1").said
    named = centre.refused("exception", "challenge", "L-1", "--reference", uln(1)).said
    assert "goes into the log" in named


# --- many at once ---------------------------------------------------------------------------------------------------


def test_equal_causes_are_decided_at_once_and_each_on_its_own(centre):
    centre.enrol("L-1", "L-2", "L-3", "L-4")
    answers = {"L-1": ("", "RC006"), "L-2": ("", "RC006"), "L-3": ("", "RC008"), "L-4": uln(4)}
    assert centre.ask_lrs(answers).code == 0
    again = ("exception", "resolve", "--decision", "again", "--reason", "postcodes completed")
    assert "say who" in centre.refused(*again).said
    done = centre.do(*again, "--code", "rc006", "--all")
    assert "will be asked about again 2" in done.said
    for spelled in ("RC006", "rc06", "RC6"):
        assert {one["reference"] for one in centre.json("exception", "list", "--code", spelled)} == {"L-1", "L-2"}
    assert [r for r in ("L-1", "L-2", "L-3") if centre.facts(r).get("decision") == "again"] == ["L-1", "L-2"]
    before = centre.events()
    assert "as decided before" in centre.do(*again, "--code", "RC006", "--all").said
    assert centre.events() == before
    some = centre.run(*again, "L-3", "L-4")
    assert some.code == 1
    assert "will be asked about again 1" in some.said
    assert "L-4 is not an LRS exception" in some.said
    listed = centre.folder / "who.txt"
    listed.write_text("L-3\n", "utf-8")
    assert "as decided before" in centre.do(*again, "--list", listed).said
    assert centre.json("lrs", "submit")["counts"]["ready for the LRS"] == 3
    centre.do("audit", "verify")


def test_existing_and_new_are_decided_one_by_one(centre):
    waiting(centre, "L-1", "L-2")
    for words in (("L-1", "L-2", "--decision", "existing"), ("--all", "--decision", "new")):
        assert "one by one" in centre.refused("exception", "resolve", *words, *WHY, stdin=uln(1)).said
    assert "--reason" in centre.refused("exception", "resolve", "--all", "--decision", "again").said
    rehearsed = centre.do("exception", "resolve", "--all", "--decision", "again", *WHY, "--dry-run")
    assert "will be asked about again 2" in rehearsed.said
    assert "decision" not in centre.facts("L-1")


# --- what a verification found different ----------------------------------------------------------------------------


def test_what_a_verification_found_different_is_said_wherever_the_answer_is(centre, monkeypatch):
    read = LrsFiles.read_reply

    def with_differences(self, path):
        reply = read(self, path)
        return replace(reply, rows=tuple(replace(r, differs=("given name", "date of birth")) for r in reply.rows))

    monkeypatch.setattr(LrsFiles, "read_reply", with_differences)
    waiting(centre, "L-1", code="WSVRC003")
    words = "Different: given name, date of birth."
    assert words in centre.json("exception", "list")[0]["meaning"]
    assert words in centre.json("exception", "show", "L-1")["Answer"]
    assert words in centre.json("learner", "why", "L-1")["answer"]
    assert "different: given name, date of birth" in centre.do("audit", "history", "L-1", "--format", "json").out
