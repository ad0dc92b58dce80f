"""Replies of the LRS: in any order, incomplete, late, twice, and with ULNs that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.fakes.centre import Centre, uln


def told(centre: Centre) -> None:
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "email", "--all")


def sent(centre: Centre, *references: str) -> None:
    """Learners whose file went to the LRS."""
    centre.enrol(*references)
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", centre.batches()[-1].name)


# --- replies --------------------------------------------------------------------------------------------------------


def test_rows_may_come_in_any_order(centre):
    sent(centre, "L-1", "L-2", "L-3")
    answers = {f"L-{n}": uln(n) for n in (1, 2, 3)}
    centre.do("lrs", "receive", centre.reply(answers, order=["L-3", "L-1", "L-2"]))
    assert [centre.held(r) for r in ("L-1", "L-2", "L-3")] == [uln(1), uln(2), uln(3)]


def test_rows_about_strangers_are_kept_apart_and_learners_without_a_row_wait(centre):
    sent(centre, "L-1", "L-2")
    stranger = {**centre.batch()[0], "MISIdentifier": "X-99", "ULN": uln(99), "ReturnCode": "RC001"}
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, more=[stranger]))
    assert "quarantine 1" in received.said
    assert "no answer yet for L-2" in received.said
    assert (centre.state("L-1"), centre.state("L-2")) == ("uln_received", "submitted_to_lrs")
    assert centre.quarantined() == ["X-99"]
    assert centre.dispatches("lrs_batch")[0][1:] == ("partly_answered", {"answered": 1, "open": 1})
    centre.do("lrs", "receive", centre.reply({"L-2": uln(2)}, name="rest.csv"))
    assert centre.dispatches("lrs_batch")[0][1:] == ("answered", {"answered": 2})


def test_a_reply_for_another_provider_is_refused_whole(centre):
    sent(centre, "L-1")
    before = centre.events()
    refused = centre.refused("lrs", "receive", centre.reply({"L-1": uln(1)}, ukprn="10009999"))
    assert "another provider" in refused.said
    assert (centre.events(), centre.state("L-1")) == (before, "submitted_to_lrs")


def test_an_answer_typed_in_days_later_carries_the_day_it_came(centre):
    centre.enrol("L-1")
    centre.do("lrs", "submit", "--via", "portal")
    centre.do("lrs", "sent", centre.dispatches("lrs_keying_sheet")[0][0])
    centre.days(7)
    for day in ("2026-09-06", "2026-09-20"):
        assert "cannot have come" in centre.refused("lrs", "answer", "L-1", "--at", day, stdin=uln(1)).said
    centre.do("lrs", "answer", "L-1", "--at", "2026-09-08", stdin=uln(1))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert datetime.fromtimestamp(centre.standing("L-1").entered_at / 1e6, UTC).date().isoformat() == "2026-09-08"


def test_an_unknown_code_is_never_taken_for_success(centre):
    sent(centre, "L-1")
    centre.run("lrs", "receive", centre.reply({"L-1": (uln(1), "RC077")}))
    assert (centre.state("L-1"), centre.held("L-1")) == ("lrs_exception", "")
    listed = centre.json("exception", "list")[0]
    assert (listed["code"], "not in ulnflow's table" in listed["meaning"]) == ("RC077", True)


def test_details_sent_back_that_differ_go_to_a_person(centre):
    sent(centre, "L-1")
    asked = {**centre.batch()[0], "FamilyName": "Somebody", "ULN": uln(1), "ReturnCode": "RC001"}
    refused = centre.run("lrs", "receive", centre.reply({}, more=[asked]))
    assert refused.code == 1
    assert "the answer's Family name differs from the one sent" in refused.said
    assert (centre.state("L-1"), centre.held("L-1")) == ("lrs_exception", "")


def test_a_late_reply_after_a_recall_is_used(centre):
    sent(centre, "L-1")
    assert "--reason" in centre.refused("lrs", "recall", "L-1").said
    centre.do("lrs", "recall", "L-1", "--reason", "the postcode was wrong")
    assert centre.state("L-1") == "details_gathered"
    centre.days(5)
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    centre.do("audit", "verify")


@pytest.mark.parametrize("code", ["RC001", "rc01", "WSVRC001"])
def test_a_typed_success_without_its_uln_is_refused_and_the_answer_can_still_be_given(centre, code):
    sent(centre, "L-1")
    before = centre.events()
    said = centre.refused("lrs", "answer", "L-1", "--code", code, stdin="").said
    assert "give the ULN on standard input" in said
    assert (centre.events(), centre.state("L-1")) == (before, "submitted_to_lrs")
    centre.do("lrs", "answer", "L-1", "--code", code, stdin=uln(1))
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))


def test_a_typed_slip_is_no_answer_of_the_lrs(centre):
    sent(centre, "L-1")
    right = uln(1)
    swapped = right[:9] + str((int(right[9]) + 1) % 10)
    before = centre.events()
    for slip in ("abc", right[:9], swapped, "9999999999", "0" + right[1:]):
        for code in ((), ("--code", "RC001"), ("--code", "WSVRC003")):
            refused = centre.run("lrs", "answer", "L-1", *code, stdin=slip + "\n")
            assert refused.code == 2
            assert "no ULN" in refused.said
            assert "nothing was recorded" in refused.said
            assert slip not in refused.said
    assert (centre.events(), centre.state("L-1")) == (before, "submitted_to_lrs")
    centre.do("lrs", "answer", "L-1", stdin=f"{right[:3]} {right[3:6]}\u00a0{right[6:]}\n")
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", right)


def test_a_late_reply_that_rests_on_old_details_leaves_the_match_stale(centre):
    """Recalled, corrected, not sent again yet: the answer is about the details that were sent."""
    sent(centre, "L-1")
    centre.do("lrs", "recall", "L-1", "--reason", "the postcode was wrong")
    centre.do("learner", "edit", "L-1", "postcode", stdin="CV4 8UW\n")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert centre.state("L-1") == "uln_received"
    assert set(centre.facts("L-1")["stale"]) == {"postcode"}
    centre.days(1)
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    assert "stale" not in centre.facts("L-1")


def test_a_late_reply_after_withdrawal_is_kept_and_used_once_the_learner_is_back(centre):
    sent(centre, "L-1", "L-2")
    centre.do("learner", "withdraw", "L-1", "--reason", "left_course")
    reply = centre.reply({"L-1": uln(1), "L-2": uln(2)})
    received = centre.do("lrs", "receive", reply)
    assert "kept: the learner moved on meanwhile 1" in received.said
    assert centre.facts("L-1")["kept_answer"]["code"] == "RC001"
    assert (centre.state("L-1"), centre.state("L-2")) == ("withdrawn", "uln_received")
    before = centre.events()
    centre.do("lrs", "receive", reply)
    assert centre.events() == before

    centre.do("learner", "reinstate", "L-1", "--reason", "came back")
    centre.do("lrs", "receive", reply)
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert "kept_answer" not in centre.facts("L-1")
    centre.do("audit", "verify")


def test_an_answer_to_somebody_with_a_uln_in_a_later_file_confirms_the_match(centre):
    """Recalled and sent again: both files are answered in the end."""
    sent(centre, "L-1")
    first = centre.batches()[-1]
    centre.do("lrs", "recall", "L-1", "--reason", "the portal hung")
    centre.days(1)
    centre.do("lrs", "submit")
    centre.do("lrs", "sent", centre.batches()[-1].name)
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, to=first, name="first.csv"))
    assert centre.state("L-1") == "uln_received"
    second = centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, name="second.csv"))
    assert "match confirmed" in second.said
    assert centre.ulns("L-1") == [(uln(1), "held")]
    assert {state for _, state, _ in centre.dispatches("lrs_batch")} == {"answered"}


# --- ULNs that do not fit -------------------------------------------------------------------------------------------


def test_a_second_different_uln_never_replaces_the_one_held(centre):
    """A8: refused, kept, and a data challenge is owed."""
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("learner", "edit", "L-1", "postcode", stdin="CV4 8UW\n")
    centre.days(1)
    other = centre.ask_lrs({"L-1": uln(2)})
    assert other.code == 1
    assert "the old one is kept" in other.said
    assert centre.ulns("L-1") == [(uln(1), "held")]
    assert centre.duties("L-1") == {"data_challenge"}
    assert centre.state("L-1") == "uln_received"
    assert set(centre.facts("L-1")["stale"]) == {"postcode"}
    assert "ulnflow exception resolve L-1" in other.said
    centre.do("audit", "verify")


def test_a_second_uln_is_taken_as_the_master_only_when_a_person_says_so(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    centre.do("ilm", "register")
    centre.do("ilm", "confirm", "--all", "--order", "WG-1")
    centre.do("lrs", "submit", "L-1", "--via", "portal")
    centre.run("lrs", "answer", "L-1", "--code", "WSVRC002", stdin=uln(2) + "\n")
    assert centre.held("L-1") == uln(1)
    decided = ("exception", "resolve", "L-1", "--decision", "existing", "--reason", "the LRS linked both records")
    assert "exactly ten digits" in centre.refused(*decided, stdin="123").said
    centre.do(*decided, stdin=uln(2))
    assert centre.ulns("L-1") == [(uln(1), "merged"), (uln(2), "held")]
    assert centre.state("L-1") == "registered_with_ilm"
    assert centre.duties("L-1") == {"tell_learner", "replace_uln_at_ilm"}
    found = centre.json("learner", "find", stdin=uln(1) + "\n")
    assert [one["reference"] for one in found] == ["L-1"]
    told(centre)
    centre.do("duty", "close", "L-1", "replace_uln_at_ilm", "--evidence", "mail to ILM")
    assert centre.json("duty", "list") == []
    centre.do("audit", "verify")


def test_a_doubted_match_can_be_asked_about_again(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("learner", "edit", "L-1", "postcode", stdin="CV4 8UW\n")
    centre.days(1)
    centre.ask_lrs({"L-1": uln(2)})
    centre.days(1)
    centre.do("exception", "resolve", "L-1", "--decision", "again", "--reason", "the LRS corrected its record")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    assert centre.duties("L-1") == set()
    assert "stale" not in centre.facts("L-1")


@pytest.mark.parametrize("apart", [False, True], ids=["in one reply", "in two replies"])
def test_one_uln_for_two_learners_stays_with_the_first_and_names_both(centre, apart):
    """A7."""
    sent(centre, "L-1", "L-2")
    if apart:
        centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, name="one.csv"))
        refused = centre.run("lrs", "receive", centre.reply({"L-2": uln(1)}, name="two.csv"))
    else:
        refused = centre.run("lrs", "receive", centre.reply({"L-1": uln(1), "L-2": uln(1)}))
    assert refused.code == 1
    assert "L-2 L-1 holds this ULN" in refused.said
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert (centre.state("L-2"), centre.held("L-2")) == ("lrs_exception", "")
    assert uln(1) not in refused.said
    centre.do("audit", "verify")


def test_the_lrs_giving_the_wrong_uln_again_is_not_believed(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "wrong", "L-1", "--reason", "another person's", "--evidence", "LRS-CASE-1")
    centre.do("exception", "resolve", "L-1", "--decision", "again", "--reason", "more data")
    centre.days(1)
    again = centre.ask_lrs({"L-1": uln(1)})
    assert again.code == 1
    assert "reported as never this learner's" in again.said
    assert (centre.state("L-1"), centre.held("L-1")) == ("lrs_exception", "")


def test_a_uln_that_proved_wrong_may_go_to_the_learner_it_belongs_to(centre):
    sent(centre, "L-1", "L-2")
    centre.run("lrs", "receive", centre.reply({"L-1": uln(1), "L-2": uln(1)}))
    centre.do("uln", "wrong", "L-1", "--reason", "it is L-2's", "--evidence", "LRS-CASE-1")
    centre.do("exception", "resolve", "L-2", "--decision", "existing", "--reason", "passport compared", stdin=uln(1))
    assert (centre.held("L-1"), centre.held("L-2")) == ("", uln(1))


def test_a_uln_with_a_wrong_check_digit_is_refused_with_the_digit_on_the_screen_only(centre):
    sent(centre, "L-1")
    centre.run("lrs", "receive", centre.reply({"L-1": ("", "RC008")}))
    bad = uln(1)[:-1] + str((int(uln(1)[-1]) + 1) % 10)
    refused = centre.refused("exception", "resolve", "L-1", "--decision", "existing", "--reason", "chosen", stdin=bad)
    assert f"would be {uln(1)[-1]}" in refused.said
    assert centre.state("L-1") == "lrs_exception"
    assert not centre.holds(bad)
