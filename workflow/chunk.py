"""A chunk of a bulk run: every case judged by its own rules, and what is said alike written by one mould.

The rules and the events are those of `Work.fire`, byte for byte; a test holds both equal. What is left out is making
the same bytes anew for each of very many cases.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

from workflow.case import advanced
from workflow.event import EMPTY, Mould, canonical
from workflow.move import Judged, Move, Outcome, Question
from workflow.route import Transition
from workflow.work import Work

Asked = TypeVar("Asked")
OWN: Final = attrgetter("opens", "closes", "settles", "commitments", "command_id", "row")
NOTHING: Final = ((), (), None, EMPTY, "", None)
WORTH_A_MOULD: Final = 8
"""How many events of one kind are worth making a mould for."""


def fire_chunk(work: Work[Asked], trigger: str, moves: Sequence[Move]) -> tuple[int, list[Outcome]]:
    """Put a trigger to some cases, each once, as `Work.fire` does in bulk.

    Returns how many were moved with every rule silent, and what came of each of the others.
    """
    now, table, clear = work.clock(), work.definition.machine.table, work.definition.clear
    questions, known = work.questions(trigger, moves, now)
    groups: dict[Any, list[Judged]] = {}
    others: list[Judged] = []
    like: tuple[Any, ...] = ()
    group = others
    arrows = {state: table.get((trigger, state)) for state in {asked.standing.state for asked in questions}}
    for one in work.judge(trigger, questions, [arrows[asked.standing.state] for asked in questions]):
        question, arrow, verdicts = one
        if arrow is None or verdicts is not clear[trigger, arrow.source]:
            others.append(one)
            continue
        said = arrow, question.stated, question.move[2:]
        if said != like:  # most often it is what was said of the case before, and goes where that went
            like = said
            alone = _is_special(question.move, arrow)
            group = others if alone else groups.setdefault(_likeness(question), [])
        group.append(one)
    moved = 0
    for group in groups.values():
        if len(group) < WORTH_A_MOULD:
            others += group
        else:
            moved += len(group)
            _move(work, [question for question, _, _ in group], now)
    known |= {outcome.case: outcome for outcome in work.write(others, trigger, now, bulk=True)}
    return moved, [known[move.case] for move in moves if move.case in known] if known else []


def _is_special(move: Move, arrow: Transition) -> bool:
    """Whether the event of a move says what those of its neighbours do not say."""
    return OWN(move) != NOTHING or bool(arrow.opens) or "cohort" in move.facts


def _likeness(question: Question) -> Any:
    """What is the same in all events of one mould, beside the trigger."""
    move = question.move
    told = canonical(move.evidence) if move.evidence else b"", canonical(move.facts) if move.facts else b""
    return question.standing.state, question.stated, move.reason, move.dispatch, told


def _move(work: Work[Asked], alike: Sequence[Question], now: int) -> None:
    """Move cases whose events differ only in case, place and time."""
    first = alike[0]
    arrow = work.definition.route.arrows[first.trigger, first.standing.state]
    body = {**work.moved(first, arrow, work.definition.clear[arrow.trigger, arrow.source]), "origin": work.log.origin}
    route, target, facts = work.definition.route, arrow.target, first.move.facts
    place, after = route.states[target], None
    if facts or target == arrow.source or place.final or place.clock_from is not None:
        after = [advanced(route, asked.standing, target, asked.occurred_at, facts) for asked in alike]
    work.log.append_alike(Mould(body), body, [(q.standing, q.occurred_at) for q in alike], now, after)
