"""An act kept to cohorts writes about their cases alone, whichever way the engine is asked; kept to none it costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.loan import DESK, Desk
from workflow import Move
from workflow.correction import plan, write
from workflow.errors import OtherCohort, RuleRefused
from workflow.event import parse
from workflow.work import Work

NORTH = replace(DESK, cohorts=frozenset({"north"}))
Way = Callable[[Work[Any], int], Any]


@pytest.fixture
def cases(desk: Desk) -> tuple[int, int]:
    """A loan of the north, and one of the south."""
    return desk.open(1, cohort="north")[0], desk.engine.open([(201, {"cohort": "south"})], DESK)[0]


def test_a_move_of_another_cohort_is_refused_with_an_event_and_no_rule_is_asked(desk: Desk, cases) -> None:
    own, other = cases
    desk.library.banned = {201}
    with pytest.raises(RuleRefused, match="cohort south"):
        desk.engine.fire("lend", Move(case=other), NORTH)
    desk.engine.fire("lend", Move(case=own), NORTH)
    assert (desk.state(own), desk.state(other)) == ("lent", "requested")
    (body,) = desk.rows("SELECT body FROM event WHERE kind='refused'")
    assert [(said["rule"], said["code"]) for said in parse(body[0]).said] == [("cohorts.1", "other_cohort")]
    assert not desk.verify().faults


def test_in_bulk_the_others_are_refused_and_ones_own_go_on_by_mould_as_without(desk: Desk) -> None:
    own = desk.open(20, cohort="north")
    others = desk.engine.open([(300 + n, {"cohort": "south"}) for n in range(20)], DESK)
    mixed = [case for pair in zip(own, others, strict=True) for case in pair]
    result = desk.engine.fire_many("lend", mixed, NORTH)
    assert result.counts == {"moved": 20, "refused": 20}
    assert result.kinds == {("cohorts", "other_cohort", "cohort"): 20}
    assert {desk.state(case) for case in others} == {"requested"}
    assert desk.engine.fire_many("lend", others, DESK).counts == {"moved": 20}
    assert desk.count("blocked") == 0
    assert not desk.verify().faults


@pytest.mark.parametrize(
    "way",
    [
        lambda work, case: work.note("seen", [Move(case=case)]),
        lambda work, case: work.record("looked_up", evidence={"case": case}),
        lambda work, _: work.record("gate_waived", evidence={"cohort": "south"}),
        lambda work, _: work.open([(999, {"cohort": "south"})]),
        lambda work, _: work.open([(999, {})]),
        lambda work, _: work.note("case_changed", [Move(case=1, facts={"cohort": "south"})]),
        lambda work, _: work.note("case_changed", [Move(case=1, facts={"cohort": None})]),
        lambda work, case: write(work, plan(work, _last(work, case)), reason="mistake"),
    ],
    ids=["note", "look", "waive", "open", "open without", "move there", "move out", "correct"],
)
def test_nothing_else_is_written_about_another_cohort(desk: Desk, cases, way: Way) -> None:
    own, other = cases
    assert own == 1
    desk.engine.fire("lend", Move(case=other), DESK)
    before = desk.rows("SELECT * FROM event"), desk.rows("SELECT * FROM cases")
    with pytest.raises(OtherCohort) as refused, desk.engine.work(NORTH) as work:
        way(work, other)
    assert refused.value.cohort in {"south", ""}
    assert (desk.rows("SELECT * FROM event"), desk.rows("SELECT * FROM cases")) == before


def _last(work: Work[Any], case: int) -> int:
    return max(position for position, *_ in work.log.bodies(case))


def test_what_is_of_the_subject_is_noted_on_each_case_by_who_has_one_of_them(desk: Desk, cases) -> None:
    own, other = cases
    same = desk.engine.open([(101, {"cohort": "south"})], DESK)[0]
    with desk.engine.work(NORTH) as work:
        work.note("details_changed", [Move(case=case) for case in (own, same)], shared=True)
    with pytest.raises(OtherCohort), desk.engine.work(NORTH) as work:
        work.note("details_changed", [Move(case=case) for case in (own, other)], shared=True)
    with pytest.raises(OtherCohort), desk.engine.work(NORTH) as work:
        work.note("details_changed", [Move(case=case) for case in (own, same)])
    with pytest.raises(OtherCohort), desk.engine.work(NORTH) as work:
        work.note("details_changed", [Move(case=own, facts={"cohort": "south"})], shared=True)


def test_an_act_that_is_kept_to_none_never_asks(desk: Desk, cases, monkeypatch) -> None:
    for name in ("judge", "refuse_case", "refuse_cohort", "refuse_told"):
        monkeypatch.setattr(f"workflow.kept.{name}", None)
    with desk.engine.work(DESK) as work:
        work.fire("lend", [Move(case=case) for case in cases], bulk=True)
        work.note("seen", [Move(case=cases[1])])
        work.record("looked_up", evidence={"case": cases[1]})
    assert desk.engine.fire_many("take_back", cases, DESK, move=lambda case: Move(case=case)).done == 2
