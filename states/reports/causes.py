"""What to solve first: the causes that hold learners, the one that would release the most of them at the top."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from states.counting import counted
from states.learner.incomplete import Gap
from states.reports import commands, gaps, late, next_move
from states.reports.words import FILES, OURS
from states.unit_of_work import Glance
from workflow.store.queries import OpenDispatch, Queries
from workflow.stuck import Kind, Stuck, late_before, reasons_of

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One cause: how many learners it is among the reasons of, and how many go free once it alone is solved.

    `code` is the rule's, or the name of the state, the file or the duty.
    """

    kind: Kind
    code: str
    what: str
    learners: int
    releases: int
    next_command: str


def causes_of(
    look: Glance,
    waiting: Sequence[tuple[OpenDispatch, Stuck]],
    cohort: str | None,
    ignoring: Collection[str],
    stale: Collection[int] = (),
    lacking: Sequence[Gap] = (),
) -> tuple[tuple[Cause, ...], dict[str, int]]:
    """Every cause, and how many rows there are of each kind.

    `stale` are cases to ask the LRS about again, `lacking` those nobody asked about whose details lack an item.
    """
    blocked, refused = _blocked(look, cohort, ignoring, lacking)
    overdue, late_ones = _overdue(look, cohort, ignoring, lacking)
    unanswered = _unanswered(look, waiting, cohort)
    owed = _owed(look, cohort)
    found = sorted(
        (c for c in (*blocked, *_stale(stale), *overdue, *unanswered, *owed) if c.learners),
        key=lambda c: (-c.releases, -c.learners, c.code),
    )
    totals = {
        "overdue": late_ones,
        "blocked": refused + len(stale),
        "unanswered": sum(c.learners for c in unanswered),
        "owed": sum(c.learners for c in owed),
    }
    return tuple(found), totals


def _blocked(
    look: Glance, cohort: str | None, ignoring: Collection[str], lacking: Sequence[Gap]
) -> tuple[list[Cause], int]:
    """Refusals shared by learners, by rule, objection and field; a cohort's own gate is its own cause."""
    route = look.office.route
    states = [name for name, state in route.states.items() if not state.final]
    among: Counter[Key] = Counter()
    alone: Counter[Key] = Counter()
    words: dict[Key, str] = {}
    refused = 0
    remembered = Queries(look.connection, ignoring=ignoring).shared_refusals(states, cohort)
    for shared in (*remembered, *gaps.shared(look, lacking)):
        reasons = reasons_of(shared.said, ignoring)
        if not reasons or (shared.trigger, shared.state) not in route.arrows:
            continue
        refused += shared.cases
        keys = {(r.code, r.said, r.field, shared.cohort if r.field == "cohort" else ""): r for r in reasons}
        for key, reason in keys.items():
            among[key] += shared.cases
            alone[key] += shared.cases if len(keys) == 1 else 0
            words.setdefault(key, reason.message)
    causes = []
    for key, learners in among.items():
        code, said, field, group = key
        double = said == "same_details"  # who may be gone since
        line = commands.explain("REFERENCE") if double else commands.fix(code, said, field, "REFERENCE", group)
        causes.append(
            Cause(
                kind="blocked",
                code=code,
                what=(f"{group}: " if group else "") + words[key],
                learners=learners,
                releases=alone[key],
                next_command=line,
            )
        )
    return causes, refused


def _stale(cases: Collection[int]) -> list[Cause]:
    """The one cause that stale matches share; asking again sets all of them free."""
    return [
        Cause(
            kind="blocked",
            code="I1",
            what=f"details of {counted(len(cases), 'learner')} changed after the LRS matched them",
            learners=len(cases),
            releases=len(cases),
            next_command="ulnflow lrs submit",
        )
    ]


def _overdue(
    look: Glance, cohort: str | None, ignoring: Collection[str], lacking: Sequence[Gap]
) -> tuple[list[Cause], int]:
    """States that learners should have left: those whom nothing but the step itself keeps there would go free."""
    office, queries, today = look.office, Queries(look.connection, ignoring=ignoring), look.office.today()
    days = late.deadlines(look)
    by_state: Counter[str] = Counter()
    for (group, name), one in late.count(look).items():
        if cohort in {None, group}:
            by_state[name] += one.overdue
    causes = []
    for name, learners in by_state.items():
        state = office.route.states[name]
        if not learners or state.clock is None:
            continue
        before = late_before(state.clock, today, office.policy.closed)
        held = sum(g.state == name and g.clock_from is not None and g.clock_from < before for g in lacking)
        free = queries.began_before(name, before, free=commands.awaited(state))
        if past := late.past_deadline(look, state, days, today):
            everyone = queries.began_before(name, late.FOREVER, free=commands.awaited(state))
            free |= {group: everyone[group] for group in past if group in everyone}
        trigger = state.expects[-1].trigger if state.expects else ""
        whose = "" if state.owner == OURS else f"; the next move is {state.owner}'s"
        causes.append(
            Cause(
                kind="overdue",
                code=name,
                what=f"{state.title}: {counted(learners, 'learner')} past the time allowed{whose}",
                learners=learners,
                releases=sum(number for group, number in free.items() if cohort in {None, group}) - held,
                next_command=commands.everybody(trigger, name) if trigger else "",
            )
        )
    return causes, by_state.total()


def _unanswered(look: Glance, waiting: Sequence[tuple[OpenDispatch, Stuck]], cohort: str | None) -> list[Cause]:
    route = look.office.route
    members = Queries(look.connection).open_members_by_state(cohort)
    causes = []
    for one, said in waiting:
        learners = sum(
            number
            for (dispatch, state), number in members.items()
            if dispatch == one.dispatch.id and not route.states[state].final
        )
        file = one.dispatch
        causes.append(
            Cause(
                kind="unanswered",
                code=file.name,
                what=f"{FILES.get(file.kind, file.kind)} {file.name}: {said.reasons[0].message}",
                learners=learners,
                releases=learners,
                next_command=next_move.file(look, file),
            )
        )
    return causes


def _owed(look: Glance, cohort: str | None) -> list[Cause]:
    """Open duties past their clock; they hold nobody back, so they release nobody."""
    office = look.office
    return [
        Cause(
            kind="owed",
            code=name,
            what=office.route.duties[name].title,
            learners=number,
            releases=0,
            next_command="ulnflow duty list",
        )
        for name, number in Queries(look.connection).count_duties(late.duties_cut_off(look), cohort).items()
    ]
