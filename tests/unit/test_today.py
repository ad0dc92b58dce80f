"""The day at a glance: what is due, what came in, what is owed, and the next commands in the order of the route."""

from __future__ import annotations

from datetime import date

import pytest

from states.reports.stuck import stuck
from states.reports.today import today
from tests.contract.stores import STORES
from tests.fakes.office import LINEAGES, open_centre


@pytest.fixture(params=STORES)
def centre(request, tmp_path):
    centre = open_centre(tmp_path, database=STORES[request.param](tmp_path, LINEAGES))
    yield centre
    centre.office.database.close()


def test_today_lists_what_is_due_and_suggests_commands_in_the_order_of_the_route(centre):
    centre.enrol("L-1", "L-2")
    (asked, other) = centre.enrol("L-3", "L-4")
    centre.answer(centre.submit(asked), asked)
    centre.prepare("lrs_batch", "LRB_8.csv", [other])
    centre.days(7)
    found = today(centre.office)
    assert found.day == "2026-03-09"
    assert [(s.state, s.learners, s.due_today, s.overdue) for s in found.states] == [
        ("details_gathered", 3, 3, 0),
        ("uln_received", 1, 1, 0),
    ]
    assert [(u.name, u.learners, u.next_command) for u in found.unsent] == [
        ("LRB_8.csv", 1, "ulnflow lrs sent LRB_8.csv")
    ]
    assert [(c.name, c.state) for c in found.came_in] == [("LRB_1.csv", "answered")]
    assert [(d.duty, d.open, d.overdue) for d in found.duties] == [("upload_file", 1, 1)]
    assert [(s.learners, s.command) for s in found.next_commands] == [
        (1, "ulnflow lrs sent LRB_8.csv"),
        (2, "ulnflow lrs submit"),
        (1, "ulnflow uln pass"),
        (1, "ulnflow duty list"),
    ]
    assert found.runs == ()


def test_only_a_file_whose_answer_the_next_step_waits_for_holds_a_learner(centre):
    """Recalled, asked about anew and answered by the old reply, a learner is told whatever the new file waits for."""
    recalled, other = centre.enrol("L-1", "L-2")
    centre.answer(centre.submit(recalled, other), recalled, other)
    centre.prepare("lrs_batch", "LRB_9.csv", [recalled])

    def to_tell():
        return [s.learners for s in today(centre.office).next_commands if s.command == "ulnflow uln pass"]

    assert to_tell() == [2]
    centre.note("case_changed", other, facts={"stale": {"postcode": "2026-03-02"}})
    assert to_tell() == [1]
    centre.prepare("lrs_batch", "LRB_10.csv", [other])
    assert not any(s.what.startswith("1 learner") and s.command == "ulnflow lrs submit"
                   for s in today(centre.office).next_commands)  # fmt: skip
    centre.prepare("uln_message", "D5-messages.csv", [recalled])
    assert to_tell() == []


@pytest.mark.parametrize("trigger", ["confirm_lar_update", "withdraw"])
def test_a_slip_over_everybody_leaves_today_and_stuck_as_they_were(centre, trigger):
    cases = centre.enrol("L-1", "L-2")
    centre.answer(centre.submit(*cases), *cases)
    (incomplete,) = centre.enrol("L-3", lacks=["postcode"])
    centre.fire("submit_to_lrs", incomplete, bulk=True)
    before = today(centre.office), stuck(centre.office)
    assert [o.accepted for o in centre.fire(trigger, *cases, incomplete, bulk=True)] == [False] * 3
    assert (today(centre.office), stuck(centre.office)) == before


def test_a_due_day_set_by_the_cohort_is_seen_on_that_day(centre):
    centre.with_uln("L-1", cohort="Spring", register_by=date(2026, 3, 16))
    (row,) = today(centre.office).states
    assert (row.due_today, row.overdue) == (1, 0)


def test_learners_of_one_state_with_different_next_steps_get_their_own_commands(centre):
    new, known = centre.with_uln("L-1", "L-2")
    centre.note("case_changed", known, facts={"registered_at": 1, "alternative_since": 1})
    assert [(s.learners, s.command) for s in today(centre.office).next_commands] == [
        (1, "ulnflow ilm register"),
        (1, "ulnflow lar create --prepare"),
    ]
    assert new


def test_those_refused_are_sent_to_the_stuck_list(centre):
    centre.fire("submit_to_lrs", *centre.enrol("L-1", lacks=["gender"]))
    assert [(s.learners, s.command) for s in today(centre.office).next_commands] == [(1, "ulnflow stuck")]


def test_an_empty_centre_has_nothing_to_do(centre):
    found = today(centre.office)
    assert not any((found.states, found.came_in, found.duties, found.unsent, found.runs, found.next_commands))
