"""What should come next for a learner: the route's expectations, asked by rules that need facts only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from states.effects import ON_ITS_WAY
from states.facts import addressed
from states.reports import commands
from states.reports.words import OURS
from states.unit_of_work import Glance
from states.vocabulary import (
    LAR_CROSS_REFERENCE,
    LAR_LEARNERS,
    LRS_KINDS,
    MESSAGE,
    REGISTRATION,
)
from workflow import Move, Question, Standing
from workflow.store.dispatch_log import Dispatch, Member

OUT: tuple[str, ...] = (*LRS_KINDS, REGISTRATION, MESSAGE, LAR_LEARNERS, LAR_CROSS_REFERENCE)
"""Every kind of file that goes out."""

BY_EMAIL: Final = "told {who} --how email"
BY_LETTER: Final = "told {who} --how letter"
CHUNK: Final = 1_000

Places = dict[int, list[tuple[Member, Dispatch]]]


def expected(look: Glance, standings: Sequence[Standing]) -> dict[int, str]:
    """The trigger that should come next, by case; empty for a case at rest.

    What a person decided comes first (the alternative route, asking again), then a match gone stale, then the first
    expectation of the state whose rules hold.
    """
    office = look.office
    definition = office.engine.definition
    now = office.engine.clock()
    found: dict[int, str] = {}
    open_questions: list[Question] = []
    for standing in standings:
        if chosen := _chosen(look, standing):
            found[standing.case] = chosen
        elif office.route.states[standing.state].final:
            found[standing.case] = ""
        else:
            expects = office.route.states[standing.state].expects
            trigger = expects[0].trigger if expects else ""
            open_questions.append(Question(trigger, Move(case=standing.case), standing, now, stated=False, now=now))
    rules = {
        code: definition.rules[code]
        for question in open_questions
        for expectation in office.route.states[question.standing.state].expects
        for code in expectation.when
    }
    needs: frozenset[str] = frozenset().union(*(rule.needs for rule in rules.values()))
    asked = definition.source.gather(look.connection, open_questions, needs, look.cohorts) if open_questions else ()
    for question, answer in zip(open_questions, asked, strict=True):
        found[question.move.case] = next(
            (
                e.trigger
                for e in office.route.states[question.standing.state].expects
                if all(rules[code].ask(answer).held for code in e.when)
            ),
            "",
        )
    return found


def open_files(look: Glance, cases: Sequence[int]) -> Places:
    """The files that hold these cases and wait for something, oldest first, by case."""
    return look.dispatches.waiting(cases, OUT)


def _telling(look: Glance, standing: Standing) -> str:
    """How a learner whose message waits is told: by letter without an address, else by the centre's mail server.

    By hand where there is no such server, or sending was begun already.
    """
    if not addressed(look.learners, look.dispatches, {standing.case: standing.subject}):
        return BY_LETTER
    begun = any(standing.facts.get(name) for name in ON_ITS_WAY)
    return "send {who}" if look.office.policy.mails and not begun else BY_EMAIL


def file(look: Glance, dispatch: Dispatch) -> str:
    """What to do about a file of ours that waits: messages go by letter where nobody in it has an address."""
    if dispatch.kind != MESSAGE:
        return commands.file(dispatch)
    waiting = [member.case for member in look.dispatches.members(dispatch.id, "open")]
    if waiting and not any(_reached(look, waiting[start : start + CHUNK]) for start in range(0, len(waiting), CHUNK)):
        return commands.file(dispatch, BY_LETTER)
    return commands.file(dispatch, "send {who}" if look.office.policy.mails else BY_EMAIL)


def _reached(look: Glance, cases: Sequence[int]) -> set[int]:
    """Those of some cases whom an e-mail can have reached."""
    return addressed(look.learners, look.dispatches, {s.case: s.subject for s in look.log.load(cases).values()})


def answer(look: Glance, standing: Standing, dispatch: Dispatch, reference: str) -> str:
    """The command for what a learner in an open file waits for."""
    told = _telling(look, standing) if dispatch.kind == MESSAGE else ""
    return commands.waiting(dispatch, reference, told=told)


def command(
    look: Glance, standing: Standing, trigger: str, reference: str, files: Sequence[tuple[Member, Dispatch]]
) -> str:
    """The next command for one learner: what its open file waits for, else the step itself."""
    if not trigger:
        return ""
    answers = commands.ANSWERS.get(trigger, ())
    waiting = [d for _, d in files if d.kind in answers]
    if waiting:
        return answer(look, standing, waiting[-1], reference)
    return commands.one(trigger, reference, standing.state)


def _chosen(look: Glance, standing: Standing) -> str:
    route, facts = look.office.route, standing.facts
    arrows, state = route.arrows, standing.state
    if facts.get("alternative_reason") and "registered_at" not in facts and ("register_without_uln", state) in arrows:
        return "register_without_uln"
    if facts.get("decision") == "again" and ("submit_to_lrs", state) in arrows:
        return "submit_to_lrs"
    if facts.get("decision") == "again" and ("verify_again", state) in arrows:
        return "verify_again"
    if facts.get("stale") and route.states[state].owner == OURS and ("verify_again", state) in arrows:
        return "verify_again"
    return ""
