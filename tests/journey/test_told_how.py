"""Told by e-mail is only who has an address; of many, the others are left out, and what to do about them is said."""

from __future__ import annotations

import pytest

from tests.fakes.centre import Centre, row, uln
from tests.journey.databases import BOTH, at

WITHOUT = "L-07"


def hold(centre: Centre, **emails: str) -> Centre:
    """Three learners hold a ULN; L-07 has no e-mail address."""
    rows = [row("L-05"), row("L-06"), row(WITHOUT, Email="")]
    centre.do("cohort", "import", centre.sheet(rows), "--cohort", "NF-1")
    assert centre.ask_lrs({one["Learner reference"]: uln(place) for place, one in enumerate(rows)}).code == 0
    return centre


@pytest.fixture
def written(centre: Centre) -> Centre:
    hold(centre).do("uln", "pass")
    return centre


def test_what_to_type_is_said_for_each_kind_of_message(centre):
    said = hold(centre).json("uln", "pass")["next"]
    assert said == [
        "send the e-mails, then: ulnflow uln told --how email --all",
        "hand over the letters, then: ulnflow uln told L-07 --how letter",
    ]
    assert centre.json("uln", "pass")["next"] == said  # their messages wait
    alone = centre.json("uln", "pass", WITHOUT, "--again")["next"]
    assert alone == ["hand over the letters, then: ulnflow uln told --how letter --all"]


def test_messages_of_whom_nobody_has_an_address_go_by_letter(centre):
    hold(centre).do("uln", "pass", "L-05")
    centre.do("uln", "pass", WITHOUT)
    numbers = [one["number"] for one in centre.json("dispatch", "list", "--kind", "uln_message")]
    wanted = {
        f"ulnflow uln told --dispatch {number} --how {how}"
        for number, how in zip(numbers, ("email", "letter"), strict=True)
    }
    assert wanted <= {one["command"] for one in centre.json("today")["next_commands"]}
    assert wanted == {one["next_command"] for one in centre.json("today")["unsent"]}
    assert wanted <= {one["next"] for one in centre.json("duty", "list")}
    for line in sorted(wanted):
        centre.do(*line.split()[1:])
    assert centre.facts(WITHOUT)["told_how"] == "letter"


@BOTH
@pytest.mark.parametrize("whom", [("--all",), ("--cohort", "NF-1"), ("--dispatch", "3")])
def test_of_many_only_those_with_an_address_count_as_told_by_email(clock, tmp_path, database, whom):
    centre = hold(at(tmp_path, clock, database))
    centre.do("uln", "pass")
    if whom[0] == "--dispatch":
        whom = (whom[0], next(name for name, _, _ in centre.dispatches("uln_message")))
    told = centre.json("uln", "told", "--how", "email", *whom)
    assert told["counts"] == {"have no e-mail address: hand over the letter": 1, "told their ULN": 2}
    assert "without an e-mail address: L-07" in told["notes"]
    assert "hand over the letters, then: ulnflow uln told L-07 --how letter" in told["next"]
    assert centre.state(WITHOUT) == "uln_received"
    centre.do("uln", "told", "--how", "letter", "--all")
    assert {one: centre.facts(one)["told_how"] for one in ("L-05", WITHOUT)} == {"L-05": "email", WITHOUT: "letter"}
    centre.do("audit", "verify")


def test_a_learner_named_who_has_no_address_is_refused_by_a_rule_with_the_fix(written):
    refused = written.json("uln", "told", WITHOUT, "L-05", "--how", "email")
    assert [(one["reference"], one["rule"], one["code"]) for one in refused["refusals"]] == [
        (WITHOUT, "P1", "no_address")
    ]
    assert "--how letter" in refused["refusals"][0]["message"]
    assert (written.state(WITHOUT), written.state("L-05")) == ("uln_received", "uln_passed_to_learner")
    written.refused("advance", "pass_uln_to_learner", WITHOUT, "-e", "how=email")
    assert written.json("learner", "why", WITHOUT)["next_command"] == "ulnflow uln told L-07 --how letter"
    written.do("learner", "edit", WITHOUT, "email", stdin="seven@example.org\n")
    written.do("uln", "told", WITHOUT, "--how", "email")


def test_who_is_owed_the_telling_elsewhere_on_the_route_is_refused_likewise(written):
    """Registered before the telling, the learner is told by a duty, which no rule of the route asks."""
    written.do("cohort", "waive", "NF-1", "--reason", "the window closes")
    written.agree()
    written.do("advance", "register_with_ilm", WITHOUT, "--reason", "window", "-e", "order=WG-1")
    assert "tell_learner" in written.duties(WITHOUT)
    refused = written.json("uln", "told", WITHOUT, "--how", "email")
    assert [one["code"] for one in refused["refusals"]] == ["no_address"]
    assert "tell_learner" in written.duties(WITHOUT)
    written.do("uln", "told", WITHOUT, "--how", "letter")
    assert written.duties(WITHOUT) == set()


def test_an_address_that_was_cleared_after_its_message_was_made_still_tells(written):
    written.do("learner", "edit", "L-05", "email", stdin="-\n")
    assert written.json("uln", "told", "--how", "email", "--all")["counts"]["told their ULN"] == 2
    assert written.facts("L-05")["told_how"] == "email"


def test_a_letter_or_a_word_tells_whoever_has_an_address_too(written):
    """Every message has its letter, so who says letter of all means all; who says it of one means that one."""
    written.do("uln", "told", "L-05", "--how", "in_person")
    assert written.json("uln", "told", "--how", "letter", "--all")["counts"] == {"told their ULN": 2}
    assert written.facts("L-06")["told_how"] == "letter"
