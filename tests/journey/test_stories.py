"""Six stories of learners, each told through the commands alone.

In each, what the program refuses is refused in words, and whatever was refused has a true next step.
"""

from __future__ import annotations

from tests.fakes.centre import Centre, row, uln


def last_file(centre: Centre, kind: str) -> str:
    """The name of the last file of a kind in the register."""
    return centre.dispatches(kind)[-1][0]


def told_by_email(centre: Centre, *references: str) -> None:
    centre.do("uln", "pass", *references)
    centre.do("uln", "told", "--how", "email", "--all")
    assert {centre.state(reference) for reference in references} == {"uln_passed_to_learner"}


def registered(centre: Centre, reference: str, *, number: int, order: str = "WG-1", candidate: str = "ENB0001") -> None:
    """A learner brought to the registration with ILM, ULN known and told."""
    centre.enrol(reference)
    assert centre.ask_lrs({reference: uln(number)}).code == 0
    told_by_email(centre, reference)
    centre.do("ilm", "register", reference)
    centre.do("ilm", "confirm", reference, "--order", order, "--candidate", candidate)
    assert centre.state(reference) == "registered_with_ilm"


def test_a_clean_learner_goes_from_the_sheet_to_the_record_in_the_order_of_the_route(centre):
    centre.enrol("L-1")
    assert centre.state("L-1") == "details_gathered"
    assert "does not leave the state details_gathered" in centre.refused("uln", "told", "L-1", "--how", "email").said

    centre.do("lrs", "submit")
    assert centre.state("L-1") == "details_gathered"  # a file is not the act
    batch = centre.batches()[-1].name
    centre.do("lrs", "sent", batch)
    assert centre.state("L-1") == "submitted_to_lrs"
    assert "already in a file" in centre.do("lrs", "submit", "L-1").said

    centre.days(1)
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    refused = centre.refused("ilm", "register", "L-1").said
    assert "say why, with a reason code" in refused

    centre.do("uln", "pass")
    assert centre.state("L-1") == "uln_received"
    assert "how they were told" in centre.refused("uln", "told", "--all").said
    centre.days(1)
    centre.do("uln", "told", "--how", "email", "--all")
    assert centre.facts("L-1")["told_how"] == "email"

    centre.do("ilm", "register")
    assert centre.state("L-1") == "uln_passed_to_learner"
    assert "already in a registration file" in centre.do("ilm", "register").said
    assert "--order" in centre.refused("ilm", "confirm", "--all").said
    centre.days(2)
    centre.do("ilm", "confirm", "--order", "WG-100", "--candidate", "ENB0001", "--all")
    assert centre.facts("L-1")["candidate_number"] == "ENB0001"
    assert centre.do("ilm", "register").said.startswith("Note: nobody is waiting")
    assert "does not leave the state registered_with_ilm" in centre.refused("ilm", "register", "L-1").said

    centre.to("2027-07-12")
    refused = centre.refused("lar", "confirm", "--all").said
    assert "--by ilm or --by centre" in refused
    assert "--reference or --at" in refused
    centre.do("lar", "confirm", "--by", "ilm", "--at", "2027-07-09", "L-1")
    assert centre.state("L-1") == "lar_updated"
    assert centre.json("duty", "list") == []
    centre.do("audit", "verify")


def test_names_only_similar_are_corrected_and_the_lrs_is_asked_again(centre):
    centre.do("cohort", "import", centre.sheet([row("L-2", Family_name="Mac Donald", ULN=uln(2))]), "--cohort", "NF-1")
    centre.do("lrs", "submit", "--via", "portal")
    centre.do("lrs", "sent", last_file(centre, "lrs_keying_sheet"))
    answered = centre.do("lrs", "answer", "L-2", "--code", "WSVRC003", stdin=uln(2) + "\n")
    assert "need a decision" in answered.said
    assert (centre.state("L-2"), centre.held("L-2")) == ("lrs_exception", "")

    listed = centre.json("exception", "list")
    assert listed[0]["code"] == "WSVRC003"
    assert "names are only similar" in listed[0]["meaning"]
    assert "Mac Donald" in centre.do("exception", "show", "L-2").out
    assert "nobody is waiting" in centre.do("lrs", "submit").said  # not before a person decided

    centre.do("learner", "edit", "L-2", "family_name", stdin="MacDonald\n")
    centre.do("exception", "resolve", "L-2", "--decision", "again", "--reason", "name as on the passport")
    assert centre.json("exception", "list")[0]["next_command"] == "ulnflow lrs submit L-2"
    centre.do("lrs", "submit", "--via", "portal")
    centre.do("lrs", "sent", last_file(centre, "lrs_keying_sheet"))
    assert centre.state("L-2") == "submitted_to_lrs"
    centre.do("lrs", "answer", "L-2", "--code", "WSVRC001", stdin=uln(2) + "\n")
    assert (centre.state("L-2"), centre.held("L-2")) == ("uln_received", uln(2))
    assert "stale" not in centre.facts("L-2")
    assert "exception" not in centre.facts("L-2")
    centre.do("audit", "verify")


def test_registered_before_the_uln_the_debt_is_paid_step_by_step(centre):
    centre.enrol("L-3")
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", centre.batches()[-1].name)
    centre.days(7)

    refused = centre.refused("ilm", "register", "L-3")
    assert "does not leave the state submitted_to_lrs" in refused.said
    assert "--yes" in centre.refused("route", "alternative", "L-3", "--reason", "teaching has begun").said
    centre.do("route", "alternative", "L-3", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register", "L-3")
    assert centre.state("L-3") == "submitted_to_lrs"
    centre.do("ilm", "confirm", "--all", "--order", "WG-7", "--candidate", "ENB0003")
    assert centre.state("L-3") == "registered_without_uln"

    centre.days(14)
    centre.do("lrs", "receive", centre.reply({"L-3": uln(3)}))
    assert centre.state("L-3") == "uln_received"
    told_by_email(centre, "L-3")

    advice = centre.do("ilm", "register").said
    assert "ulnflow lar create" in advice
    assert "ilm confirm" not in advice
    assert "the centre updates the LAR" in centre.refused("ilm", "confirm", "L-3", "--order", "WG-7").said
    assert "does not leave" in centre.refused("lar", "cross-reference", "L-3", "--reference", "X-1").said

    centre.do("lar", "create", "--prepare")
    assert centre.state("L-3") == "uln_passed_to_learner"
    centre.do("lar", "create", "--all", "--reference", "LAR-MAIL-1")
    assert centre.state("L-3") == "lar_created"
    centre.do("lar", "cross-reference", "--prepare")
    centre.do("lar", "cross-reference", "--all", "--reference", "LAR-MAIL-2")
    assert centre.state("L-3") == "lar_cross_referenced"

    centre.to("2027-07-12")
    assert "needs evidence" in centre.refused("ilm", "results", "L-3").said
    centre.do("ilm", "results", "L-3", "--reference", "RES-1")
    assert centre.state("L-3") == "results_submitted"
    centre.days(10)
    centre.do("lar", "confirm", "L-3", "--by", "centre", "--reference", "LAR-VIEW-1")
    assert centre.state("L-3") == "lar_updated"
    assert centre.json("duty", "list") == []
    assert {state for _, state, _ in centre.dispatches("lar_learners", "lar_cross_reference")} == {"answered"}
    centre.do("audit", "verify")


def test_where_ilm_still_updates_the_record_of_a_late_uln_the_alternative_route_ends_there(tmp_path, centre):
    centre = Centre(tmp_path / "other", centre.clock).init(late_uln="ilm")
    centre.enrol("L-3")
    centre.do("route", "alternative", "L-3", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-7", "--candidate", "ENB0003")
    assert centre.state("L-3") == "registered_without_uln"
    assert centre.ask_lrs({"L-3": uln(3)}).code == 0
    told_by_email(centre, "L-3")
    assert "ulnflow ilm confirm L-3" in centre.do("ilm", "register").said
    centre.do("ilm", "confirm", "L-3", "--order", "WG-7")
    assert centre.state("L-3") == "registered_with_ilm"
    centre.do("lar", "confirm", "L-3", "--by", "ilm", "--reference", "LAR-1")
    assert centre.state("L-3") == "lar_updated"


def test_a_refused_file_gives_a_learner_of_the_alternative_route_back_to_the_debt(centre):
    centre.enrol("L-3")
    centre.do("route", "alternative", "L-3", "--reason", "teaching has begun", "--yes")
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-7")
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", centre.batches()[-1].name)
    assert centre.state("L-3") == "submitted_to_lrs"
    centre.do("lrs", "reject", centre.batches()[-1].name, "--reason", "the portal did not take it")
    assert centre.state("L-3") == "registered_without_uln"
    assert "registered_at" in centre.facts("L-3")


def test_a_cohort_is_registered_in_time_without_the_two_who_cannot_be(centre):
    """Twelve learners; the day before the last day one has left and one waits for a decision."""
    everyone = [f"L-{number}" for number in range(401, 413)]
    centre.enrol(*everyone, register_by="2026-09-25")
    answers: dict[str, str | tuple[str, str]] = {reference: uln(place) for place, reference in enumerate(everyone)}
    centre.ask_lrs({**answers, "L-412": ("", "RC008")})
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")
    centre.do("learner", "withdraw", "L-411", "--reason", "left_course")

    centre.to("2026-09-24")
    refused = centre.refused("ilm", "register", "--cohort", "NF-1").said
    assert "the cohort waits for 1: L-412" in refused
    assert "L-411" not in refused
    assert centre.json("cohort", "list")[0]["not_ready"] == 1
    assert "--reason" in centre.refused("cohort", "waive", "NF-1").said
    centre.do("cohort", "waive", "NF-1", "--reason", "last day is tomorrow; the LRS has not decided about one")
    assert "the cohort waits" in centre.refused("ilm", "register", "--cohort", "NF-1").said
    centre.agree()
    made = centre.json("ilm", "register", "--cohort", "NF-1")
    assert [file["learners"] for file in made["files"]] == [10]
    centre.do("ilm", "confirm", "--order", "WG-12", "--all")
    assert centre.states("NF-1") == {"registered_with_ilm": 10, "withdrawn": 1, "lrs_exception": 1}
    assert centre.json("duty", "list") == []  # withdrawn before any registration: ILM knows of nothing

    centre.days(4)
    centre.do("exception", "resolve", "L-412", "--decision", "existing", "--reason", "passport compared", stdin=uln(11))
    told_by_email(centre, "L-412")
    centre.do("ilm", "register", "--cohort", "NF-1")
    centre.do("ilm", "confirm", "--order", "WG-13", "--all")
    assert centre.states("NF-1") == {"registered_with_ilm": 11, "withdrawn": 1}
    centre.do("audit", "verify")


def test_a_name_changed_after_registration_is_told_verified_and_carried_to_the_record(centre):
    registered(centre, "L-5", number=5)
    before = centre.held("L-5")
    changed = centre.do("learner", "edit", "L-5", "family_name", stdin="Married\n")
    assert "stale" in changed.said
    assert "ulnflow lrs submit" in changed.said
    assert centre.duties("L-5") == {"tell_ilm_of_change"}
    assert set(centre.facts("L-5")["stale"]) == {"family_name"}

    centre.do("lrs", "submit")
    asked = centre.batch()[0]
    assert (asked["FamilyName"], asked["ULN"]) == ("Married", before)
    centre.do("lrs", "sent", centre.batches()[-1].name)
    assert centre.state("L-5") == "registered_with_ilm"  # asked where they stand
    received = centre.do("lrs", "receive", centre.reply({"L-5": before}))
    assert "match confirmed" in received.said
    assert "stale" not in centre.facts("L-5")
    assert centre.state("L-5") == "registered_with_ilm"

    assert "--evidence" in centre.refused("duty", "close", "L-5", "tell_ilm_of_change").said
    centre.do("duty", "close", "L-5", "tell_ilm_of_change", "--evidence", "mail to ILM of today")
    assert centre.duties("L-5") == set()
    centre.do("lar", "confirm", "L-5", "--by", "ilm", "--reference", "LAR-5")
    assert centre.state("L-5") == "lar_updated"
    centre.do("audit", "verify")


def test_a_stale_match_only_warns_at_the_last_step(centre):
    """I1 warns there: the record has been updated, whatever our own file says."""
    registered(centre, "L-5", number=5)
    centre.do("learner", "edit", "L-5", "postcode", stdin="CV4 8UW\n")
    confirmed = centre.do("lar", "confirm", "L-5", "--by", "ilm", "--reference", "LAR-5")
    assert "I1" in confirmed.err
    assert centre.state("L-5") == "lar_updated"
    assert centre.duties("L-5") == {"tell_ilm_of_change"}


def test_a_wrong_uln_is_taken_back_everywhere_it_went(centre):
    registered(centre, "L-6", number=6)
    assert "--reason" in centre.refused("uln", "wrong", "L-6", "--evidence", "LRS-CASE-9").said
    assert "evidence" in centre.refused("uln", "wrong", "L-6", "--reason", "the LRS says it is another person's").said
    assert centre.held("L-6") == uln(6)
    centre.do("uln", "wrong", "L-6", "--reason", "the LRS says it is another person's", "--evidence", "LRS-CASE-9")
    assert (centre.state("L-6"), centre.held("L-6")) == ("lrs_exception", "")
    assert centre.ulns("L-6") == [(uln(6), "in_error")]
    assert centre.duties("L-6") == {"tell_learner_again", "replace_uln_at_ilm", "data_challenge", "assess_breach"}

    centre.do("exception", "resolve", "L-6", "--decision", "again", "--reason", "without the wrong number")
    centre.do("lrs", "submit")
    assert centre.batch()[0]["ULN"] == ""
    centre.do("lrs", "receive", centre.reply({"L-6": uln(66)}, name="second.csv"))
    assert (centre.state("L-6"), centre.held("L-6")) == ("uln_received", uln(66))

    told_by_email(centre, "L-6")
    assert centre.duties("L-6") == {"replace_uln_at_ilm", "data_challenge", "assess_breach"}
    assert "ulnflow ilm confirm L-6" in centre.do("ilm", "register").said
    centre.do("ilm", "confirm", "L-6", "--order", "WG-1")
    assert centre.state("L-6") == "registered_with_ilm"
    assert centre.duties("L-6") == {"data_challenge", "assess_breach"}
    centre.do("duty", "close", "L-6", "data_challenge", "--evidence", "DC-1 closed by the LRS")
    centre.do("duty", "close", "L-6", "assess_breach", "--evidence", "assessed: no other data went out")
    centre.do("lar", "confirm", "L-6", "--by", "ilm", "--reference", "LAR-6")
    assert centre.state("L-6") == "lar_updated"
    assert centre.json("duty", "list") == []
    assert centre.facts("L-6")["order_number"] == "WG-1"
    centre.do("audit", "verify")


def test_a_wrong_uln_that_came_with_the_sheet_is_not_sent_again(centre):
    centre.do("cohort", "import", centre.sheet([row("L-6", ULN=uln(6))]), "--cohort", "NF-1")
    centre.ask_lrs({"L-6": uln(6)})
    centre.do("uln", "wrong", "L-6", "--reason", "another person's", "--evidence", "LRS-CASE-9")
    centre.do("exception", "resolve", "L-6", "--decision", "again", "--reason", "without the wrong number")
    centre.do("lrs", "submit")
    assert centre.batch()[0]["ULN"] == ""


def test_a_wrong_uln_found_after_the_record_was_updated_opens_the_case_again(centre):
    registered(centre, "L-6", number=6)
    centre.do("lar", "confirm", "L-6", "--by", "ilm", "--reference", "LAR-6")
    centre.do("uln", "wrong", "L-6", "--reason", "another person's", "--evidence", "LRS-CASE-9")
    assert centre.state("L-6") == "lrs_exception"
    assert "replace_uln_at_ilm" in centre.duties("L-6")
