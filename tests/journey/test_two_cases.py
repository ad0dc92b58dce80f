"""A learner with two qualifications: each case can be named, and what is known of the person reaches both."""

from __future__ import annotations

import shlex

from tests.fakes.centre import row, uln
from tests.journey.databases import BOTH, at
from tests.journey.test_returning_learner import SECOND, to_the_record, told

FIRST, OTHER = "L-1@8605-31", "L-1@8607-31"


def registered_and_returning(centre) -> None:
    """Registered for one qualification, holding the same ULN for another."""
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1", "--candidate", "ENB0001")
    centre.enrol("L-1", cohort="NF-2", **SECOND)
    centre.do("advance", "reuse_uln", "L-1")


def wrong(centre, reference: str = "L-1"):
    return centre.do("uln", "wrong", reference, "--reason", "another person's", "--evidence", "LRS-CASE-1")


def test_a_case_is_named_by_its_qualification(centre):
    registered_and_returning(centre)
    centre.do("ilm", "exception", FIRST, "--evidence", "ILM-CASE-1")
    assert centre.state(FIRST) == "ilm_exception"
    centre.do("ilm", "resolve", FIRST, "--evidence", "ILM-CASE-1")
    centre.do("lar", "confirm", FIRST, "--by", "ilm", "--reference", "LAR-1")
    assert (centre.state(FIRST), centre.state(OTHER)) == ("lar_updated", "uln_received")
    refused = centre.refused("lar", "confirm", "L-1@9999-99", "--by", "ilm", "--reference", "LAR-1").said
    assert "no case for 9999-99" in refused
    assert FIRST in refused
    assert OTHER in refused
    assert "no learner has the reference L-2@8605-31" in centre.refused("learner", "why", "L-2@8605-31").said


def test_a_reference_with_an_at_sign_is_still_a_reference(centre):
    centre.enrol("L@1")
    assert centre.state("L@1") == "details_gathered"
    assert centre.state("L@1@8605-31") == "details_gathered"


def test_without_a_qualification_the_case_that_goes_on_is_meant(centre):
    registered_and_returning(centre)
    centre.do("learner", "withdraw", OTHER, "--reason", "left_course")
    assert centre.state("L-1") == "registered_with_ilm"
    centre.do("lar", "confirm", "L-1", FIRST, "--by", "ilm", "--reference", "LAR-1")
    assert centre.state(FIRST) == "lar_updated"
    assert centre.state("L-1") == "withdrawn"


def test_the_right_uln_reaches_every_case_that_rested_on_the_wrong_one(centre):
    registered_and_returning(centre)
    wrong(centre)
    assert centre.states() == {"lrs_exception": 2}
    resolve = ("exception", "resolve", "L-1", "--decision", "existing", "--reason", "the portal shows it")
    said = centre.do(*resolve, stdin=uln(2)).said
    assert "received for the learner's other qualification as well 1" in said
    assert centre.states() == {"uln_received": 2}
    assert {centre.facts(name)["uln"] for name in (FIRST, OTHER)} == {2}
    assert centre.ulns("L-1") == [(uln(1), "in_error"), (uln(2), "held")]
    assert centre.json("exception", "list") == []
    told(centre)
    centre.do("ilm", "confirm", FIRST, "--order", "WG-1")
    assert centre.state(FIRST) == "registered_with_ilm"
    centre.do("audit", "verify")


def test_a_decision_finds_the_case_that_waits_for_it(centre):
    registered_and_returning(centre)
    centre.do("learner", "withdraw", FIRST, "--reason", "left_course")
    wrong(centre)
    assert (centre.state(FIRST), centre.state(OTHER)) == ("withdrawn", "lrs_exception")
    assert "not an LRS exception" in centre.refused(
        "exception", "resolve", FIRST, "--decision", "existing", "--reason", "portal", stdin=uln(2)
    ).said  # fmt: skip
    centre.do("exception", "resolve", "L-1", "--decision", "existing", "--reason", "portal", stdin=uln(2))
    assert (centre.state(FIRST), centre.state(OTHER)) == ("withdrawn", "uln_received")
    centre.do("audit", "verify")


def test_the_reply_of_the_lrs_reaches_both_cases_too(centre):
    registered_and_returning(centre)
    wrong(centre)
    centre.do("exception", "resolve", FIRST, "--decision", "again", "--reason", "corrected")
    centre.days(1)
    assert centre.ask_lrs({"L-1": uln(2)}).code == 0
    assert centre.states() == {"uln_received": 2}
    centre.do("audit", "verify")


def test_both_reached_also_when_the_record_was_updated(centre):
    to_the_record(centre, "L-1")
    centre.enrol("L-1", cohort="NF-2", **SECOND)
    wrong(centre)
    assert "exception" in centre.facts(FIRST)
    centre.do("exception", "resolve", FIRST, "--decision", "existing", "--reason", "portal", stdin=uln(2))
    assert centre.state(FIRST) == "uln_received"
    assert centre.facts(OTHER)["uln"] == 2
    centre.do("advance", "reuse_uln", OTHER)


def test_a_printed_command_names_the_case_it_is_about(centre):
    registered_and_returning(centre)
    for case in (FIRST, OTHER):
        centre.do("learner", "withdraw", case, "--reason", "left_course")
    (owed,) = (d for d in centre.json("duty", "list") if d["duty"] == "tell_ilm_of_withdrawal")
    assert (owed["reference"], owed["next"].split()[3]) == ("L-1", FIRST)
    assert centre.json("learner", "why", "L-1", "--qualification", "8605-31")["next_command"] == owed["next"]
    centre.days(60)
    assert owed["next"] in centre.run("stuck", "--format", "json").out
    centre.do(*shlex.split(owed["next"])[1:-1], "MAIL-1")
    assert "tell_ilm_of_withdrawal" not in centre.duties("L-1")


def test_letters_are_handed_over_for_the_case_that_waits_for_them(centre):
    """A newer case is elsewhere: the reference alone would mean that one."""
    centre.do("cohort", "import", centre.sheet([row("L-1", Email=""), row("L-2")]), "--cohort", "NF-1")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.do("uln", "pass")
    centre.enrol("L-1", cohort="NF-2", **SECOND, Email="")
    line = "hand over the letters, then: ulnflow uln told L-1@8605-31 --how letter"
    assert line in centre.json("uln", "pass")["next"]
    told_some = centre.json("uln", "told", "--how", "email", "--all")
    assert line in told_some["next"]
    assert "without an e-mail address: L-1@8605-31" in told_some["notes"]
    centre.do(*shlex.split(line.partition("ulnflow ")[2]))
    assert centre.state(FIRST) == "uln_passed_to_learner"


# --- a wrong ULN where the route has no arrow for it ----------------------------------------------------------------


def test_a_wrong_uln_of_somebody_who_left_opens_the_same_duties(centre):
    centre.enrol("L-1", "L-2")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    for name in ("L-1", "L-2"):
        centre.do("learner", "withdraw", name, "--reason", "left_course")
        centre.do("duty", "close", name, "tell_ilm_of_withdrawal", "--evidence", "MAIL-1")
    centre.do("learner", "reinstate", "L-2", "--reason", "came back")
    assert "--evidence" in centre.refused("uln", "wrong", "L-1", "--reason", "another person's").said
    for name, state in (("L-1", "withdrawn"), ("L-2", "details_gathered")):
        said = wrong(centre, name).said
        assert "ULN reported wrong, the learner stays where they are 1" in said
        assert "ulnflow duty list" in said
        assert "exception resolve" not in said
        assert (centre.state(name), centre.held(name)) == (state, "")
        assert centre.duties(name) == {
            "assess_breach", "data_challenge", "tell_learner_again", "replace_uln_at_ilm",
        }  # fmt: skip
    centre.do("audit", "verify")


def test_a_wrong_uln_nobody_was_told_owes_only_what_always_is(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("learner", "close", "L-1", "--reason", "declined_uln")
    wrong(centre)
    assert centre.duties("L-1") == {"assess_breach", "data_challenge"}


def test_nothing_is_noted_where_a_case_on_the_route_is_refused(centre):
    registered_and_returning(centre)
    centre.do("learner", "withdraw", OTHER, "--reason", "left_course")
    centre.refused("uln", "wrong", "L-1", "--reason", "another person's")
    assert centre.held("L-1") == uln(1)
    assert centre.facts(OTHER)["uln"] == 1
    wrong(centre)
    assert "uln" not in centre.facts(OTHER)


# --- keyed one by one -----------------------------------------------------------------------------------------------


def test_a_keying_sheet_goes_one_by_one(centre):
    centre.enrol("L-1", "L-2", "L-3")
    centre.do("lrs", "submit", "--via", "portal")
    centre.do("lrs", "answer", "L-1", stdin=uln(1))
    assert [centre.state(name) for name in ("L-1", "L-2", "L-3")] == [
        "uln_received", "details_gathered", "details_gathered",
    ]  # fmt: skip
    (_, state, members) = centre.dispatches("lrs_keying_sheet")[0]
    assert (state, members) == ("prepared", {"answered": 1, "open": 2})
    assert [duty["duty"] for duty in centre.json("duty", "list")] == ["upload_file"]
    assert "already in a file" in centre.do("lrs", "submit").said
    before = centre.events()
    centre.do("lrs", "answer", "L-1", stdin=uln(1))
    assert centre.events() == before
    centre.do("lrs", "answer", "L-2", "--code", "RC008", stdin="")
    assert (centre.state("L-2"), centre.state("L-3")) == ("lrs_exception", "details_gathered")
    centre.do("audit", "verify")
    centre.do("lrs", "answer", "L-3", stdin=uln(3))
    assert centre.dispatches("lrs_keying_sheet")[0][1] == "answered"
    assert centre.json("duty", "list") == []
    centre.do("audit", "verify")


def test_the_rest_of_a_keying_sheet_may_be_said_to_be_keyed(centre):
    centre.enrol("L-1", "L-2")
    centre.do("lrs", "submit", "--via", "portal")
    centre.do("lrs", "answer", "L-1", stdin=uln(1))
    centre.do("lrs", "sent", centre.dispatches("lrs_keying_sheet")[0][0])
    assert (centre.state("L-1"), centre.state("L-2")) == ("uln_received", "submitted_to_lrs")
    assert centre.json("duty", "list") == []
    centre.do("lrs", "answer", "L-2", stdin=uln(2))
    assert centre.dispatches("lrs_keying_sheet")[0][1] == "answered"
    centre.do("audit", "verify")


def cohorts(centre) -> dict[str, str]:
    """The last day to register of each cohort that is listed."""
    return {one["cohort"]: one["register_by"] for one in centre.json("cohort", "list")}


@BOTH
def test_a_cohort_named_for_a_learner_known_already_is_there(clock, tmp_path, database):
    centre = at(tmp_path, clock, database)
    centre.do("cohort", "import", centre.sheet([row("L-1"), row("L-2", Cohort="NF-1")]))
    assert set(cohorts(centre)) == {"NF-1"}
    rows = [row("L-1", Cohort="NF-2"), row("L-2", Cohort="NF-3", Qualification="8605-32")]
    said = centre.do("cohort", "import", centre.sheet(rows), "--register-by", "2026-10-30").said
    assert "learners added 1" in said
    assert "learners updated 1" in said
    assert (centre.facts("L-1")["cohort"], centre.facts("L-2")["cohort"]) == ("NF-2", "NF-3")
    listed = cohorts(centre)
    assert (listed["NF-2"], listed["NF-3"]) == ("2026-10-30", "2026-10-30")
    assert listed["NF-1"] != "2026-10-30"
    centre.do("lrs", "submit", "--cohort", "NF-3")
    assert len(centre.batches()) == 1


def test_a_row_that_is_refused_makes_no_cohort(centre):
    centre.enrol("L-1")
    elsewhere = centre.run("cohort", "import", centre.sheet([row("L-1", Cohort="NF-9")]))
    assert elsewhere.code == 1
    assert "NF-9" not in cohorts(centre)


def test_a_row_without_a_qualification_is_about_the_case_that_goes_on(centre):
    centre.enrol("L-1")
    centre.enrol("L-1", Qualification="8607-31")
    centre.do("learner", "withdraw", OTHER, "--reason", "left_course")
    before = centre.facts(OTHER)
    assert "learners updated 1" in centre.enrol("L-1", Qualification="", Planned_end="2027-07-31").said
    assert centre.facts(FIRST)["planned_end"] == "2027-07-31"
    assert centre.facts(OTHER) == before
    centre.do("learner", "withdraw", FIRST, "--reason", "left_course")
    assert "learners updated 1" in centre.enrol("L-1", Qualification="", Planned_end="2027-08-31").said
    assert centre.facts(OTHER)["planned_end"] == "2027-08-31"  # none goes on: the latest
