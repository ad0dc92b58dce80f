"""What the rules of the next step say at this moment, and the command that follows from it; nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from states.addressed import addressed
from states.deciding import challenge_of
from states.reports import commands, next_move
from states.reports.words import OURS
from states.unit_of_work import Glance
from states.vocabulary import LRS_KINDS, RULES
from workflow import Act, Move, Standing, Verdict, Work
from workflow.store.dispatch_log import Dispatch, Member

Said = Literal["holds", "warns", "does not hold", "to be given"]
Places = Sequence[tuple[Member, Dispatch]]

NOBODY: Final = Act(actor="nobody", command="learner why")
"""Asking writes nothing, so nobody's name is needed."""

GIVEN_WITH_THE_STEP: Final = frozenset({"given", "P1", "L1", "X1", "A1", "U3", "U4", "N1"})
"""Rules about what a step brings with it: asked beforehand they only say what will be needed."""

ANSWERED: Final = frozenset({"receive_uln", "confirm_match", "report_lrs_exception"})
"""Triggers that rest on an answer: the ULN their rules look at is the one answered."""


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """What one rule says now; "to be given" means that the step itself must bring it.

    `next_command` puts right what does not hold.
    """

    rule: str
    title: str
    says: Said
    messages: tuple[str, ...]
    next_command: str = ""


def waits_for(look: Glance, standing: Standing, trigger: str, files: Places) -> str:
    """Who makes the next move, when it is not the centre."""
    if challenge_of(standing):
        return "LRS"
    place = look.office.route.states[standing.state]
    if not place.final and place.owner != OURS:
        return place.owner
    return "LRS" if trigger in commands.ANSWERS and _asked_already(trigger, files) else ""


def rules(
    look: Glance, standings: Sequence[Standing], triggers: Mapping[int, str], names: Mapping[int, str],
    files: Mapping[int, Places],
) -> dict[int, tuple[RuleSaid, ...]]:  # fmt: skip
    """What each rule of the step expected next says of each case; nothing of who waits for somebody else."""
    engine = look.office.engine
    work = Work(
        engine.definition, look.connection, act=NOBODY, origin=engine.origin, product=engine.product, clock=engine.clock
    )
    meant: dict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        trigger = triggers.get(standing.case, "")
        if trigger and not waits_for(look, standing, trigger, files.get(standing.case, ())):
            meant[trigger].append(standing)
    found = {}
    for trigger, own in meant.items():
        outcomes = work.ask(trigger, [Move(case=s.case) for s in own])
        for standing, outcome in zip(own, outcomes, strict=True):
            name = names[standing.case]
            found[standing.case] = tuple(_said(verdict, trigger, standing, name) for verdict in outcome.verdicts)
    return found


def command(
    look: Glance, standing: Standing, trigger: str, reference: str, files: Places, said: Sequence[RuleSaid]
) -> str:
    """The next command for one learner: first what puts right a rule that does not hold, then the step."""
    waits = any(d.kind in commands.ANSWERS.get(trigger, ()) for _, d in files)
    wrong = next((r.next_command for r in said if r.says == "does not hold"), "")
    return wrong if wrong and not waits else next_move.command(look, standing, trigger, reference, files)


def _asked_already(trigger: str, files: Sequence[tuple[Any, Dispatch]]) -> bool:
    """Whether the LRS is being asked: a file to it is on its way."""
    return trigger in {"submit_to_lrs", "verify_again", "receive_uln"} and any(
        d.kind in LRS_KINDS and d.state != "prepared" for _, d in files
    )


def _said(verdict: Verdict, trigger: str, standing: Standing, reference: str) -> RuleSaid:
    says: Said = "holds"
    line = ""
    if not verdict.held:
        given = verdict.rule in GIVEN_WITH_THE_STEP or (trigger in ANSWERED and verdict.rule in {"U1", "U2"})
        says = "to be given" if given else "does not hold"
        first = next(o for o in verdict.objections if o.severity == "block")
        line = "" if given else commands.fix(verdict.rule, first.code, first.field, reference, standing.cohort)
    elif verdict.objections:
        says = "warns"
    title = RULES.get(verdict.rule, "What the step itself must bring")
    messages = tuple(addressed(o.message, reference) for o in verdict.objections)
    return RuleSaid(verdict.rule, title, says, messages, line)
