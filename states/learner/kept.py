"""What is kept beside the learners: answers not taken, candidates, remarks, quarantined answers; all of it personal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from states.learner.details import Details
from workflow.store.connection import Connection

NOBODY: Final = 0


@dataclass(frozen=True, slots=True, repr=False)
class KeptCandidate:
    """Somebody the LRS holds who may be the learner; the number never comes to mean another."""

    number: int
    uln: str
    details: Details


class Kept:
    """What is kept beside the learners, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    # --- answers and candidates ---------------------------------------------------------------------------------

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

    def candidates(self, learner: int) -> list[KeptCandidate]:
        """The candidates kept for a learner while a decision is open, in the order they came."""
        rows = self._raw.execute(
            "SELECT number, lookup, payload FROM personal WHERE learner=? AND kind='candidate' AND status='open' "
            "ORDER BY number",
            (learner,),
        )
        return [KeptCandidate(number, uln, Details.from_record(orjson.loads(text))) for number, uln, text in rows]

    def keep_candidates(self, learner: int, found: Sequence[tuple[str, Details]]) -> tuple[int, int]:
        """Make (ULN, details) the candidates of a learner; returns how many are new and how many are gone.

        Who is there already with the same details keeps the number; a number that was given is not given again.
        """
        old = {(c.uln, _text(c.details)): c.number for c in self.candidates(learner)}
        wanted = {(uln, _text(details)) for uln, details in found}
        gone = [number for key, number in old.items() if key not in wanted]
        self._forget_candidates("AND number IN [?]", [learner], gone)
        last = self._raw.execute(
            "SELECT coalesce(max(number), 0) FROM personal WHERE learner=? AND kind='candidate'", (learner,)
        ).fetchone()[0]
        fresh = [(uln, _text(details)) for uln, details in found if (uln, _text(details)) not in old]
        self._raw.executemany(
            "INSERT INTO personal VALUES (?, 'candidate', ?, 'open', ?, ?)",
            [(learner, number, uln, text) for number, (uln, text) in enumerate(fresh, last + 1)],
        )
        return len(fresh), len(gone)

    def forget_candidates(self, learners: Iterable[int]) -> None:
        """Forget the candidates of learners who were decided about; what is left of each is its number."""
        self._forget_candidates("", list(learners))

    def _forget_candidates(self, which: str, *arguments: list[int]) -> None:
        self._raw.execute(
            "UPDATE personal SET status='forgotten', lookup='', payload='{}' WHERE kind='candidate' "
            f"AND status='open' AND learner IN [?] {which}",
            arguments,
        )

    # --- remarks and quarantine ---------------------------------------------------------------------------------

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

    def remark_at(self, position: int, learner: int = NOBODY) -> str:
        """The free text kept beside one event; empty when there is none."""
        row = self._raw.execute(
            "SELECT payload FROM personal WHERE learner=? AND kind='remark' AND number=?", (learner, position)
        ).fetchone()
        return str(orjson.loads(row[0])["text"]) if row else ""

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
        rows = self._raw.execute(
            "SELECT lookup, payload FROM personal WHERE kind='quarantine' AND learner=? ORDER BY number", (NOBODY,)
        )
        return [{"reply": int(reply), **orjson.loads(payload)} for reply, payload in rows]


def _text(details: Details) -> str:
    return orjson.dumps(details.to_record()).decode()
