"""Learners who come back, and learners who leave while a file is under way."""

from __future__ import annotations

from tests.fakes.centre import Centre, row, uln

SECOND = {"Qualification": "8607-31"}


def told(centre: Centre) -> None:
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")


def to_the_record(centre: Centre, *references: str, cohort: str = "NF-1") -> None:
    """Learners brought all the way, so that they may come back."""
    centre.enrol(*references, cohort=cohort)
    assert centre.ask_lrs({r: uln(place) for place, r in enumerate(references)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.do("lar", "confirm", "--all", "--by", "ilm", "--reference", "LAR-1")


# --- a second qualification -----------------------------------------------------------------------------------------


def test_a_second_qualification_is_a_second_case_that_keeps_the_fresh_uln(centre):
    to_the_record(centre, "L-1")
    centre.days(200)
    centre.enrol("L-1", cohort="NF-2", **SECOND)
    assert centre.state("L-1", "8605-31") == "lar_updated"
    assert centre.state("L-1", "8607-31") == "details_gathered"
    assert "nobody is waiting to be submitted" in centre.do("lrs", "submit").said
    centre.do("advance", "reuse_uln", "L-1")
    assert centre.state("L-1", "8607-31") == "uln_received"
    assert centre.ulns("L-1") == [(uln(0), "held")]
    told(centre)
    centre.do("ilm", "register", "--cohort", "NF-2")
    centre.do("ilm", "confirm", "--all", "--order", "WG-2")
    centre.do("lar", "confirm", "--all", "--by", "ilm", "--reference", "LAR-2")
    assert centre.states() == {"lar_updated": 2}
    assert centre.facts("L-1", "8605-31")["order_number"] == "WG-1"
    assert centre.facts("L-1", "8607-31")["order_number"] == "WG-2"
    centre.do("audit", "verify")


def test_a_returning_learner_whose_name_changed_is_asked_about_again(centre):
    to_the_record(centre, "L-1")
    centre.do("learner", "edit", "L-1", "family_name", stdin="Married\n")
    centre.enrol("L-1", cohort="NF-2", **SECOND, Family_name="Married")
    assert "I1" in centre.refused("advance", "reuse_uln", "L-1").out
    assert centre.ask_lrs({"L-1": uln(0)}).code == 0
    assert centre.state("L-1", "8607-31") == "uln_received"
    assert "stale" not in centre.facts("L-1", "8607-31")
    assert centre.ulns("L-1") == [(uln(0), "held")]


def test_two_qualifications_at_once_ask_the_lrs_once(centre):
    """The LRS knows people, not enrolments: one row a learner, and the answer serves both cases."""
    centre.do("cohort", "import", centre.sheet([row("L-1"), row("L-2")]), "--cohort", "NF-1")
    centre.do("cohort", "import", centre.sheet([row("L-1", **SECOND)]), "--cohort", "NF-2")
    submitted = centre.do("lrs", "submit")
    assert "asked about with the learner's other case" in submitted.said
    assert [asked["MISIdentifier"] for asked in centre.batch()] == ["L-1", "L-2"]
    assert "already in a file" in centre.do("lrs", "submit").said
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(1), "L-2": uln(2)}))
    assert "quarantine" not in received.said
    assert centre.state("L-1", "8605-31") == "uln_received"
    assert centre.state("L-1", "8607-31") == "details_gathered"
    assert "nobody is waiting to be submitted" in centre.do("lrs", "submit").said
    centre.do("advance", "reuse_uln", "L-1", "--cohort", "NF-2")
    assert centre.state("L-1", "8607-31") == "uln_received"
    assert centre.ulns("L-1") == [(uln(1), "held")]


def test_a_name_changed_in_two_open_cases_is_verified_once_for_both(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.enrol("L-1", cohort="NF-2", **SECOND)
    centre.do("advance", "reuse_uln", "L-1")
    centre.do("learner", "edit", "L-1", "family_name", stdin="Married\n")
    assert all("stale" in centre.facts("L-1", code) for code in ("8605-31", "8607-31"))
    centre.days(1)
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    assert not any("stale" in centre.facts("L-1", code) for code in ("8605-31", "8607-31"))


def test_a_wrong_uln_is_taken_back_from_every_case_of_the_learner(centre):
    to_the_record(centre, "L-1")
    centre.enrol("L-1", cohort="NF-2", **SECOND)
    centre.do("uln", "wrong", "L-1", "--reason", "another person's", "--evidence", "LRS-CASE-1")
    assert centre.state("L-1", "8605-31") == "lrs_exception"
    assert centre.state("L-1", "8607-31") == "details_gathered"
    assert "uln" not in centre.facts("L-1", "8607-31")
    assert "no_uln" in centre.run("advance", "reuse_uln", "L-1", "--format", "json").out


# --- nobody is registered twice -------------------------------------------------------------------------------------


def test_a_registered_learner_who_left_and_came_back_is_not_registered_again(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1", "--candidate", "ENB0001")
    centre.do("learner", "withdraw", "L-1", "--reason", "left_course")
    assert centre.duties("L-1") == {"tell_ilm_of_withdrawal"}
    centre.days(10)
    centre.do("learner", "reinstate", "L-1", "--reason", "came back")
    facts = centre.facts("L-1")
    assert (centre.state("L-1"), facts["order_number"], facts["candidate_number"]) == (
        "details_gathered",
        "WG-1",
        "ENB0001",
    )

    centre.do("advance", "reuse_uln", "L-1")
    told(centre)
    assert "(WG-1)" in centre.refused("advance", "register_with_ilm", "L-1").out
    assert "R0" in centre.refused("advance", "register_with_ilm", "L-1").out
    assert centre.json("ilm", "register")["files"] == []
    centre.do("ilm", "confirm", "L-1", "--order", "WG-1")
    assert centre.state("L-1") == "registered_with_ilm"
    assert centre.facts("L-1")["registered_at"] == facts["registered_at"]
    centre.do("audit", "verify")


def test_a_learner_in_an_open_registration_file_is_not_registered_beside_it(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    refused = centre.refused("advance", "register_with_ilm", "L-1", "--evidence", "order=WG-1")
    assert "holds this learner already; confirm or reject it" in " ".join(refused.out.split())


def test_a_closed_case_that_is_opened_again_stands_by_what_is_known(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("learner", "close", "L-1", "--reason", "declined_uln")
    assert centre.state("L-1") == "closed_without_lar"
    centre.do("learner", "reopen", "L-1", "--reason", "changed their mind")
    centre.do("advance", "reuse_uln", "L-1")
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert centre.facts("L-1")["told_how"] == "email"
    assert "--reason" in centre.refused("learner", "reinstate", "L-1").said


def test_a_learner_of_another_cohort_for_the_same_qualification_is_refused_and_left_alone(centre):
    centre.enrol("L-1", "L-2")
    again = centre.run("cohort", "import", centre.sheet([row("L-1", Postcode="CV4 8UW")]), "--cohort", "NF-2")
    assert again.code == 1
    assert "in another cohort for the same qualification" in again.said
    assert centre.json("learner", "show", "L-1")["details"]["Postcode"] == "CV4 9EE"
    assert centre.json("learner", "show", "L-1")["version"] == 1


# --- who left while a file was under way ----------------------------------------------------------------------------


def test_ilm_confirms_somebody_who_left_meanwhile_and_is_told(centre):
    centre.enrol("L-1", "L-2")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("learner", "withdraw", "L-2", "--reason", "left_course")
    assert centre.json("duty", "list")[0]["duty"] == "upload_file"
    confirmed = centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    assert "registered, but left before" in confirmed.said
    assert (centre.state("L-1"), centre.state("L-2")) == ("registered_with_ilm", "withdrawn")
    assert centre.facts("L-2")["order_number"] == "WG-1"
    assert centre.duties("L-2") == {"tell_ilm_of_withdrawal"}
    assert centre.dispatches("ilm_registration")[0][1] == "answered"

    centre.do("duty", "close", "L-2", "tell_ilm_of_withdrawal", "--evidence", "mail to ILM")
    centre.do("learner", "reinstate", "L-2", "--reason", "came back")
    centre.do("advance", "reuse_uln", "L-2")
    told(centre)
    assert centre.json("ilm", "register")["files"] == []  # never a second registration
    centre.do("audit", "verify")


def test_messages_to_somebody_who_left_meanwhile_do_not_stop_the_rest(centre):
    centre.enrol("L-1", "L-2")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.do("uln", "pass")
    centre.do("learner", "withdraw", "L-2", "--reason", "left_course")
    centre.do("uln", "told", "--how", "email", "--all")
    assert (centre.state("L-1"), centre.state("L-2")) == ("uln_passed_to_learner", "withdrawn")
    assert centre.facts("L-2")["told_how"] == "email"
    assert centre.dispatches("uln_message")[0][1] == "answered"
    assert "no message waits" in centre.do("uln", "told", "--how", "email", "--all").said


def test_a_registration_that_ilm_cancelled_may_be_made_anew(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1", "--candidate", "ENB0001")
    assert "evidence" in centre.refused("ilm", "exception", "L-1").said
    centre.do("ilm", "exception", "L-1", "--evidence", "ILM-CASE-1")
    centre.do("ilm", "resolve", "L-1", "--dropped", "--evidence", "ILM-CASE-1")
    assert centre.state("L-1") == "uln_passed_to_learner"
    assert "registered_at" not in centre.facts("L-1")
    assert centre.json("ilm", "register")["files"][0]["learners"] == 1
    centre.do("ilm", "confirm", "--all", "--order", "WG-2")
    assert (centre.state("L-1"), centre.facts("L-1")["order_number"]) == ("registered_with_ilm", "WG-2")


def test_an_ilm_exception_is_resolved_only_with_a_fresh_match(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.do("ilm", "exception", "L-1", "--evidence", "ILM-CASE-1")
    centre.do("learner", "edit", "L-1", "family_name", stdin="Married\n")
    assert "ask again: ulnflow lrs submit" in centre.refused("ilm", "resolve", "L-1", "--evidence", "ILM-CASE-1").said
    centre.days(1)
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("ilm", "resolve", "L-1", "--evidence", "ILM-CASE-1")
    assert centre.state("L-1") == "registered_with_ilm"


def test_a_message_that_bounced_is_written_again(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    assert "evidence" in centre.refused("uln", "not-told", "L-1").said
    centre.do("uln", "not-told", "L-1", "--evidence", "bounce of today")
    assert centre.state("L-1") == "uln_received"
    assert centre.json("cohort", "list")[0]["not_ready"] == 1
    told(centre)
    assert centre.state("L-1") == "uln_passed_to_learner"
