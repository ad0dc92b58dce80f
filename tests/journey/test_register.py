"""The register of files: listed, shown with their learners, marked, rejected, and added up to the learner."""

from __future__ import annotations

import csv
import io

import pytest

from tests.fakes.centre import Centre, uln
from tests.journey.test_replies import sent, told


def places(centre: Centre, *names: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(centre.do("dispatch", "reconcile", *names, "--format", "csv").out)))


def only(centre: Centre, *words: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["state"]) for one in centre.json("dispatch", "list", *words)]


def test_the_register_lists_every_file_and_filters_by_kind_and_state(centre):
    sent(centre, "L-1", "L-2")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    centre.enrol("L-3")
    centre.do("lrs", "submit")
    assert only(centre) == [
        ("lrs_batch", "partly answered"),
        ("lrs_reply", "received"),
        ("lrs_batch", "prepared"),
    ]
    assert only(centre, "--kind", "cohort_sheet") == [("cohort_sheet", "received")] * 2
    assert only(centre, "--open") == [("lrs_batch", "partly answered"), ("lrs_batch", "prepared")]
    assert only(centre, "--kind", "lrs_reply") == [("lrs_reply", "received")]
    assert only(centre, "--state", "partly answered") == only(centre, "--state", "partly_answered")
    assert only(centre, "--kind", "lrs_batch", "--state", "prepared", "--open") == [("lrs_batch", "prepared")]
    assert only(centre, "--state", "received", "--open") == []
    assert "kinds are: lrs_batch" in centre.refused("dispatch", "list", "--kind", "letters").said
    assert "states are: prepared" in centre.refused("dispatch", "list", "--state", "lost").said
    assert "partly answered" in centre.do("dispatch", "list").said


def test_a_file_is_shown_with_its_learners_and_its_digest(centre):
    sent(centre, "L-1", "L-2")
    centre.do("lrs", "receive", centre.reply({"L-2": uln(2)}))
    found = centre.json("dispatch", "show", centre.batches()[0].name)
    assert (found["file"], found["list_holds"], found["adds_up"]) == ("whole", True, True)
    assert [(one["row"], one["reference"], one["place"]) for one in found["places"]] == [
        (1, "L-1", "open"),
        (2, "L-2", "answered"),
    ]
    assert "L-2" in centre.do("dispatch", "show", str(found["number"])).said
    assert "no file 99 is in the register" in centre.refused("dispatch", "show", "99").said


@pytest.mark.parametrize("what", ["changed", "gone"])
def test_bytes_that_are_not_those_registered_are_told(centre, what):
    sent(centre, "L-1")
    (path,) = centre.batches()
    if what == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"Robin", b"Robyn"))
    result = centre.run("dispatch", "show", path.name)
    assert result.code == (1 if what == "changed" else 0)
    assert what in result.said


def test_a_list_that_is_not_the_one_frozen_is_told(centre):
    sent(centre, "L-1", "L-2")
    centre.change("UPDATE dispatch_member SET row = 3 - row")
    result = centre.run("dispatch", "show", centre.batches()[0].name)
    assert (result.code, "list holds no" in result.said) == (1, True)


# --- the same acts by kind ------------------------------------------------------------------------------------------


def test_marking_and_rejecting_do_what_the_commands_of_the_kind_do(centre):
    centre.enrol("L-1", "L-2")
    number = str(centre.json("lrs", "submit")["files"][0]["dispatch"])
    assert "file is not recorded as sent" in centre.refused("dispatch", "mark-sent", number, "--at", "2026-09-20").said
    centre.do("dispatch", "mark-sent", number)
    assert centre.states() == {"submitted_to_lrs": 2}
    before = centre.events()
    assert "sent already" in centre.do("dispatch", "mark-sent", number).said
    assert centre.events() == before
    centre.do("dispatch", "reject", number, "--reason", "the portal found fault with row 2")
    assert centre.states() == {"details_gathered": 2}
    assert centre.dispatches("lrs_batch")[0][1:] == ("rejected", {"released": 2})
    assert "rejected already" in centre.do("dispatch", "reject", number).said


def test_a_registration_is_rejected_by_its_number_and_other_kinds_name_their_own_command(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    told(centre)
    number = str(centre.json("ilm", "register")["files"][0]["dispatch"])
    assert "ulnflow ilm confirm" in centre.refused("dispatch", "mark-sent", number).said
    centre.do("dispatch", "reject", number, "--reason", "wrong order form")
    assert centre.json("ilm", "register")["files"][0]["learners"] == 1
    (message,) = [str(d["number"]) for d in centre.json("dispatch", "list", "--kind", "uln_message")]
    assert "ulnflow uln told" in centre.refused("dispatch", "reject", message).said
    (reply,) = [str(d["number"]) for d in centre.json("dispatch", "list", "--kind", "lrs_reply")]
    assert "only files of ours" in centre.refused("dispatch", "reject", reply).said


# --- added up -------------------------------------------------------------------------------------------------------


def test_who_may_still_be_answered_is_waited_for_and_has_not_failed_to_come_back(centre):
    """As long as `stuck` gives an answer; a file is named by its path as well."""
    centre.enrol("L-1", "L-2")
    centre.do("lrs", "submit")
    assert "Never came back" not in centre.do("dispatch", "reconcile").out
    (path,) = centre.batches()
    assert "is in the register" in centre.refused("lrs", "sent", path.with_name("other.csv")).said
    centre.do("lrs", "sent", path)
    assert centre.states() == {"submitted_to_lrs": 2}
    said = centre.do("dispatch", "reconcile").out
    assert ("Waiting" in said, "Never came back" in said) == (True, False)
    assert {one["late"] for one in centre.json("dispatch", "reconcile")["waiting"]} == {False}
    centre.days(7)
    said = centre.do("dispatch", "reconcile", path).out
    assert ("Waiting" in said, "Never came back" in said) == (False, True)
    assert {one["late"] for one in places(centre)} == {"yes"}


def test_who_never_came_back_and_who_is_in_quarantine_are_named(centre):
    sent(centre, "L-1", "L-2", "L-3")
    centre.do("lrs", "recall", "L-3", "--reason", "wrong date of birth")
    stranger = {**centre.batch()[0], "MISIdentifier": "X-99", "ULN": uln(99), "ReturnCode": "RC001"}
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}, more=[stranger]))
    centre.days(7)
    found = centre.json("dispatch", "reconcile")
    assert found["adds_up"] is True
    assert found["sums"] == {
        "sent": 3, "answered": 1, "released": 1, "open": 1,
        "learners": 3, "came_back": 1, "still_waited_for": 1, "taken_back": 1,
    }  # fmt: skip
    assert [(one["reference"], one["days"]) for one in found["waiting"]] == [("L-2", 5)]
    assert [(one["reference"], one["row"], one["code"]) for one in found["quarantine"]] == [("X-99", 2, "RC001")]
    assert {one["reference"]: one["place"] for one in places(centre)} == {
        "L-1": "answered", "L-2": "open", "L-3": "released", "X-99": "quarantined",
    }  # fmt: skip
    said = centre.do("dispatch", "reconcile").said
    assert "3 places = 1 answered + 1 released + 1 open" in said
    assert "It adds up." in said
    assert uln(99) not in said
    reply = [str(d["number"]) for d in centre.json("dispatch", "list", "--kind", "lrs_reply")]
    assert [one["reference"] for one in places(centre, *reply)] == ["X-99"]
    assert [one["reference"] for one in places(centre, centre.batches()[0].name)] == ["L-1", "L-2", "L-3"]


def test_places_that_do_not_add_up_are_a_finding(centre):
    sent(centre, "L-1", "L-2")
    centre.change("DELETE FROM dispatch_member WHERE row = 2")
    result = centre.run("dispatch", "reconcile")
    assert (result.code, "does NOT add up" in result.said) == (1, True)


# --- recalled, and answered after all -------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["recall", "reject"])
def test_a_late_answer_to_somebody_taken_back_is_used_and_told(centre, how):
    """Taking a whole file back is one command, and what comes to it later is neither lost nor silent."""
    sent(centre, "L-1", "L-2")
    name = centre.batches()[0].name
    if how == "reject":
        centre.do("lrs", "reject", name, "--reason", "refused whole")
    else:
        centre.do("lrs", "recall", "--cohort", "NF-1", "--reason", "wrong file")
    assert centre.states() == {"details_gathered": 2}
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(1), "L-2": uln(2)}))
    assert "taken back from their file before: L-1, L-2" in received.said
    assert centre.states() == {"uln_received": 2}
    assert centre.json("dispatch", "reconcile")["sums"]["came_back"] == 2
    centre.do("audit", "verify")


def test_an_answer_to_a_file_that_nobody_was_left_in_is_no_strangers(centre):
    """Recalled before it was marked as sent; the reply that names the file proves that it was uploaded."""
    centre.enrol("L-1")
    centre.do("lrs", "submit")
    centre.do("lrs", "recall", "L-1", "--reason", "wrong date of birth")
    assert centre.dispatches("lrs_batch")[0][1] == "superseded"
    received = centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert "quarantine" not in received.said
    assert "taken back from their file before: L-1" in received.said
    assert (centre.state("L-1"), centre.held("L-1")) == ("uln_received", uln(1))
    assert centre.json("dispatch", "reconcile")["adds_up"] is True
    centre.do("audit", "verify")


def test_a_file_that_was_answered_for_somebody_was_not_refused_whole(centre):
    sent(centre, "L-1", "L-2")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    before = centre.events()
    name = centre.batches()[0].name
    for words in (("lrs", "reject", name), ("dispatch", "reject", name)):
        assert "take the others back with: ulnflow lrs recall" in centre.refused(*words, "--reason", "test").said
    assert centre.events() == before
    centre.do("lrs", "recall", "L-2", "--reason", "never came back")
    assert centre.state("L-2") == "details_gathered"
