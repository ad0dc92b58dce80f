"""A tidy cohort, command by command, from the sheet to the updated record."""

from __future__ import annotations

import pytest
import time_machine

from tests.fakes.centre import DATA, MONDAY, Centre, uln

SHEET, REPLY = DATA / "cohort_tidy.csv", DATA / "lrb_reply_tidy.csv"
HARD = ("ILM-00011", "ILM-00016", "ILM-00021")


def nine_commands(centre: Centre) -> None:
    centre.do("cohort", "import", SHEET, "--cohort", "NF-1", "--funded")
    centre.do("lrs", "submit")
    centre.do("lrs", "receive", REPLY)
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("cohort", "waive", "NF-1", "--reason", "three answers are still owed by the LRS")
    centre.agree()
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "WG-1", "--all")
    centre.do("lar", "confirm", "--by", "ilm", "--reference", "LAR-1", "--all")


def test_nine_commands_bring_everyone_the_lrs_answered_to_the_end(centre):
    nine_commands(centre)
    assert centre.states() == {"lar_updated": 21, "lrs_exception": 3}
    assert {centre.state(reference) for reference in HARD} == {"lrs_exception"}
    centre.do("audit", "verify")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nine_commands_do_the_same_on_either_database(database, tmp_path):
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = Centre(tmp_path / "centre", clock, on=database).init()
        nine_commands(centre)
        assert centre.states() == {"lar_updated": 21, "lrs_exception": 3}
        centre.do("audit", "verify")
        assert (centre.folder / "ulnflow.db").exists() == (database == "sqlite")


def test_the_three_exceptions_follow_once_a_person_decided_each(centre):
    nine_commands(centre)
    listed = {one["reference"]: one for one in centre.json("exception", "list")}
    assert {reference: listed[reference]["code"] for reference in HARD} == dict(
        zip(HARD, ("RC006", "RC008", "RC011"), strict=True)
    )
    # RC006: the portal, searched by hand, found nobody: a new learner was declared there.
    centre.do(
        "exception", "resolve", "ILM-00011", "--decision", "new", "--reason", "nobody alike in the portal", stdin=uln(1)
    )
    # RC008: one of the candidates is this learner.
    centre.do(
        "exception", "resolve", "ILM-00016", "--decision", "existing", "--reason", "passport compared", stdin=uln(2)
    )
    # RC011: the e-mail was mistyped; corrected, and the LRS is asked again.
    centre.do("learner", "edit", "ILM-00021", "email", stdin="glen.patel@example.com\n")
    centre.do("exception", "resolve", "ILM-00021", "--decision", "again", "--reason", "e-mail corrected")
    centre.ask_lrs({"ILM-00021": uln(3)})
    assert {centre.state(reference) for reference in HARD} == {"uln_received"}
    assert [centre.held(reference) for reference in HARD] == [uln(1), uln(2), uln(3)]

    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "letter", "--all")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "WG-2", "--all")
    centre.do("lar", "confirm", "--by", "ilm", "--reference", "LAR-2", "--all")
    assert centre.states() == {"lar_updated": 24}
    assert centre.json("duty", "list") == []
    centre.do("audit", "verify")


def test_the_same_sheet_and_the_same_reply_again_change_nothing(centre):
    nine_commands(centre)
    before = centre.events()
    again = centre.do("cohort", "import", SHEET, "--cohort", "NF-1", "--funded")
    assert "nothing in this sheet is new" in again.said
    twice = centre.do("lrs", "receive", REPLY)
    assert "received before" in twice.said
    assert centre.events() == before
    assert centre.states() == {"lar_updated": 21, "lrs_exception": 3}


def test_every_command_said_again_changes_nothing(centre):
    """Safe to run twice: an interrupted morning is repeated from the top."""
    nine_commands(centre)
    before = centre.events()
    for words in (
        ("lrs", "submit"),
        ("uln", "pass"),
        ("uln", "told", "--how", "email", "--all"),
        ("cohort", "waive", "NF-1", "--reason", "again"),
        ("ilm", "register"),
        ("ilm", "confirm", "--order", "WG-1", "--all"),
        ("lar", "confirm", "--by", "ilm", "--reference", "LAR-1", "--all"),
    ):
        centre.do(*words)
    assert centre.events() == before


def test_a_dry_run_of_any_command_leaves_no_event_and_no_file(centre):
    """Each step is rehearsed just before it is done."""
    steps = (
        ("cohort", "import", SHEET, "--cohort", "NF-1", "--funded"),
        ("lrs", "submit"),
        ("lrs", "receive", REPLY),
        ("uln", "pass"),
        ("uln", "told", "--how", "email", "--all"),
        ("cohort", "waive", "NF-1", "--reason", "not everyone answers"),
        ("ilm", "register"),
        ("ilm", "confirm", "--order", "WG-1", "--all"),
        ("lar", "confirm", "--by", "ilm", "--reference", "LAR-1", "--all"),
    )
    for words in steps:
        before = centre.events(), centre.files()
        centre.do(*words, "--dry-run")
        assert (centre.events(), centre.files()) == before, words
        centre.do(*words)
        if words[:2] == ("cohort", "waive"):
            centre.agree()
    assert centre.states()["lar_updated"] == 21


def test_the_trail_of_a_learner_reads_as_a_story(centre):
    nine_commands(centre)
    batch = centre.batches()[0].name
    lines = centre.json("audit", "history", "ILM-00001")["lines"]
    assert [line["what"] for line in lines] == [
        "Details gathered, from cohort sheet (number 1), row 2, for the cohort NF-1, for qualification 8605-11.",
        f"File {batch} (batch file for the LRS) was prepared, with 24 learners.",
        f"Sent to the LRS in file {batch}, row 1; proved by the reply of the LRS (number 3).",
        "The LRS answered RC001: ULN received (reply of the LRS (number 3), row 1).",
        "File D4-messages.csv (messages to learners) was prepared, with 21 learners.",
        "Told the ULN by e-mail, by Ann Example.",
        "The cohort NF-1 need not wait for its last learner. A reason was stated.",
        "File D5-ilm-generic-funded.csv (registration file for ILM) was prepared, with 21 learners.",
        "Registered with ILM (order WG-1), file D5-ilm-generic-funded.csv, row 1.",
        "The LAR was updated by ILM (reference LAR-1).",
    ]
    told = centre.json("audit", "history", "ILM-00001", "--reasons")["lines"]
    assert any('In words: "' in line["what"] for line in told)
    assert {line["who"] for line in lines} == {"Ann Example", "Bea Example, who approved"}
    said = centre.do("audit", "history", "ILM-00001").said
    for personal in ("Pearson", "Brandon", "1972", "B21", "3465047078", "dylan35"):
        assert personal not in said


def test_the_board_the_stuck_list_and_today_agree_about_who_waits(centre):
    nine_commands(centre)
    board = {line["state"]: line["learners"] for line in centre.json("status")}
    assert board == {"lar_updated": 21, "lrs_exception": 3}
    assert centre.run("stuck").code == 0
    centre.days(14)
    late = centre.run("stuck")
    assert late.code == 1
    for reference in HARD:
        assert reference in late.out
    assert "ulnflow exception list" in centre.do("today").said


def test_a_day_that_is_still_to_come_is_no_day_to_stand_somewhere(centre):
    centre.enrol("L-1")
    for more in ((), ("--recorded",), ("--learners",)):
        refused = centre.refused("status", "--at", "2026-09-08", *more)
        assert refused.code == 2
        assert "still to come; today is 2026-09-07" in refused.said
    centre.do("status", "--at", "2026-09-07")
