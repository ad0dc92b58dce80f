"""Today: what is due, what came in, what is owed, what was prepared and not sent, and what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from states import approval
from states.counting import counted
from states.reports import commands, late, next_move
from states.reports.stuck import ABOUT_THE_COMMAND, open_states
from states.reports.words import FILES, OURS, day, iso, plain
from states.unit_of_work import Glance, Office
from workflow.route import State
from workflow.store.dispatch_log import PREPARED
from workflow.store.queries import OpenDispatch, Queries

LATELY: Final = 5
LOOKED_AT: Final = 10_000
"""Learners of one state looked at one by one, where a state has more than one next step; the rest take the last."""


@dataclass(frozen=True, slots=True)
class StateToday:
    """Learners in one state who are due today or overdue."""

    state: str
    title: str
    owner: str
    learners: int
    due_today: int
    overdue: int
    next_command: str


@dataclass(frozen=True, slots=True)
class CameIn:
    """A file that came in, or one of ours that was answered; `learners` is 0 for a file that came in."""

    number: int
    name: str
    what: str
    state: str
    on: str
    learners: int


@dataclass(frozen=True, slots=True)
class DutyToday:
    """Open duties of one kind: how many, since when the oldest, how many past their clock."""

    duty: str
    title: str
    owner: str
    open: int
    oldest: str
    overdue: int


@dataclass(frozen=True, slots=True)
class Unsent:
    """A file that was prepared and that nobody marked as sent."""

    number: int
    name: str
    what: str
    learners: int
    prepared: str
    next_command: str


@dataclass(frozen=True, slots=True)
class UnfinishedRun:
    """A bulk run that a crash left behind."""

    run: int
    trigger: str
    done: int
    size: int
    next_command: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A command worth typing now, and what it is for."""

    what: str
    learners: int
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The day at a glance, each list in the order of the route."""

    day: str
    states: tuple[StateToday, ...]
    came_in: tuple[CameIn, ...]
    duties: tuple[DutyToday, ...]
    unsent: tuple[Unsent, ...]
    runs: tuple[UnfinishedRun, ...]
    next_commands: tuple[Suggestion, ...]
    approvals: tuple[str, ...]
    """What waits for a second person."""


def today(office: Office) -> Today:
    """What a person should know in the morning."""
    with office.look() as look:
        queries = Queries(look.connection)
        runs = tuple(
            UnfinishedRun(run.id, office.route.triggers.get(run.trigger, run.trigger), run.done, run.size,
                          f"ulnflow advance {run.trigger} --all")
            for run in queries.unfinished_runs()
        )  # fmt: skip
        waiting = queries.open_dispatches()
        return Today(
            day=iso(office.today()),
            states=_states(look),
            came_in=tuple(
                CameIn(d.id, d.name, FILES.get(d.kind, d.kind), plain(d.state),
                       day(d.prepared_at if d.sent_at is None else d.sent_at), d.members)
                for d in queries.latest_answers(LATELY)
            ),
            duties=_duties(look),
            unsent=tuple(
                Unsent(one.dispatch.id, one.dispatch.name, FILES.get(one.dispatch.kind, one.dispatch.kind), one.open,
                       day(one.dispatch.prepared_at), next_move.file(look, one.dispatch))
                for one in waiting
                if one.dispatch.state == PREPARED and one.open
            ),
            runs=runs,
            next_commands=tuple(_suggestions(look, waiting)),
            approvals=approval.pending(look),
        )  # fmt: skip


def _states(look: Glance) -> tuple[StateToday, ...]:
    route = look.office.route
    counts, overdue, due = Counter[str](), Counter[str](), Counter[str]()
    for (_, name), number in Queries(look.connection).counts().items():
        counts[name] += number
    for (_, name), one in late.count(look).items():
        overdue[name] += one.overdue
        due[name] += one.due_today
    return tuple(
        StateToday(name, state.title, state.owner, counts[name], due[name], overdue[name], _usual(state))
        for name, state in route.states.items()
        if due[name] or overdue[name]
    )


def _usual(state: State) -> str:
    return commands.everybody(state.expects[-1].trigger, state.name) if state.expects else ""


def _duties(look: Glance) -> tuple[DutyToday, ...]:
    office, queries = look.office, Queries(look.connection)
    everything = dict.fromkeys(office.route.duties, late.FOREVER)
    counts = queries.count_duties(everything)
    past = queries.count_duties(late.duties_cut_off(look))
    return tuple(
        DutyToday(name, duty.title, duty.owner, counts[name],
                  day(queries.duties({name: late.FOREVER}, limit=1)[0].opened_at), past.get(name, 0))
        for name, duty in office.route.duties.items()
        if counts.get(name)
    )  # fmt: skip


def _suggestions(look: Glance, waiting: Sequence[OpenDispatch]) -> list[Suggestion]:
    """Files first to where they belong on the route, then the step each free learner waits for."""
    route, queries = look.office.route, Queries(look.connection, ignoring=ABOUT_THE_COMMAND)
    free = queries.free({name: commands.awaited(state) for name, state in route.states.items() if state.owner == OURS})
    found: list[tuple[int, Suggestion]] = []
    order = {name: index for index, name in enumerate(route.states)}
    place: dict[str, int] = {}
    for trigger, source in route.arrows:
        place[trigger] = min(order[source], place.get(trigger, order[source]))
    for one in waiting:
        file = one.dispatch
        if one.open:
            verb = "to be sent" if file.state == PREPARED else "awaits its answer"
            what = f"{FILES.get(file.kind, file.kind)} {file.name} {verb}"
            triggers = [t for t, kinds in commands.ANSWERS.items() if file.kind in kinds]
            at = min((place[t] for t in triggers if t in place), default=0)
            found.append((at, Suggestion(what, one.open, next_move.file(look, file))))
    for name, number in free.items():
        for trigger, learners in _by_trigger(look, name, number).items():
            if trigger:
                what = f"{counted(learners, 'learner')} in {route.states[name].title}"
                found.append((order[name], Suggestion(what, learners, commands.everybody(trigger, name))))
    listed = [suggestion for _, suggestion in sorted(found, key=lambda pair: pair[0])]
    refused = sum(s.cases for s in queries.shared_refusals(open_states(route)))
    if refused:
        listed.append(Suggestion("refused when last asked", refused, "ulnflow stuck"))
    if open_duties := sum(queries.count_duties(dict.fromkeys(route.duties, late.FOREVER)).values()):
        listed.append(Suggestion(counted(open_duties, "open duty", "open duties"), open_duties, "ulnflow duty list"))
    return listed


def _by_trigger(look: Glance, state: str, number: int) -> Counter[str]:
    """How many free learners of a state wait for which step; who waits in a file for that step's answer is not free."""
    place = look.office.route.states[state]
    expects, queries = place.expects, Queries(look.connection, ignoring=ABOUT_THE_COMMAND)
    cases = queries.free_cases(state, commands.awaited(place), LOOKED_AT)
    triggers = next_move.expected(look, list(look.log.load(cases).values()))
    files = next_move.open_files(look, cases)
    counts = Counter(
        trigger
        for case, trigger in triggers.items()
        if not any(d.kind in commands.ANSWERS.get(trigger, ()) for _, d in files.get(case, ()))
    )
    if number > len(cases) and expects:
        counts[expects[-1].trigger] += number - len(cases)
    return counts
