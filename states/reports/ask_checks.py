"""What ought not to be: questions whose answer is nothing, or findings for which a scheduled job wakes somebody."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

from states.counting import counted
from states.errors import NotPossible
from states.learner.details import Details
from states.persons import told_apart
from states.reports.ask_log import PERSONAL
from states.reports.asking import Row, Scope
from states.reports.events import named
from states.reports.trail import who
from states.reports.words import plain
from states.rules import LATE_AFTER
from states.vocabulary import LRS_KINDS, PEOPLE_CHANGED
from workflow import Event
from workflow.event import MOVED
from workflow.store.audit import Timed, Wanted
from workflow.store.fault import Fault
from workflow.store.history import LOOKED_UP, History
from workflow.working_days import between, day_of, second

CONTROLS: Final = ("position", "happened", "recorded", "who", "reference", "trigger", "rule", "finding", "weight")
FAULTS: Final = ("kind", "position", "case", "reference", "what")
TIMES: Final = ("position", "happened", "recorded", "who", "reference", "what", "finding", "reason", "weight")
LOOKS: Final = ("day", "who", "looks", "usual", "flag")

NOTICE, IDENTITY = "D6", "D7"
WORDS: Final = {NOTICE: "privacy notice", IDENTITY: "ID evidence"}
UNDATED: Final = "notice_undated"
"""What rule D6 warns of: that a notice was shown is on file, and not when, or which."""

SEEN: Final = ("1", "2")
"""Ability to share of who saw the privacy notice (LRS batch schema)."""

PROJECTED: Final = frozenset({"projection", "route", "duty", "dispatch", "run", "definition", "waiver"})
"""Faults of tables that ought to follow from the events."""

HOUR: Final = 3_600_000_000
DAY: Final = 24 * HOUR
JUMP: Final = HOUR
"""No command waits that long between two of its events: the clock was set forward."""

TIMES_USUAL, AT_LEAST = 3, 20
"""More than so many times an actor's usual, and more than so many, is to be looked into."""

OPERATOR: Final = "operator"
HIGH: Final = "high"
CHUNK: Final = 1_000


def moved_without(scope: Scope) -> Iterator[Row]:
    """Q7: who went to the LRS without privacy notice or ID evidence, and what was moved by no person who may.

    Judged twice: by the verdicts of the event, and by the version of the details that was sent, where it is still kept
    and may be read. A notice without its date, of which the rule warned, is a note and no finding.
    """
    route = scope.office.route
    asking: dict[str, set[str]] = {}
    for (trigger, _), arrow in route.arrows.items():
        asking.setdefault(trigger, set()).update({NOTICE, IDENTITY} & set(arrow.rules))
    triggers = [name for name, rules in asking.items() if rules and scope.filters.trigger in {"", name}]
    coming = named(scope.look, scope.audit.of_cases([MOVED], scope.wanted, triggers=triggers)) if triggers else iter(())
    unread = 0
    while chunk := list(islice(coming, CHUNK)):
        details = _sent_details(scope, [event for event, _ in chunk])
        unread += sum(event.dispatch is not None and event.position not in details for event, _ in chunk)
        for event, reference in chunk:
            for rule in sorted(asking[event.trigger or ""]):
                if finding := _unjudged(event, rule) or _lacks(rule, details.get(event.position), event):
                    yield _control(event, reference, rule, finding)
                elif rule == NOTICE and any(item.get("code") == UNDATED for item in event.said):
                    yield _control(
                        event, reference, rule, "privacy notice: shown, its version or date not on file", "note"
                    )
    if unread:
        scope.notes.append(f"Judged by verdicts alone: {counted(unread, 'move')} whose details as sent are erased, or "
                           "not for this account to read.")  # fmt: skip
    wrong = {actor: why for actor in scope.audit.actors() if (why := scope.nobody(actor))}
    staff = _operators(scope)
    for event, reference in named(scope.look, scope.audit.of_cases([MOVED], scope.wanted)) if wrong or staff else ():
        if why := wrong.get(event.actor) or _no_operator(event, staff) or _other_cohort(scope, event, staff):
            yield _control(event, reference, "", f"moved by {event.actor}: {why}")


class Staff(NamedTuple):
    """Who was operator from a position on, and which cohorts who was kept to; names as they are told apart."""

    position: int
    operators: frozenset[str]
    kept: Mapping[str, Sequence[str]]


NOBODY: Final = Staff(0, frozenset(), {})


def _operators(scope: Scope) -> list[Staff]:
    """The people the log was told of, each time; nobody while everybody was operator."""
    return [
        Staff(
            event.position,
            frozenset(told_apart(n) for n, roles in event.evidence["people"].items() if OPERATOR in roles),
            {told_apart(n): cohorts for n, cohorts in event.evidence.get("cohorts", {}).items()},
        )
        for event in History(scope.look.connection).events(kind=PEOPLE_CHANGED)
    ]


def _then(event: Event, staff: Sequence[Staff]) -> Staff:
    place = bisect_left(staff, event.position, key=itemgetter(0))
    return staff[place - 1] if place else NOBODY


def _no_operator(event: Event, staff: Sequence[Staff]) -> str:
    """Why whoever moved a learner was not to, by the people the log had been told of until then."""
    able = _then(event, staff).operators
    return "was no operator then" if able and told_apart(event.actor) not in able and not event.approver else ""


def _other_cohort(scope: Scope, event: Event, staff: Sequence[Staff]) -> str:
    """Why whoever moved a learner was not to, by the cohorts they were kept to then and the learner's at that time."""
    own = _then(event, staff).kept.get(told_apart(event.actor))
    if own is None:
        return ""
    cohort = ""
    for earlier in History(scope.look.connection).events(case=event.case):
        if earlier.position < event.position and "cohort" in earlier.facts:
            cohort = str(earlier.facts["cohort"] or "")
    return "" if cohort in own else f"was kept to {', '.join(own)} then, and this was {cohort or 'no cohort'}"


def _control(event: Event, reference: str, rule: str, finding: str, weight: str = "wrong") -> Row:
    return {
        "position": event.position, "happened": second(event.occurred_at), "recorded": second(event.recorded_at),
        "who": who(event), "reference": reference, "trigger": event.trigger, "rule": rule, "finding": finding,
        "weight": weight,
    }  # fmt: skip


def _unjudged(event: Event, rule: str) -> str:
    """What the verdicts of an event say against it."""
    if any(name.partition(".")[0] == rule for name in event.held):
        return ""
    said = [item for item in event.said if str(item.get("rule", "")).partition(".")[0] == rule]
    if said and all(item.get("held") for item in said):
        return ""
    return f"{WORDS[rule]}: " + ("the rule did not hold" if said else "the rule was not asked")


def _lacks(rule: str, details: Details | None, event: Event) -> str:
    """What the details that were sent say against it."""
    if details is None:
        return ""
    moved = day_of(event.occurred_at)
    if rule == NOTICE:
        if details.ability_to_share not in SEEN:
            return "privacy notice: the details that were sent say it was not shown"
        return _after("privacy notice: shown", details.notice_date, moved)
    if not details.id_type:
        return "ID evidence: the details that were sent name none"
    return _after("ID evidence: seen", details.id_checked_on, moved)


def _after(words: str, seen: date | None, moved: date) -> str:
    return f"{words} on {seen}, after it was sent on {moved}" if seen is not None and seen > moved else ""


def _sent_details(scope: Scope, events: Iterable[Event]) -> Mapping[int, Details]:
    """The version of the details that each event sent, by position; none for whom this account may not read."""
    listed = [event for event in events if event.dispatch is not None]
    if not listed or not scope.reads_people:
        return {}
    cases = tuple({event.case or 0 for event in listed})
    places = {(place.dispatch, place.case): place.version for place in scope.audit.sent(LRS_KINDS, Wanted(cases=cases))}
    standings = scope.look.log.load(cases)
    wanted = {
        event.position: (standings[event.case or 0].subject, places.get((event.dispatch or 0, event.case or 0), 0))
        for event in listed
    }
    found = scope.look.learners.versions(set(wanted.values()))
    return {position: found[key] for position, key in wanted.items() if key in found}


def altered(scope: Scope) -> Iterator[Row]:
    """Q10: what verifying the log found."""
    return _faults(scope, _report(scope).faults)


def state_differs(scope: Scope) -> Iterator[Row]:
    """Q11: where learners, duties, files and runs stand otherwise than the events say."""
    return _faults(scope, (fault for fault in _report(scope).faults if fault.kind in PROJECTED))


def _report(scope: Scope) -> Any:
    if scope.report is None:
        raise NotPossible("that is what verifying answers; ask without --no-verify")
    return scope.report


def _faults(scope: Scope, faults: Iterable[Fault]) -> Iterator[Row]:
    coming = iter(faults)
    while chunk := list(islice(coming, CHUNK)):
        names = scope.look.learners.of_cases({fault.case for fault in chunk if fault.case is not None})
        for fault in chunk:
            yield {
                "kind": fault.kind, "position": fault.position, "case": fault.case,
                "reference": names.get(fault.case or 0, ""), "what": fault.message,
            }  # fmt: skip


def odd_times(scope: Scope) -> Iterator[Row]:
    """Q12: times that run backwards, lie in the future or jump, and late entries."""
    now = scope.office.engine.clock()
    coming = scope.audit.times(scope.wanted, now=now, late=LATE_AFTER * DAY, jump=JUMP)
    while chunk := list(islice(coming, CHUNK)):
        events = scope.audit.at([timed.position for timed in chunk])
        timed = {one.position: one for one in chunk}
        for event, reference in named(scope.look, (events[one.position] for one in chunk)):
            for finding, weight in _odd(scope, timed[event.position], event, now):
                yield {
                    "position": event.position, "happened": second(event.occurred_at),
                    "recorded": second(event.recorded_at), "who": who(event), "reference": reference,
                    "what": plain(event.trigger or event.kind), "finding": finding,
                    "reason": plain(event.reason or ""), "weight": weight,
                }  # fmt: skip


def _odd(scope: Scope, timed: Timed, event: Event, now: int) -> Iterator[tuple[str, str]]:
    """(finding, weight) of one event; a late entry with a reason is what rule T1 allows: a note."""
    if timed.earlier is not None and timed.recorded_at < timed.earlier:
        yield "recorded earlier than the event before it: the clock was set back", "wrong"
    if timed.recorded_at > now:
        yield "recorded in the future", "wrong"
    if timed.occurred_at > timed.recorded_at:
        yield "happened after it was recorded", "wrong"
    if timed.together and timed.earlier is not None and timed.recorded_at - timed.earlier > JUMP:
        yield "the clock jumped forward within one command", "wrong"
    days = between(day_of(timed.occurred_at), day_of(timed.recorded_at), scope.office.policy.closed)
    if days > LATE_AFTER:
        yield f"entered {days} working days late", "note" if event.reason else "wrong"


def look_ups(scope: Scope) -> Iterator[Row]:
    """Q15: how often each actor looked at personal values on each day, beside the median of the days before."""
    wanted, given = scope.wanted, scope.filters
    looks: Counter[tuple[date, str]] = Counter()
    for event in scope.audit.of_no_case([LOOKED_UP], Wanted(actor=wanted.actor, until=wanted.until)):
        if event.evidence.get("scope") in PERSONAL:
            looks[day_of(event.recorded_at), event.actor] += 1
    before: dict[str, list[int]] = {}
    for (when, actor), number in sorted(looks.items()):
        known = before.setdefault(actor, [])
        usual = statistics.median(known) if known else 0
        known.append(number)
        if given.since is None or when >= given.since:
            high = number > AT_LEAST and number > TIMES_USUAL * usual
            yield {
                "day": when.isoformat(), "who": actor, "looks": number,
                "usual": int(usual) if usual % 1 == 0 else str(usual), "flag": HIGH if high else "",
            }  # fmt: skip
