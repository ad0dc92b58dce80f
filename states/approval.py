"""Deeds that take two people: one asks, another agrees, and the log tells of both.

A request is an event of kind `approval_asked`; its position is its number. It is open until an event of kind
`approved` or `approval_refused` names it, so which are open is folded from the log alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from states.cohorts import Cohorts
from states.errors import NotFound, NotPossible, Prevented
from states.learner.kept import NOBODY
from states.persons import told_apart
from states.tally import Tally
from states.unit_of_work import Glance, Office, UnitOfWork
from states.vocabulary import DEED_NOUNS, DEEDS, REASONS, STATED
from workflow import Act, Event
from workflow.errors import OtherCohort
from workflow.kept import refuse_told
from workflow.store.queries import Queries
from workflow.working_days import day_of

ASKED: Final = "approval_asked"
APPROVED: Final = "approved"
REFUSED: Final = "approval_refused"
CHANGED: Final = "settings_changed"
SECOND_PERSON: Final = "approvals.second_person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A deed somebody asked for; `arguments` are those of the deed, `asked_at` microseconds since 1970, UTC."""

    position: int
    deed: str
    arguments: Mapping[str, Any]
    asked_by: str
    asked_for: str
    asked_at: int
    reason: str


Deed = Callable[[UnitOfWork, Request], Tally]
"""Does what was asked for within one transaction; raises NotPossible or NotFound where its ground has changed."""


def waits(
    uow: UnitOfWork, deed: str, arguments: Mapping[str, Any], words: str, tally: Tally, *, why: str = STATED
) -> bool:
    """Whether a deed waits for a second person: then it was asked for, once, and the tally says so.

    `arguments` go into the log and may hold no personal value; `words` are kept apart, `why` is their reason code.
    """
    _refuse_others(uow, arguments)
    _tell_setting(uow)
    if not uow.office.policy.second_person:
        return False
    same = [r for r in open_requests(uow) if r.deed == deed and r.arguments == arguments]
    if same:
        tally.notes.append(f"this was asked for before, as request {same[0].position}; nothing changed")
        position = same[0].position
    else:
        position = uow.work.record(ASKED, reason=why, evidence={"deed": deed, "arguments": dict(arguments)})
        if words:
            uow.learners.remark(position, words, _learner(uow, arguments))
        tally.counts["asked for, waits for a second person"] = 1
        tally.notes.append(
            f"nothing is done before somebody else agrees to request {position}, under their own name: the operator of "
            "their ulnflow.toml, or ULNFLOW_OPERATOR"
        )
    tally.next.append("ulnflow approve")
    return True


def open_requests(look: Glance) -> list[Request]:
    """The requests nobody has answered, oldest first."""
    queries = Queries(look.connection)
    asked = [_request(event) for event in queries.events(kind=ASKED)]
    ended = _answers(queries) if asked else {}
    return [request for request in asked if request.position not in ended]


def about(look: Glance, cases: Collection[int]) -> list[tuple[int, Event]]:
    """(case, event) of every request about one of these cases, and of its answer."""
    queries = Queries(look.connection)
    asked = {e.position: (e.evidence["arguments"].get("case"), e) for e in queries.events(kind=ASKED)}
    mine = {position: (case, event) for position, (case, event) in asked.items() if case in cases}
    answers = _answers(queries) if mine else {}
    return [*mine.values(), *((case, answers[position]) for position, (case, _) in mine.items() if position in answers)]


def pending(look: Glance, case: int | None = None) -> tuple[str, ...]:
    """A sentence for each open request, or for each about one case, with the command that tells who may agree."""
    return tuple(
        f"{DEED_NOUNS.get(request.deed, 'a request')} waits for approval since {day_of(request.asked_at)}: "
        "ulnflow approve"
        for request in open_requests(look)
        if case is None or request.arguments.get("case") == case
    )


def described(look: Glance, request: Request) -> str:
    """What is asked for, in words; a case is named by its learner's reference."""
    case = request.arguments.get("case")
    names = look.learners.of_cases([case]) if isinstance(case, int) else {}
    return deed_in_words(request.deed, request.arguments, "".join(names.values()))


def deed_in_words(deed: str, arguments: Mapping[str, Any], reference: str = "the learner") -> str:
    """What is asked for, in words."""
    listed = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in arguments.items()
    }
    return DEEDS.get(deed, deed.replace("_", " ")).format_map({"reference": reference, **listed})


def listed(office: Office, act: Act) -> list[tuple[Request, str, str]]:
    """Every open request, what it asks for and why, in words; that the words were looked at is recorded.

    The words of a reason are empty where there are none, and for who is kept to other cohorts than it is about.
    """
    with office.look() as look:
        if not open_requests(look):
            return []
    with office.begin(act) as uow:
        requests = open_requests(uow)
        uow.work.record("looked_up", evidence={"scope": "requests", "found": len(requests)})
        return [(r, described(uow, r), _words(uow, r) if is_theirs(uow, act.cohorts, r) else "") for r in requests]


def approve(office: Office, act: Act, position: int, deeds: Mapping[str, Deed], *, dry_run: bool = False) -> Tally:
    """Do what a request asks for, as somebody else than who asked; its events name both.

    What the deed demands is judged anew: where it no longer holds, the request is ended as refused. Raises NotFound,
    and NotPossible for who asked, or where the ground has changed; both attempts are in the log.
    """
    request, answer = _found(office, position)
    if answer is not None:
        return _ended_before(position, answer)
    if has_asked(request, act.actor, act.on_behalf_of):
        with office.begin(act, dry_run=dry_run) as uow:
            uow.work.record("refused", reason="same_person", evidence={"request": position, "deed": request.deed})
        raise Prevented(f"{request.asked_by} asked for this, so somebody else must agree to request {position}")
    try:
        with office.begin(replace(act, approver=act.actor), dry_run=dry_run) as uow:
            if answer := _answers(Queries(uow.connection)).get(position):  # somebody else was quicker
                return _ended_before(position, answer)
            _refuse_others(uow, request.arguments)
            uow.work.record(APPROVED, evidence={"request": position, "deed": request.deed})
            return deeds[request.deed](uow, request)
    except (NotFound, NotPossible) as wrong:
        with office.begin(act, dry_run=dry_run) as uow:
            _end(uow, request, "ground_changed")
        raise Prevented(f"request {position} cannot be done any more and is ended: {wrong}") from None


def refuse(office: Office, act: Act, position: int, words: str, *, dry_run: bool = False) -> Tally:
    """End a request without doing it; who asked may take it back so. Raises NotFound, and NotPossible without words."""
    if not words.strip():
        raise NotPossible("say why it is refused, with --reason")
    request, answer = _found(office, position)
    if answer is not None:
        return _ended_before(position, answer)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        _refuse_others(uow, request.arguments)
        code = words if words in REASONS else STATED
        ended = _end(uow, request, code)
        if code == STATED:
            uow.learners.remark(ended, words, _learner(uow, request.arguments))
    tally.counts["refused to do"] = 1
    tally.notes.append(f"request {position} is ended; nothing was done")
    return tally


def _end(uow: UnitOfWork, request: Request, reason: str) -> int:
    return uow.work.record(REFUSED, reason=reason, evidence={"request": request.position, "deed": request.deed})


def _ended_before(position: int, answer: Event) -> Tally:
    word = "approved" if answer.kind == APPROVED else "refused"
    return Tally(notes=[f"request {position} was {word} before by {answer.actor}; nothing changed"])


def _found(office: Office, position: int) -> tuple[Request, Event | None]:
    """A request and its answer; raises NotFound."""
    with office.look() as look:
        queries = Queries(look.connection)
        for event in queries.events(kind=ASKED):
            if event.position == position:
                return _request(event), _answers(queries).get(position)
    raise NotFound(f"entry {position} asks for nothing. See: ulnflow approve")


def _answers(queries: Queries) -> dict[int, Event]:
    """The event that ended each request."""
    return {int(e.evidence["request"]): e for kind in (APPROVED, REFUSED) for e in queries.events(kind=kind)}


def _request(event: Event) -> Request:
    return Request(
        position=event.position,
        deed=str(event.evidence["deed"]),
        arguments=event.evidence["arguments"],
        asked_by=event.actor,
        asked_for=event.on_behalf_of or "",
        asked_at=event.recorded_at,
        reason=event.reason or "",
    )


def _people(*names: str) -> set[str]:
    return {told_apart(name) for name in names if name}


def _learner(uow: UnitOfWork, arguments: Mapping[str, Any]) -> int:
    """Whose words a reason is about, so that it can be erased with the learner."""
    if (case := arguments.get("case")) is None:
        return int(arguments.get("learner", NOBODY))
    return next((standing.subject for standing in uow.log.load([case]).values()), NOBODY)


def _words(uow: UnitOfWork, request: Request) -> str:
    """The words of a reason; empty where there are none."""
    return uow.learners.remark_at(request.position, _learner(uow, request.arguments)) or ""


def _refuse_others(uow: UnitOfWork, arguments: Mapping[str, Any]) -> None:
    """Raise OtherCohort for a deed about a case or a cohort of others."""
    if uow.cohorts is not None:
        refuse_told(uow.connection, uow.cohorts, ASKED, arguments)


def is_theirs(look: Glance, cohorts: Cohorts, request: Request) -> bool:
    """Whether a request is about what is of the cohorts somebody is kept to; None is every cohort."""
    try:
        if cohorts is not None:
            refuse_told(look.connection, cohorts, ASKED, request.arguments)
    except OtherCohort:
        return False
    return True


def has_asked(request: Request, *names: str) -> bool:
    """Whether one of these people asked for it, or had it asked for them: they cannot agree to it."""
    return bool(_people(*names) & _people(request.asked_by, request.asked_for))


def _tell_setting(uow: UnitOfWork) -> None:
    """Record that one person suffices, or no longer does, before the first deed done under it."""
    now, was = uow.office.policy.second_person, True
    for event in Queries(uow.connection).events(kind=CHANGED):
        was = bool(event.evidence.get("new", {}).get(SECOND_PERSON, was))
    if now != was:
        uow.work.record(CHANGED, evidence={"old": {SECOND_PERSON: was}, "new": {SECOND_PERSON: now}})
