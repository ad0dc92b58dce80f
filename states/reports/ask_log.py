"""What happened, by whom and why: questions whose answers are events of the log."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Any, Final

from states import approval
from states.reports.asking import Row, Scope
from states.reports.events import COLUMNS, case_of, events, named
from states.reports.keeping import KEEPING
from states.reports.sentences import Register, objections, sentence
from states.reports.trail import happened, trail, who
from states.reports.words import plain
from states.vocabulary import (
    COHORT_WAIVED,
    DISCLOSED,
    LAR_CROSS_REFERENCE,
    LAR_LEARNERS,
    LRS_BATCH,
    LRS_KEYING,
    MESSAGE,
    REGISTRATION,
)
from workflow import Event
from workflow.event import CORRECTED, MOVED, NOTED, REFUSED
from workflow.kept import DENIED
from workflow.store.audit import Wanted
from workflow.store.history import LOOKED_UP
from workflow.working_days import minute

EVENTS: Final = COLUMNS
BRIEF: Final = ("position", "recorded", "who", "reference", "what")
OVERRIDES: Final = (
    "position", "happened", "recorded", "who", "approver", "reference", "what", "reason", "voids",
)  # fmt: skip
DISCLOSURES: Final = ("position", "recorded", "who", "to", "reference", "what", "file", "row", "learners")
FACTS: Final = ("position", "recorded", "who", "reference", "what", "details")
CHANGES: Final = ("position", "recorded", "who", "what", "from", "to", "details")
QUERIES: Final = ("position", "recorded", "who", "account", "question", "reference", "rows")
REFUSALS: Final = ("position", "recorded", "who", "reference", "trigger", "state", "rules", "why")
STORY: Final = ("position", "happened", "recorded", "who", "what", "stands", "held", "not_held", "messages", "duties",
                "qualification", "voided", "voided_by")  # fmt: skip
CHUNK: Final = 1_000

PERSONAL: Final = frozenset({"details", "five_details", "search", "reasons", "body_list", "enrolments", "id_evidence"})
"""Looks at what is kept of people; every other look is at the log alone."""

ASKED: Final = "audit ask"

APPROVALS: Final = (approval.ASKED, approval.APPROVED, approval.REFUSED)
WITHOUT_ULN: Final = ("alternative_chosen", "register_without_uln", "registered_without_uln_held_since")
DECIDED: Final = (b'"approver":', b'"decision":')
"""What the bytes of an event hold that a second person approved, or that a person decided against an answer."""

SKIPPED_TELLING: Final = "register_with_ilm"
PRIVACY: Final = tuple(KEEPING)
FILE_KINDS: Final = tuple(
    f"dispatch_{word}"
    for word in ("prepared", "sent", "answered", "partly_answered", "rejected", "superseded", "received")
)
DAILY: Final = (
    *FILE_KINDS,
    *PRIVACY,
    *APPROVALS,
    COHORT_WAIVED,
    LOOKED_UP,
    CORRECTED,
    REFUSED,
    DENIED,
    "run_began",
    "run_ended",
)
"""Facts about no case that daily work brings; all others are about keys, settings, schema, people and their roles."""

OUTSIDE: Final = {
    LRS_BATCH: "LRS", LRS_KEYING: "LRS", REGISTRATION: "ILM", LAR_LEARNERS: "LAR system",
    LAR_CROSS_REFERENCE: "LAR system", MESSAGE: "the learner",
}  # fmt: skip
"""Kind of file -> whom it tells."""


def story(scope: Scope) -> Iterator[Row]:
    """Q1: everything that happened to a learner, in order, refused attempts and looks too."""
    for line in trail(scope.office, scope.filters.learner, refusals=True).lines:
        yield dataclasses.asdict(line)


def by_actor(scope: Scope) -> Iterator[Row]:
    """Q3: everything a person did in a period, refused attempts and looks too."""
    given = scope.filters
    return events(
        scope.office, reference=given.learner, actor=given.actor, trigger=given.trigger, dispatch=given.dispatch,
        since=given.since, until=given.until, refusals=True,
    )  # fmt: skip


def refusals(scope: Scope) -> Iterator[Row]:
    """Q4: refused attempts, with the rules that refused; those too that a role, a cohort or a second person refused."""
    audit, wanted, register = scope.audit, scope.wanted, _register(scope)
    commands = _concerning(scope, audit.of_no_case([REFUSED, DENIED], wanted))
    for event, reference in named(scope.look, _once(audit.of_cases([REFUSED], wanted), commands)):
        rules = list(dict.fromkeys(_rule(item) for item in event.said if not item.get("held"))) or [_denies(event)]
        if scope.filters.rule in {"", *rules}:
            yield {
                "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
                "reference": reference, "trigger": event.trigger or "",
                "state": register.state(event.source) if event.source else "", "rules": rules,
                "why": "; ".join(objections(event, register, reference)[2]) or sentence(event, register),
            }  # fmt: skip


def overrides(scope: Scope) -> Iterator[Row]:
    """Q8: corrections, waivers, approvals, the alternative route, what a person decided; with reason and approver."""
    audit, wanted = scope.audit, scope.wanted
    apart = audit.of_no_case((CORRECTED, COHORT_WAIVED, *APPROVALS), wanted)
    alternative = audit.of_cases([MOVED, NOTED], wanted, triggers=WITHOUT_ULN)
    early = audit.of_cases([MOVED], wanted, triggers=[SKIPPED_TELLING])
    decided = audit.of_cases([MOVED, NOTED], wanted, holding=DECIDED)
    found = _once(
        _concerning(scope, apart), alternative, (e for e in early if e.source == "uln_received"),
        (e for e in decided if e.approver or e.evidence.get("decision")),
    )  # fmt: skip
    register = _register(scope)
    for event, reference in named(scope.look, found):
        yield {
            "position": event.position, "happened": happened(event), "recorded": minute(event.recorded_at),
            "who": event.actor, "approver": event.approver or "", "reference": reference,
            "what": sentence(event, register), "reason": plain(event.reason or ""), "voids": event.voids,
        }  # fmt: skip


def disclosures(scope: Scope) -> Iterator[Row]:
    """Q6: who saw personal values, and which files told them to whom."""
    audit, wanted = scope.audit, scope.wanted
    about_files = dataclasses.replace(wanted, trigger=None)
    looks = (e for e in audit.of_no_case([LOOKED_UP], wanted) if e.evidence.get("scope") in PERSONAL)
    told = merge(audit.of_no_case([DISCLOSED], wanted), audit.of_cases([DISCLOSED], wanted), key=attrgetter("position"))
    files = audit.of_no_case(["dispatch_prepared", "dispatch_sent"], about_files)
    found = _once(_concerning(scope, looks), _concerning(scope, told), files)
    narrow = wanted.cases is not None or wanted.cohort is not None
    places: dict[int, list[int]] = {}
    if narrow:
        for place in audit.sent(tuple(OUTSIDE), Wanted(cases=wanted.cases, cohort=wanted.cohort)):
            places.setdefault(place.dispatch, []).append(place.row)
    register = _register(scope)
    for event, reference in named(scope.look, found):
        file = register.get(event.dispatch) if event.dispatch is not None else None
        if file is not None and (file.kind not in OUTSIDE or (narrow and file.id not in places)):
            continue
        rows = places.get(file.id, []) if file else []
        yield {
            "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
            "to": OUTSIDE.get(file.kind, "") if file else event.evidence.get("to", "the screen"),
            "reference": scope.filters.learner if file else reference,
            "what": sentence(event, register), "file": file.name if file else "",
            "row": rows[0] if len(rows) == 1 else None,
            "learners": (len(rows) if narrow else file.members) if file else event.evidence.get("found"),
        }  # fmt: skip


def privacy(scope: Scope) -> Iterator[Row]:
    """Q13: erasures, holds, retention and disclosures, each once; what is noted of it in cases is left out."""
    audit = scope.audit
    found = _concerning(scope, audit.of_no_case(PRIVACY, scope.wanted))
    register = _register(scope)
    for event, reference in named(scope.look, found):
        yield {
            "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
            "reference": reference, "what": sentence(event, register), "details": dict(event.evidence),
        }  # fmt: skip


def changes(scope: Scope) -> Iterator[Row]:
    """Q14: keys, settings, schema, people and roles as the log tells of them; program, rules, route as they changed."""
    audit, register = scope.audit, _register(scope)
    told: Iterator[tuple[Event, Row]] = (
        (event, {"what": sentence(event, register), "from": "", "to": "", "details": dict(event.evidence)})
        for event in audit.of_no_case((), scope.wanted, but=DAILY)
    )
    written: Iterator[tuple[Event, Row]] = (
        (change.event, {"what": f"{plain(change.what)} of the events", "from": change.before, "to": change.after})
        for change in audit.changes(scope.wanted)
    )
    for event, row in merge(told, written, key=lambda pair: pair[0].position):
        head = {"position": event.position, "recorded": minute(event.recorded_at), "who": who(event)}
        yield {**head, "details": {}, **row}


def queries(scope: Scope) -> Iterator[Row]:
    """Q17: who asked what of the log, and how many rows they got."""
    found = _concerning(scope, scope.audit.of_no_case([LOOKED_UP], scope.wanted))
    asked = (e for e in found if e.command == ASKED or e.evidence.get("scope") not in PERSONAL)
    for event, reference in named(scope.look, asked):
        yield {
            "position": event.position, "recorded": minute(event.recorded_at), "who": who(event),
            "account": event.evidence.get("account", ""),
            "question": str(event.evidence.get("scope", "")).replace("_", "-"), "reference": reference,
            "rows": event.evidence.get("found"),
        }  # fmt: skip


def _register(scope: Scope) -> Register:
    return Register(scope.office.route, scope.look.dispatches)


def _rule(item: Mapping[str, Any]) -> str:
    """The code of a rule without its version."""
    return str(item.get("rule", "")).partition(".")[0]


def _denies(event: Event) -> str:
    """What refused a command, where no rule did."""
    if event.kind == DENIED:
        return "cohorts" if "cohort" in event.evidence else "roles"
    return event.reason or ""


def _once(*streams: Iterable[Event]) -> Iterator[Event]:
    """Several streams as one, in the order of the log, each event once."""
    last = 0
    for event in merge(*streams, key=attrgetter("position")):
        if event.position != last:
            last = event.position
            yield event


def _concerning(scope: Scope, found: Iterable[Event]) -> Iterator[Event]:
    """Of events about no case (and corrections), those about the learner or cohort that was asked about."""
    wanted = scope.wanted
    if wanted.cases is None and wanted.cohort is None:
        yield from found
        return
    mine = set(wanted.cases or ())
    cohorts = {s.cohort for s in scope.look.log.load(list(mine)).values()} if mine else {wanted.cohort}
    coming = iter(found)
    while chunk := list(islice(coming, CHUNK)):
        known = {case: standing.cohort for case, standing in scope.look.log.load(_cases(chunk)).items()}
        for event in chunk:
            case, cohort = case_of(event), event.evidence.get("cohort")
            if case is not None:
                right = case in mine if mine else known.get(case) == wanted.cohort
            else:
                right = bool(cohort) and cohort in cohorts
            if right:
                yield event


def _cases(chunk: Iterable[Event]) -> list[int]:
    return list({case for event in chunk if (case := case_of(event)) is not None})
