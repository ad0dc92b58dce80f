"""The LRS merged two records: its answer names the master and the older numbers; the history keeps them all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from states.exchange.lrs.plug import LrsFiles
from tests.fakes.centre import Centre, uln
from tests.journey.test_returning_learner import told


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[str, ...]]:
    """Reference -> older numbers that every reply names for this learner."""
    known: dict[str, tuple[str, ...]] = {}
    read = LrsFiles.read_reply

    def with_linked(self, path):
        reply = read(self, path)
        return replace(reply, rows=tuple(replace(r, linked=known.get(r.reference, ())) for r in reply.rows))

    monkeypatch.setattr(LrsFiles, "read_reply", with_linked)
    return known


def found(centre: Centre, number: str) -> list[str]:
    return [one["reference"] for one in centre.json("learner", "find", stdin=number + "\n")]


def registered(centre: Centre) -> None:
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.days(1)
    centre.do("lrs", "submit", "L-1")


def test_the_master_takes_the_place_of_the_number_held_and_both_find_the_learner(centre, linked):
    registered(centre)
    linked["L-1"] = (uln(1), uln(5))
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(2)}, name="merged.csv"))
    assert "match confirmed" in received.said
    assert centre.ulns("L-1") == [(uln(1), "merged"), (uln(2), "held"), (uln(5), "merged")]
    assert centre.state("L-1") == "registered_with_ilm"
    assert centre.duties("L-1") == {"tell_learner", "replace_uln_at_ilm"}
    assert found(centre, uln(1)) == found(centre, uln(2)) == found(centre, uln(5)) == ["L-1"]
    assert centre.json("exception", "list") == []
    assert "was merged into another" in centre.do("audit", "history", "L-1", "--format", "json").out
    before = centre.events()
    centre.do("lrs", "receive", centre.folder / "merged.csv")
    assert centre.events() == before
    told(centre)
    assert "tell_learner" not in centre.duties("L-1")
    centre.do("audit", "verify")


def test_older_numbers_of_a_first_answer_are_kept_as_merged(centre, linked):
    centre.enrol("L-1")
    linked["L-1"] = (uln(5), "9999999999")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    assert centre.ulns("L-1") == [(uln(1), "held"), (uln(5), "merged")]
    assert found(centre, uln(5)) == ["L-1"]


def test_another_number_without_the_one_held_among_the_older_is_no_merge(centre, linked):
    registered(centre)
    linked["L-1"] = (uln(5),)
    assert centre.run("lrs", "receive", centre.reply({"L-1": uln(2)}, name="other.csv")).code == 1
    assert centre.ulns("L-1") == [(uln(1), "held")]
    assert centre.duties("L-1") == {"data_challenge"}


def test_a_master_that_is_no_valid_number_goes_to_a_person(centre, linked):
    registered(centre)
    linked["L-1"] = (uln(1),)
    assert centre.run("lrs", "receive", centre.reply({"L-1": "1000102508"}, name="bad.csv")).code == 1
    assert centre.ulns("L-1") == [(uln(1), "held")]


@pytest.mark.parametrize("later", [False, True], ids=["in one reply", "in two replies"])
def test_one_master_for_two_learners_is_held_by_the_first_and_names_both(centre, linked, later):
    """A7 with merged numbers: two of our learners are one person at the LRS."""
    centre.enrol("L-1", "L-2")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    centre.days(1)
    centre.do("lrs", "submit", "L-1", "L-2")
    linked |= {"L-1": (uln(1),), "L-2": (uln(2),)}
    if later:
        centre.do("lrs", "receive", centre.reply({"L-1": uln(3)}, name="one.csv"))
        refused = centre.run("lrs", "receive", centre.reply({"L-2": uln(3)}, name="two.csv"))
    else:
        refused = centre.run("lrs", "receive", centre.reply({"L-1": uln(3), "L-2": uln(3)}, name="both.csv"))
    assert refused.code == 1
    assert "L-2 L-1 holds this ULN" in refused.said
    assert centre.ulns("L-1") == [(uln(1), "merged"), (uln(3), "held")]
    assert centre.ulns("L-2") == [(uln(2), "held")]
    assert centre.duties("L-2") == {"data_challenge"}
    centre.do("audit", "verify")


def test_a_master_whose_older_number_another_learner_holds_goes_to_a_person(centre, linked):
    centre.enrol("L-1", "L-2")
    centre.do("lrs", "submit")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, name="one.csv"))
    linked["L-2"] = (uln(1),)
    refused = centre.run("lrs", "receive", centre.reply({"L-2": uln(3)}, name="two.csv"))
    assert "L-2 L-1 holds this ULN" in refused.said
    assert (centre.state("L-2"), centre.held("L-2")) == ("lrs_exception", "")
