"""The compiled table of a route in bulk, with two rules a case, beside a dict and two functions; and what it holds."""

from __future__ import annotations

import gc
import tracemalloc

from tests.bench.contenders import ours as engine
from tests.bench.steps import STATES, TARGETS, TRIGGERS, Job, Phases, facts_of, fee_is_set, nothing_holds
from workflow import Move, Question, Standing


def _questions(count: int) -> list[Question]:
    return [
        Question(
            TRIGGERS[number % 6], Move(case=number),
            Standing(number, "order", 1, STATES[number % 6], 1, 0, 0, 0, b"", facts_of(number)), 0, False, 0,
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


def ours(job: Job) -> Phases:
    """The table and both rules as a bulk run asks them: every rule's verdict, and whether all are clear."""
    definition = engine.definition()
    look_up, verdicts, clear = definition.machine.table.get, definition.verdicts, definition.clear
    questions = _questions(job.cases)
    held = _held(engine.definition(), questions)
    yield None
    moved = 0
    for question in questions:
        key = question.trigger, question.standing.state
        arrow = look_up(key)
        if arrow is not None and verdicts(key, question) is clear[key]:
            moved += 1
    yield {"bytes": held}
    assert moved == job.cases


def ours_guards(job: Job) -> Phases:
    """Machine.look_up and the two functions that the rules rest on, without a verdict."""
    look_up = engine.definition().machine.look_up
    questions = _questions(job.cases)
    yield None
    moved = 0
    for question in questions:
        standing = question.standing
        arrow = look_up(question.trigger, standing.state)
        if arrow is not None and fee_is_set(standing.facts) and nothing_holds(standing.facts):
            moved += 1
    yield None
    assert moved == job.cases


def plain(job: Job) -> Phases:
    """A dict and the two functions."""
    questions = _questions(job.cases)
    yield None
    moved = 0
    for question in questions:
        standing = question.standing
        target = TARGETS.get((question.trigger, standing.state))
        if target is not None and fee_is_set(standing.facts) and nothing_holds(standing.facts):
            moved += 1
    yield None
    assert moved == job.cases


def _held(definition: object, questions: list[Question]) -> int:
    """Bytes that stay with the machine for each case it moved, by table and one by one."""
    machine = definition.machine  # type: ignore[attr-defined]
    for question in questions[:100]:
        machine.look_up(question.trigger, question.standing.state)
        machine.step(question.trigger, question.standing.state)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for question in questions:
        machine.look_up(question.trigger, question.standing.state)
    for question in questions[:10_000]:
        machine.step(question.trigger, question.standing.state)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return max(0, after - before) // min(len(questions), 10_000)
