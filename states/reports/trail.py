"""The story of one learner from the log, line by line, for a reader who does not know the code.

The log holds no personal value, so the story holds none: it speaks of fields by name and of ULNs not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from states import approval
from states.approval import APPROVED, REFUSED
from states.errors import NotFound
from states.reports import next_move
from states.reports.sentences import Register, objections, sentence
from states.reports.words import day
from states.unit_of_work import Glance, Office
from states.vocabulary import COHORT_WAIVED
from workflow import Event
from workflow.store.queries import Queries
from workflow.working_days import minute

NO_WORDS: Final[Mapping[int, str]] = MappingProxyType({})

TELLING_OF_A_FILE = frozenset({"dispatch_prepared", "dispatch_rejected", "dispatch_superseded"})
"""What happened to a file that holds the learner and moved nobody, so that no event of the learner tells it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailLine:
    """One event. `happened` is a day, or a time (UTC) where it was recorded as it happened; `recorded` is empty then.

    `held` and `not_held` count the rules that were asked, `messages` are their warnings and refusals, `duties` what
    became owed or was done by it. `voided` marks what a later correction took back, and `voided_by` is its position.
    """

    position: int
    happened: str
    recorded: str
    who: str
    what: str
    stands: str
    held: int
    not_held: int
    messages: tuple[str, ...]
    duties: tuple[str, ...]
    qualification: str
    voided: bool
    voided_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The story of one learner: where each case stands now, and the lines in the order of the log."""

    reference: str
    stands: tuple[tuple[str, str], ...]
    """(qualification, title of the state) of each case."""
    lines: tuple[TrailLine, ...]


def trail(
    office: Office,
    reference: str,
    *,
    qualification: str = "",
    refusals: bool = False,
    reasons: Mapping[int, str] = NO_WORDS,
) -> Trail:
    """Every event of a learner's cases, or of the one for a qualification; refused attempts and looks when asked.

    `reasons` are the words of reasons by position, kept apart from the log. Raises NotFound.
    """
    with office.look() as look:
        register = Register(office.route, look.dispatches)
        learner = look.find_case(reference, qualification, erased=True).subject
        own = [
            s
            for s in look.log.load(look.learners.cases([learner])[learner]).values()
            if not qualification or s.facts.get("qualification") == qualification
        ]
        if not own:
            raise NotFound(f"{reference} has no case", reference)
        named = {s.case: str(s.facts.get("qualification", "")) for s in own}
        events = _events(look, list(named), refusals=refusals)
        voided = {e.voids: e.position for e, _ in events if e.voids is not None}
        return Trail(
            reference=reference,
            stands=tuple((named[s.case], office.route.states[s.state].title) for s in own),
            lines=tuple(
                line(
                    e,
                    reference,
                    named.get(case, ""),
                    register,
                    reasons.get(_words_of(e), ""),
                    voided_by=voided.get(e.position),
                )
                for e, case in events
            ),
        )


def _events(look: Glance, cases: Sequence[int], *, refusals: bool) -> list[tuple[Event, int]]:
    """The events of the cases and of the files that hold them, each with its case, in the order of the log."""
    queries = Queries(look.connection)
    found: dict[int, tuple[Event, int]] = {}
    for case in cases:
        for event in queries.events(case=case, refusals=refusals):
            found[event.position] = (event, case)
        if refusals:
            found |= {event.position: (event, case) for event in queries.looks_at(case)}
        for places in look.dispatches.holding([case], next_move.OUT).values():
            for member, _ in places:
                for event in queries.dispatch_events(member.dispatch):
                    if event.kind in TELLING_OF_A_FILE:
                        found.setdefault(event.position, (event, case))
    for case, event in approval.about(look, cases):
        found.setdefault(event.position, (event, case))
    for case, standing in look.log.load(list(cases)).items():
        for event in queries.events(kind=COHORT_WAIVED):
            if standing.cohort and event.evidence.get("cohort") == standing.cohort:
                found.setdefault(event.position, (event, case))
    return [found[position] for position in sorted(found)]


def line(
    event: Event,
    reference: str,
    qualification: str,
    register: Register,
    words: str = "",
    *,
    voided_by: int | None = None,
) -> TrailLine:
    """One event as a line of a story; `words` are those of its reason, `voided_by` the position of its correction."""
    held, not_held, messages = objections(event, register, reference)
    return TrailLine(
        position=event.position,
        happened=happened(event),
        recorded=recorded(event),
        who=who(event),
        what=sentence(event, register) + (f' In words: "{words}"' if words else ""),
        stands=register.state(event.target) if event.target else "",
        held=held,
        not_held=not_held,
        messages=messages,
        duties=duties(event, register) if event.case is not None else (),
        qualification=qualification,
        voided=voided_by is not None,
        voided_by=voided_by,
    )


def _words_of(event: Event) -> int:
    """Where the words of its reason are kept: beside the event, or beside the request it was done for."""
    request = event.evidence.get("request")
    return request if isinstance(request, int) and event.kind not in {APPROVED, REFUSED} else event.position


def happened(event: Event) -> str:
    """When it happened: to the minute where it was recorded as it happened, else the day that was named."""
    return minute(event.recorded_at) if event.occurred_at == event.recorded_at else day(event.occurred_at)


def recorded(event: Event) -> str:
    """When it was recorded, if that was another day."""
    return "" if day(event.occurred_at) == day(event.recorded_at) else day(event.recorded_at)


def who(event: Event) -> str:
    """Who did it, for whom, and who approved."""
    words = event.actor
    if event.on_behalf_of:
        words += f" for {event.on_behalf_of}"
    if event.approver == event.actor:
        return f"{words}, who approved"
    return words + (f", approved by {event.approver}" if event.approver else "")


def duties(event: Event, register: Register) -> tuple[str, ...]:
    """What became owed by an event, and what was done by it."""
    return (
        *(f"Now owed: {register.duty(name)}" for name in event.opens),
        *(f"No longer owed: {register.duty(name)}" for _, name in event.closes),
    )
