"""What waits for a second person, told by what the log says of it."""

from __future__ import annotations

from states.approval import Request
from states.reports.sentences import Register, sentence
from states.reports.words import day
from states.unit_of_work import Glance
from workflow.store.audit import Audit


def voided(look: Glance, request: Request) -> str:
    """What happened by each entry that a request would void, and when; empty for another deed."""
    positions = request.arguments.get("voids", ())
    events, register = Audit(look.connection).at(positions), Register(look.office.route, look.dispatches)
    several = len(positions) > 1
    return "; ".join(
        (f"{position}, " if several else "")
        + f"{day(events[position].occurred_at)}: {sentence(events[position], register).rstrip('.')}"
        for position in positions
    )
