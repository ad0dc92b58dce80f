"""Rows C1 to C8: steps nobody may take, repeated commands, odd people and odd clocks, through the commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.hostile.conftest import untouched
from tests.unit.commands import REPLY, Centre

WHO = "ILM-00001"


def attempt(centre: Centre, *args, stdin=""):
    """A step that must be refused: exit 1, the state as before, and a refusal in the log naming who asked."""
    before, places, files = centre.events(), centre.places(), centre.files()
    result = centre.run(*args, stdin=stdin)
    assert result.code == 1, result.said
    assert (centre.places(), centre.files()) == (places, files)
    assert set(centre.kinds(before)) <= {"refused", "run_began", "run_ended"}
    return result, centre.kinds(before).count("refused")


@pytest.mark.parametrize(
    ("place", "args"),
    [
        ("gathered", ("uln", "told", WHO, "--how", "email")),
        ("gathered", ("lar", "confirm", WHO, "--by", "ilm", "--reference", "X")),
        ("gathered", ("lar", "create", WHO, "--reference", "X")),
        ("gathered", ("ilm", "confirm", WHO, "--order", "X")),
        ("gathered", ("ilm", "results", WHO, "--reference", "X")),
        ("gathered", ("learner", "reinstate", WHO, "--reason", "x")),
        ("gathered", ("learner", "reopen", WHO, "--reason", "x")),
        ("prepared", ("ilm", "register", WHO)),
        ("received", ("lar", "confirm", WHO, "--by", "ilm", "--reference", "X")),
        ("received", ("ilm", "exception", WHO, "--evidence", "X")),
        ("told", ("lar", "cross-reference", WHO, "--reference", "X")),
        ("registered", ("ilm", "confirm", WHO, "--order", "X")),
        ("registered", ("uln", "told", WHO, "--how", "email")),
    ],
)
def test_a_step_that_is_not_due_is_refused_and_a_persons_attempt_is_kept(at, place, args):
    """C1, C2: skipped, repeated or backward steps; the log says who tried."""
    centre = at(place)
    result, kept = attempt(centre, *args)
    assert WHO in result.out
    assert kept == 1
    (body,) = centre.rows("SELECT body FROM event WHERE kind='refused' ORDER BY position DESC LIMIT 1")[0]
    assert json.loads(body)["actor"] == "Ann Example"


def test_a_bulk_run_records_a_refusal_again_only_when_its_cause_changed(at):
    """C1"""
    centre = at("told")
    centre.run("ilm", "register")
    first = centre.events()
    centre.run("ilm", "register")
    assert "refused" not in centre.kinds(first)


def test_a_final_state_is_left_only_by_the_ways_back(at):
    """C1"""
    centre = at("gathered")
    centre.ok("learner", "withdraw", WHO, "--reason", "left_course")
    attempt(centre, "learner", "withdraw", WHO, "--reason", "left_course")
    result = centre.run("lrs", "submit", WHO)
    assert result.code == 1
    assert centre.places()[WHO] == "withdrawn"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("advance", "receive_uln", WHO), "ulnflow lrs receive"),
        (("advance", "submit_to_lrs", "--all"), "ulnflow lrs submit"),
        (("advance", "withdraw"), "say who"),
        (("learner", "withdraw"), "say who"),
        (("learner", "withdraw", WHO), "one of these reasons"),
        (("learner", "reinstate", WHO), "--reason"),
        (("cohort", "waive", "NF-1"), "--reason"),
        (("lrs", "recall", WHO), "--reason"),
        (("uln", "told", "--all", "--how", "owl"), "email"),
        (("exception", "resolve", WHO, "--decision", "perhaps", "--reason", "x"), "existing"),
        (("lrs", "answer", WHO), "ULN the portal shows"),
        (("ilm", "confirm", "--all"), "--order"),
        (("duty", "close", WHO, "tell_learner"), "--evidence"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused_with_the_way_out(at, args, says):
    """C1: exit 2 and nothing written."""
    untouched(at("gathered"), *args, code=2, says=(says,))


@pytest.mark.parametrize(
    ("args", "says", "code"),
    [
        (("exception", "resolve", WHO, "--decision", "again", "--reason", "x"), "not an LRS exception", 1),
        (("uln", "wrong", WHO, "--reason", "x", "--evidence", "x"), "holds no ULN", 1),
        (("advance", "fly", WHO), "the route has no trigger", 4),
        (("advance", "withdraw", "--state", "nowhere"), "no state nowhere", 4),
    ],
)
def test_what_a_state_stands_against_and_what_the_route_has_not_are_told_apart(at, args, says, code):
    """C1: nothing is written."""
    untouched(at("gathered"), *args, code=code, says=(says,))


@pytest.mark.parametrize(
    "args",
    [
        ("lrs", "submit", "NOBODY-1"), ("learner", "show", "NOBODY-1"), ("learner", "why", "NOBODY-1"),
        ("advance", "withdraw", "NOBODY-1", "--reason", "x"), ("duty", "close", WHO, "nothing", "--evidence", "x"),
        ("cohort", "waive", "NOWHERE", "--reason", "x"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_named_with_the_way_to_find_what_does(at, args):
    result = untouched(at("gathered"), *args, code=4)
    assert "See: ulnflow" in result.err


def test_nobody_is_submitted_without_notice_or_identity(at):
    """C3"""
    centre = at("gathered")
    centre.ok("learner", "edit", WHO, "ability_to_share", stdin="0\n")
    centre.ok("learner", "edit", "ILM-00002", "id_type", stdin="-\n")
    result = centre.run("lrs", "submit", "--format", "json")
    assert result.code == 1
    held = {(r["reference"], r["rule"]) for r in json.loads(result.out)["refusals"]}
    assert held == {(WHO, "D6"), ("ILM-00002", "D1")}
    (batch,) = centre.outbox("LRB_*.CSV")
    assert WHO not in batch.read_text("utf-8")


def test_a_retry_with_the_same_command_id_writes_nothing_new(at):
    """C6: the first call's commit succeeded, its answer was lost."""
    centre = at("registered")
    call = ("advance", "confirm_lar_update", "--state", "registered_with_ilm", "-e", "by=ilm", "-e", "reference=L-1",
            "--command-id", "job-1", "--format", "json")  # fmt: skip
    first = centre.ok(*call)
    events, tables, files = centre.events(), centre.tables(), centre.files()
    again = centre.ok(*call)
    assert (centre.events(), centre.tables(), centre.files()) == (events, tables, files)
    assert json.loads(again.out)["counts"] == json.loads(first.out)["counts"] == {"moved": 21}


def test_a_command_id_of_another_trigger_is_refused(at):
    """C6"""
    centre = at("gathered")
    centre.ok("advance", "withdraw", WHO, "--reason", "left_course", "--command-id", "job-1")
    args = ("advance", "close_without_lar", "ILM-00002", "--reason", "overseas", "--command-id", "job-1")
    untouched(centre, *args, code=4, says=("job-1",))


@pytest.mark.parametrize(
    "name", ["root", "Admin", "   ", "x" * 10_000, "An\x1bn", "An\nn", "An\u202en", "An\u2800n", "1234"]
)
def test_an_act_needs_a_person(at, name):
    """C7: by settings, by environment, and on behalf of."""
    centre = at("gathered")
    act = ("learner", "withdraw", WHO, "--reason", "left_course")
    result = untouched(centre, *act, code=4, says=("operator",), ULNFLOW_OPERATOR=name)
    assert name.strip() == "" or name not in result.err or name == "root"
    before = centre.snapshot()
    if name.strip():
        result = centre.run("--on-behalf-of", name, *act)
        assert result.code in {2, 4}, result.said
        assert centre.snapshot() == before
    for bad in ("", name) if name.strip() else ("",):
        fresh = centre.folder.parent / f"fresh-{len(bad)}"
        made = Centre(fresh).run("init", "--ukprn", "99990001", "--operator", bad)
        assert made.code in {2, 4}
        assert not (fresh / "ulnflow.toml").exists()


def test_acting_for_somebody_is_recorded_apart(at):
    """C7"""
    centre = at("gathered")
    centre.ok("--on-behalf-of", "Bo Manager", "learner", "withdraw", WHO, "--reason", "left_course")
    (body,) = centre.rows("SELECT body FROM event WHERE kind='moved'")[0]
    assert (json.loads(body)["actor"], json.loads(body)["on_behalf_of"]) == ("Ann Example", "Bo Manager")


@pytest.mark.parametrize("value", ["x" * 10_000, "a\x1bb", "a\nb"])
def test_a_command_id_must_be_plain(at, value):
    """C7"""
    act = ("advance", "withdraw", WHO, "--reason", "left_course", "--command-id", value)
    result = untouched(at("gathered"), *act, code=2, says=("plain characters",))
    assert "\x1b" not in result.err


def test_a_clock_set_back_is_accepted_in_order_and_noted_by_verify(at):
    """C8: position decides the order; the note lists the events."""
    centre = at("gathered")
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1), tick=True):
        centre.ok("lrs", "submit")
        result = centre.ok("lrs", "receive", REPLY)
        assert "clock" in result.err
    assert centre.places()[WHO] == "uln_received"
    verified = centre.ok("audit", "verify", "--format", "json")
    said = json.loads(verified.out)
    assert said["holds"] is True
    assert said["notes"]
    assert "Note: event" in centre.ok("audit", "verify").err


@pytest.mark.parametrize(
    "moment",
    [
        "2038-01-19T03:14:08+00:00",
        "2026-10-25T01:30:00+00:00",
        "2026-03-29T01:00:00+00:00",
        "2016-12-31T23:59:59+00:00",
    ],
)
def test_odd_moments_are_only_moments(tmp_path, moment):
    """C8: the end of 32 bits, the two nights the clocks change, a leap second."""
    with time_machine.travel(datetime.fromisoformat(moment), tick=False):
        centre = Centre(tmp_path / "centre")
        centre.ok("init", "--ukprn", "99990001", "--operator", "Ann Example")
        centre.enrol("R1", Date_of_birth="2000-01-31")
        centre.ok("lrs", "submit")
        centre.ok("lrs", "receive", centre.reply({"R1": "1000102504"}))
        assert json.loads(centre.ok("audit", "verify", "--format", "json").out)["holds"] is True
        assert centre.places() == {"R1": "uln_received"}


@pytest.mark.parametrize(
    ("value", "code"), [("2026-02-30", 2), ("20260101", 2), ("01/02/2026", 2), ("tomorrow", 2), ("2026-W01-1", 2)]
)
def test_a_day_that_is_none_is_refused(at, value, code):
    untouched(at("prepared"), "lrs", "sent", "1", "--at", value, code=code, says=("YYYY-MM-DD",))


def test_a_day_in_the_future_or_before_the_step_before_is_refused(at):
    """C8, T1"""
    for day in ("2199-01-01", "2001-01-01"):
        centre = at("received")
        result, _ = attempt(centre, "uln", "told", WHO, "--how", "email", "--at", day)
        assert "T1" in result.out
