"""People kept to cohorts: whatever they ask of another cohort is refused, told to the log, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import time_machine

from cli.people import NEEDS
from states.vocabulary import MESSAGE, REGISTRATION
from tests.fakes.bodies import csv_file
from tests.fakes.centre import MONDAY, Centre, family_name, row, uln
from tests.house.test_commands import COMMANDS
from tests.journey.staffed import ANN, by, denied, staff


def two_cohorts(centre: Centre) -> Centre:
    """A learner of NF-1, and learners of NF-2 at each place of the route: gathered, prepared, to decide, told."""
    staff(centre, '[rules]\nI2 = "warn"\n')
    centre.enrol("A-1")
    centre.enrol("B-12", "B-13", "B-14", cohort="NF-2")
    centre.ask_lrs({"A-1": uln(1), "B-12": ("", "RC008"), "B-13": uln(3), "B-14": uln(4)})
    centre.do("uln", "pass", "B-14")
    centre.do("uln", "told", "B-14", "--how", "email")
    centre.do("ilm", "register", "B-14", "--reason", "first of all")
    centre.do("uln", "pass", "B-13")
    centre.enrol("B-15", cohort="NF-2")
    centre.do("lrs", "submit", "B-15")
    centre.enrol("B-11", cohort="NF-2")
    return centre


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One centre for everything that changes nothing."""
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = two_cohorts(Centre(tmp_path_factory.mktemp("kept") / "centre", clock).init())
        with centre.typing("Bea Example"):
            centre.do("cohort", "waive", "NF-2", "--reason", "the window closes on Friday")
        csv_file(centre.folder / "mismatches.csv", [{"Reference": "B-14", "Error": "surname"}])
        centre.do("ilm", "confirm", "B-14", "--order", "WG-1")
        yield staff(centre)


SHEET, FILE, MESSAGES, ORDER, LIST = "SHEET", "FILE", "MESSAGES", "ORDER", "LIST"
WHY = ("--reason", "x")
MATRIX: dict[str, tuple[tuple[str, ...], str]] = {
    "advance": (("confirm_match", "B-13", "-e", "reference=1"), ""),
    "advance # cohort": (("confirm_match", "--cohort", "NF-2", "-e", "reference=1"), ""),
    "cohort import": ((SHEET, "--cohort", "NF-2"), ""),
    "cohort import # preview": ((SHEET, "--cohort", "NF-2", "--preview"), ""),
    "cohort waive": (("NF-2", *WHY), ""),
    "lrs submit": (("B-11",), ""),
    "lrs submit # rehearsed": (("B-11", "--dry-run"), ""),
    "lrs submit # cohort": (("--cohort", "NF-2"), ""),
    "lrs sent": ((FILE,), ""),
    "lrs answer": (("B-15", "--code", "RC001"), f"{uln(5)}\n"),
    "lrs reject": ((FILE, *WHY), ""),
    "lrs recall": (("B-15", *WHY), ""),
    "uln pass": (("B-13", "--again"), ""),
    "uln send": (("B-13",), ""),
    "uln told": (("B-13", "--how", "email"), ""),
    "uln told # set": (("--dispatch", MESSAGES, "--how", "email"), ""),
    "uln not-told": (("B-14", "--evidence", "bounce"), ""),
    "uln wrong": (("B-14", *WHY, "--evidence", "x"), ""),
    "ilm register": (("B-13", *WHY), ""),
    "ilm confirm": (("B-14", "--order", "WG-1"), ""),
    "ilm reject": ((ORDER, *WHY), ""),
    "ilm exception": (("B-14", "--evidence", "x"), ""),
    "ilm reconcile": (("mismatches.csv", "--cohort", "NF-2"), ""),
    "ilm resolve": (("B-14", "--evidence", "x"), ""),
    "ilm results": (("B-14", "--reference", "R-1"), ""),
    "lar create": (("B-14", "--prepare"), ""),
    "lar cross-reference": (("B-14", "--prepare"), ""),
    "lar confirm": (("B-14", "--by", "ilm", "--reference", "L-1"), ""),
    "enrolment reconcile": ((SHEET, "--cohort", "NF-2"), ""),
    "route alternative": (("B-11", *WHY, "--yes"), ""),
    "exception show": (("B-12",), ""),
    "exception candidates": (("B-12", "-"), f"ULN,Given name,Family name,Date of birth\n{uln(9)},Ann,Lee,1990-01-31\n"),
    "exception assign": (("B-12", "--to", ANN), ""),
    "exception challenge": (("B-12", "--reference", "LRS-77"), ""),
    "exception resolve": (("B-12", "--decision", "existing", *WHY), f"{uln(9)}\n"),
    "exception resolve # again": (("--list", LIST, "--decision", "again", *WHY), ""),
    "dispatch mark-sent": ((FILE,), ""),
    "dispatch reject": ((FILE, *WHY), ""),
    "duty close": (("B-14", "tell_learner", "--evidence", "x"), ""),
    "learner show": (("B-11",), ""),
    "learner why": (("B-11",), ""),
    "learner edit": (("B-11", "postcode"), "B1 1AA\n"),
    "learner edit # to another": (("A-1", "cohort"), "NF-2\n"),
    "learner withdraw": (("B-11", "--reason", "left_course"), ""),
    "learner reinstate": (("B-11", *WHY), ""),
    "learner close": (("B-11", "--reason", "overseas"), ""),
    "learner reopen": (("B-11", *WHY), ""),
    "learner correct": (("EVENT", "--reason", "wrong_learner"), ""),
    "learner erase": (("B-11", "--basis", "unlawful", "--yes"), ""),
    "learner disclose": (("B-11", "--to", "out"), ""),
    "retention hold": (("B-11", "--reason", "claim"), ""),
    "retention lift": (("B-11",), ""),
    "audit history": (("B-11", "--reasons"), ""),
    "audit pack": (("--with-names", "--learner", "B-11"), ""),
    "audit pack # cohort": (("--with-names", "--cohort", "NF-2"), ""),
    "audit pack # everybody": (("--with-names", "--since", "2026-09-01"), ""),
    "approve EVENT": (("REQUEST",), ""),
    "approve EVENT # refused": (("REQUEST", "--refuse", *WHY), ""),
}
ELSEWHERE = {
    "approve": "lists requests, the words of others' left out: test_the_words_of_a_request",
    "learner find": "finds nobody of others: test_who_is_searched_for",
    "lrs receive": "refuses rows: test_kept_files.test_a_reply",
    "ilm mismatches": "refuses rows: test_kept_files.test_a_mismatch_report",
    "uln bounced": "refuses reports: test_kept_files.test_a_report",
    "lar reject": "refuses a file, as lrs reject does: test_kept_files.test_a_file_of_the_lar_system",
    "retention apply": "refuses learners: test_kept_files.test_who_is_due",
}
"""Commands that refuse in a way of their own -> how, and where that is tested."""
ABOUT_NOBODY = {w for w in NEEDS if w.split()[0] in {"keys", "db"}}


def test_no_command_that_changes_or_shows_learners_is_missing_here():
    tried = {key.partition(" #")[0] for key in MATRIX}
    wanted = {words for words in COMMANDS if NEEDS[words] in {"see", "work"}}
    assert wanted - tried - ABOUT_NOBODY - ELSEWHERE.keys() == set()


@pytest.mark.parametrize("key", MATRIX)
def test_an_operator_of_another_cohort_is_refused_and_the_attempt_is_in_the_log(shared, key):
    """E9"""
    more, typed = MATRIX[key]
    named = {FILE: shared.dispatches("lrs_batch")[-1][0], MESSAGES: shared.dispatches(MESSAGE)[-1][0]}
    named |= {ORDER: shared.dispatches(REGISTRATION)[-1][0], LIST: str(shared.folder / "list.txt")}
    named[SHEET] = str(shared.sheet([row("B-18", Cohort="NF-2")], "sheet.csv"))
    Path(named[LIST]).write_text("B-12\n", "utf-8")
    with shared.typing("Bea Example"):
        named["REQUEST"] = str(shared.json("approve")[0]["request"])
        events = shared.json("audit", "events", "--learner", "B-13", "--kind", "moved")
    named["EVENT"] = str(events[-1]["position"])
    words = [*key.partition(" #")[0].removesuffix(" EVENT").split(), *(named.get(word, word) for word in more)]
    before, told, files = shared.states(), denied(shared), shared.files()
    facts = [shared.standing(name) for name in ("A-1", "B-11", "B-12", "B-13", "B-14", "B-15")]
    result = by(shared, ANN, *words, stdin=typed)
    assert result.code == 4, result.said
    assert result.out == ""
    said = " ".join(result.err.split())
    assert "NF-2" in said
    assert "kept to NF-1, NF-3" in said
    assert "for Bea Example" in said
    assert "[people] in ulnflow.toml" in said
    assert not [n for n in range(1, 20) if uln(n) in result.err or f"{family_name(n)} " in result.err]
    assert (shared.states(), shared.files()) == (before, files)
    assert [shared.standing(name) for name in ("A-1", "B-11", "B-12", "B-13", "B-14", "B-15")] == facts
    (fresh,) = denied(shared)[len(told) :]
    assert fresh["who"] == ANN
    assert "of cohort NF-2" in fresh["what"]


@pytest.mark.parametrize(
    "words",
    [
        ("today",), ("status",), ("status", "--learners"), ("stuck",), ("cohort", "list"), ("audit", "history", "B-11"),
        ("audit", "events", "--all"), ("audit", "verify"), ("audit", "ask", "Q1", "--learner", "B-11"), ("dispatch", "list"),
        ("dispatch", "show", "1"), ("exception", "list"), ("duty", "list"), ("audit", "pack", "--learner", "B-11"),
        ("approve",), ("learner", "show", "A-1"), ("learner", "why", "A-1"),
    ],
)  # fmt: skip
def test_where_learners_stand_is_open_to_all(shared, words):
    told = len(denied(shared))
    assert by(shared, ANN, *words).code in {0, 1}
    assert len(denied(shared)) == told


def test_the_words_of_a_request_are_for_who_has_the_cohort(shared):
    waits = json.loads(by(shared, ANN, "approve", "--format", "json").out)
    assert [(one["reason"], one["note"]) for one in waits] == [("stated", "")]
    waits = json.loads(by(shared, "Bea Example", "approve", "--format", "json").out)
    assert [(one["reason"], one["note"]) for one in waits] == [("stated", "the window closes on Friday")]


def test_who_is_searched_for_is_found_among_ones_own(shared):
    assert "A-1" in by(shared, ANN, "learner", "find", stdin=f"{family_name(1)}\n").out
    assert "B-13" not in by(shared, ANN, "learner", "find", stdin=f"{uln(3)}\n").out
    assert "B-13" in by(shared, "Cy Example", "learner", "find", stdin=f"{uln(3)}\n").out
