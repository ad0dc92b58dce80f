"""A match is about the details that were sent: a change of one of the five makes it stale until the LRS is asked again."""

from __future__ import annotations

import pytest

from tests.fakes.centre import Centre, row, uln
from tests.journey.test_returning_learner import told

CHANGES = {
    "given_name": ("Given name", "Robyn"),
    "family_name": ("Family name", "Newname"),
    "date_of_birth": ("Date of birth", "1990-02-01"),
    "gender": ("Gender", "1"),
    "postcode": ("Postcode", "CV4 8UW"),
}


def stuck(centre: Centre, reference: str = "L-1") -> list[dict]:
    return [one for one in centre.json("stuck")["rows"] if one["reference"] == reference]


@pytest.mark.parametrize("by", ["edit", "sheet"])
@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_any_of_the_five_details_is_told_and_cured_by_asking_again(centre, field, by):
    """I1, end to end."""
    label, value = CHANGES[field]
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    assert stuck(centre) == []
    centre.days(1)
    if by == "edit":
        assert "stale now" in centre.do("learner", "edit", "L-1", field, stdin=value + "\n").said
    else:
        changed = {**row("L-1"), label: value}
        assert "learners updated" in centre.do("cohort", "import", centre.sheet([changed]), "--cohort", "NF-1").said
    words = f"{label} changed on 2026-09-08, after the LRS matched it"
    why = centre.json("learner", "why", "L-1")
    assert (why["stale"], words in why["match"], why["next_command"]) == ([field], True, "ulnflow lrs submit L-1")
    assert words in centre.do("learner", "why", "L-1").said
    (one,) = stuck(centre)
    assert (one["kind"], one["codes"], one["next_command"]) == ("blocked", ["I1"], "ulnflow lrs submit L-1")
    assert words in one["why"][0]
    assert centre.json("stuck")["totals"]["blocked"] == 1
    assert centre.json("stuck")["causes"][0]["next_command"] == "ulnflow lrs submit"
    held_back = centre.run("ilm", "register")
    assert (held_back.code, words in held_back.said) == (1, True)
    assert len(stuck(centre)) == 1

    centre.do("lrs", "submit")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, name="again.csv"))
    assert "stale" not in centre.facts("L-1")
    assert centre.json("learner", "why", "L-1")["match"] == ""
    assert stuck(centre) == []
    centre.do("ilm", "register")
    centre.do("audit", "verify")


def test_what_is_not_one_of_the_five_leaves_the_match_fresh_and_so_does_a_change_back(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("learner", "edit", "L-1", "email", stdin="robin@example.org\n")
    assert centre.json("learner", "why", "L-1")["stale"] == []
    centre.do("learner", "edit", "L-1", "postcode", stdin="CV4 8UW\n")
    assert centre.json("learner", "why", "L-1")["stale"] == ["postcode"]
    centre.do("learner", "edit", "L-1", "postcode", stdin="CV4 9EE\n")
    assert centre.json("learner", "why", "L-1")["stale"] == []
    assert stuck(centre) == []


def test_a_change_while_the_question_is_on_its_way_leaves_the_match_stale(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", centre.batches()[0].name)
    centre.do("learner", "edit", "L-1", "given_name", stdin="Robyn\n")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert [one["codes"] for one in stuck(centre)] == [["I1"]]
    centre.days(1)
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    assert stuck(centre) == []


def test_one_cohort_asks_about_its_own(centre):
    centre.enrol("L-1", cohort="A")
    centre.enrol("L-2", cohort="B")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.do("learner", "edit", "L-1", "gender", stdin="1\n")
    assert centre.json("stuck", "--cohort", "B")["rows"] == []
    assert [one["reference"] for one in centre.json("stuck", "--cohort", "A")["rows"]] == ["L-1"]
