"""Any trigger of the route, for one learner or very many: the general way beside the steps."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from states import effects
from states.cohorts import theirs
from states.counting import counted
from states.errors import NotFound, NotPossible
from states.learner.repository import Learners
from states.leaving import LEAVING, let_go
from states.tally import Tally
from states.unit_of_work import Office
from workflow import Act, Move, RunResult, Standing
from workflow.engine import CHUNK


def advance(
    office: Office,
    act: Act,
    trigger: str,
    cases: array[int],
    *,
    reason: str = "",
    evidence: Mapping[str, Any],
    on: date | None = None,
    dry_run: bool = False,
    stop_after: int | None = None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Tally:
    """Put a trigger to cases, each judged by its own rules, in chunks that survive a crash.

    Memory does not grow with them but for the eight bytes of each number. A run of the same trigger that a crash left
    behind is finished first, with the reason, day and evidence given for it, and whoever was left in it is not asked
    twice. Raises NotPossible for an unknown trigger.
    """
    if trigger not in office.route.triggers:
        raise NotFound(
            f"the route has no trigger {trigger}; it has: {', '.join(sorted(office.route.triggers))}", trigger
        )
    if trigger in effects.OWN_COMMANDS:
        raise NotPossible(f"{trigger} rests on more than evidence; use {effects.OWN_COMMANDS[trigger]}")
    tally = Tally()

    asked: Mapping[str, Any] = {"reason": reason, "evidence": dict(evidence), "on": on.isoformat() if on else ""}
    if stop_after is not None:
        asked = {**asked, "stop_after": stop_after}
    resumed: array[int] | None = None
    for left, given in () if dry_run else office.engine.unfinished(trigger):
        if left.command_id == act.command_id:
            resumed, asked = left.cases(), given or asked
            continue  # this very command again: it goes on below, with those it meant
        if act.cohorts is not None and _is_of_others(office, act, left.cases()):
            tally.notes.append("a run that was interrupted is of other cohorts too, and waits for a colleague")
            cases = _without(cases, left.cases()[left.cursor :])
            continue
        again = replace(act, on_behalf_of="", approver="", command_id=left.command_id)
        move = _maker(office, trigger, left.cases(), given or asked)
        limit = (given or {}).get("stop_after")
        done = office.engine.fire_many(trigger, [], again, move=move, stop_after=limit, progress=progress)
        _let_go(office, act, trigger, left.cases())
        cases = _without(cases, left.cases()[left.cursor :])
        tally.notes.append(f"a run that was interrupted is finished now: {counted(done.done, 'learner')}")
        _tell(office, tally, done)
    if not cases and not act.command_id:
        tally.notes.append("nobody is left to be asked: nothing was changed")
        return tally
    result = office.engine.fire_many(
        trigger, cases, act, move=_maker(office, trigger, cases if resumed is None else resumed, asked), given=asked,
        dry_run=dry_run, stop_after=stop_after, progress=progress,
    )  # fmt: skip
    if not dry_run:
        _let_go(office, act, trigger, cases if resumed is None else resumed)
    _tell(office, tally, result)
    tally.next.append("ulnflow status")
    return tally


def _let_go(office: Office, act: Act, trigger: str, members: array[int]) -> None:
    """What ends with those who left, a chunk at a time; whom a crash kept from it is found when it is repeated."""
    if trigger not in LEAVING:
        return
    final = office.route.final_states()
    for start in range(0, len(members), CHUNK):
        with office.begin(replace(act, command_id="")) as uow:
            left = theirs(act.cohorts, uow.log.load(list(members[start : start + CHUNK])).values())
            let_go(uow, [s for s in left if s.state in final])


def _is_of_others(office: Office, act: Act, members: array[int]) -> bool:
    """Whether a run has a member of another cohort."""
    chunks = (members[start : start + CHUNK] for start in range(0, len(members), CHUNK))
    return any(s for chunk in chunks for s in office.standings(chunk).values() if not theirs(act.cohorts, [s]))


def _maker(office: Office, trigger: str, members: array[int], given: Mapping[str, Any]) -> Callable[[int], Move]:
    """Makes the moves of a run from what was given with its command."""
    ahead, asks = _Ahead(office, members), trigger in effects.ASK_THE_STANDING
    reason, evidence, on = given["reason"], given["evidence"], given["on"]
    day = date.fromisoformat(on) if on else None

    def move(case: int) -> Move:
        knows = effects.of(trigger, ahead(case) if asks else None, evidence, day, office.engine.clock())
        return Move(case=case, on=day, reason=reason, evidence=evidence, facts=knows)

    return move


def _without(cases: array[int], others: array[int]) -> array[int]:
    """The cases that are not among the others, for which a mark a number is enough."""
    marks = bytearray(max(others, default=0) + 1)
    for other in others:
        marks[other] = 1
    return array("q", (case for case in cases if case >= len(marks) or not marks[case]))


class _Ahead:
    """The standings of a run's members, loaded a chunk at a time when the first of them is asked for.

    The chunks are the engine's own, so that each is loaded in the transaction that moves it, when no other writes.
    """

    def __init__(self, office: Office, members: array[int]) -> None:
        self._office, self._members = office, members
        self._known: dict[int, Standing] = {}
        self._asked: frozenset[int] = frozenset()
        self._next = 0

    def __call__(self, case: int) -> Standing | None:
        """Where a member stands; None for a number that is no case."""
        if case not in self._asked:
            try:
                at = self._members.index(case, self._next)
            except ValueError:  # the same command once meant others, and goes on with those
                chunk = array("q", [case])
            else:
                chunk = self._members[at : at + CHUNK]
                self._next = at + len(chunk)
            self._asked, self._known = frozenset(chunk), self._office.standings(chunk)
        return self._known.get(case)


def _tell(office: Office, tally: Tally, result: RunResult) -> None:
    tally.counts["moved"] += result.counts["moved"]
    refused = sum(result.counts[word] for word in ("refused", "no_such_transition", "unknown_case"))
    if refused:
        tally.counts["refused"] += refused
    if result.stopped == "too_many_refusals":
        tally.notes.append(
            f"stopped after too many refusals; not asked: {counted(result.size - result.done, 'learner')}"
        )
    with office.look() as look:
        learners = Learners(look.connection)
        subjects = {o.after.subject for o in result.examples if o.after is not None}
        names = learners.references(subjects)
        for outcome in result.examples:
            if outcome.after is not None:
                tally.refuse(outcome, names[outcome.after.subject])
