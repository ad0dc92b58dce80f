"""An auditor asks every question of a centre on a server, and the log keeps who asked what."""

from __future__ import annotations

import pytest
import time_machine

from states.reports.questions import QUESTIONS
from tests.fakes.centre import MONDAY, uln
from tests.journey import databases

FILTERS = {"Q1": ("--learner", "L-1"), "Q3": ("--actor", "Ann Example")}
NAMES = [f"L-{number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("database", ["postgresql"])
def test_every_question_is_answered_on_a_server(tmp_path, database):
    with time_machine.travel(MONDAY, tick=True) as clock:
        centre = databases.at(tmp_path, clock, database)
        centre.enrol(*NAMES, cohort="Spring")
        centre.ask_lrs({name: uln(number) for number, name in enumerate(NAMES, 1)})
        centre.do("uln", "pass")
        centre.do("uln", "told", "--how", "email", "--all")
        centre.do("ilm", "register")
        centre.do("ilm", "confirm", "--order", "WG-1", "--all")
        counts = {}
        for question in QUESTIONS:
            if question.ask is None:
                continue
            told = centre.json("audit", "ask", question.number, *FILTERS.get(question.number, ()))
            assert told["log"]["holds"] is True, question.number
            counts[question.number] = len(told["rows"])
        assert (counts["Q5"], counts["R3"], counts["R2"]) == (3, 3, 3)
        assert counts["Q7"] == counts["Q10"] == counts["Q11"] == counts["Q12"] == 0
        asked = centre.json("audit", "ask", "Q17")["rows"]
        assert [one["question"] for one in asked] == [q.name for q in QUESTIONS if q.ask is not None]
        assert centre.run("audit", "ask", "Q4", "--no-verify").code == 3


def test_a_kind_of_event_there_is_not_is_answered_with_those_there_are(centre):
    centre.enrol("L-1")
    for form in ("table", "json", "csv"):
        refused = centre.run("audit", "events", "--kind", "nonsense", "--format", form)
        assert refused.code == 4
        assert "kinds are: " in refused.err
        assert "dispatch_sent" in refused.err
    assert centre.json("audit", "events", "--kind", "dispatch sent") == []
    assert {one["kind"] for one in centre.json("audit", "events", "--kind", "opened")} == {"opened"}
