"""What is destroyed of a learner, and who is due: the learners' tables as an erasure sees them.

The row of the learner stays, with the centre's own reference and without the key; so it is known that they were erased.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from states.errors import Prevented
from states.learner.details import BLANK
from states.learner.kept import NOBODY
from workflow import Standing
from workflow.store.connection import Connection
from workflow.working_days import day_of

ERASED: Final = "erased"
"""The fact that a case bears when its learner was erased: the time."""

HOLD: Final = "hold"
"""The fact that a case bears while its learner is under a legal hold: the reason code."""

GONE: Final = b""
"""What stands where the key of a learner was."""


TELLING: Final = ("family_name", "previous_family_name", "email", "existing_uln", "text")
SHORTEST: Final = 4
"""Characters of a word that is looked for; shorter ones are found everywhere."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A learner all of whose cases are final: since when (microseconds, UTC), in which state last, under which hold."""

    learner: int
    reference: str
    state: str
    since: int
    hold: str


def refuse_erased(standings: Collection[Standing], names: Mapping[int, str]) -> None:
    """Raise NotPossible when one of these cases is of a learner who was erased; `names` are references by learner."""
    for standing in standings:
        if ERASED in standing.facts:
            raise Prevented(
                f"this learner was erased on {day_of(standing.facts[ERASED])}: nothing is held or done about them any "
                f"more. What the log tells: ulnflow audit history {shlex.quote(names[standing.subject])}"
            )


def fingerprint(key: bytes) -> str:
    """What tells whose key it was when the key is gone: SHA-256 of a random key, from which nothing can be found."""
    return hashlib.sha256(key).hexdigest()


def keys(connection: Connection, learners: Collection[int]) -> dict[int, bytes]:
    """The keys of some learners; empty for those erased."""
    rows = connection.execute("SELECT id, key FROM learner WHERE id IN [?]", (list(learners),))
    return {number: bytes(key) for number, key in rows}


def erased_among(connection: Connection, learners: Collection[int]) -> set[int]:
    """Those of some learners who were erased."""
    return {number for number, key in keys(connection, learners).items() if key == GONE}


def names_of(connection: Connection, learner: int) -> tuple[set[str], set[str]]:
    """The ULNs and the family names held of a learner, now or once."""
    rows = connection.execute(
        "SELECT kind, lookup, payload FROM personal WHERE learner = ? AND kind IN ('uln', 'answered', 'details')",
        (learner,),
    ).fetchall()
    ulns = {lookup for kind, lookup, _ in rows if kind != "details"}
    families = {orjson.loads(text).get("family_name", "") for kind, _, text in rows if kind == "details"}
    return ulns, families - {""}


def traces(connection: Connection, learner: int) -> list[bytes]:
    """What would give a learner away where it was found, as it is stored.

    Names of families, addresses, ULNs, words, and date of birth with postcode; a given name alone is anybody's.
    """
    found: dict[str, None] = {}
    for _, _, _, lookup, values in everything(connection, learner):
        texts = {name: str(value) for name, value in values.items()}
        found |= dict.fromkeys(texts[name] for name in TELLING if texts.get(name))
        found |= dict.fromkeys(texts[name].casefold() for name in TELLING if texts.get(name))
        found[lookup.partition("|")[2] or lookup] = None
        found["|".join(lookup.split("|")[2:])] = None
        if {"date_of_birth", "gender", "postcode"} <= values.keys():
            together = {name: values[name] for name in ("date_of_birth", "gender", "postcode")}
            found[orjson.dumps(together).decode().strip("{}")] = None
    return [text.encode() for text in found if len(text) >= SHORTEST]


def destroy(connection: Connection, learner: int, reference: str, ulns: Collection[str]) -> dict[str, int]:
    """Delete every personal value of a learner, and their key; returns how many rows of each kind there were.

    Answers in quarantine that name them are about them, whoever kept them, and go too.
    """
    kinds = "SELECT kind, count(*) FROM personal WHERE learner = ? GROUP BY kind ORDER BY kind"
    counts = {str(kind): int(number) for kind, number in connection.execute(kinds, (learner,))}
    connection.execute("DELETE FROM personal WHERE learner = ?", (learner,))
    strange = [number for number, row in _quarantined(connection) if {reference, *ulns} & set(map(str, row.values()))]
    if strange:
        connection.execute(
            "DELETE FROM personal WHERE learner = ? AND kind = 'quarantine' AND number IN [?]", (NOBODY, strange)
        )
        counts["quarantine"] = len(strange)
    connection.execute("UPDATE learner SET key = ? WHERE id = ?", (GONE, learner))
    return counts


def candidates_elsewhere(connection: Connection, learner: int, ulns: Collection[str]) -> int:
    """How often one of these ULNs stands among the candidates kept while another learner's case is decided."""
    if not ulns:
        return 0
    found = connection.execute(
        "SELECT count(*) FROM personal WHERE lookup IN [?] AND kind = 'candidate' AND learner <> ?",
        (list(ulns), learner),
    ).fetchone()
    return int(found[0])


def doubles(connection: Connection, learner: int) -> list[str]:
    """References of other learners who are the same person: five details of any version alike, or a ULN of both."""
    rows = connection.execute(
        "SELECT DISTINCT l.reference FROM personal own JOIN personal p ON p.lookup = own.lookup AND p.kind = own.kind "
        "JOIN learner l ON l.id = p.learner WHERE own.learner = ? AND p.learner <> own.learner AND own.lookup <> ? AND "
        "(own.kind = 'details' OR (own.kind = 'uln' AND own.status <> 'in_error' AND p.status <> 'in_error')) "
        "ORDER BY l.reference",
        (learner, BLANK),
    )
    return [str(reference) for (reference,) in rows]


def ended(connection: Connection, final: Sequence[str], before: int) -> Iterator[Ended]:
    """Learners not erased all of whose cases are final, the last of them since before a moment; by number."""
    rows = connection.stream(
        "SELECT c.subject, l.reference, c.state, c.entered_at, c.facts::json ->> 'hold' FROM cases c "
        "JOIN learner l ON l.id = c.subject WHERE length(l.key) > 0 AND NOT EXISTS (SELECT 1 FROM cases o "
        "WHERE o.subject = c.subject AND (o.state NOT IN [?] OR o.entered_at >= ?)) ORDER BY c.subject, c.entered_at",
        (list(final), before),
    )
    last: Ended | None = None
    for learner, reference, state, since, hold in rows:
        if last is not None and last.learner == learner:
            last = Ended(learner, reference, state, since, hold or last.hold)
            continue
        if last is not None:
            yield last
        last = Ended(learner, reference, state, since, hold or "")
    if last is not None:
        yield last


def held(connection: Connection) -> list[tuple[str, str]]:
    """(reference, reason code) of every learner under a hold."""
    rows = connection.execute(
        "SELECT l.reference, max(c.facts::json ->> 'hold') FROM cases c JOIN learner l ON l.id = c.subject "
        "WHERE c.facts::json ->> 'hold' IS NOT NULL GROUP BY l.reference ORDER BY l.reference"
    )
    return [(str(reference), str(reason)) for reference, reason in rows]


def known_since(connection: Connection, learner: int) -> int:
    """When a learner was first known here: microseconds, UTC."""
    return int(connection.execute("SELECT created_at FROM learner WHERE id = ?", (learner,)).fetchone()[0])


def everything(connection: Connection, learner: int) -> list[tuple[str, int, str, str, dict[str, Any]]]:
    """Every row kept of a learner, as (kind, number, status, what it is found by, values)."""
    rows = connection.execute(
        "SELECT kind, number, status, lookup, payload FROM personal WHERE learner = ? ORDER BY kind, number", (learner,)
    )
    return [(kind, number, status, lookup, orjson.loads(text)) for kind, number, status, lookup, text in rows]


def _quarantined(connection: Connection) -> list[tuple[int, dict[str, Any]]]:
    rows = connection.execute(
        "SELECT number, payload FROM personal WHERE learner = ? AND kind = 'quarantine'", (NOBODY,)
    )
    return [(number, orjson.loads(text)) for number, text in rows]
