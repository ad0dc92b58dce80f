"""correct: an event that was untrue when it was recorded is voided by a new one, and the case folded anew.

Nothing is changed in what was written. What happened after the voided event is judged again without it: an event that
rests on it (there is no such arrow from where the case would stand, a rule that held does not hold any more, or it
ended a duty that the voided event began) has to be voided as well, or first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.case import Standing, advanced, fold, opening
from workflow.errors import CorrectionRefused
from workflow.event import CORRECTED, EMPTY, MOVED, NOTED, Event, parse
from workflow.move import Move, Question
from workflow.store.dispatch_log import ANSWERED, OPEN_STATES
from workflow.store.event_log import Draft
from workflow.work import Work

NOT_VOIDABLE: Final = {
    "opened": "it opened the case, and a case that should not be is brought to its end, as a withdrawn duplicate say",
    "refused": "it changed nothing",
    "corrected": "it is a correction itself: record what is true as a new entry",
}
"""Kinds of events that cannot be voided -> why."""

Rests = Callable[[Event, Standing], bool]
"""Whether an event rests on more than state and rules tell, by where the case would stand before it."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What a correction would void: the event that was named, and those that rest on it; `voids` in log order.

    `before` is where the case stands, `after` where it would, with the place and leaf of `before`.
    """

    position: int
    voids: tuple[Event, ...]
    before: Standing
    after: Standing
    earlier: frozenset[int]
    """Positions that earlier corrections void."""


def plan(work: Work[Any], position: int, *, rests: Rests = lambda _event, _standing: False) -> Correction:
    """What voiding an event would lead to; raises CorrectionRefused for one that cannot be voided.

    An event that is voided already gives a Correction that voids nothing.
    """
    named = work.log.at(position)
    if named is None or named.case is None:
        raise CorrectionRefused(f"entry {position} is about no case, so there is nothing to correct in one")
    pairs = [(parse(body), body) for _, body, _ in work.log.bodies(named.case)]
    (before,) = work.log.load([named.case]).values()
    earlier = frozenset(e.voids for e, _ in pairs if e.voids is not None)
    if position in earlier:
        return Correction(position, (), before, before, earlier)
    if named.kind not in {MOVED, NOTED}:
        raise CorrectionRefused(f"entry {position} cannot be voided: {NOT_VOIDABLE.get(named.kind, 'it is no move')}")
    voids = _resting(work, [event for event, _ in pairs], named, earlier, rests)
    after = fold(work.definition.route, pairs, without=earlier | {e.position for e in voids})
    return Correction(position, tuple(voids), before, after, earlier)


def _resting(
    work: Work[Any], events: Sequence[Event], named: Event, earlier: frozenset[int], rests: Rests
) -> list[Event]:
    """The named event and every later one that rests on it, in order: the case is walked with it and without."""
    route, voids, owed = work.definition.route, [named], {(named.position, duty) for duty in named.opens}
    old = new = opening(route, events[0])
    for event in events[1:]:
        stands = event.position not in earlier
        falls = event is named or event.position == named.position
        if stands and event.position > named.position and event.kind in {MOVED, NOTED}:
            falls = not owed.isdisjoint(event.closes) or rests(event, new)
            falls = falls or (event.kind == MOVED and _has_lost(work, event, old, new))
            if falls:
                voids.append(event)
                owed |= {(event.position, duty) for duty in event.opens}
        old = _next(work, old, event, stands=stands)
        new = _next(work, new, event, stands=stands and not falls)
    return voids


def _next(work: Work[Any], standing: Standing, event: Event, *, stands: bool) -> Standing:
    target = event.target if stands and event.kind == MOVED else None
    facts = event.facts if stands else EMPTY
    return advanced(work.definition.route, standing, target=target, occurred_at=event.occurred_at, facts=facts)


def _has_lost(work: Work[Any], event: Event, old: Standing, new: Standing) -> bool:
    """Whether a move could not be made from where the case would stand, while it can from where it stood."""
    if event.trigger is None or new.state != event.source:
        return True
    arrow = work.definition.machine.look_up(event.trigger, new.state)
    if arrow is None or arrow.target != event.target:
        return True
    move = Move(
        case=old.case, occurred_at=event.occurred_at, reason=event.reason or "", evidence=event.evidence,
        facts=event.facts, dispatch=event.dispatch, row=event.row,
    )  # fmt: skip

    def broken(standing: Standing) -> set[str]:
        question = Question(event.trigger or "", move, standing, event.occurred_at, True, event.recorded_at)
        ((_, _, verdicts),) = work.judge(question.trigger, [question], [arrow])
        return {verdict.rule for verdict in verdicts if not verdict.held}

    return old.facts != new.facts and bool(broken(new) - broken(old))


def write(
    work: Work[Any],
    correction: Correction,
    *,
    reason: str,
    evidence: Mapping[str, Any] = EMPTY,
    opens: Sequence[str] = (),
) -> list[int]:
    """Write one event for each that is voided, the latest first; returns their positions.

    A duty that a voided event began is ended, one that it ended begins anew; its place in a file waits again while
    that file is in use, else it is let go. `opens` are duties that follow from the whole.
    """
    now, case, gone = work.clock(), correction.before.case, {e.position for e in correction.voids}
    pairs = [(parse(body), body) for _, body, _ in work.log.bodies(case)]
    standing, voided, positions = correction.before, set(correction.earlier), []
    for event in reversed(correction.voids):
        voided.add(event.position)
        open_now = work.log.open_duties([case]).get(case, [])
        begins = [duty for at, duty in event.closes if at not in gone and duty not in {name for _, name in open_now}]
        begins += opens if event.position == correction.position else ()
        rests = {} if event.position == correction.position else {"rests_on": correction.position}
        move = Move(
            case=case,
            reason=reason,
            evidence={**evidence, **rests},
            opens=tuple(begins),
            closes=tuple(pair for pair in open_now if pair[0] == event.position),
            dispatch=event.dispatch if event.settles else None,
        )
        body = work.body(Question("", move, standing, now, False, now), CORRECTED)
        after = fold(work.definition.route, pairs, without=voided)
        body |= {"voids": event.position, "source": standing.state, "target": after.state}
        if event.settles and event.dispatch is not None:
            body["settles"] = _place(work, event.dispatch)
        draft = Draft(body, after._replace(sequence=standing.sequence + 1))
        positions += work.log.append([draft], now)
        standing = draft.after or standing
    return positions


def _place(work: Work[Any], dispatch: int) -> str:
    """What becomes of a place whose answer is void."""
    found = work.dispatches.get(dispatch)
    return "open" if found is not None and found.state in {*OPEN_STATES, ANSWERED} else "released"
