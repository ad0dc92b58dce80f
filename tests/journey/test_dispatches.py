"""Files to the outside: prepared, sent, refused, taken back; named exactly, split, and never half done."""

from __future__ import annotations

import os
import re
from datetime import datetime

import pytest

from tests.fakes.centre import LONDON, Centre, row, uln

NAME = re.compile(r"LRB_99990001_(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])20[0-9]{2}([01][0-9]|2[0-3])[0-5][0-9]\.CSV")
NOBODY_IS_ROOT = os.name != "posix" or os.geteuid() != 0


def minute(name: str) -> datetime:
    return datetime.strptime(name[-16:-4], "%d%m%Y%H%M").replace(tzinfo=LONDON)


def submitted(centre: Centre, *references: str) -> str:
    """Learners in a file that was prepared; its name."""
    centre.enrol(*references)
    centre.do("lrs", "submit")
    return centre.batches()[-1].name


# --- the life of a file ---------------------------------------------------------------------------------------------


def test_a_prepared_file_moves_nobody_and_owes_its_sending(centre):
    name = submitted(centre, "L-1", "L-2")
    assert centre.states() == {"details_gathered": 2}
    assert centre.dispatches("lrs_batch") == [(name, "prepared", {"open": 2})]
    assert [duty["duty"] for duty in centre.json("duty", "list")] == ["upload_file"]


def test_sending_moves_its_learners_once(centre):
    name = submitted(centre, "L-1", "L-2")
    centre.do("lrs", "sent", name)
    assert centre.states() == {"submitted_to_lrs": 2}
    assert centre.json("duty", "list") == []
    before = centre.events()
    assert "sent already" in centre.do("lrs", "sent", name).said
    assert centre.events() == before


def test_a_file_is_named_by_its_number_in_the_register_too(centre):
    made = centre.enrol("L-1") and centre.json("lrs", "submit")["files"][0]
    centre.do("lrs", "sent", str(made["dispatch"]))
    assert centre.state("L-1") == "submitted_to_lrs"
    assert "no file 77 is in the register" in centre.refused("lrs", "sent", "77").said


def test_sending_may_be_recorded_later_with_its_day_and_a_reason_when_it_is_late(centre):
    name = submitted(centre, "L-1")
    centre.days(4)  # Friday: four working days on
    late = centre.run("lrs", "sent", name, "--at", "2026-09-07")
    assert "say with --reason why it is recorded late" in late.said
    assert centre.state("L-1") == "details_gathered"
    assert centre.dispatches("lrs_batch")[0][1] == "prepared"
    centre.do("lrs", "sent", name, "--at", "2026-09-07", "--reason", "the colleague was ill")
    assert centre.state("L-1") == "submitted_to_lrs"
    assert "takes a day" in centre.refused("lrs", "sent", name, "--at", "7/9/2026").said


def test_a_reply_proves_that_the_file_was_sent(centre):
    name = submitted(centre, "L-1")
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}))
    assert centre.state("L-1") == "uln_received"
    assert centre.dispatches("lrs_batch") == [(name, "answered", {"answered": 1})]
    assert centre.json("duty", "list") == []


def test_a_reply_read_days_later_may_say_when_the_file_was_uploaded(centre):
    submitted(centre, "L-1")
    centre.days(7)
    centre.do("lrs", "receive", centre.reply({"L-1": uln(1)}), "--sent-on", "2026-09-07")
    assert centre.state("L-1") == "uln_received"


@pytest.mark.parametrize("sent", [False, True], ids=["never sent", "sent and refused"])
def test_a_rejected_file_frees_everyone_in_it(centre, sent):
    name = submitted(centre, "L-1", "L-2")
    if sent:
        centre.do("lrs", "sent", name)
    centre.do("lrs", "reject", name, "--reason", "the portal found fault with row 2")
    assert centre.states() == {"details_gathered": 2}
    assert centre.dispatches("lrs_batch") == [(name, "rejected", {"released": 2})]
    assert centre.json("duty", "list") == []
    again = centre.do("lrs", "reject", name)
    assert "rejected already" in again.said
    centre.days(1)
    assert centre.json("lrs", "submit")["files"][0]["learners"] == 2


def test_a_rejected_file_does_not_move_who_left_meanwhile(centre):
    name = submitted(centre, "L-1", "L-2")
    centre.do("lrs", "sent", name)
    centre.do("learner", "withdraw", "L-2", "--reason", "left_course")
    centre.do("lrs", "reject", name, "--reason", "refused whole")
    assert (centre.state("L-1"), centre.state("L-2")) == ("details_gathered", "withdrawn")


def test_a_recall_frees_one_and_leaves_the_rest_in_the_file(centre):
    name = submitted(centre, "L-1", "L-2")
    centre.do("lrs", "sent", name)
    centre.do("lrs", "recall", "L-1", "--reason", "wrong date of birth")
    assert (centre.state("L-1"), centre.state("L-2")) == ("details_gathered", "submitted_to_lrs")
    assert centre.dispatches("lrs_batch")[0][2] == {"released": 1, "open": 1}
    assert "no open file holds this learner" in centre.do("lrs", "recall", "L-1", "--reason", "again").said
    assert "say who" in centre.refused("lrs", "recall", "--reason", "everyone").said


def test_who_was_recalled_before_the_sending_is_not_sent(centre):
    name = submitted(centre, "L-1", "L-2")
    centre.do("lrs", "recall", "L-1", "--reason", "wrong date of birth")
    assert centre.state("L-1") == "details_gathered"
    centre.do("lrs", "sent", name)
    assert (centre.state("L-1"), centre.state("L-2")) == ("details_gathered", "submitted_to_lrs")


def test_a_rejected_registration_file_frees_its_learners_for_the_next(centre):
    centre.enrol("L-1")
    assert centre.ask_lrs({"L-1": uln(1)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "in_person", "--all")
    made = centre.json("ilm", "register")["files"][0]
    centre.do("ilm", "reject", made["name"], "--reason", "wrong order form")
    assert centre.state("L-1") == "uln_passed_to_learner"
    assert centre.json("ilm", "register")["files"][0]["learners"] == 1


# --- names and splitting --------------------------------------------------------------------------------------------


def test_a_batch_is_named_as_the_lrs_demands_and_two_of_one_minute_differ(centre):
    first = submitted(centre, "L-1")
    second = submitted(centre, "L-2")
    third = submitted(centre, "L-3")
    assert all(NAME.fullmatch(name) for name in (first, second, third))
    assert [(minute(name) - minute(first)).seconds for name in (first, second, third)] == [0, 60, 120]
    assert [path.read_bytes()[:13] for path in centre.batches()] == [b'"FileVersion"'] * 3


def test_names_carry_london_time_in_summer(centre):
    centre.to("2027-06-30", "00:10")  # still the 29th by UTC
    assert submitted(centre, "L-1").startswith("LRB_99990001_30062027001")


def test_five_thousand_and_one_learners_make_two_files_one_minute_apart(centre):
    centre.do("cohort", "import", centre.sheet([row(f"L-{n:05}") for n in range(5001)]), "--cohort", "NF-1")
    made = centre.json("lrs", "submit")["files"]
    assert [file["learners"] for file in made] == [5000, 1]
    assert (minute(made[1]["name"]) - minute(made[0]["name"])).seconds == 60
    first, second = (centre.batch(path) for path in centre.batches())
    assert (len(first), first[0]["LearnerRecordCount"]) == (5000, "5000")
    assert (len(second), second[0]["LearnerRecordCount"]) == (1, "1")
    assert len({asked["MISIdentifier"] for asked in [*first, *second]}) == 5001

    answers = {f"L-{n:05}": uln(n) for n in range(5001)}
    centre.do("lrs", "receive", centre.reply(answers, to=centre.batches()[0], name="first.csv"))
    assert centre.states() == {"uln_received": 5000, "details_gathered": 1}
    centre.do("lrs", "receive", centre.reply(answers, to=centre.batches()[1], name="second.csv"))
    assert centre.states() == {"uln_received": 5001}


# --- nothing half done ----------------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_written_leaves_nothing_half_done(centre):
    """A file where the folder should be: no right of any account writes there."""
    centre.enrol("L-1")
    (centre.folder / "outbox" / "lrs").write_text("in the way", encoding="utf-8")
    before = centre.events()
    assert "cannot be written" in centre.refused("lrs", "submit").said
    assert centre.events() == before
    assert centre.dispatches("lrs_batch") == []
    (centre.folder / "outbox" / "lrs").unlink()
    centre.do("lrs", "submit")
    assert len(centre.batch()) == 1
    assert not list((centre.folder / "outbox" / ".pending").iterdir())


@pytest.mark.skipif(not NOBODY_IS_ROOT, reason="the superuser writes anywhere")
def test_an_outbox_without_the_right_to_write_leaves_nothing_half_done(centre):
    centre.enrol("L-1")
    before = centre.events()
    (centre.folder / "outbox").chmod(0o500)
    try:
        assert "cannot be written" in centre.refused("lrs", "submit").said
    finally:
        (centre.folder / "outbox").chmod(0o700)
    assert centre.events() == before


def test_messages_that_cannot_be_written_tell_nobody(centre):
    centre.enrol("L-1", "L-2")
    assert centre.ask_lrs({"L-1": uln(1), "L-2": uln(2)}).code == 0
    (centre.folder / "outbox" / "messages").write_text("in the way", encoding="utf-8")
    before = centre.events()
    assert "cannot be written" in centre.refused("uln", "pass").said
    assert centre.events() == before
    assert "no message waits" in centre.do("uln", "told", "--how", "email", "--all").said
    assert centre.states() == {"uln_received": 2}


# --- registration files ---------------------------------------------------------------------------------------------


def ready_for_ilm(centre: Centre, **funded: str) -> None:
    """Learners who have been told their ULN, each funded or not."""
    rows = [row(reference, Funded=word) for reference, word in funded.items()]
    centre.do("cohort", "import", centre.sheet(rows), "--cohort", "NF-1")
    assert centre.ask_lrs({reference: uln(place) for place, reference in enumerate(funded)}).code == 0
    centre.do("uln", "pass")
    centre.do("uln", "told", "--how", "letter", "--all")


def test_funded_and_not_funded_go_in_files_of_their_own(centre):
    ready_for_ilm(centre, L1="Y", L2="N", L3="Y")
    made = centre.json("ilm", "register")["files"]
    assert sorted(file["learners"] for file in made) == [1, 2]
    centre.do("ilm", "confirm", "--dispatch", str(made[0]["dispatch"]), "--order", "WG-1")
    centre.do("ilm", "confirm", "--dispatch", str(made[1]["dispatch"]), "--order", "WG-2")
    assert {centre.facts(r)["order_number"] for r in ("L1", "L3")} != {centre.facts("L2")["order_number"]}


def test_a_confirmation_file_confirms_whom_it_names_with_their_numbers(centre):
    ready_for_ilm(centre, L1="Y", L2="Y")
    centre.do("ilm", "register")
    path = centre.folder / "confirmation.csv"
    path.write_text(
        "Learner reference,Candidate number,Order number\nL1,ENB0001,WG-1\nX9,ENB0009,WG-1\n", encoding="utf-8"
    )
    said = centre.do("ilm", "confirm", "--file", path).said
    assert "X9: in the file, but no registration of ours waits" in said
    assert (centre.state("L1"), centre.state("L2")) == ("registered_with_ilm", "uln_passed_to_learner")
    facts = centre.facts("L1")
    assert (facts["candidate_number"], facts["order_number"]) == ("ENB0001", "WG-1")
    assert centre.dispatches("ilm_registration")[0][1] == "partly_answered"
