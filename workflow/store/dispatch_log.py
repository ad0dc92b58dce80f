"""What was sent or received: one row a file or call, its frozen members, and how far it got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.store.connection import Connection

PREPARED: Final = "prepared"
SENT: Final = "sent"
PARTLY: Final = "partly_answered"
ANSWERED: Final = "answered"
REJECTED: Final = "rejected"
SUPERSEDED: Final = "superseded"
RECEIVED: Final = "received"
OPEN_STATES: Final = (PREPARED, SENT, PARTLY)


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One file or call; times are microseconds, UTC, `members` how many cases it froze."""

    id: int
    direction: str
    kind: str
    name: str
    folder: str
    digest: str
    state: str
    prepared_at: int
    sent_at: int | None
    members: int


@dataclass(frozen=True, slots=True)
class Member:
    """A case in a dispatch: its row, the version of its details that went, open, answered or released."""

    dispatch: int
    case: int
    row: int
    version: int
    state: str


class DispatchLog:
    """The dispatches within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._raw = connection

    def next_id(self) -> int:
        """The number the next dispatch will have."""
        return int(self._raw.execute("SELECT coalesce(max(id), 0) + 1 FROM dispatch").fetchone()[0])

    def add(self, dispatch: Dispatch, members: Sequence[tuple[int, int, int]]) -> None:
        """Write a dispatch and its members, each as (case, row, version)."""
        self._raw.execute(
            "INSERT INTO dispatch VALUES (?,?,?,?,?,?,?,?,?,?)",
            (dispatch.id, dispatch.direction, dispatch.kind, dispatch.name, dispatch.folder, dispatch.digest,
             dispatch.state, dispatch.prepared_at, dispatch.sent_at, dispatch.members),
        )  # fmt: skip
        self._raw.executemany(
            "INSERT INTO dispatch_member VALUES (?,?,?,?,'open')",
            [(dispatch.id, case, row, version) for case, row, version in members],
        )

    def get(self, dispatch: int) -> Dispatch | None:
        """One dispatch by its number."""
        row = self._raw.execute("SELECT * FROM dispatch WHERE id=?", (dispatch,)).fetchone()
        return Dispatch(*row) if row else None

    def find(
        self,
        *,
        kinds: Sequence[str] = (),
        states: Sequence[str] = (),
        digest: str | None = None,
        name: str | None = None,
    ) -> list[Dispatch]:
        """The dispatches of these kinds and states, oldest first; an empty list means any."""
        where, arguments = ["1=1"], list[Any]()
        for column, values in (("kind", kinds), ("state", states)):
            if values:
                where.append(f"{column} IN [?]")
                arguments.append(list(values))
        for column, value in (("digest", digest), ("name", name)):
            if value is not None:
                where.append(f"{column} = ?")
                arguments.append(value)
        rows = self._raw.execute(f"SELECT * FROM dispatch WHERE {' AND '.join(where)} ORDER BY id", arguments)
        return [Dispatch(*row) for row in rows]

    def members(self, dispatch: int, state: str | None = None) -> list[Member]:
        """The members of a dispatch in row order."""
        if state is None:
            rows = self._raw.execute(
                "SELECT dispatch, case_id, row, version, state FROM dispatch_member WHERE dispatch=? ORDER BY row",
                (dispatch,),
            )
        else:
            rows = self._raw.execute(
                "SELECT dispatch, case_id, row, version, state FROM dispatch_member WHERE dispatch=? AND state=? "
                "ORDER BY row",
                (dispatch, state),
            )
        return [Member(*row) for row in rows]

    def holding(self, cases: Sequence[int], kinds: Sequence[str]) -> dict[int, list[tuple[Member, Dispatch]]]:
        """Every dispatch of these kinds that holds one of these cases, oldest first, by case."""
        rows = self._raw.execute(
            "SELECT m.dispatch, m.case_id, m.row, m.version, m.state, d.* FROM dispatch_member m "
            "JOIN dispatch d ON d.id = m.dispatch WHERE m.case_id IN [?] "
            "AND d.kind IN [?] ORDER BY m.dispatch",
            (cases, kinds),
        )
        found: dict[int, list[tuple[Member, Dispatch]]] = {}
        for row in rows:
            found.setdefault(row[1], []).append((Member(*row[:5]), Dispatch(*row[5:])))
        return found

    def waiting(self, cases: Sequence[int], kinds: Sequence[str]) -> dict[int, list[tuple[Member, Dispatch]]]:
        """The places of `holding` that wait for something: still open, in a file that is not done with."""
        return {
            case: waits
            for case, places in self.holding(cases, kinds).items()
            if (waits := [(m, d) for m, d in places if m.state == "open" and d.state in OPEN_STATES])
        }

    def set_state(self, dispatch: int, state: str, *, sent_at: int | None = None) -> None:
        """Say how far a dispatch got; the first time of sending stays."""
        self._raw.execute(
            "UPDATE dispatch SET state=?, sent_at=coalesce(sent_at, ?) WHERE id=?", (state, sent_at, dispatch)
        )

    def release(self, dispatch: int) -> None:
        """Let go of every member that is still open."""
        self._raw.execute("UPDATE dispatch_member SET state='released' WHERE dispatch=? AND state='open'", (dispatch,))

    def counts(self, dispatch: int) -> dict[str, int]:
        """How many members are open, answered or released."""
        return self.counts_of([dispatch]).get(dispatch, {})

    def counts_of(self, dispatches: Sequence[int]) -> dict[int, dict[str, int]]:
        """How many members are open, answered or released, by dispatch; one without members is absent."""
        rows = self._raw.execute(
            "SELECT dispatch, state, count(*) FROM dispatch_member WHERE dispatch IN [?] GROUP BY 1, 2", (dispatches,)
        )
        found: dict[int, dict[str, int]] = {}
        for dispatch, state, count in rows:
            found.setdefault(dispatch, {})[state] = count
        return found
