"""Every question has an answer on the demonstration, in each format, and the manual shows it."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import time_machine

from states.reports.questions import QUESTIONS
from tests.house.questions import ASKED, MONDAY, answers, play
from tests.unit.commands import run

ANSWERED = [question for question in QUESTIONS if question.ask is not None]
STATED = {"origin", "size", "root", "time", "product", "sealed", "holds", "verified"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("demonstration") / "practice"
    with time_machine.travel(MONDAY, tick=False) as clock:
        play(place, clock)
        yield place


def ask(folder, question, *more):
    return run("--folder", folder, "audit", "ask", question.number, *ASKED.get(question.number, ()), *more)


@pytest.mark.parametrize("question", ANSWERED, ids=lambda question: question.number)
def test_a_question_is_answered_in_every_format_with_what_it_rests_on(folder, question):
    whole = ask(folder, question, "--format", "json")
    told = json.loads(whole.out)
    assert told["question"]["name"] == question.name
    assert set(told["log"]) == STATED
    assert told["log"]["holds"] is True
    assert re.fullmatch("[0-9a-f]{64}", told["log"]["root"])
    assert whole.code == int(question.finds is not None and any(map(question.finds, told["rows"])))
    assert all(set(row) <= set(question.columns) for row in told["rows"])

    lines = [json.loads(line) for line in ask(folder, question, "--format", "ndjson").out.splitlines()]
    assert set(lines[0]) == {"question", "log"}
    listed = ask(folder, question, "--format", "csv")
    rows = list(csv.reader(io.StringIO(listed.out), strict=True))
    assert tuple(rows[0]) == question.columns
    table = ask(folder, question)
    for said in (listed.err, table.err):
        assert re.search(r"Log ulnflow-practice/99990001/\w+, \d+ events, root [0-9a-f]{64}, sealed to \d+\.", said)
        assert "verified: it holds" in said
    if question.number not in {"Q1", "Q17"}:  # each asking adds to their answer
        assert len(told["rows"]) == len(lines) - 1 == len(rows) - 1
    assert {result.code for result in (whole, listed, table)} == {whole.code}


@pytest.mark.parametrize("number", ["Q1", "Q3", "Q4", "Q5", "Q6", "Q8", "Q12", "Q14", "R1", "R2", "R3", "R4", "R5"])
def test_the_demonstration_holds_something_for_a_question(folder, number):
    (question,) = [one for one in QUESTIONS if one.number == number]
    assert json.loads(ask(folder, question, "--format", "json").out)["rows"]


def test_the_catalogue_names_every_question_once_and_scopes_fit_an_auditors_look():
    names = [question.name for question in QUESTIONS]
    assert len({*names}) == len({question.number for question in QUESTIONS}) == len(QUESTIONS) == 22
    assert all(re.fullmatch("[a-z_]{1,20}", name.replace("-", "_")) for name in names)


def test_the_manual_shows_each_answer_with_its_exit_code():
    assert set(answers()) == {question.number for question in QUESTIONS}
    assert {number: code for number, (_, code, _, _) in answers().items() if code} == {"Q9": 1, "Q16": 2, "R1": 1}
