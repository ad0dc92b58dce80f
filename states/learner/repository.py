"""Learners in the database: all personal values in one table, apart from the log, so that they can be erased.

`personal` holds details (a row a version), ULNs (a row a number ever held), free-text remarks and quarantined answers.
With `workflow.store` and `case_facts` this is the only module that knows SQL.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

import orjson
from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from states.learner.details import Details, match_key
from states.vocabulary import NOT_ACTIVE, READY, UNREADY
from workflow.store.connection import Connection
from workflow.store.schema import Lineage
from workflow.store.tables import STRICT, Whole, Words

LINEAGE: Final = Lineage("states.learner.migrations", "learner_version", "0001")
RIGHTS: Final = {
    "learner": ("SELECT, INSERT", "SELECT (id, reference)"),
    "personal": ("SELECT, INSERT, UPDATE", ""),
    "cohort": ("SELECT, INSERT, UPDATE", "SELECT"),
    "learner_version": ("SELECT", "SELECT"),
}
"""Table -> what an operator may, what an auditor may: nothing that tells of a person."""
NOBODY: Final = 0
DETAILS, ULN, REMARK, QUARANTINE, ANSWERED = "details", "uln", "remark", "quarantine", "answered"
CURRENT, OLD, HELD, MERGED, IN_ERROR = "current", "old", "held", "merged", "in_error"
BLANK: Final = match_key(Details())
SHOWN: Final = 10
"""How many learners a message names."""

NEITHER: Final = " AND ".join(
    f"c.facts::json ->> '{fact}' IS NULL" for fact in ("told_at", "registered_at", "alternative_since")
)
HELD_ULN: Final = text("kind = 'uln' AND status = 'held'")


class LearnerRow(SQLModel, table=True):
    """A learner by the centre's own reference; `key` commits to their values and dies with them."""

    __tablename__ = "learner"
    id: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    reference: str = Field(sa_type=Words)
    key: bytes = Field(sa_type=LargeBinary)
    created_at: int = Field(sa_type=Whole)
    __table_args__ = (Index("learner_by_reference", "reference", unique=True), STRICT)


class PersonalRow(SQLModel, table=True):
    """One personal value or set of values of one learner; `lookup` is what it is found by."""

    __tablename__ = "personal"
    learner: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    kind: str = Field(sa_column=Column(Words, primary_key=True))
    number: int = Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))
    status: str = Field(sa_type=Words)
    lookup: str = Field(sa_type=Words)
    payload: str = Field(sa_type=Words)
    __table_args__ = (
        Index("personal_by_lookup", "lookup", "kind"),
        Index("uln_held_once", "lookup", unique=True, sqlite_where=HELD_ULN, postgresql_where=HELD_ULN),
        STRICT,
    )


class CohortRow(SQLModel, table=True):
    """A cohort: its last day to register, and the event that waived its gate."""

    __tablename__ = "cohort"
    __table_args__ = STRICT
    name: str = Field(sa_column=Column(Words, primary_key=True))
    register_by: str = Field(sa_type=Words)
    waived: int | None = Field(default=None, sa_type=Whole)


@dataclass(frozen=True, slots=True, repr=False)
class UlnRecord:
    """A ULN a learner holds or held: place in the history, status, the details version it was matched with."""

    number: int
    uln: str
    status: str
    version: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """A cohort and its last day to register, None when not said."""

    name: str
    register_by: date | None
    waived: int | None


class Learners:
    """The learners within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    # --- learners -----------------------------------------------------------------------------------------------

    def add(self, new: Sequence[tuple[str, bytes]], created_at: int) -> list[int]:
        """Add a learner for each (reference, key); returns their numbers."""
        first = int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM learner").fetchone()[0])
        self._raw.executemany(
            "INSERT INTO learner VALUES (?,?,?,?)",
            [(number, reference, key, created_at) for number, (reference, key) in enumerate(new, first)],
        )
        return list(range(first, first + len(new)))

    def by_reference(self, references: Iterable[str]) -> dict[str, int]:
        """Learner numbers by reference; unknown references are absent."""
        return dict(self._all("SELECT reference, id FROM learner WHERE reference IN [?]", list(references)))

    def references(self, learners: Iterable[int]) -> dict[int, str]:
        """References by learner number."""
        return dict(self._all("SELECT id, reference FROM learner WHERE id IN [?]", list(learners)))

    def of_cases(self, cases: Iterable[int]) -> dict[int, str]:
        """References by case number."""
        return dict(
            self._all(
                "SELECT c.id, l.reference FROM cases c JOIN learner l ON l.id = c.subject WHERE c.id IN [?]",
                list(cases),
            )
        )

    def count(self) -> int:
        """How many learners there are."""
        return int(self._raw.execute("SELECT count(*) FROM learner").fetchone()[0])

    def commitment(self, learner: int, value: str) -> str:
        """HMAC-SHA-256 of a value under the learner's own key, as hexadecimal digits."""
        row = self._raw.execute("SELECT key FROM learner WHERE id=?", (learner,)).fetchone()
        return hmac.new(row[0], value.encode(), hashlib.sha256).hexdigest()

    # --- details ------------------------------------------------------------------------------------------------

    def add_details(self, versions: Sequence[tuple[int, int, Details]]) -> None:
        """Write (learner, version, details) as each learner's current version."""
        self._raw.executemany(
            "UPDATE personal SET status='old' WHERE learner=? AND kind='details' AND status='current'",
            [(learner,) for learner, version, _ in versions if version > 1],
        )
        self._raw.executemany(
            "INSERT INTO personal VALUES (?, 'details', ?, 'current', ?, ?)",
            [
                (learner, version, match_key(details), orjson.dumps(details.to_record()).decode())
                for learner, version, details in versions
            ],
        )

    def current(self, learners: Iterable[int]) -> dict[int, tuple[int, Details]]:
        """(version, details) now, by learner."""
        rows = self._all(
            "SELECT learner, number, payload FROM personal WHERE kind='details' AND status='current' "
            "AND learner IN [?]",
            list(learners),
        )
        return {row[0]: (row[1], Details.from_record(orjson.loads(row[2]))) for row in rows}

    def details(self, learner: int, version: int) -> Details | None:
        """One version of a learner's details."""
        row = self._raw.execute(
            "SELECT payload FROM personal WHERE learner=? AND kind='details' AND number=?", (learner, version)
        ).fetchone()
        return Details.from_record(orjson.loads(row[0])) if row else None

    def versions(self, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], Details]:
        """Versions of details by (learner, version); those that are not there are absent."""
        rows = self._raw.execute(
            "SELECT learner, number, payload FROM personal WHERE kind='details' AND learner IN [?] AND number IN [?]",
            ([learner for learner, _ in wanted], sorted({version for _, version in wanted})),
        )
        return {
            (row[0], row[1]): Details.from_record(orjson.loads(row[2])) for row in rows if (row[0], row[1]) in wanted
        }

    def twins(self, learners: Mapping[int, Details]) -> dict[int, list[int]]:
        """The first few other active learners with the same five details, by learner; who has none has no twin."""
        keys = {learner: key for learner, details in learners.items() if (key := match_key(details)) != BLANK}
        rows = self._all(
            "SELECT p.lookup, p.learner FROM personal p WHERE p.kind='details' AND p.status='current' "
            f"AND p.lookup IN [?] AND EXISTS (SELECT 1 FROM cases c WHERE c.subject = p.learner "
            f"AND c.state NOT IN {NOT_ACTIVE})",
            list(set(keys.values())),
        )
        by_key: dict[str, list[int]] = {}
        for key, learner in rows:
            by_key.setdefault(key, []).append(learner)
        return {
            learner: list(islice((other for other in by_key.get(key, ()) if other != learner), SHOWN))
            for learner, key in keys.items()
        }

    def search(self, words: str) -> list[int]:
        """Learners by ULN (held now or once, or answered), or by the words of their current names; at most 50."""
        wanted = " ".join(words.casefold().split())
        if wanted.isascii() and wanted.isdigit():
            rows = self._raw.execute(
                "SELECT DISTINCT learner FROM personal WHERE kind IN ('uln', 'answered') AND lookup=?", (wanted,)
            )
            return [row[0] for row in rows]
        parts = wanted.split()
        where = " AND ".join(["lookup LIKE ? ESCAPE '\\'"] * len(parts))
        rows = self._raw.execute(
            f"SELECT learner FROM personal WHERE kind='details' AND status='current' AND {where} LIMIT 50",
            [f"%{_literal(part)}%" for part in parts],
        )
        return [row[0] for row in rows]

    # --- ULNs ---------------------------------------------------------------------------------------------------

    def ulns(self, learners: Iterable[int]) -> dict[int, list[UlnRecord]]:
        """Every ULN a learner holds or held, oldest first, by learner."""
        rows = self._all(
            "SELECT learner, number, lookup, status, payload FROM personal WHERE kind='uln' "
            "AND learner IN [?] ORDER BY learner, number",
            list(learners),
        )
        found: dict[int, list[UlnRecord]] = {}
        for learner, number, uln, status, payload in rows:
            found.setdefault(learner, []).append(UlnRecord(number, uln, status, orjson.loads(payload)["version"]))
        return found

    def holders(self, ulns: Iterable[str]) -> dict[str, list[int]]:
        """Learners who hold a ULN, now or as a merged one, by ULN; one held in error does not count."""
        rows = self._all(
            "SELECT lookup, learner FROM personal WHERE kind='uln' AND status <> 'in_error' AND lookup IN [?]",
            list(ulns),
        )
        found: dict[str, list[int]] = {}
        for uln, learner in rows:
            found.setdefault(uln, []).append(learner)
        return found

    def hold_uln(self, learner: int, uln: str, version: int) -> int:
        """Make a ULN the one a learner holds, matched with a version of the details; returns its number."""
        known = self.ulns([learner]).get(learner, [])
        payload = orjson.dumps({"version": version}).decode()
        same = next((r for r in known if r.uln == uln and r.status != IN_ERROR), None)
        self._raw.execute(
            "UPDATE personal SET status='merged' WHERE learner=? AND kind='uln' AND status='held' AND lookup<>?",
            (learner, uln),
        )
        if same is not None:
            self._raw.execute(
                "UPDATE personal SET status='held', payload=? WHERE learner=? AND kind='uln' AND number=?",
                (payload, learner, same.number),
            )
            return same.number
        number = max((r.number for r in known), default=0) + 1
        self._raw.execute("INSERT INTO personal VALUES (?, 'uln', ?, 'held', ?, ?)", (learner, number, uln, payload))
        return number

    def mark_uln_wrong(self, learner: int) -> None:
        """The ULN a learner holds was never theirs."""
        self._raw.execute(
            "UPDATE personal SET status='in_error' WHERE learner=? AND kind='uln' AND status='held'", (learner,)
        )

    def keep_answered(self, learner: int, uln: str, dispatch: int) -> None:
        """Keep a ULN the LRS answered that a person must decide about: nobody holds it by that."""
        known = self.answered(learner)
        if uln in known:
            return
        self._raw.execute(
            "INSERT INTO personal VALUES (?, 'answered', ?, 'open', ?, ?)",
            (learner, len(known) + 1, uln, orjson.dumps({"dispatch": dispatch}).decode()),
        )

    def answered(self, learner: int) -> list[str]:
        """The ULNs the LRS answered for a learner that were not taken by themselves, oldest first."""
        rows = self._raw.execute(
            "SELECT lookup FROM personal WHERE learner=? AND kind='answered' ORDER BY number", (learner,)
        )
        return [row[0] for row in rows]

    # --- cohorts, remarks, quarantine -----------------------------------------------------------------------------

    def save_cohort(self, name: str, register_by: date | None) -> None:
        """Remember a cohort; a last day to register given before stays unless another is named."""
        day = register_by.isoformat() if register_by else ""
        self._raw.execute(
            "INSERT INTO cohort (name, register_by) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET "
            "register_by = CASE WHEN excluded.register_by = '' THEN cohort.register_by ELSE excluded.register_by END",
            (name, day),
        )

    def waive(self, cohort: str, position: int) -> None:
        """Remember the event that waived a cohort's gate."""
        self._raw.execute("UPDATE cohort SET waived=? WHERE name=?", (position, cohort))

    def cohorts(self, names: Collection[str] | None = None) -> dict[str, Cohort]:
        """The cohorts of these names, or every one, by name."""
        which, arguments = ("", ()) if names is None else (" WHERE name IN [?]", (list(names),))
        rows = self._raw.execute(f"SELECT name, register_by, waived FROM cohort{which} ORDER BY name", arguments)
        return {name: Cohort(name, date.fromisoformat(day) if day else None, waived) for name, day, waived in rows}

    def remark(self, position: int, words: str, learner: int = NOBODY) -> None:
        """Keep the free text of a reason beside the event that holds its code; erased with the learner."""
        self._raw.execute(
            "INSERT INTO personal VALUES (?, 'remark', ?, '', '', ?)",
            (learner, position, orjson.dumps({"text": words}).decode()),
        )

    def remarks(self, learner: int) -> dict[int, str]:
        """Free texts by the position of their event."""
        rows = self._raw.execute(
            "SELECT number, payload FROM personal WHERE learner IN (?, ?) AND kind='remark'", (learner, NOBODY)
        )
        return {number: orjson.loads(payload)["text"] for number, payload in rows}

    def quarantine(self, rows: Sequence[Mapping[str, Any]], reply: int) -> None:
        """Keep answers about learners we do not know, out of sight but not lost."""
        start = self._raw.execute(
            "SELECT coalesce(max(number), 0) + 1 FROM personal WHERE kind='quarantine' AND learner=?", (NOBODY,)
        ).fetchone()[0]
        self._raw.executemany(
            "INSERT INTO personal VALUES (?, 'quarantine', ?, 'open', ?, ?)",
            [(NOBODY, n, str(reply), orjson.dumps(dict(row)).decode()) for n, row in enumerate(rows, start)],
        )

    def quarantined(self) -> list[dict[str, Any]]:
        """The answers kept in quarantine, oldest first."""
        rows = self._raw.execute("SELECT lookup, payload FROM personal WHERE kind='quarantine' ORDER BY number")
        return [{"reply": int(reply), **orjson.loads(payload)} for reply, payload in rows]

    # --- cases of learners --------------------------------------------------------------------------------------

    def cases(self, learners: Iterable[int]) -> dict[int, list[int]]:
        """Case numbers by learner, oldest first."""
        found: dict[int, list[int]] = {}
        for learner, case in self._all(
            "SELECT subject, id FROM cases WHERE subject IN [?] ORDER BY id", list(learners)
        ):
            found.setdefault(learner, []).append(case)
        return found

    def not_ready(self, cohort: str, final: Collection[str], most: int) -> list[int]:
        """Learners the cohort gate waits for, oldest case first: not told, not registered, no alternative route taken.

        `final` are the states where learners rest. Not more than about so many are looked up, the first always.
        """
        found: list[tuple[int, int]] = []
        for sql, arguments in _unready(cohort, final):
            limit = max(most - len(found), 2 * SHOWN)
            found += self._raw.execute(f"SELECT c.id, c.subject {sql} ORDER BY c.id LIMIT ?", (*arguments, limit))
        return [subject for _, subject in sorted(found)]

    def count_not_ready(self, cohort: str, final: Collection[str]) -> int:
        """How many cases the cohort gate waits for; see `not_ready`."""
        return sum(
            int(self._raw.execute(f"SELECT count(*) {sql}", arguments).fetchone()[0])
            for sql, arguments in _unready(cohort, final)
        )

    def _all(self, sql: str, values: Sequence[Any]) -> Any:
        return self._raw.execute(sql, (values,))


def _unready(cohort: str, final: Collection[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where those not ready are found, state by state; in the states of the ready, by the duty to tell them."""
    for state in (name for name in UNREADY if name not in final):
        yield f"FROM cases c WHERE c.cohort = ? AND c.state = ? AND {NEITHER}", (cohort, state)
    owed = "FROM duty y JOIN cases c ON c.id = y.case_id WHERE y.closed IS NULL AND y.duty = 'tell_learner'"
    yield f"{owed} AND c.cohort = ? AND c.state IN {READY} AND {NEITHER}", (cohort,)


def _literal(part: str) -> str:
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
