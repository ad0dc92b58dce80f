"""The story of a learner, and the log as rows: plain words for readers who do not know the code."""

from __future__ import annotations

import re
from datetime import date

import pytest

from states.learner.repository import Learners
from states.reports.events import COLUMNS, events
from states.reports.trail import trail
from tests.fakes.office import ADA, open_centre
from workflow import Move


@pytest.fixture
def centre(tmp_path):
    centre = open_centre(tmp_path)
    yield centre
    centre.office.database.close()


# --- trail


def test_the_trail_tells_a_story_anyone_can_read(centre):
    centre.registered("L-1", cohort="Spring")
    story = trail(centre.office, "L-1")
    assert [line.what for line in story.lines] == [
        "Details gathered, for the cohort Spring, for qualification 8605-31.",
        "File LRB_L-1.csv (batch file for the LRS) was prepared, with 1 learner.",
        "Sent to the LRS in file LRB_L-1.csv, row 1.",
        "The LRS answered RC001: ULN received.",
        "Told the ULN by e-mail, by Ada Example.",
        "Registered with ILM (order WG-1).",
    ]
    assert story.stands == (("8605-31", "Registered with ILM"),)
    assert {line.who for line in story.lines} == {"Ada Example"}


def test_the_day_it_happened_stands_beside_the_day_it_was_recorded(centre):
    (case,) = centre.enrol("L-1")
    centre.days(1)
    centre.move("withdraw", case, reason="left_course", on=date(2026, 3, 3))
    centre.days(1)
    centre.move("reinstate", case, reason="stated", on=date(2026, 3, 3))
    opened, left, back = trail(centre.office, "L-1").lines
    assert (opened.happened, opened.recorded) == ("2026-03-02 09:00", "")
    assert (left.happened[:10], left.recorded) == ("2026-03-03", "")
    assert (back.happened, back.recorded) == ("2026-03-03", "2026-03-04")
    assert left.what == "Withdrawn. Reason: left course."
    assert back.what == "Reinstated. A reason was stated."


def test_refused_attempts_and_looks_are_shown_when_asked_for(centre):
    (case,) = centre.enrol("L-1", lacks=["postcode"])
    centre.fire("submit_to_lrs", case)
    centre.fire("receive_uln", case, reason="x")
    centre.fire("submit_results", case)
    with centre.office.begin(ADA) as uow:
        uow.work.record("looked_up", evidence={"case": case, "scope": "details"})
    assert len(trail(centre.office, "L-1").lines) == 1
    _, blocked, _, impossible, look = trail(centre.office, "L-1", refusals=True).lines
    assert blocked.what == "Not done: submit to the LRS."
    assert blocked.messages == ("Refused: Postcode is missing; add it with: ulnflow learner edit L-1 postcode",)
    assert (blocked.held, blocked.not_held) == (9, 1)
    assert impossible.messages == ("Submit the results to ILM is not possible from Details gathered",)
    assert look.what == "Personal details were looked at."


def test_a_look_at_the_log_alone_is_not_told_as_one_at_personal_details(centre):
    (case,) = centre.enrol("L-1")
    with centre.office.begin(ADA) as uow:
        uow.work.record("looked_up", evidence={"case": case, "scope": "history"})
    assert trail(centre.office, "L-1", refusals=True).lines[-1].what == "An auditor read the learner's history."


def test_warnings_duties_and_decisions_are_told(centre):
    (case,) = centre.enrol("L-1", lacks=["notice_version"])
    number = centre.submit(case)
    sent = trail(centre.office, "L-1").lines[-1]
    assert sent.messages == ("Warning: the version and date of the privacy notice are not on file",)
    centre.move("report_lrs_exception", case, dispatch=number, evidence={"code": "RC008", "refused_for": ["other_uln"]})
    centre.note(
        "details_changed", case, evidence={"fields": ["postcode", "family_name"], "version": 2},
        opens=("tell_ilm_of_change",),
    )  # fmt: skip
    lines = trail(centre.office, "L-1").lines
    assert lines[-2].what == "The LRS answered RC008: a person must decide because the ULN differs from the one held."
    assert lines[-1].what == "Details changed: Postcode, Family name; this is version 2."
    assert lines[-1].duties == ("Now owed: Tell ILM of the changed details",)
    with centre.office.begin(ADA) as uow:
        closes = uow.close_duties(case, "tell_ilm_of_change")
        uow.work.note(
            "duty_closed",
            [Move(case=case, evidence={"duty": "tell_ilm_of_change", "reference": "M-7"}, closes=closes)],
        )
    last = trail(centre.office, "L-1").lines[-1]
    assert last.what == "Done: Tell ILM of the changed details (reference M-7)."
    assert last.duties == ("No longer owed: Tell ILM of the changed details",)


def test_a_file_that_was_rejected_is_part_of_the_story(centre):
    cases = centre.enrol("L-1")
    number = centre.prepare("lrs_batch", "LRB_9.csv", cases)
    with centre.office.begin(ADA) as uow:
        uow.end(uow.dispatches.get(number), "rejected", reason="rejected_whole")
    assert [line.what for line in trail(centre.office, "L-1").lines[1:]] == [
        "File LRB_9.csv (batch file for the LRS) was prepared, with 1 learner.",
        "File LRB_9.csv (batch file for the LRS) was rejected as a whole. Reason: the whole file was rejected.",
    ]


def test_every_event_of_every_trigger_has_a_sentence_without_code_words(centre):
    """No snake_case, no raw JSON: a compliance officer reads it."""
    (case,) = centre.registered("L-1")
    centre.move("report_ilm_exception", case, evidence={"reference": "ILM-3"})
    centre.move("drop_registration", case, evidence={"reference": "ILM-4"}, facts={"registered_at": None})
    centre.move("report_not_told", case, evidence={"reference": "bounce 7"}, facts={"told_uln": None, "told_at": None})
    centre.move("report_wrong_uln", case, reason="wrong_uln", evidence={"reference": "C-1"}, facts={"uln": None})
    centre.note("exception_decided", case, facts={"decision": "again"}, reason="stated")
    centre.note("alternative_chosen", case, facts={"alternative_reason": "stated"}, evidence={"acknowledged": True})
    centre.move("close_without_lar", case, reason="declined_uln")
    centre.move("reopen", case, reason="stated")
    centre.note("something_new", case, evidence={"code": "x"})
    for line in trail(centre.office, "L-1", refusals=True).lines:
        told = " ".join((line.what.replace("LRB_L-1.csv", ""), line.stands, *line.duties, *line.messages))
        assert not re.search(r"\w_\w|[{}\[\]]", told), told


def test_a_learner_with_two_cases_has_one_story_and_either_half(centre):
    (case,) = centre.enrol("L-1")
    subject = centre.office.standings([case])[case].subject
    with centre.office.begin(ADA) as uow:
        uow.work.open([(subject, {"qualification": "8606-20", "details_version": 1})])
    assert [line.qualification for line in trail(centre.office, "L-1").lines] == ["8605-31", "8606-20"]
    assert [line.qualification for line in trail(centre.office, "L-1", qualification="8606-20").lines] == ["8606-20"]


# --- events


def test_events_are_flat_rows_with_one_set_of_columns(centre):
    centre.with_uln("L-1", "L-2")
    rows = list(events(centre.office))
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [r["position"] for r in rows] == sorted(r["position"] for r in rows)
    told = [r for r in rows if r["trigger"] == "pass_uln_to_learner"]
    assert [(r["reference"], r["to"], r["rules_held"]) for r in told] == [
        ("L-1", "uln_passed_to_learner", 2),
        ("L-2", "uln_passed_to_learner", 2),
    ]


def test_events_are_filtered_by_learner_file_day_and_person(centre):
    centre.enrol("L-1", "L-2")
    centre.days(1)
    (case,) = centre.enrol("L-3")
    centre.submit(case, name="LRB_5.csv")
    office = centre.office
    assert {r["reference"] for r in events(office, reference="L-1")} == {"L-1"}
    assert {r["file"] for r in events(office, dispatch="LRB_5.csv")} == {"LRB_5.csv"}
    assert [r["reference"] for r in events(office, until=date(2026, 3, 2))] == ["L-1", "L-2"]
    assert "L-1" not in {r["reference"] for r in events(office, since=date(2026, 3, 3))}
    assert list(events(office, actor="Nobody Here")) == []
    assert [r["kind"] for r in events(office, limit=2)] == ["dispatch sent", "moved"]


def test_events_come_while_they_are_read(centre, monkeypatch):
    """A log is larger than memory."""
    monkeypatch.setattr("states.reports.events.CHUNK", 2)
    centre.enrol("L-1", "L-2", "L-3", "L-4", "L-5")
    asked = []
    own = Learners.of_cases

    def of_cases(learners, cases):
        asked.append(set(cases))
        return own(learners, cases)

    monkeypatch.setattr(Learners, "of_cases", of_cases)
    rows = events(centre.office)
    assert next(rows)["reference"] == "L-1"
    assert asked == [{1, 2}]
    assert [row["reference"] for row in rows] == ["L-2", "L-3", "L-4", "L-5"]
    assert asked == [{1, 2}, {3, 4}, {5}]
