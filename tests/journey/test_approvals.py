"""Deeds that take two people: asked, listed, agreed to by another, refused, or gone out of date."""

from __future__ import annotations

import pytest

from tests.fakes.centre import Centre

WAIVE = ("cohort", "waive", "NF-1", "--reason", "the window closes on Friday")


@pytest.fixture
def asked(centre: Centre) -> tuple[Centre, int]:
    """A centre where Ann asked to waive a cohort's gate, and the number of her request."""
    centre.enrol("R1", "R2")
    centre.do(*WAIVE)
    return centre, centre.json("approve")[0]["request"]


def kinds(centre: Centre, since: int) -> list[tuple[str, str]]:
    """(kind, who) of every event behind a position."""
    events = centre.json("audit", "events", "--refusals", "--all")
    return [(e["kind"], e["who"]) for e in events if e["position"] > since]


def waived(centre: Centre) -> bool:
    return bool(centre.json("cohort", "list")[0]["waived"])


def test_a_request_waits_and_is_listed_with_who_what_why_and_how_long(asked):
    centre, number = asked
    assert not waived(centre)
    centre.days(3)
    (line,) = centre.json("approve")
    assert (line["request"], line["asked_by"], line["working_days"]) == (number, "Ann Example", 3)
    assert line["asks_to"] == "let the cohort NF-1 be registered without waiting for its last learner"
    assert (line["reason"], line["note"]) == ("stated", "the window closes on Friday")
    assert "Friday" not in centre.do("audit", "events", "--all", "--format", "json").out


def test_who_cannot_agree_is_shown_who_can_and_no_command(asked):
    """The asker, and whom they act for; somebody else is shown the command."""
    centre, number = asked
    said = centre.do("approve").err
    assert centre.json("approve")[0]["who_can"] == "anybody but Ann Example"
    assert "ulnflow approve" not in said
    with centre.typing("Bea Example"):
        assert centre.json("approve")[0]["who_can"] == "you"
        assert f"Next: ulnflow approve {number}\n" in centre.do("approve").err
        (line,) = centre.json("--on-behalf-of", "Ann Example", "approve")
        assert line["who_can"] == "anybody but Ann Example"
    people = '[people]\n"Ann Example" = ["operator", "approver"]\n"Cid Example" = ["approver"]\n'
    for more, who in (
        ("", "Cid Example"),
        ('"Dot Example" = { roles = ["approver"], cohorts = ["NF-1"] }\n', "Cid Example or Dot Example"),
        ('"Dot Example" = { roles = ["approver"], cohorts = ["NF-2"] }\n', "Cid Example"),
    ):
        with centre.settings(people + more):
            assert centre.json("approve")[0]["who_can"] == who
    with centre.settings('[people]\n"Ann Example" = ["operator", "approver"]\n'):
        assert "names no approver beside Ann Example" in centre.json("approve")[0]["who_can"]


def test_what_an_entry_to_be_voided_was_is_told_with_the_code_of_the_reason(centre):
    centre.enrol("R1")
    centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    (moved,) = [e["position"] for e in centre.json("audit", "events", "--all") if e["kind"] == "moved"]
    centre.do("learner", "correct", moved, "--reason", "wrong_learner", "--note", "it was the other one")
    (line,) = centre.json("approve")
    assert line["asks_to"].startswith(f"void of R1, as untrue when recorded: entry {moved} (2026-09-07: With")
    assert (line["reason"], line["note"]) == ("wrong_learner", "it was the other one")


def test_asking_again_changes_nothing(asked):
    centre, number = asked
    before = centre.events()
    assert f"as request {number}; nothing changed" in centre.do(*WAIVE).said
    assert centre.events() == before


def test_who_asked_cannot_agree_and_the_attempt_is_recorded(asked):
    centre, number = asked
    for words in (("approve", number), ("--on-behalf-of", "Bea Example", "approve", number)):
        before = centre.events()
        assert "somebody else must agree" in centre.refused(*words).said
        assert [kind for kind, _ in kinds(centre, before)] == ["refused"]
    with centre.typing("Bea Example"):
        assert "somebody else" in centre.refused("--on-behalf-of", "ann  example", "approve", number).said
    assert not waived(centre)


@pytest.mark.parametrize("same", ["ANN EXAMPLE", "  Ann   Example ", "\uff21nn Example", "Ann\u00a0Example"])
@pytest.mark.parametrize("deed", ["waive", "correct", "erase"])
def test_a_name_that_only_looks_different_is_no_second_person(asked, deed, same):
    centre, _ = asked
    if deed != "waive":
        centre.do("learner", "withdraw", "R1", "--reason", "left_course")
    if deed == "correct":
        (moved,) = [e["position"] for e in centre.json("audit", "events", "--all") if e["kind"] == "moved"]
        centre.do("learner", "correct", moved, "--reason", "wrong_learner")
    elif deed == "erase":
        centre.do("learner", "erase", "R1", "--basis", "request", "--ask", "--yes")
    number = centre.json("approve")[-1]["request"]
    with centre.typing(same):
        assert "somebody else must agree" in centre.refused("approve", number).said
    assert number in [line["request"] for line in centre.json("approve")]
    with centre.typing("Anne Example"):
        centre.do("approve", number)


@pytest.mark.parametrize("sign", ["\u2800", "\U0001d159", "\U00016fe4", "\ufe0f", "\u200b"])
def test_a_name_with_a_sign_that_shows_nothing_is_nobody_s(asked, sign):
    centre, number = asked
    before = centre.events()
    with centre.typing(f"Ann{sign} Example"):
        result = centre.run("approve", number)
    assert (result.code, centre.events()) == (4, before)
    assert "must be a person's name" in result.said


def test_another_person_agrees_and_both_are_in_the_log(asked):
    centre, number = asked
    before = centre.events()
    with centre.typing("Bea Example"):
        centre.do("approve", number, "--dry-run")
        assert centre.events() == before
        centre.do("approve", number)
        assert kinds(centre, before) == [
            ("approved", "Bea Example, who approved"),
            ("cohort waived", "Bea Example, who approved"),
        ]
        again = centre.events()
        assert "approved before by Bea Example; nothing changed" in centre.do("approve", number).said
        assert centre.events() == again
    assert waived(centre)
    assert centre.json("approve") == []
    centre.do("audit", "verify")


def test_a_refused_request_is_ended_with_its_reason(asked):
    centre, number = asked
    with centre.typing("Bea Example"):
        assert "--reason" in centre.refused("approve", number, "--refuse").said
        centre.do("approve", number, "--refuse", "--reason", "we can wait")
        assert "refused before" in centre.do("approve", number).said
    assert not waived(centre)
    assert centre.json("approve") == []
    centre.do(*WAIVE)
    assert centre.json("approve")[0]["request"] > number


def test_a_request_whose_ground_has_changed_is_ended_and_says_why(asked):
    centre, number = asked
    with centre.settings("[approvals]\nsecond_person = false\n"):
        centre.do(*WAIVE)
    with centre.typing("Bea Example"):
        said = centre.refused("approve", number).said
        assert "is ended" in said
        assert "waived before" in said
    assert centre.json("approve") == []
    centre.do("audit", "verify")


def test_a_centre_of_one_person_does_without_and_the_log_says_so_first(centre):
    centre.enrol("R1")
    before = centre.events()
    with centre.settings("[approvals]\nsecond_person = false\n"):
        centre.do(*WAIVE)
        assert waived(centre)
    assert [kind for kind, _ in kinds(centre, before)] == ["settings changed", "cohort waived"]
    centre.enrol("R2", cohort="NF-2")
    before = centre.events()
    centre.do("cohort", "waive", "NF-2", "--reason", "two of us now")
    assert [kind for kind, _ in kinds(centre, before)] == ["settings changed", "approval asked"]
    centre.do("audit", "verify")


def test_what_is_no_request_is_named(centre):
    assert "asks for nothing" in centre.refused("approve", "1").said
    assert "which request" in centre.refused("approve", "--refuse").said
    assert centre.json("approve") == []


def test_a_waiver_that_the_log_does_not_know_is_found(asked):
    centre, _ = asked
    centre.change("UPDATE cohort SET waived = 3 WHERE name = 'NF-1'")
    assert [f["kind"] for f in centre.json("audit", "verify")["faults"]] == ["waiver"]
    for question in ("Q10", "Q11"):
        answer = centre.json("audit", "ask", question)
        assert ([row["kind"] for row in answer["rows"]], answer["log"]["holds"]) == (["waiver"], False)
    centre.change("UPDATE cohort SET waived = NULL WHERE name = 'NF-1'")
    centre.agree()
    centre.do("audit", "verify")
    centre.change("UPDATE cohort SET waived = NULL WHERE name = 'NF-1'")
    assert [f["kind"] for f in centre.json("audit", "verify")["faults"]] == ["waiver"]
