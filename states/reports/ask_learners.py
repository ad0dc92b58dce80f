"""Who stands where, what was sent about whom, and what was done in time: questions answered a learner at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from heapq import merge
from itertools import islice
from typing import Any, Final

from states.errors import NotPossible
from states.registration import Window
from states.reports.asking import Row, Scope
from states.reports.board import learners
from states.reports.events import named
from states.reports.late import unreadable
from states.reports.owed import owed, undated
from states.reports.stuck import stuck
from states.reports.trail import who
from states.reports.words import day, fields, iso
from states.vocabulary import LRS_KINDS, REGISTRATION
from workflow.event import NOTED, OPENED
from workflow.store.audit import Sent, Wanted
from workflow.store.history import LOOKED_UP
from workflow.store.queries import Queries
from workflow.working_days import between, day_of, minute

STATES: Final = ("reference", "cohort", "qualification", "state")
SENT: Final = (
    "file", "name", "row", "reference", "version", "version_now", "place", "prepared", "sent", "position", "digest",
    "list",
)  # fmt: skip
STUCK: Final = (
    "reference", "cohort", "title", "kind", "owner", "working_days", "clock", "due", "why", "codes", "file", "duty",
    "asked_at", "next_command",
)  # fmt: skip
IN_TIME: Final = (
    "reference", "cohort", "qualification", "start", "registered", "working_days_after_start", "last_day", "in_time",
)  # fmt: skip
EVIDENCE: Final = (
    "position", "recorded", "who", "reference", "version", "id_type", "checked_by", "checked_on", "changed",
)  # fmt: skip
LISTS: Final = ("position", "recorded", "who", "list", "rows", "differences", "working_days_ago", "last", "digest")
OWED: Final = (
    "reference", "cohort", "state", "funded", "registered", "working_days", "due", "days_left", "placeholder_until",
    "placeholder_days_left", "next_command",
)  # fmt: skip
UNJUDGED: Final = "cannot be judged"
NOT_DUE: Final = "not due yet"
CHUNK: Final = 1_000
MOST: Final = 2**31
ABOUT_ID: Final = frozenset({"id_type", "id_description", "id_checked_by", "id_checked_on"})
COMPARED: Final = {"body_list": "ILM's own list", "enrolments": "enrolments of another system"}


def states(scope: Scope) -> Iterator[Row]:
    """Q2: where a learner or a cohort stood at the end of a day, by what was recorded by another."""
    given, office = scope.filters, scope.office
    at = given.at or given.known_at or office.today()
    return learners(
        office, cohort=given.cohort or None, at=at, known_at=given.known_at,
        cases=scope.wanted.cases,
    )  # fmt: skip


def sent_to_lrs(scope: Scope) -> Iterator[Row]:
    """Q5: which version of the details went to the LRS, in which row of which file, and the digests that hold it."""
    return _sent(scope, LRS_KINDS)


def sent_to_ilm(scope: Scope) -> Iterator[Row]:
    """R3: the same of registration files."""
    return _sent(scope, (REGISTRATION,))


def stuck_now(scope: Scope) -> Iterator[Row]:
    """Q9: who is stuck, for how long, whose move it is, why, and the next command; nothing without every deadline."""
    if why := unreadable(scope.office):
        raise NotPossible(f"the registration windows cannot be read. {why}")
    for row in stuck(scope.office, scope.filters.cohort or None, limit=MOST).rows:
        told = asdict(row)
        yield {name: told[name] for name in STUCK}


def registered_in_time(scope: Scope) -> Iterator[Row]:
    """R1: how long after the start of the course each learner was registered, and whether by the last day."""
    office, look, final = scope.office, scope.look, scope.office.route.final_states()
    closed, today, windows = office.policy.closed, office.today(), office.policy.windows
    cohorts = look.learners.cohorts()
    for case in _standings(scope):
        standing, reference = case
        facts, qualification = standing.facts, str(standing.facts.get("qualification", ""))
        registered = day_of(facts["registered_at"]) if "registered_at" in facts else None
        if registered is None and standing.state in final:
            continue
        start, end = _date(facts.get("start")), _date(facts.get("planned_end"))
        own = cohorts.get(standing.cohort)
        window = windows.get(qualification, windows.get("", Window()))
        set_by = own.register_by if own else None
        last, lacks = set_by or window.last(start, end), "" if set_by else window.lacks(start, end)
        yield {
            "reference": reference, "cohort": standing.cohort, "qualification": qualification, "start": iso(start),
            "registered": iso(registered),
            "working_days_after_start": None if start is None else between(start, registered or today, closed),
            "last_day": iso(last), "in_time": _in_time(registered, last, today, lacks),
        }  # fmt: skip


def _in_time(registered: date | None, last: date | None, today: date, lacks: str) -> str:
    """Whether the last day was kept: yes, no, not due yet, or why that cannot be judged by the days that are known."""
    if last is not None and last < (registered or today):
        return "no"
    if lacks:
        return f"{UNJUDGED}: {lacks}"
    return NOT_DUE if registered is None else "yes"


def id_evidence(scope: Scope) -> Iterator[Row]:
    """R2: which ID evidence each version of the details names, who saw it when, and who recorded that."""
    look, types = scope.look, scope.office.policy.id_types
    opened = scope.audit.of_cases([OPENED], scope.wanted)
    edited = (
        event
        for event in scope.audit.of_cases([NOTED], scope.wanted, triggers=["details_changed"])
        if ABOUT_ID & set(event.evidence.get("fields", ()))
    )
    coming = named(look, merge(opened, edited, key=lambda event: event.position))
    while chunk := list(islice(coming, CHUNK)):
        standings = look.log.load(list({event.case or 0 for event, _ in chunk}))
        versions = {
            event.position: (
                standings[event.case or 0].subject,
                int(event.facts.get("details_version", 0) or event.evidence.get("version", 0)),
            )
            for event, _ in chunk
        }
        details = look.learners.versions(set(versions.values()))
        for event, reference in chunk:
            found = details.get(versions[event.position])
            code = found.id_type if found else ""
            yield {
                "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
                "reference": reference, "version": versions[event.position][1],
                "id_type": " ".join(part for part in (code, types.get(code, "")) if part),
                "checked_by": found.id_checked_by if found else "",
                "checked_on": iso(found.id_checked_on if found else None),
                "changed": fields(sorted(ABOUT_ID & set(event.evidence.get("fields", ())))),
            }  # fmt: skip


def lists_compared(scope: Scope) -> Iterator[Row]:
    """R4: when ILM's list, and enrolments, were last held beside ours, and on how much they did not agree.

    A list that never was is named in a note.
    """
    closed, today = scope.office.policy.closed, scope.office.today()
    found = [e for e in scope.audit.of_no_case([LOOKED_UP], scope.wanted) if e.evidence.get("scope") in COMPARED]
    last = {event.evidence["scope"]: event.position for event in found}
    scope.notes.extend(
        f"Not compared, as far as was asked: {words}." for kind, words in COMPARED.items() if kind not in last
    )
    for event in found:
        kind = event.evidence["scope"]
        yield {
            "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
            "list": COMPARED[kind], "rows": event.evidence.get("rows"), "differences": event.evidence.get("found"),
            "working_days_ago": between(day_of(event.recorded_at), today, closed),
            "last": "yes" if last[kind] == event.position else "", "digest": event.evidence.get("digest", ""),
        }  # fmt: skip


def placeholder(scope: Scope) -> Iterator[Row]:
    """R5: who is registered without a ULN, or goes by 9999999999 in the funding return, and for how long."""
    today, closed = scope.office.today(), scope.office.policy.closed
    rows = owed(scope.office, scope.filters.cohort or None)
    scope.notes.extend(undated(rows))
    for row in rows:
        since = date.fromisoformat(row.registered)
        told = {**asdict(row), "working_days": between(since, today, closed)}
        yield {name: told[name] for name in OWED}


def _standings(scope: Scope) -> Iterator[tuple[Any, str]]:
    """The cases that are asked about with their references, a chunk at a time."""
    look, wanted = scope.look, scope.wanted
    numbers: Iterable[int] = (
        wanted.cases if wanted.cases is not None else Queries(look.connection).numbers(cohort=wanted.cohort or "")
    )
    coming = iter(numbers)
    while chunk := list(islice(coming, CHUNK)):
        standings = look.log.load(chunk)
        names = look.references(list(standings.values()))
        yield from ((standing, names[case]) for case, standing in standings.items())


def _sent(scope: Scope, kinds: tuple[str, ...]) -> Iterator[Row]:
    look, audit = scope.look, scope.audit
    made: Mapping[int, Any] = {e.dispatch or 0: e for e in audit.of_no_case(["dispatch_prepared"], Wanted())}
    coming = audit.sent(kinds, scope.wanted)
    while chunk := list(islice(coming, CHUNK)):
        standings = look.log.load(list({place.case for place in chunk}))
        names = look.references(list(standings.values()))
        for place in chunk:
            version = standings[place.case].facts.get("details_version")
            yield _place(place, names[place.case], version, made.get(place.dispatch))


def _place(place: Sent, reference: str, version_now: int | None, made: Any) -> Row:
    return {
        "file": place.dispatch, "name": place.name, "row": place.row, "reference": reference, "version": place.version,
        "version_now": version_now, "place": place.state, "prepared": minute(place.prepared_at),
        "sent": day(place.sent_at), "position": made.position if made else None, "digest": place.digest,
        "list": made.evidence.get("frozen", "") if made else "",
    }  # fmt: skip


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
