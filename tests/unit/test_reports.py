"""Reports say where everybody stands, why, and what to type next; never a personal value."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from states.errors import NotFound
from states.reports.board import board, board_at, learners
from states.reports.events import events
from states.reports.stuck import stuck
from states.reports.today import today
from states.reports.trail import trail
from states.reports.why import why
from tests.contract.stores import STORES
from tests.fakes.office import ADA, LINEAGES, open_centre, uln

GUIDANCE = {
    "state": {"details_gathered": {"topic": "lrs", "steps": ["Complete what is missing."]}},
    "topic": {
        "lrs": {
            "contacts": [
                {"name": "LRS support", "how": "by mail", "historic": False},
                {"name": "Helpdesk of old", "how": "by phone", "historic": True},
            ]
        }
    },
}


@pytest.fixture(params=STORES)
def centre(request, tmp_path):
    centre = open_centre(tmp_path, database=STORES[request.param](tmp_path, LINEAGES))
    yield centre
    centre.office.database.close()


def kinds(report: Any) -> list[tuple[str, str]]:
    return [(row.reference, row.kind) for row in report.rows]


# --- board


def test_the_board_counts_learners_and_the_overdue_along_the_route(centre):
    first = centre.enrol("L-1", "L-2", cohort="Spring")
    centre.enrol("L-3", cohort="Autumn")
    centre.days(8)
    centre.enrol("L-4", cohort="Spring")
    centre.submit(first[0])
    assert [(r.cohort, r.title, r.owner, r.learners, r.overdue) for r in board(centre.office)] == [
        ("Autumn", "Details gathered", "centre", 1, 1),
        ("Spring", "Details gathered", "centre", 2, 1),
        ("Spring", "Submitted to the LRS", "LRS", 1, 0),
    ]
    assert {r.cohort for r in board(centre.office, "Autumn")} == {"Autumn"}


def test_a_cohort_past_its_last_day_to_register_is_overdue_before_its_clock(centre):
    centre.with_uln("L-1", cohort="Spring", register_by=date(2026, 3, 13))
    centre.with_uln("L-2", cohort="Autumn", register_by=date(2026, 9, 1))
    late = {r.cohort: r.overdue for r in board(centre.office)}
    assert late == {"Autumn": 0, "Spring": 1}
    (row,) = stuck(centre.office).rows
    assert (row.reference, row.kind, row.due) == ("L-1", "overdue", "2026-02-27")


def test_the_board_of_a_past_day_is_folded_from_the_log(centre):
    one, two = centre.enrol("L-1", "L-2", cohort="Spring")
    centre.days(1)
    centre.submit(one)
    centre.days(1)
    centre.move("withdraw", two, reason="left_course", on=date(2026, 3, 3))
    stood = {
        (day, by): [(r.title, r.learners) for r in board_at(centre.office, day, by=by)]
        for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))
        for by in ("happened", "recorded")
    }
    gathered, asked = "Details gathered", "Submitted to the LRS"
    assert stood[date(2026, 3, 1), "happened"] == stood[date(2026, 3, 1), "recorded"] == []
    assert stood[date(2026, 3, 2), "happened"] == stood[date(2026, 3, 2), "recorded"] == [(gathered, 2)]
    assert stood[date(2026, 3, 3), "happened"] == [(asked, 1), ("Withdrawn", 1)]
    assert stood[date(2026, 3, 3), "recorded"] == [(gathered, 1), (asked, 1)]
    assert stood[date(2026, 3, 4), "happened"] == stood[date(2026, 3, 4), "recorded"] == [(asked, 1), ("Withdrawn", 1)]
    with pytest.raises(NotFound, match="there is no cohort Autumn"):
        board_at(centre.office, date(2026, 3, 2), cohort="Autumn")


def test_learners_are_listed_a_chunk_at_a_time_now_and_as_of_a_day(centre, monkeypatch):
    monkeypatch.setattr("states.reports.board.CHUNK", 2)
    cases = centre.enrol("L-1", "L-2", "L-3", cohort="Spring")
    centre.days(1)
    centre.submit(cases[1])
    rows = list(learners(centre.office))
    assert [(r["reference"], r["cohort"], r["qualification"]) for r in rows] == [
        (f"L-{n}", "Spring", "8605-31") for n in (1, 2, 3)
    ]
    assert [r["state"] for r in rows] == ["Details gathered", "Submitted to the LRS", "Details gathered"]
    before = list(learners(centre.office, cohort="Spring", at=date(2026, 3, 2)))
    assert [r["state"] for r in before] == ["Details gathered"] * 3
    assert list(learners(centre.office, at=date(2026, 3, 1))) == []
    with pytest.raises(NotFound, match="there is no cohort Autumn"):
        next(learners(centre.office, cohort="Autumn"))


# --- stuck


def test_nobody_is_stuck_on_the_first_day(centre):
    centre.enrol("L-1")
    report = stuck(centre.office)
    assert report.rows == ()
    assert report.complete
    assert set(report.totals.values()) == {0}


def test_the_four_kinds_are_told_apart(centre):
    (lazy,) = centre.enrol("L-1")
    (incomplete,) = centre.enrol("L-2", lacks=["postcode"])
    (asked,) = centre.enrol("L-3")
    (leaver,) = centre.registered("L-4")
    centre.fire("submit_to_lrs", incomplete)
    centre.submit(asked)
    centre.move("withdraw", leaver, reason="left_course")
    centre.days(9)
    report = stuck(centre.office)
    assert sorted(kinds(report)) == sorted(
        [
            ("L-1", "overdue"),
            ("L-2", "overdue"),
            ("L-2", "blocked"),
            ("L-3", "overdue"),
            ("L-3", "unanswered"),
            ("L-4", "owed"),
        ]
    )
    assert report.totals == {"overdue": 3, "blocked": 1, "unanswered": 1, "owed": 1}
    assert report.complete
    assert lazy


def test_every_row_says_why_and_what_to_type(centre):
    (incomplete,) = centre.enrol("L-2", lacks=["postcode"], cohort="Spring")
    centre.fire("submit_to_lrs", incomplete)
    (row,) = stuck(centre.office, "Spring").rows
    assert row.why == ("D1: Postcode is missing; add it with: ulnflow learner edit L-2 postcode",)
    assert row.codes == ("D1",)
    assert row.asked_at.startswith("2026-03-02 09:00")
    assert row.next_command == "ulnflow learner edit L-2 postcode"
    with pytest.raises(NotFound, match="there is no cohort Autumn"):
        stuck(centre.office, "Autumn")


def test_details_that_lack_an_item_are_told_before_anybody_asks(centre):
    """The next command fills the gap: asking the LRS would only be refused; who was asked is counted with the others."""
    (asked,) = centre.enrol("L-1", cohort="Spring", lacks=("gender",))
    (whole,) = centre.enrol("L-2", cohort="Spring")
    centre.enrol("L-3", cohort="Spring", lacks=("gender", "postcode"))
    centre.enrol("L-4", cohort="Autumn", lacks=("gender",))
    assert kinds(stuck(centre.office, "Autumn")) == [("L-4", "blocked")]
    centre.fire("submit_to_lrs", asked)
    centre.submit(whole)
    report = stuck(centre.office)
    assert sorted(kinds(report)) == [("L-1", "blocked"), ("L-3", "blocked"), ("L-4", "blocked")]
    assert {row.next_command for row in report.rows} == {
        f"ulnflow learner edit {n} gender" for n in ("L-1", "L-3", "L-4")
    }
    causes = [(c.code, c.learners, c.releases) for c in report.causes]
    assert causes == [("D1", 3, 2), ("D1", 1, 0)]
    assert (report.totals["blocked"], report.complete) == (3, True)
    centre.days(10)
    report = stuck(centre.office)
    late = {row.reference: row.next_command for row in report.rows if row.kind == "overdue"}
    assert late["L-3"] == "ulnflow learner edit L-3 gender"
    ((learners, releases),) = [(c.learners, c.releases) for c in report.causes if c.code == "details_gathered"]
    assert (learners, releases) == (3, 0)


def test_a_command_that_lacked_its_reason_makes_nobody_stuck(centre):
    (case,) = centre.enrol("L-1")
    centre.fire("withdraw", case)
    assert stuck(centre.office).rows == ()


def test_a_file_that_nobody_sent_holds_its_learners_and_is_owed_itself(centre):
    cases = centre.enrol("L-1", "L-2")
    centre.prepare("lrs_batch", "LRB_7.csv", cases)
    centre.days(3)
    report = stuck(centre.office)
    assert sorted(kinds(report)) == [("", "owed"), ("L-1", "unanswered"), ("L-2", "unanswered")]
    assert {r.next_command for r in report.rows} == {"ulnflow lrs sent LRB_7.csv"}
    assert all("LRB_7.csv" in r.why[0] for r in report.rows)


def test_learners_a_reply_leaves_out_are_stuck_at_once(centre):
    answered, forgotten = centre.enrol("L-1", "L-2")
    centre.answer(centre.submit(answered, forgotten), answered)
    (row,) = stuck(centre.office).rows
    assert (row.reference, row.kind) == ("L-2", "unanswered")
    assert row.why[0].startswith("the reply to file 1 does not mention this case")


def test_a_learner_taken_back_from_a_file_does_not_make_the_others_stuck(centre):
    one, two = centre.enrol("L-1", "L-2")
    number = centre.submit(one, two)
    centre.note("recalled", one, dispatch=number, settles="released")
    with centre.office.begin(ADA) as uow:
        uow.settle(uow.dispatches.get(number))
    assert stuck(centre.office).rows == ()


def test_the_limit_cuts_rows_and_never_the_totals(centre):
    centre.enrol("L-1", "L-2", "L-3")
    centre.days(20)
    report = stuck(centre.office, limit=2)
    assert len(report.rows) == 2
    assert not report.complete
    assert report.totals["overdue"] == 3


def test_the_cause_that_would_release_most_comes_first(centre):
    centre.fire("submit_to_lrs", *centre.enrol("A-1", "A-2", "A-3", lacks=["postcode"]), bulk=True)
    centre.fire("submit_to_lrs", *centre.enrol("B-1", "B-2", lacks=["gender"]), bulk=True)
    centre.fire("submit_to_lrs", *centre.enrol("C-1", "C-2", lacks=["gender", "postcode"]), bulk=True)
    causes = [(c.what.partition(" is missing")[0], c.releases, c.learners) for c in stuck(centre.office).causes]
    assert causes == [("Postcode", 3, 5), ("Gender", 2, 4)]


def test_the_last_learner_of_a_cohort_is_the_cause_for_all_who_wait(centre):
    (last,) = centre.enrol("L-9", cohort="Spring")
    ready = centre.with_uln("L-1", "L-2", cohort="Spring")
    centre.fire("register_with_ilm", *ready, bulk=True)
    first = stuck(centre.office).causes[0]
    assert (first.code, first.releases) == ("I2", 2)
    assert first.what.startswith("Spring: the cohort waits for 1: L-9")
    assert first.next_command == "ulnflow stuck --cohort Spring"
    assert last


def test_an_overdue_learner_whom_a_rule_holds_is_not_released_by_the_step_alone(centre):
    centre.enrol("L-1")
    centre.fire("submit_to_lrs", *centre.enrol("L-2", lacks=["gender"]))
    centre.days(9)
    found = {c.kind: (c.learners, c.releases) for c in stuck(centre.office).causes}
    assert found == {"overdue": (2, 1), "blocked": (1, 1)}


def test_the_days_of_a_closed_centre_are_not_counted(tmp_path):
    centre = open_centre(tmp_path, closed=frozenset({date(2026, 3, 9), date(2026, 3, 10)}))
    centre.enrol("L-1")
    centre.days(8)
    assert stuck(centre.office).rows == ()
    centre.office.database.close()


def test_a_reference_is_quoted_for_the_shell(centre):
    (case,) = centre.enrol("L 1; rm -rf", lacks=["gender"])
    centre.fire("submit_to_lrs", case)
    assert stuck(centre.office).rows[0].next_command == "ulnflow learner edit 'L 1; rm -rf' gender"


# --- why


def test_why_asks_every_rule_of_the_next_step_live(centre):
    centre.enrol("L-1", lacks=["postcode"])
    found = why(centre.office, "L-1", guidance=GUIDANCE)
    assert (found.title, found.owner, found.expected) == ("Details gathered", "centre", "submit_to_lrs")
    assert [(r.rule, r.messages) for r in found.held_back] == [
        ("D1", ("Postcode is missing; add it with: ulnflow learner edit L-1 postcode",))
    ]
    assert {r.rule for r in found.rules} == {"T1", *(f"D{n}" for n in range(1, 10))}
    assert found.next_command == "ulnflow learner edit L-1 postcode"
    assert found.guidance == ("Complete what is missing.",)
    assert found.contacts == (("LRS support", "by mail"),)
    assert (found.clock, found.due, found.overdue) == (5, "2026-03-09", False)


def test_asking_why_writes_nothing(centre):
    (case,) = centre.enrol("L-1", lacks=["postcode"])
    before = centre.office.standings([case])
    why(centre.office, "L-1")
    assert centre.office.standings([case]) == before
    assert [e["kind"] for e in events(centre.office, refusals=True)] == ["opened"]


def test_why_names_whom_the_learner_waits_for_instead_of_asking_rules_that_need_an_answer(centre):
    (case,) = centre.enrol("L-1")
    centre.submit(case)
    found = why(centre.office, "L-1")
    assert (found.waits_for, found.rules) == ("LRS", ())
    assert found.next_command == "ulnflow lrs receive REPLY-FILE"
    assert [(f.name, f.row, f.state) for f in found.files] == [("LRB_1.csv", 1, "sent")]


def test_why_says_which_rules_the_step_itself_must_satisfy(centre):
    (case,) = centre.enrol("L-1")
    centre.answer(centre.submit(case), case)
    found = why(centre.office, "L-1")
    assert found.expected == "pass_uln_to_learner"
    assert {r.rule: r.says for r in found.rules} == {"T1": "holds", "P1": "to be given"}
    assert found.held_back == ()
    assert found.next_command == "ulnflow uln pass L-1"


@pytest.mark.parametrize(
    ("facts", "trigger", "line"),
    [
        ({}, "register_with_ilm", "ulnflow ilm register L-1"),
        ({"registered_at": 1}, "supply_uln_to_ilm", "ulnflow ilm confirm L-1 --order NUMBER"),
        ({"registered_at": 1, "alternative_since": 1}, "create_lar", "ulnflow lar create L-1 --reference NUMBER"),
    ],
)
def test_the_expected_step_is_the_first_whose_rules_hold(centre, facts, trigger, line):
    (case,) = centre.with_uln("L-1")
    centre.note("case_changed", case, facts=facts)
    found = why(centre.office, "L-1")
    assert (found.expected, found.next_command) == (trigger, line)


def test_a_match_gone_stale_is_asked_about_again_first(centre):
    (case,) = centre.with_uln("L-1")
    centre.note("details_changed", case, facts={"stale": {"postcode": "2026-03-02"}})
    found = why(centre.office, "L-1")
    assert (found.expected, found.stale) == ("verify_again", ("postcode",))
    assert found.next_command == "ulnflow lrs submit L-1"


def test_the_alternative_that_was_chosen_is_the_next_step(centre):
    (case,) = centre.enrol("L-1")
    centre.note("alternative_chosen", case, facts={"alternative_reason": "stated"})
    found = why(centre.office, "L-1")
    assert found.expected == "register_without_uln"
    assert found.held_back == ()


def test_an_exception_is_for_a_person_to_decide(centre):
    (case,) = centre.enrol("L-1")
    number = centre.submit(case)
    centre.move("report_lrs_exception", case, dispatch=number, settles="answered", evidence={"code": "RC008"})
    found = why(centre.office, "L-1")
    assert found.next_command == "ulnflow exception resolve L-1 --decision DECISION --reason WHY"
    assert found.held_back == ()
    centre.note("exception_decided", case, facts={"decision": "again"})
    assert why(centre.office, "L-1").next_command == "ulnflow lrs submit L-1"


def test_open_duties_are_shown_in_a_final_state_too(centre):
    (case,) = centre.registered("L-1")
    centre.move("withdraw", case, reason="left_course")
    found = why(centre.office, "L-1")
    assert [d.duty for d in found.duties] == ["tell_ilm_of_withdrawal"]
    assert (found.expected, found.due, found.clock) == ("", "", None)
    assert found.next_command == "ulnflow duty close L-1 tell_ilm_of_withdrawal --evidence REFERENCE"


def test_an_unknown_learner_is_named(centre):
    with pytest.raises(NotFound, match="L-404"):
        why(centre.office, "L-404")


# --- all of them


def test_no_report_holds_a_personal_value(centre):
    (case,) = centre.registered("L-1")
    centre.enrol("L-2", lacks=["postcode"])
    centre.fire("submit_to_lrs", 2)
    centre.days(60)
    office = centre.office
    told = orjson.dumps(
        [
            [asdict(row) for row in board(office)], asdict(stuck(office)), asdict(today(office)),
            asdict(why(office, "L-1")), asdict(trail(office, "L-1", refusals=True)), list(events(office, refusals=True)),
        ]
    ).decode()  # fmt: skip
    for value in ("Robin", "OfL-1", "1990", "CV4", uln(case)):
        assert value not in told


def test_every_word_of_guidance_is_for_a_state_or_a_step_there_is_and_names_a_topic(centre):
    table = tomllib.loads((Path(__file__).parents[2] / "config" / "contacts.toml").read_text("utf-8"))
    route = centre.office.route
    assert table["state"].keys() == route.states.keys()
    assert table["next"].keys() <= route.triggers.keys()
    entries = [*table["state"].values(), *table["next"].values()]
    assert {entry["topic"] for entry in entries} <= table["topic"].keys()
    assert all(entry["steps"] for entry in entries)
