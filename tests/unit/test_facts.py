"""What the rules are told: whom a cohort waits for, who is a twin, what was sent; a few statements a chunk."""

from __future__ import annotations

from datetime import date

import pytest

from states.asked import Answer, Waiting
from states.learner.details import Details
from states.learner.repository import Learners
from states.rules import LEARNER_RULES
from states.vocabulary import NOT_ACTIVE, READY, UNREADY
from tests.contract.stores import STORES
from tests.fakes.office import ADA, GOOD, LINEAGES, open_centre, uln
from tests.fakes.plans import Watched, plans
from workflow import Move, Question

FINAL = ("lar_updated", *NOT_ACTIVE)


@pytest.fixture(params=STORES)
def centre(request, tmp_path):
    centre = open_centre(tmp_path, database=STORES[request.param](tmp_path, LINEAGES))
    yield centre
    centre.office.database.close()


def asked(centre, cases, *needs, moves=None):
    """What the rules would be told of cases, and the statements that took."""
    office = centre.office
    standings = office.standings(cases)
    questions = [
        Question("t", (moves or {}).get(case, Move(case=case)), standings[case], centre.clock.now, False, 0)
        for case in cases
    ]
    with office.database.reading() as connection:
        watched = Watched(connection)
        found = office.engine.definition.source.gather(watched, questions, frozenset(needs), None)
        return found, len(watched.asked)


def test_every_state_of_the_route_is_known_to_the_gate(centre):
    """A state in neither list would let a cohort go without its learners."""
    states = centre.office.route.states
    assert {name for name, state in states.items() if not state.final} == {*READY, *UNREADY}
    assert not set(READY) & set(UNREADY)


def test_the_cohort_waits_for_the_others_and_never_for_the_one_who_asks(centre):
    first, second, third = centre.enrol("L-1", "L-2", "L-3", cohort="Spring")
    centre.with_uln("L-4", cohort="Spring")
    centre.enrol("L-5", cohort="Autumn")
    (told,) = centre.with_uln("L-6", cohort="Winter")
    found, _ = asked(centre, [first, second, third, told], "cohort")
    assert [item.waiting for item in found] == [
        Waiting(2, ["L-2", "L-3"]),
        Waiting(2, ["L-1", "L-3"]),
        Waiting(2, ["L-1", "L-2"]),
        Waiting(),
    ]


def test_only_who_is_told_registered_or_on_the_alternative_route_is_ready(centre):
    told, registered, alternative, left, new = centre.enrol(*(f"L-{n}" for n in range(1, 6)), cohort="Spring")
    centre.note("x", told, facts={"told_at": 1})
    centre.note("x", registered, facts={"registered_at": 1})
    centre.note("x", alternative, facts={"alternative_since": 1})
    centre.move("withdraw", left, reason="left_course")
    (item,), _ = asked(centre, centre.with_uln("L-9", cohort="Spring"), "cohort")
    assert item.waiting == Waiting(1, ["L-5"])
    with centre.office.look() as look:
        assert look.learners.count_not_ready("Spring", FINAL) == 1
    assert new


def test_a_learner_who_is_owed_the_telling_is_waited_for_wherever_he_stands(centre):
    (case,) = centre.enrol("L-1", cohort="Spring")
    centre.answer(centre.submit(case), case)
    register = {"evidence": {"order": "WG-1"}, "reason": "stated", "facts": {"registered_at": centre.clock.now}}
    centre.move("register_with_ilm", case, **register)
    centre.move("report_ilm_exception", case, evidence={"reference": "1"})
    centre.move("drop_registration", case, evidence={"reference": "1"}, facts={"registered_at": None})
    assert centre.state(case) == "uln_passed_to_learner"
    (item,), _ = asked(centre, centre.with_uln("L-2", cohort="Spring"), "cohort")
    assert item.waiting == Waiting(1, ["L-1"])


def test_many_are_counted_up_to_a_bound_and_the_first_ten_named(centre, monkeypatch):
    monkeypatch.setattr("states.facts.COUNTED", 12)
    cases = centre.enrol(*(f"L-{n}" for n in range(1, 40)), cohort="Spring")
    (item,), _ = asked(centre, [cases[0]], "cohort")
    assert item.waiting == Waiting(12, [f"L-{n}" for n in range(2, 12)], more=True)
    (said,) = LEARNER_RULES["I2"].ask(item).objections
    assert said.message.startswith("the cohort waits for more than 12: L-2, L-3, ")
    assert "L-11 and others; or waive it" in said.message
    with centre.office.look() as look:
        assert look.learners.count_not_ready("Spring", FINAL) == 39


def test_a_waived_cohort_is_not_counted(centre):
    cases = centre.enrol("L-1", "L-2", cohort="Spring")
    with centre.office.begin(ADA) as uow:
        uow.learners.waive("Spring", uow.work.record("cohort_waived"))
    (item, _), statements = asked(centre, cases, "cohort")
    assert item.waived
    assert item.waiting == Waiting()
    assert statements <= 2


def test_those_not_ready_are_found_by_cohort_and_state(centre):
    centre.enrol("L-1", cohort="Spring")
    with centre.office.database.reading() as connection:
        found = plans(connection, lambda watched: Learners(watched).not_ready("Spring", FINAL, 5))
    assert len(found) == len(UNREADY) + 1
    for plan in found[:-1]:
        assert "cases_by_cohort" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan
    assert "duty_open" in found[-1]


def test_twins_are_named_ten_at_most_and_nobody_is_a_twin_by_knowing_nothing(centre):
    nothing = [*GOOD, "family_name"]
    blank = centre.enrol("L-1", "L-2", lacks=[n for n in nothing if "date" not in n])
    with centre.office.begin(ADA) as uow:
        same = [(f"T-{n}", Details(**GOOD, family_name="Same")) for n in range(13)]
        twins = [s.case for s in uow.work.open([(n, {}) for n in uow.add_learners(same)])]
        numbers = uow.add_learners([("B-1", Details()), ("B-2", Details())])
        blank += [s.case for s in uow.work.open([(n, {}) for n in numbers])]
    found, _ = asked(centre, [twins[0], *blank[2:]], "details", "twins")
    assert [item.twins for item in found] == [[f"T-{n}" for n in range(1, 11)], [], []]


def test_the_details_that_went_are_those_of_the_version_in_the_file(centre):
    one, two = centre.enrol("L-1", "L-2")
    number = centre.submit(one, two)
    with centre.office.begin(ADA) as uow:
        subject = uow.log.load([one])[one].subject
        uow.learners.add_details([(subject, 2, Details(**{**GOOD, "postcode": "B1 1AA"}))])
    moves = {case: Move(case=case, dispatch=number, private=Answer(uln(case))) for case in (one, two)}
    found, _ = asked(centre, [one, two], "sent", moves=moves)
    assert [item.sent.postcode for item in found] == ["CV4 9EE", "CV4 9EE"]
    found, _ = asked(centre, [one], "sent")
    assert found[0].sent is None


def test_a_chunk_takes_as_many_statements_as_one_learner(centre):
    cases = centre.enrol(*(f"L-{n}" for n in range(1, 31)), cohort="Spring", register_by=date(2026, 9, 1))
    number = centre.submit(*cases)
    needs = {need for rule in LEARNER_RULES.values() for need in rule.needs}
    moves = {case: Move(case=case, dispatch=number, private=Answer(uln(case))) for case in cases}
    _, few = asked(centre, cases[:2], *needs, moves=moves)
    _, many = asked(centre, cases, *needs, moves=moves)
    assert few == many
