"""Learners in the database: all personal values in one table, apart from the log, so that they can be erased.

`personal` holds details (a row a version), ULNs (a row a number ever held), and what `kept` says. With `workflow.store`
and `case_facts` these two are the only modules that know SQL.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any, Final

import orjson

from states.errors import NotFound
from states.learner.details import BLANK, Details, match_key
from states.learner.kept import Kept
from states.vocabulary import LRS_KINDS, NOT_ACTIVE, READY, UNREADY
from workflow.store.dispatch_log import OPEN_STATES
from workflow.store.schema import Lineage

LINEAGE: Final = Lineage("states.learner.migrations", "learner_version", "0001")
RIGHTS: Final = {
    "learner": ("SELECT, INSERT, UPDATE", "SELECT (id, reference)"),
    "personal": ("SELECT, INSERT, UPDATE, DELETE", ""),
    "cohort": ("SELECT, INSERT, UPDATE", "SELECT"),
    "learner_version": ("SELECT", "SELECT"),
}
"""Table -> what an operator may, what an auditor may: nothing that tells of a person."""
DETAILS, ULN, REMARK, QUARANTINE, ANSWERED = "details", "uln", "remark", "quarantine", "answered"
CURRENT, OLD, HELD, MERGED, IN_ERROR = "current", "old", "held", "merged", "in_error"
SHOWN: Final = 10
"""How many learners a message names."""

NEITHER: Final = " AND ".join(
    f"c.facts::json ->> '{fact}' IS NULL" for fact in ("told_at", "registered_at", "alternative_since")
)
OF_COHORTS: Final = " AND EXISTS (SELECT 1 FROM cases c WHERE c.subject = personal.learner AND c.cohort IN [?])"
OF_ANOTHER: Final = "a learner of another cohort"


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


class Learners(Kept):
    """The learners within one transaction."""

    # --- learners -----------------------------------------------------------------------------------------------

    def add(self, new: Sequence[tuple[str, bytes]], created_at: int) -> list[int]:
        """Add a learner for each (reference, key); returns their numbers."""
        first = int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM learner").fetchone()[0])
        self._raw.executemany(
            "INSERT INTO learner VALUES (?,?,?,?)",
            [(number, reference, key, created_at) for number, (reference, key) in enumerate(new, first)],
        )
        return list(range(first, first + len(new)))

    def by_reference(self, references: Iterable[str], *, erased: bool = True) -> dict[str, int]:
        """Learner numbers by reference; unknown references are absent, and when not asked for those erased."""
        which = "" if erased else "AND length(key) > 0"
        return dict(self._all(f"SELECT reference, id FROM learner WHERE reference IN [?] {which}", list(references)))

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
        return self.committing([learner])(learner, value)

    def committing(self, learners: Iterable[int]) -> Callable[[int, str], str]:
        """What makes commitments for some learners, whose keys are read at once; see `commitment`."""
        keys = dict(self._all("SELECT id, key FROM learner WHERE id IN [?] AND length(key) > 0", list(learners)))
        return lambda learner, value: hmac.digest(keys[learner], value.encode(), "sha256").hex()

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

    def history(self, learners: Iterable[int]) -> dict[int, list[tuple[int, Details]]]:
        """Every (version, details) of some learners, oldest first, by learner."""
        rows = self._all(
            "SELECT learner, number, payload FROM personal WHERE kind='details' AND learner IN [?] "
            "ORDER BY learner, number",
            list(learners),
        )
        found: dict[int, list[tuple[int, Details]]] = {}
        for learner, number, payload in rows:
            found.setdefault(learner, []).append((number, Details.from_record(orjson.loads(payload))))
        return found

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

    def search(self, words: str, cohorts: Collection[str] | None = None) -> list[int]:
        """Learners by ULN (held now or once, or answered), or by the words of their current names; at most 50.

        With `cohorts` only who has a case in one of them.
        """
        own, arguments = ("", []) if cohorts is None else (OF_COHORTS, [list(cohorts)])
        wanted = " ".join(words.casefold().split())
        if wanted.isascii() and wanted.isdigit():
            rows = self._raw.execute(
                f"SELECT DISTINCT learner FROM personal WHERE kind IN ('uln', 'answered') AND lookup=?{own}",
                (wanted, *arguments),
            )
            return [row[0] for row in rows]
        parts = wanted.split()
        where = " AND ".join(["lookup LIKE ? ESCAPE '\\'"] * len(parts))
        rows = self._raw.execute(
            f"SELECT learner FROM personal WHERE kind='details' AND status='current' AND {where}{own} LIMIT 50",
            [*(f"%{_literal(part)}%" for part in parts), *arguments],
        )
        return [row[0] for row in rows]

    def called(self, learners: Iterable[int], cohorts: Collection[str] | None) -> dict[int, str]:
        """References; whom a person kept to `cohorts` has no case of is not named."""
        names = self.references(learners)
        if cohorts is None:
            return names
        rows = self._all("SELECT subject, cohort FROM cases WHERE subject IN [?]", list(names))
        own = {subject for subject, cohort in rows if cohort in cohorts}
        return {learner: name if learner in own else OF_ANOTHER for learner, name in names.items()}

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

    def keep_merged(self, learner: int, ulns: Iterable[str], version: int) -> None:
        """Write older ULNs, merged into the one held, into the history; those known already stay as they are."""
        known = self.ulns([learner]).get(learner, [])
        fresh = [uln for uln in dict.fromkeys(ulns) if uln not in {r.uln for r in known}]
        first = max((r.number for r in known), default=0) + 1
        payload = orjson.dumps({"version": version}).decode()
        self._raw.executemany(
            "INSERT INTO personal VALUES (?, 'uln', ?, 'merged', ?, ?)",
            [(learner, number, uln, payload) for number, uln in enumerate(fresh, first)],
        )

    def set_uln_status(self, learner: int, number: int, *, held: bool) -> None:
        """Say that a ULN of the history is held, or was held in error."""
        self._raw.execute(
            "UPDATE personal SET status=? WHERE learner=? AND kind='uln' AND number=?",
            (HELD if held else IN_ERROR, learner, number),
        )

    def mark_uln_wrong(self, learner: int) -> None:
        """The ULN a learner holds was never theirs."""
        self._raw.execute(
            "UPDATE personal SET status='in_error' WHERE learner=? AND kind='uln' AND status='held'", (learner,)
        )

    # --- cohorts ------------------------------------------------------------------------------------------------

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

    def cohort(self, name: str) -> Cohort:
        """One cohort; raises NotFound."""
        if (found := self.cohorts({name}).get(name)) is None:
            raise NotFound(f"there is no cohort {name}. See: ulnflow cohort list", name)
        return found

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

    def stale(self, states: Collection[str], cohort: str | None = None) -> list[int]:
        """Cases in some states whose match is stale, the longest there first.

        Left out are those an open file to the LRS holds, and those whose remembered refusal says so already.
        """
        which, arguments = ("", []) if cohort is None else ("AND c.cohort = ?", [cohort])
        rows = self._raw.execute(
            "SELECT c.id FROM cases c WHERE c.state IN [?] AND c.facts::json ->> 'stale' IS NOT NULL "
            f"{which} AND NOT EXISTS (SELECT 1 FROM blocked b WHERE b.case_id = c.id AND b.reasons LIKE '%:stale:%') "
            "AND NOT EXISTS (SELECT 1 FROM dispatch_member m JOIN dispatch d ON d.id = m.dispatch "
            f"WHERE m.case_id = c.id AND m.state = 'open' AND d.state IN {OPEN_STATES} AND d.kind IN {LRS_KINDS}) "
            "ORDER BY c.entered_at, c.id",
            (list(states), *arguments),
        )
        return [row[0] for row in rows]

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
