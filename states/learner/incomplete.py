"""Whose details lack an item or the privacy notice though nobody has asked a rule about them yet, from the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from states.learner.details import SEVEN_ITEMS
from states.vocabulary import LRS_KINDS
from workflow.store.connection import Connection
from workflow.store.dispatch_log import OPEN_STATES

FLAGS: Final = (
    *(f"p.payload::json ->> '{name}' IS NULL" for name in SEVEN_ITEMS),
    "(p.payload::json ->> 'id_type' = '999' AND p.payload::json ->> 'id_description' IS NULL)",
    "coalesce(p.payload::json ->> 'ability_to_share' = '0', false)",
)
"""An item that is not known is not written down; see `Details.missing`. The last is a notice that was not shown."""

LACKS: Final = " OR ".join(FLAGS)


class Gap(NamedTuple):
    """A case whose learner's details lack something: its place, and for each item whether it lacks."""

    case: int
    state: str
    cohort: str
    entered_at: int
    clock_from: int | None
    lacks: tuple[bool, ...]


def incomplete(connection: Connection, states: Collection[str], cohort: str | None = None) -> list[Gap]:
    """Cases in some states without a ULN whose details lack an item or a notice, the longest there first.

    Left out are those an open file to the LRS holds, and those whose remembered refusal says so already.
    """
    which, arguments = ("", []) if cohort is None else ("AND c.cohort = ?", [cohort])
    rows = connection.execute(
        f"SELECT c.id, c.state, c.cohort, c.entered_at, c.clock_from, {', '.join(FLAGS)} FROM cases c "
        "JOIN personal p ON p.learner = c.subject AND p.kind = 'details' AND p.status = 'current' "
        f"WHERE c.state IN [?] {which} AND c.facts::json ->> 'uln' IS NULL AND ({LACKS}) "
        "AND NOT EXISTS (SELECT 1 FROM blocked b WHERE b.case_id = c.id "
        "AND (b.reasons LIKE '%:missing:%' OR b.reasons LIKE '%:notice_not_shown:%')) "
        "AND NOT EXISTS (SELECT 1 FROM dispatch_member m JOIN dispatch d ON d.id = m.dispatch "
        f"WHERE m.case_id = c.id AND m.state = 'open' AND d.state IN {OPEN_STATES} AND d.kind IN {LRS_KINDS}) "
        "ORDER BY c.entered_at, c.id",
        (list(states), *arguments),
    )
    return [Gap(*(*row[:5], tuple(map(bool, row[5:])))) for row in rows]
