"""Events of the log as flat rows, filtered, for a table or a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any, Final

from states.errors import NotFound
from states.reports.sentences import KINDS, Register, objections, sentence
from states.reports.trail import happened, who
from states.reports.words import plain
from states.unit_of_work import Glance, Office
from workflow import Event
from workflow.store.queries import Queries
from workflow.working_days import ONE_DAY, minute, start_of

CHUNK: Final = 1_000
COLUMNS: Final = (
    "position", "happened", "recorded", "who", "reference", "what", "kind", "trigger", "from", "to", "file", "row",
    "reason", "rules_held", "rules_not_held", "messages", "command",
)  # fmt: skip
"""The columns of a row, in order."""


def events(
    office: Office,
    *,
    reference: str = "",
    qualification: str = "",
    actor: str = "",
    kind: str = "",
    trigger: str = "",
    dispatch: str = "",
    since: date | None = None,
    until: date | None = None,
    refusals: bool = False,
    limit: int | None = None,
) -> Iterator[dict[str, Any]]:
    """The events that pass every filter, in the order of the log; the latest so many when there is a `limit`.

    They are read and named a chunk at a time, however many there are, within one transaction that sees one moment.
    `dispatch` is a file by name or number; `since` and `until` are days of recording, both included. Refused
    attempts and looks at personal details are left out unless `refusals`, or named as the kind. Raises NotFound.
    """
    with office.look() as look:
        kind = "_".join(kind.split())
        _refuse_unknown(look, kind)
        found = Queries(look.connection).events(
            case=look.find_case(reference, qualification, erased=True).case if reference else None,
            actor=actor or None,
            kind=kind or None,
            trigger=trigger or None,
            dispatch=look.find_dispatch(dispatch).id if dispatch else None,
            since=start_of(since) if since else None,
            until=start_of(until + ONE_DAY) if until else None,
            refusals=refusals,
            reads=refusals,
            latest=limit,
        )
        register = Register(office.route, look.dispatches)
        yield from rows(look, found, register)


def _refuse_unknown(look: Glance, kind: str) -> None:
    """Raise NotFound for a kind that no event of ours has, nor any of this log."""
    if kind and kind not in KINDS and not list(Queries(look.connection).events(kind=kind, latest=1)):
        raise NotFound(f"there is no kind {kind}; kinds are: {', '.join(sorted(KINDS))}", kind)


def rows(look: Glance, found: Iterable[Event], register: Register) -> Iterator[dict[str, Any]]:
    """Some events as rows, in their order."""
    return (_row(event, name, register) for event, name in named(look, found))


def named(look: Glance, found: Iterable[Event]) -> Iterator[tuple[Event, str]]:
    """Events with the reference of the learner each is about, if one; named a chunk at a time."""
    coming = iter(found)
    while chunk := list(islice(coming, CHUNK)):
        names = look.learners.of_cases({case for event in chunk if (case := case_of(event)) is not None})
        yield from ((event, names.get(case_of(event) or 0, "")) for event in chunk)


def case_of(event: Event) -> int | None:
    """The case an event is about, or that was looked at, or the first of those it is about; None for neither."""
    if event.case is not None:
        return event.case
    said = next(iter(event.evidence.get("cases", ())), event.evidence.get("case"))
    return said if isinstance(said, int) else None


def _row(event: Event, reference: str, register: Register) -> dict[str, Any]:
    held, not_held, messages = objections(event, register, reference)
    file = register.get(event.dispatch) if event.dispatch is not None else None
    values = (
        event.position, happened(event), minute(event.recorded_at), who(event), reference, sentence(event, register),
        plain(event.kind), event.trigger or "", event.source or "", event.target or "", file.name if file else "",
        "" if event.row is None else event.row, plain(event.reason or ""), held, not_held, "; ".join(messages),
        event.command,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))
