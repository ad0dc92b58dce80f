"""Any trigger of the route, for one learner or very many: the general way beside the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from states import effects
from states.learner.repository import Learners
from states.tally import Tally
from states.unit_of_work import NotPossible, Office
from workflow import Act, Move, RunResult, Standing


def advance(
    office: Office,
    act: Act,
    trigger: str,
    standings: Sequence[Standing],
    *,
    reason: str = "",
    evidence: dict[str, Any],
    on: date | None = None,
    dry_run: bool = False,
    stop_after: int | None = None,
    progress: Callable[[int], None] = lambda _done: None,
) -> Tally:
    """Put a trigger to learners, each judged by its own rules, in chunks that survive a crash.

    A run of the same trigger that a crash left behind is finished first, and whoever was left in it is not asked twice.
    Raises NotPossible for an unknown trigger.
    """
    if trigger not in office.route.triggers:
        raise NotPossible(f"the route has no trigger {trigger}; it has: {', '.join(sorted(office.route.triggers))}")
    if trigger in effects.OWN_COMMANDS:
        raise NotPossible(f"{trigger} rests on more than evidence; use {effects.OWN_COMMANDS[trigger]}")
    tally = Tally()
    by_case = {s.case: s for s in standings}

    def move(case: int) -> Move:
        standing = by_case.get(case)
        now = office.engine.clock()
        facts = effects.of(trigger, standing, evidence, on, now) if standing is not None else {}
        return Move(case=case, on=on, reason=reason, evidence=evidence, facts=facts)

    finished: set[int] = set()
    if not dry_run:
        for left in office.engine.unfinished(trigger):
            members = list(left.cases())
            by_case |= office.standings(members)
            if left.command_id == act.command_id:
                continue  # this very command again: it goes on below
            again = Act(actor=act.actor, command=act.command, command_id=left.command_id)
            done = office.engine.fire_many(trigger, [], again, move=move, progress=progress)
            finished.update(members[left.cursor :])
            tally.notes.append(f"a run that was interrupted is finished now: {done.size} learners")
            _tell(office, tally, done)
    cases = [s.case for s in standings if s.case not in finished]
    if not cases and not act.command_id:
        tally.notes.append("nobody is left to be asked: nothing was changed")
        return tally
    result = office.engine.fire_many(
        trigger, cases, act, move=move, dry_run=dry_run, stop_after=stop_after, progress=progress
    )
    _tell(office, tally, result)
    if result.stopped == "too_many_refusals":
        tally.notes.append(f"stopped after too many refusals: {result.size - result.done} learners were not asked")
    tally.next.append("ulnflow status")
    return tally


def _tell(office: Office, tally: Tally, result: RunResult) -> None:
    tally.counts["moved"] += result.counts["moved"]
    refused = sum(result.counts[word] for word in ("refused", "no_such_transition", "unknown_case"))
    if refused:
        tally.counts["refused"] += refused
    with office.look() as look:
        learners = Learners(look.connection)
        subjects = {o.after.subject for o in result.examples if o.after is not None}
        names = learners.references(subjects)
        for outcome in result.examples:
            if outcome.after is not None:
                tally.refuse(outcome, names[outcome.after.subject])
