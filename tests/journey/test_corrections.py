"""Entries that were untrue when recorded: voided by two people, folded anew, and what others were told owed."""

from __future__ import annotations

from pathlib import Path

import time_machine

from tests.fakes.centre import MONDAY, Centre, uln
from tests.journey.databases import BOTH, at


def entry(centre: Centre, reference: str, words: str) -> int:
    """The number of the last entry of a learner that says this."""
    lines = centre.json("audit", "history", reference)["lines"]
    return [line["position"] for line in lines if words in line["what"]][-1]


def correct(centre: Centre, number: int, *more: str, reason: str = "wrong_learner") -> None:
    """Ann asks, Bea agrees; the log holds."""
    centre.do("learner", "correct", str(number), "--reason", reason, *more)
    centre.agree()
    centre.do("audit", "verify")


def told(centre: Centre) -> Centre:
    centre.enrol("R1", "R2")
    centre.ask_lrs({"R1": uln(1), "R2": uln(2)})
    centre.do("uln", "told", "R1", "R2", "--how", "in_person")
    return centre


def registered(centre: Centre) -> Centre:
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "WG-1", "--all")
    return centre


def test_a_learner_who_was_never_told_waits_to_be_told_again(centre):
    told(centre)
    correct(centre, entry(centre, "R1", "Told the ULN"))
    assert centre.state("R1") == "uln_received"
    assert "told_uln" not in centre.facts("R1")
    assert (centre.state("R2"), centre.duties("R1")) == ("uln_passed_to_learner", set())
    centre.do("uln", "told", "R1", "--how", "letter")
    assert centre.state("R1") == "uln_passed_to_learner"
    centre.do("audit", "verify")


def test_nothing_is_done_before_another_agrees_and_the_case_says_what_waits(centre):
    told(centre)
    number = entry(centre, "R1", "Told the ULN")
    before = centre.standing("R1")
    assert "ulnflow approve" in centre.do("learner", "correct", number, "--reason", "wrong_learner").said
    assert centre.standing("R1") == before
    assert "correction waits for approval since" in centre.do("learner", "why", "R1").said
    assert "correction waits for approval since" not in centre.do("learner", "why", "R2").said
    assert "waits for approval" in centre.do("today").said
    (line,) = centre.json("approve")
    what = "2026-09-07: Told the ULN in person, by Ann Example"
    assert line["asks_to"] == f"void of R1, as untrue when recorded: entry {number} ({what})"
    centre.agree()
    assert "waits for approval" not in centre.do("today").said


def test_later_entries_that_rest_on_it_are_named_or_voided_with_it(centre):
    registered(centre)
    received, passed, booked = (entry(centre, "R1", words) for words in ("ULN received", "Told", "Registered"))
    before = centre.events()
    refused = centre.refused("learner", "correct", received, "--reason", "wrong_answer").said
    assert f"these rest on entry {received}: {passed}, {booked}" in refused
    assert centre.events() == before
    correct(centre, received, "--and-after", reason="wrong_answer")
    assert centre.state("R1") == "submitted_to_lrs"
    assert centre.duties("R1") == {"tell_learner_again", "assess_breach", "data_challenge", "tell_ilm_of_withdrawal"}
    assert centre.ulns("R1") == [(uln(1), "in_error")]
    assert centre.standing("R2").state == "registered_with_ilm"


def test_the_place_in_a_file_waits_again_and_the_true_answer_is_taken(centre):
    told(centre)
    correct(centre, entry(centre, "R1", "ULN received"), "--and-after", reason="wrong_answer")
    batch = next(d for d in centre.json("dispatch", "list") if d["name"].startswith("LRB"))
    assert batch["state"] == "partly answered"
    centre.run("lrs", "receive", centre.reply({"R1": uln(7)}, name="again.csv"))
    assert (centre.state("R1"), centre.held("R1")) == ("uln_received", uln(7))
    centre.do("audit", "verify")


def test_the_wrong_learner_registered_is_set_free_and_ilm_is_to_be_told(centre):
    registered(centre)
    correct(centre, entry(centre, "R1", "Registered with ILM"))
    assert centre.state("R1") == "uln_passed_to_learner"
    assert centre.duties("R1") == {"tell_ilm_of_withdrawal"}
    centre.do("ilm", "confirm", "R1", "--order", "WG-2")
    assert centre.state("R1") == "registered_with_ilm"
    centre.do("audit", "verify")


def test_duties_that_a_voided_entry_ended_begin_anew_and_those_it_began_end(centre):
    registered(centre)
    centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    assert centre.duties("R1") == {"tell_ilm_of_withdrawal"}
    correct(centre, entry(centre, "R1", "Withdrawn"))
    assert (centre.state("R1"), centre.duties("R1")) == ("registered_with_ilm", set())
    centre.do("learner", "withdraw", "R2", "--reason", "left_course")
    centre.do("duty", "close", "R2", "tell_ilm_of_withdrawal", "--evidence", "call 17")
    correct(centre, entry(centre, "R2", "Done:"), reason="never_happened")
    assert centre.duties("R2") == {"tell_ilm_of_withdrawal"}


def test_a_wrong_uln_report_that_was_untrue_gives_the_number_back(centre):
    registered(centre)
    centre.do("uln", "wrong", "R1", "--reason", "mixed up", "--evidence", "call 1")
    assert centre.held("R1") == ""
    correct(centre, entry(centre, "R1", "reported to be wrong"))
    assert (centre.state("R1"), centre.held("R1"), centre.duties("R1")) == ("registered_with_ilm", uln(1), set())


def test_a_correction_is_told_in_words_and_as_of_a_day(centre):
    told(centre)
    number = entry(centre, "R1", "Told the ULN")
    centre.days(1)
    centre.do("learner", "correct", number, "--reason", "wrong_learner", "--note", "it was the other Robin")
    centre.agree()
    lines = centre.json("audit", "history", "R1")["lines"]
    last = lines[-1]
    found = [(line["voided"], line["voided_by"]) for line in lines if line["position"] == number]
    assert found == [(True, last["position"])]
    assert f"(voided by entry {last['position']})" in " ".join(centre.do("audit", "history", "R1").out.split())
    assert f"entry {number} was untrue when it was recorded" in last["what"]
    assert "wrong learner" in last["what"].lower()
    assert last["who"] == "Bea Example, who approved"
    assert "it was the other Robin" in centre.do("audit", "history", "R1", "--reasons").said
    first_day = ("status", "--learners", "--at", "2026-09-07")
    assert {line["state"] for line in centre.json(*first_day) if line["reference"] == "R1"} == {"ULN received"}
    then = centre.json(*first_day, "--recorded")
    assert {line["state"] for line in then if line["reference"] == "R1"} == {"ULN passed to the learner"}


def test_what_was_recorded_of_the_wrong_learner_is_to_be_recorded_of_the_right_one(centre):
    """Only for that reason; the command that is named is one that does it."""
    told(centre)
    centre.do("learner", "correct", entry(centre, "R1", "Told the ULN"), "--reason", "never_happened")
    (done,) = centre.agree()
    assert "right learner" not in done.said
    centre.do("learner", "correct", entry(centre, "R2", "Told the ULN"), "--reason", "wrong_learner")
    (done,) = centre.agree()
    assert "record what happened of the right learner" in done.said
    assert "Next: ulnflow uln told REFERENCE --how HOW --at 2026-09-07" in done.said
    centre.do("uln", "told", "R1", "--how", "in_person", "--at", "2026-09-07")
    assert centre.state("R1") == "uln_passed_to_learner"


def test_repeating_a_correction_changes_nothing(centre):
    told(centre)
    number = entry(centre, "R1", "Told the ULN")
    correct(centre, number)
    before = centre.events()
    said = centre.do("learner", "correct", number, "--reason", "wrong_learner").said
    assert "was voided before; nothing changed" in said
    assert centre.events() == before


def test_a_request_that_other_entries_came_to_rest_on_is_ended(centre):
    told(centre)
    number = entry(centre, "R1", "Told the ULN")
    centre.do("learner", "correct", number, "--reason", "wrong_learner")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--order", "WG-1", "--all")
    with centre.typing("Bea Example"):
        said = centre.refused("approve", str(centre.json("approve")[0]["request"])).said
    assert "has moved on" in said
    assert centre.state("R1") == "registered_with_ilm"
    assert centre.json("approve") == []
    centre.do("audit", "verify")


def test_what_cannot_be_voided_is_refused_with_the_way_out(centre):
    told(centre)
    centre.do("learner", "edit", "R1", "preferred_name", stdin="Rob\n")
    correct(centre, entry(centre, "R2", "Told the ULN"))
    before = centre.events()
    for number, words in (
        (entry(centre, "R1", "Details gathered"), "brought to its end"),
        (entry(centre, "R1", "was prepared"), "about no case"),
        (entry(centre, "R1", "Details changed"), "ulnflow learner edit"),
        (entry(centre, "R2", "Corrected"), "record what is true"),
    ):
        assert words in centre.refused("learner", "correct", number, "--reason", "wrong_entry").said
    unknown = centre.run("learner", "correct", "9999", "--reason", "wrong_entry")
    assert unknown.code == 4
    assert "there is no entry 9999" in unknown.said
    number = entry(centre, "R1", "Told the ULN")
    assert "wrong_learner" in centre.refused("learner", "correct", number, "--reason", "I slipped").said
    centre.do("learner", "correct", number, "--reason", "wrong_entry", "--dry-run")
    assert centre.events() == before


@BOTH
def test_a_correction_does_the_same_on_either_database(database: str, tmp_path: Path):
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = registered(at(tmp_path, clock, database))
        correct(centre, entry(centre, "R1", "ULN received"), "--and-after", reason="wrong_answer")
        assert centre.state("R1") == "submitted_to_lrs"
        assert centre.ulns("R1") == [(uln(1), "in_error")]
