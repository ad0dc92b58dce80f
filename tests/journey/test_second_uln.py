"""A second ULN for one person is never dropped and never taken by itself; a ULN typed in the wrong place goes nowhere."""

from __future__ import annotations

from tests.fakes.centre import uln
from tests.journey.test_returning_learner import told

RESOLVE = ("exception", "resolve", "L-1", "--reason", "compared in the portal", "--decision")


def finished_while_asked(centre) -> None:
    """The record was updated while a file to the LRS was under way, and the reply names another ULN."""
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.days(1)
    centre.do("lrs", "submit", "L-1")
    centre.do("lrs", "sent", centre.batches()[-1].name)
    centre.do("lar", "confirm", "L-1", "--by", "ilm", "--reference", "LAR-1")
    received = centre.run("lrs", "receive", centre.reply({"L-1": uln(2)}, name="late.csv"))
    assert "kept: a person must decide 1" in received.said
    assert "ulnflow exception resolve L-1" in received.said


def found(centre, number: str) -> list[str]:
    return [one["reference"] for one in centre.json("learner", "find", stdin=number + "\n")]


def test_another_uln_after_the_record_was_updated_is_doubted_and_not_lost(centre):
    finished_while_asked(centre)
    assert (centre.state("L-1"), centre.ulns("L-1")) == ("lar_updated", [(uln(1), "held")])
    assert centre.duties("L-1") == {"data_challenge"}
    assert [one["reference"] for one in centre.json("exception", "list")] == ["L-1"]
    assert found(centre, uln(2)) == ["L-1"]
    before = centre.events()
    centre.do("lrs", "receive", centre.folder / "late.csv")
    assert centre.events() == before
    centre.do("audit", "verify")


def test_the_uln_held_may_be_confirmed_there(centre):
    finished_while_asked(centre)
    assert "ulnflow uln wrong L-1" in centre.refused(*RESOLVE, "existing", stdin=uln(2)).said
    assert "ulnflow uln wrong L-1" in centre.refused(*RESOLVE, "again").said
    assert "ten digits" in centre.refused(*RESOLVE, "existing", stdin="123").said
    assert centre.duties("L-1") == {"data_challenge"}
    centre.do(*RESOLVE, "existing", stdin=uln(1))
    assert centre.duties("L-1") == set()
    assert centre.json("exception", "list") == []
    assert (centre.state("L-1"), centre.held("L-1")) == ("lar_updated", uln(1))
    assert "the ULN held is right" in centre.do("audit", "history", "L-1", "--format", "json").out
    centre.do("audit", "verify")


def test_or_the_other_one_is_taken_after_the_old_one_was_reported_wrong(centre):
    finished_while_asked(centre)
    centre.do("uln", "wrong", "L-1", "--reason", "another person's", "--evidence", "LRS-CASE-1")
    centre.do(*RESOLVE, "existing", stdin=uln(2))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(2))
    assert centre.duties("L-1") == {"data_challenge", "assess_breach", "tell_learner_again", "replace_uln_at_ilm"}
    centre.do("audit", "verify")


def test_somebody_who_left_and_came_back_with_a_doubt_may_be_asked_about_again(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.days(1)
    centre.do("lrs", "submit", "L-1")
    centre.do("lrs", "sent", centre.batches()[-1].name)
    centre.do("learner", "withdraw", "L-1", "--reason", "left_course")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(2)}, name="late.csv"))
    assert centre.duties("L-1") == {"data_challenge"}
    centre.do("learner", "reinstate", "L-1", "--reason", "came back")
    centre.do(*RESOLVE, "again")
    centre.do(*RESOLVE, "existing", stdin=uln(1))
    assert (centre.duties("L-1"), centre.held("L-1")) == (set(), uln(1))


def test_a_uln_answered_but_not_taken_is_held_by_nobody(centre):
    finished_while_asked(centre)
    centre.enrol("L-2")
    assert centre.ask_lrs({"L-2": uln(2)}).code == 0
    assert centre.held("L-2") == uln(2)


def test_a_uln_typed_for_a_code_goes_nowhere(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit", "--via", "portal")
    before = centre.events()
    for typed in (uln(1), "Robin", "?"):
        assert "no LRS code" in centre.refused("lrs", "answer", "L-1", "--code", typed, stdin="").said
    assert centre.events() == before
    assert not centre.holds(uln(1))
    centre.do("lrs", "answer", "L-1", "--code", " rc008 ", stdin="")
    assert centre.facts("L-1")["exception"]["code"] == "RC008"


def test_two_different_answers_in_one_reply_both_go_to_a_person(centre):
    centre.enrol("L-1", "L-2")
    centre.do("lrs", "submit")
    second = {**centre.batch()[0], "ULN": uln(3), "ReturnCode": "RC001"}
    reply = centre.reply({"L-1": uln(1), "L-2": uln(2)}, more=[second])
    received = centre.run("lrs", "receive", reply)
    assert received.code == 1
    assert "more than once" in received.said
    assert "quarantine" not in received.said
    assert centre.quarantined() == []
    assert (centre.state("L-1"), centre.state("L-2")) == ("lrs_exception", "uln_received")
    assert centre.ulns("L-1") == []
    assert found(centre, uln(1)) == found(centre, uln(3)) == ["L-1"]
    before = centre.events()
    assert centre.run("lrs", "receive", reply).code == 0
    assert centre.events() == before
    centre.do(*RESOLVE, "existing", stdin=uln(3))
    assert centre.held("L-1") == uln(3)
    centre.do("audit", "verify")


def test_two_different_answers_about_a_uln_held_are_doubted(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.days(1)
    centre.do("lrs", "submit", "L-1")
    second = {**centre.batch()[0], "ULN": uln(3), "ReturnCode": "RC001"}
    assert centre.run("lrs", "receive", centre.reply({"L-1": uln(1)}, more=[second], name="two.csv")).code == 1
    assert centre.duties("L-1") == {"data_challenge"}
    assert (centre.state("L-1"), centre.ulns("L-1")) == ("uln_received", [(uln(1), "held")])
    centre.do(*RESOLVE, "existing", stdin=uln(1))
    assert centre.duties("L-1") == set()


def test_the_same_answer_twice_in_one_reply_counts_once(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit")
    same = {**centre.batch()[0], "ULN": uln(1), "ReturnCode": "RC001"}
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, more=[same]))
    assert "ULN received 1" in received.said
    assert centre.quarantined() == []
