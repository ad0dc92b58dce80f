"""Advancing very many: numbers instead of learners, standings a chunk at a time, and a crash that costs nothing."""

from __future__ import annotations

from array import array
from dataclasses import replace

import pytest

from states.steps.advance import advance
from tests.contract.stores import STORES
from tests.fakes.office import ADA, LINEAGES, open_centre

TOLD = {"how": "email", "by": "Ada Example"}


@pytest.fixture(params=STORES)
def centre(request, tmp_path):
    centre = open_centre(tmp_path, database=STORES[request.param](tmp_path, LINEAGES))
    yield centre
    centre.office.database.close()


@pytest.fixture
def loads(monkeypatch, centre):
    """How many standings each look for them asked for, with chunks of two."""
    monkeypatch.setattr("workflow.engine.CHUNK", 2)
    monkeypatch.setattr("states.steps.advance.CHUNK", 2)
    asked = []
    own = type(centre.office).standings

    def standings(office, cases):
        asked.append(len(cases))
        return own(office, cases)

    monkeypatch.setattr(type(centre.office), "standings", standings)
    return asked


def received(centre, *references):
    cases = centre.enrol(*references)
    centre.answer(centre.submit(*cases), *cases)
    return array("q", cases)


def test_standings_are_loaded_a_chunk_at_a_time(centre, loads):
    cases = received(centre, "L-1", "L-2", "L-3", "L-4", "L-5")
    tally = advance(centre.office, ADA, "pass_uln_to_learner", cases, evidence=TOLD)
    assert tally.counts == {"moved": 5}
    assert loads == [2, 2, 1]
    with centre.office.look() as look:
        assert {s.facts["told_uln"] for s in look.log.load(list(cases)).values()} == {1}


def test_no_standing_is_loaded_for_a_trigger_that_asks_for_none(centre, loads):
    cases = array("q", centre.enrol("L-1", "L-2", "L-3"))
    tally = advance(centre.office, ADA, "withdraw", cases, reason="left_course", evidence={})
    assert tally.counts == {"moved": 3}
    assert loads == []


def test_a_number_that_is_no_case_is_refused_like_any_other(centre, loads):
    cases = received(centre, "L-1")
    cases.append(99)
    tally = advance(centre.office, ADA, "pass_uln_to_learner", cases, evidence=TOLD)
    assert tally.counts == {"moved": 1, "refused": 1}


def test_the_same_command_again_goes_on_with_those_it_meant(centre, loads):
    cases = received(centre, "L-1", "L-2", "L-3", "L-4", "L-5")
    act = replace(ADA, command_id="told-all")

    def breaks(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        advance(centre.office, act, "pass_uln_to_learner", cases, evidence=TOLD, progress=breaks)
    assert [centre.state(case) for case in cases].count("uln_passed_to_learner") == 2
    left = array("q", [case for case in cases if centre.state(case) == "uln_received"])
    loads.clear()
    tally = advance(centre.office, act, "pass_uln_to_learner", left, evidence=TOLD)
    assert tally.counts == {"moved": 5}
    assert loads == [2, 1]


def test_a_run_left_behind_is_finished_first_and_nobody_is_asked_twice(centre, loads):
    cases = received(centre, "L-1", "L-2", "L-3", "L-4")

    def breaks(_done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        advance(centre.office, ADA, "pass_uln_to_learner", cases[:3], evidence=TOLD, progress=breaks)
    loads.clear()
    tally = advance(centre.office, ADA, "pass_uln_to_learner", cases[2:], evidence=TOLD)
    assert tally.counts == {"moved": 4}
    assert loads == [1, 1]
    assert tally.notes == ["a run that was interrupted is finished now: 3 learners"]
