"""Who is stuck and why: overdue, blocked, unanswered, owed; each with its owner and the next command.

A learner who is stuck in two ways has two rows. Reasons of a refusal are as old as `asked_at` says; `learner why`
asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from states import approval
from states.addressed import addressed
from states.learner.incomplete import Gap
from states.reports import commands, gaps, late, next_move
from states.reports.causes import Cause, causes_of
from states.reports.exceptions import held_by
from states.reports.stale import as_refusals, stale_cases
from states.reports.words import FILES, iso
from states.to_type import names_to_type
from states.unit_of_work import Glance, Office
from states.vocabulary import LAR_CROSS_REFERENCE, LAR_LEARNERS, LRS_BATCH, LRS_KEYING, MESSAGE, REGISTRATION
from workflow import Route, Standing
from workflow import stuck as engine
from workflow.store.dispatch_log import Dispatch
from workflow.store.queries import OpenDispatch, Place, Queries, Waiting
from workflow.stuck import Kind, Stuck
from workflow.working_days import minute

ABOUT_THE_COMMAND: Final = frozenset({"given", "cohorts", "T1"})
"""Refusals for what a command left out or misdated: the learner is not blocked by them."""

WAITS_AS_LONG_AS: Final = {
    LRS_BATCH: "submitted_to_lrs",
    LRS_KEYING: "submitted_to_lrs",
    MESSAGE: "uln_received",
    REGISTRATION: "uln_passed_to_learner",
    LAR_LEARNERS: "lar_created",
    LAR_CROSS_REFERENCE: "lar_created",
}
"""Kind of file -> the state whose clock its answer has."""

ANSWERS_EVERYBODY: Final = frozenset({LRS_BATCH})
UPLOAD: Final = "upload_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckRow:
    """One way in which one learner is stuck; `reference` is empty for a duty about a file, which `file` names.

    `working_days` counts those in the state, `clock` those allowed; `due` and `asked_at` are empty when unknown.
    """

    reference: str
    cohort: str
    state: str
    title: str
    kind: Kind
    owner: str
    working_days: int
    clock: int | None
    due: str
    why: tuple[str, ...]
    codes: tuple[str, ...]
    file: str
    duty: str
    asked_at: str
    next_command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckReport:
    """The rows, longest due first; how many there are of each kind in all; and what to solve first."""

    rows: tuple[StuckRow, ...]
    totals: Mapping[str, int]
    causes: tuple[Cause, ...]
    approvals: tuple[str, ...] = ()
    """What waits for a second person."""

    @property
    def complete(self) -> bool:
        """Whether every row is shown."""
        return len(self.rows) == sum(self.totals.values())


def stuck(office: Office, cohort: str | None = None, limit: int = 200) -> StuckReport:
    """At most `limit` rows, those due longest first; totals and causes count everybody. Raises NotFound."""
    with office.look() as look:
        if cohort:
            look.learners.cohort(cohort)
        waiting = unanswered_files(look)
        stale = stale_cases(look, cohort)
        lacking = gaps.gaps(look, cohort)
        found = [
            *_overdue(look, cohort, limit),
            *_blocked(look, cohort, limit, stale, lacking),
            *_unanswered(look, waiting, cohort, limit),
            *_owed(look, cohort, limit),
        ]
        found.sort(key=lambda s: (s.due or date.max, s.case or 0, s.kind))
        causes, totals = causes_of(look, waiting, cohort, ABOUT_THE_COMMAND, stale, lacking)
        rows = tuple(_rows(look, found[:limit]))
        return StuckReport(rows=rows, totals=totals, causes=causes, approvals=approval.pending(look))


def unanswered_files(look: Glance) -> list[tuple[OpenDispatch, Stuck]]:
    """Files of ours that were not sent or not answered in time, each with what is said of its learners."""
    found = []
    for one in Queries(look.connection).open_dispatches():
        file = one.dispatch
        state = "sent" if file.state == "partly_answered" and not one.answered else file.state
        anybody = Waiting(
            0, look.office.route.initial, "", file.prepared_at, None, file.id, 0, file.kind, state,
            file.prepared_at, file.sent_at,
        )  # fmt: skip
        said = _judged(look, [anybody]) if one.open else []
        found += [(one, said[0])] if said else []
    return found


def _judged(look: Glance, members: Sequence[Waiting]) -> list[Stuck]:
    office, route = look.office, look.office.route
    patience = {
        kind: route.states[state].clock or 0 for kind, state in WAITS_AS_LONG_AS.items() if state in route.states
    }
    return engine.unanswered(
        members,
        route,
        office.today(),
        office.policy.closed,
        patience=patience,
        unsent=route.duties[UPLOAD].clock if UPLOAD in route.duties else 0,
        whole=ANSWERS_EVERYBODY,
    )


def open_states(route: Route) -> list[str]:
    """The states in which a learner does not rest."""
    return [name for name, state in route.states.items() if not state.final]


def _overdue(look: Glance, cohort: str | None, limit: int) -> list[Stuck]:
    office, queries = look.office, Queries(look.connection)
    today, days = office.today(), late.deadlines(look)
    places: dict[int, Place] = {}
    for name, state in office.route.states.items():
        before = late.cutoff(look, state, today)
        if before is None:
            continue
        only = None if cohort is None else [cohort]
        found = queries.places([name], before=before, cohorts=only, limit=limit)
        past = [c for c in late.past_deadline(look, state, days, today) if cohort in {None, c}]
        found += queries.places([name], cohorts=past, limit=limit) if past else []
        places |= {place.case: place for place in found}
    return engine.overdue(places.values(), office.route, today, office.policy.closed, days)


def _blocked(look: Glance, cohort: str | None, limit: int, stale: Sequence[int], lacking: Sequence[Gap]) -> list[Stuck]:
    office = look.office
    queries = Queries(look.connection, ignoring=ABOUT_THE_COMMAND)
    refusals = queries.refusals(open_states(office.route), cohort=cohort, limit=limit)
    return engine.blocked(
        [*refusals, *as_refusals(look, stale[:limit]), *gaps.as_refusals(look, lacking[:limit])],
        office.route,
        office.today(),
        office.policy.closed,
        late.deadlines(look),
        ignoring=ABOUT_THE_COMMAND,
    )


def _unanswered(
    look: Glance, waiting: Sequence[tuple[OpenDispatch, Stuck]], cohort: str | None, limit: int
) -> list[Stuck]:
    if not waiting:
        return []
    files = [one.dispatch.id for one, _ in waiting]
    return _judged(look, Queries(look.connection).open_members(files, cohort=cohort, limit=limit))


def _owed(look: Glance, cohort: str | None, limit: int) -> list[Stuck]:
    office = look.office
    duties = Queries(look.connection).duties(late.duties_cut_off(look), cohort=cohort, limit=limit)
    return engine.owed(duties, office.route, office.today(), office.policy.closed)


def _rows(look: Glance, found: Sequence[Stuck]) -> list[StuckRow]:
    cases = sorted({s.case for s in found if s.case is not None})
    standings = look.log.load(cases)
    names, to_type = look.references(list(standings.values())), names_to_type(look, list(standings.values()))
    triggers = next_move.expected(look, list(standings.values()))
    files = next_move.open_files(look, cases)
    blocked = {s.case: s for s in found if s.kind == "blocked" and s.trigger == triggers.get(s.case or 0)}
    rows = []
    for one in found:
        dispatch = look.dispatches.get(one.dispatch) if one.dispatch is not None else None
        if one.case is None:
            line = next_move.file(look, dispatch) if dispatch else ""
            rows.append(_row(look, one, None, "", dispatch, line))
            continue
        standing, who = standings[one.case], to_type[one.case]
        if one.kind == "overdue" and one.case in blocked:
            line = _fix(blocked[one.case], who, standing.cohort)
        elif one.kind == "blocked":
            line = _fix(one, who, standing.cohort)
        elif one.kind == "owed":
            line = commands.duty(one.duty, who)
        elif one.kind == "unanswered" and dispatch is not None:
            line = next_move.answer(look, standing, dispatch, who)
        else:
            line = next_move.command(look, standing, triggers.get(one.case, ""), who, files.get(one.case, ()))
        rows.append(_row(look, one, standing, names[one.case], dispatch, line))
    return rows


def _fix(one: Stuck, reference: str, cohort: str) -> str:
    first = one.reasons[0]
    if first.said == "same_details":  # whoever was the double may be gone since
        return commands.explain(reference)
    return commands.fix(first.code, first.said, first.field, reference, cohort)


def _row(
    look: Glance, one: Stuck, standing: Standing | None, reference: str, dispatch: Dispatch | None, line: str
) -> StuckRow:
    route = look.office.route
    title = route.states[one.state].title if one.state in route.states else ""
    said = [addressed(r.message, reference) for r in one.reasons]
    why = tuple(f"{r.code}: {m}" if one.kind == "blocked" else m for r, m in zip(one.reasons, said, strict=True))
    held = held_by(look.office, standing) if standing else ""
    if dispatch is not None:
        why = tuple(f"{w} ({FILES.get(dispatch.kind, dispatch.kind)} {dispatch.name})" for w in why)
    return StuckRow(
        reference=reference,
        cohort=standing.cohort if standing else "",
        state=one.state,
        title=title,
        kind=one.kind,
        owner="LRS" if held else one.owner,
        working_days=one.waited,
        clock=one.clock,
        due=iso(one.due),
        why=(*why, held) if held else why,
        codes=tuple(dict.fromkeys(r.code for r in one.reasons)),
        file=dispatch.name if dispatch else "",
        duty=one.duty,
        asked_at="" if one.asked_at is None else minute(one.asked_at),
        next_command=line,
    )
