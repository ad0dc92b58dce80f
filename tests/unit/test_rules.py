"""Every learner rule: when it holds, when it objects, and that its words hold no value."""

import json
from datetime import date

import pytest

from states.asked import Answer, Asked, Policy, Waiting
from states.learner.details import Details
from states.rules import LEARNER_RULES
from states.sheet_ports import Finding
from states.vocabulary import RULES
from tests.unit.rules_snapshot import FILE, snapshot
from workflow import Move, Question, Standing
from workflow.working_days import start_of

NOON = start_of(date(2026, 9, 14)) + 43_200_000_000  # a Monday
DAY = 86_400_000_000
ULN, OTHER = "1000102504", "1000000043"
DETAILS = Details(
    given_name="Zoë", family_name="O'Brien-Łęcki", date_of_birth=date(2000, 2, 29), gender="2", postcode="EC1A 1BB",
    ability_to_share="1", id_type="2", notice_version="2026", notice_date=date(2026, 9, 1),
)  # fmt: skip


def asked(*, facts=None, occurred_at=NOON, stated=False, now=NOON, state="details_gathered", last=NOON - DAY, **known):
    move = Move(
        case=1,
        reason=known.pop("reason", ""),
        evidence=known.pop("evidence", {}),
        facts=known.pop("becomes", {}),
        dispatch=known.pop("dispatch", None),
        private=known.pop("answer", None),
    )
    standing = Standing(1, "ilm", 1, state, 1, last, last, last, b"", {"subject": 1, **(facts or {})})
    question = Question("t", move, standing, occurred_at, stated, now)
    known.setdefault("details", DETAILS)
    policy = known.pop("policy", Policy(id_types={str(n): "" for n in (*range(8), 999)}))
    return Asked(question, policy, **known)


def codes(rule, **known):
    verdict = LEARNER_RULES[rule].ask(asked(**known))
    return verdict.held, [o.code for o in verdict.objections]


HOLDS = (True, [])


def test_a_rule_does_not_change_behind_its_version():
    """Events name the version they were judged by."""
    kept, now = json.loads(FILE.read_text("utf-8")), snapshot()
    changed = [
        c for c in now if c in kept and kept[c]["hash"] != now[c]["hash"] and kept[c]["version"] == now[c]["version"]
    ]
    assert not changed, f"raise the version of {changed}, then: python -m tests.unit.rules_snapshot"
    assert now == kept, "python -m tests.unit.rules_snapshot"


def test_every_rule_has_its_sentence_and_every_sentence_its_rule():
    assert set(RULES) == set(LEARNER_RULES)
    assert all(rule.title == RULES[code] for code, rule in LEARNER_RULES.items())


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, HOLDS),
        ({"stated": True, "occurred_at": NOON + 1}, (False, ["in_the_future"])),
        ({"stated": True, "occurred_at": NOON - 2 * DAY}, (False, ["before_previous"])),
        ({"stated": True, "occurred_at": NOON - 6 * DAY, "last": NOON - 9 * DAY}, (False, ["late_without_reason"])),
        ({"stated": True, "occurred_at": NOON - 6 * DAY, "last": NOON - 9 * DAY, "reason": "stated"}, HOLDS),
        ({"stated": True, "occurred_at": NOON - 4 * DAY, "last": NOON - 9 * DAY}, HOLDS),  # Thursday to Monday: 2 days
        ({"last": NOON + DAY}, (True, ["clock_set_back"])),
    ],
)
def test_t1_time(known, expected):
    assert codes("T1", **known) == expected


def change(**changes):
    return {"details": DETAILS.with_changes(changes)}


@pytest.mark.parametrize(
    ("rule", "known", "expected"),
    [
        ("D1", {}, HOLDS),
        ("D1", {"details": Details()}, (False, ["missing"] * 7)),
        ("D1", change(id_type="999"), (False, ["missing"])),
        ("D2", {}, HOLDS),
        ("D2", change(family_name="=1+1"), (False, ["formula_start"])),
        ("D2", change(given_name="A" * 36), (False, ["too_long"])),
        ("D3", change(date_of_birth=date(2013, 9, 14)), HOLDS),
        ("D3", change(date_of_birth=date(2013, 9, 15)), (False, ["age"])),
        ("D3", change(date_of_birth=date(1915, 9, 15)), HOLDS),
        ("D3", change(date_of_birth=date(1915, 9, 14)), (False, ["age"])),
        ("D4", {}, HOLDS),
        ("D4", change(postcode="M1 1AC"), (False, ["postcode_form"])),
        ("D4", change(postcode="ZZ99 9ZZ"), (True, ["unknown_postcode"])),
        ("D5", change(gender="3"), (False, ["gender_code"])),
        ("D6", {}, HOLDS),
        ("D6", change(ability_to_share="0"), (False, ["notice_not_shown"])),
        ("D6", change(notice_version=""), (True, ["notice_undated"])),
        ("D7", change(id_type="8"), (False, ["id_type_code"])),
        ("D7", change(id_type="999", id_description="letter"), HOLDS),
        ("D8", {}, HOLDS),
        ("D8", {"twins": ["P-2"]}, (False, ["same_details"])),
        ("D8", {"open_lrs": [4]}, (False, ["open_dispatch"])),
        ("D9", change(existing_uln="9999999999"), HOLDS),
        ("D9", change(existing_uln="1000102508"), (False, ["check_digit"])),
    ],
)
def test_d_details(rule, known, expected):
    assert codes(rule, **known) == expected


HOLDING = {"uln": 1, "match_version": 1}
ECHO = Answer(ULN, DETAILS.with_changes({"family_name": "Other"}), frozenset({"family_name"}))


@pytest.mark.parametrize(
    ("rule", "known", "expected"),
    [
        ("N1", {"dispatch_state": "prepared"}, HOLDS),
        ("N1", {"dispatch_state": "rejected"}, HOLDS),
        ("N1", {"dispatch_state": "sent"}, (False, ["was_sent"])),
        ("N1", {"dispatch_state": "sent", "reason": "recalled"}, HOLDS),
        ("U1", {"uln": ULN}, HOLDS),
        ("U1", {"uln": "1000102508"}, (False, ["check_digit"])),
        ("U1", {"uln": "9999999999"}, (False, ["placeholder"])),
        ("U2", {"uln": ULN}, HOLDS),
        ("U2", {"uln": ULN, "holders": ["P-2"]}, (False, ["held_by_other"])),
        ("U3", {"dispatch": 4, "member_of": [3, 4]}, HOLDS),
        ("U3", {"dispatch": 4, "member_of": [3]}, (False, ["not_asked"])),
        ("U3", {}, (False, ["not_asked"])),
        ("U4", {"answer": Answer(ULN), "sent": DETAILS}, HOLDS),
        ("U4", {"answer": ECHO, "sent": DETAILS}, (False, ["echo_differs"])),
        ("U4", {"answer": Answer(ULN), "held_uln": OTHER}, (False, ["other_uln"])),
        ("U4", {"answer": Answer(ULN, decided=True), "held_uln": OTHER}, HOLDS),
        ("X1", {"evidence": {"decision": "new"}, "reason": "stated"}, HOLDS),
        ("X1", {"evidence": {"decision": "new"}}, (False, ["no_reason"])),
        ("X1", {"reason": "stated"}, (False, ["not_decided"])),
        ("P1", {"facts": HOLDING, "evidence": {"how": "email"}, "becomes": {"told_uln": 1}}, HOLDS),
        ("P1", {"facts": HOLDING, "evidence": {"how": "email"}, "becomes": {"told_uln": 2}}, (False, ["other_uln"])),
        ("P1", {"facts": HOLDING, "becomes": {"told_uln": 1}}, (False, ["no_evidence"])),
        (
            "P1",
            {"facts": HOLDING, "evidence": {"how": "email"}, "becomes": {"told_uln": 1}, "addressed": False},
            (False, ["no_address"]),
        ),
        ("R0", {}, HOLDS),
        ("R0", {"facts": {"registered_at": NOON}}, (False, ["registered"])),
        ("R0", {"open_registration": [5]}, (False, ["open_dispatch"])),
        ("R0", {"open_registration": [5], "dispatch": 5}, HOLDS),
        ("R1", {"facts": {"registered_at": NOON}}, HOLDS),
        ("R1", {}, (False, ["not_registered"])),
        ("S1", {}, HOLDS),
        ("S1", {"facts": {"alternative_since": NOON}}, (False, ["centre_updates"])),
        ("S1", {"facts": {"alternative_since": NOON}, "policy": Policy(late_uln="ilm")}, HOLDS),
        ("I1", {"facts": HOLDING}, HOLDS),
        ("I1", {}, (False, ["no_uln"])),
        ("I1", {"facts": {**HOLDING, "stale": {"family_name": "2026-09-01"}}}, (False, ["stale"])),
        ("I2", {}, HOLDS),
        ("I2", {"waiting": Waiting(1, ["P-2"])}, (False, ["cohort_waits"])),
        ("I2", {"waiting": Waiting(1, ["P-2"]), "waived": True}, HOLDS),
        ("I3", {}, HOLDS),
        ("I3", {"limits": [Finding("refused", "email", "too_long", "too long")]}, (False, ["too_long"])),
        ("I4", {}, HOLDS),
        ("I4", {"facts": {"alternative_since": NOON}}, (False, ["alternative"])),
        ("A1", {}, (False, ["no_reason", "not_acknowledged"])),
        ("A1", {"reason": "stated", "evidence": {"acknowledged": True}}, HOLDS),
        ("A1", {"facts": {"alternative_reason": "stated"}}, HOLDS),
        ("A2", {"facts": {"alternative_since": NOON}}, HOLDS),
        ("A2", {}, (False, ["recommended"])),
        ("C1", {"facts": {"candidate_number": "C1"}}, HOLDS),
        ("C1", {}, (False, ["missing"])),
        ("L1", {"evidence": {"by": "ilm", "date": "2026-09-14"}}, HOLDS),
        ("L1", {"evidence": {"by": "ilm"}}, (False, ["no_evidence"])),
        ("L1", {"evidence": {"by": "me", "reference": "x"}}, (False, ["by_whom"])),
    ],
)
def test_the_rules_of_the_route(rule, known, expected):
    assert codes(rule, **known) == expected


def test_what_a_rule_says_never_holds_a_value():
    """Messages go into the log."""
    worst = Details(
        given_name="=Canary", family_name="Canary" * 9, date_of_birth=date(2025, 1, 31), gender="Canary",
        postcode="Canary", ability_to_share="Canary", id_type="Canary", existing_uln="1000102508",
    )  # fmt: skip
    question = asked(
        details=worst, uln="1000102508", answer=Answer("1000102508", worst, frozenset({"family_name"})), sent=DETAILS
    )
    for rule in LEARNER_RULES.values():
        for said in rule.ask(question).objections:
            assert "Canary" not in said.message
            assert "1000102508" not in said.message
            assert "2025" not in said.message
