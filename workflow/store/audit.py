"""The log asked by an auditor: events by many filters at once, times that cannot be, and what changed about the log.

Plain SQL on the raw driver connection, streamed: an answer may be as long as the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from workflow.event import CORRECTED, Event, canonical
from workflow.store.connection import Connection
from workflow.store.history import History, event_of, marks, where

RARE: Final = f"(e.case_id IS NULL OR e.kind = '{CORRECTED}')"
"""The events about no case, and corrections, in the words of the index that holds them alone."""

TOLD_APART: Final = ("product", "rules", "route_version", "route_hash")
"""Keys of an event that say by which program, rules and route it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are meant; None means any. Times are microseconds since 1970, UTC, `until` is not included.

    `cases` are those of one learner, `cohort` the one a case is in now; `since` and `until` are times of recording,
    `happened` the last moment at which it may have happened.
    """

    cases: tuple[int, ...] | None = None
    cohort: str | None = None
    actor: str | None = None
    trigger: str | None = None
    dispatch: int | None = None
    since: int | None = None
    until: int | None = None
    happened: int | None = None

    def conditions(self, *, of_cases: bool) -> tuple[list[str], list[Any]]:
        """The conditions on event `e` (and case `c`), and their arguments."""
        given: dict[str, Any] = {
            "e.actor = ?": self.actor, "e.trigger = ?": self.trigger, "e.dispatch = ?": self.dispatch,
            "e.recorded_at >= ?": self.since, "e.recorded_at < ?": self.until, "e.occurred_at <= ?": self.happened,
        }  # fmt: skip
        if of_cases:
            given |= {"e.case_id IN [?]": self.cases, "c.cohort = ?": self.cohort}
        asked = {sql: value for sql, value in given.items() if value is not None}
        return list(asked), [list(value) if isinstance(value, tuple) else value for value in asked.values()]


class Timed(NamedTuple):
    """An event by its times: the one before it in the log, and whether the same command wrote both."""

    position: int
    occurred_at: int
    recorded_at: int
    earlier: int | None
    together: bool


class Sent(NamedTuple):
    """A case's place in a file of ours, with the file: its row there, the version of the details that went."""

    case: int
    dispatch: int
    kind: str
    name: str
    digest: str
    prepared_at: int
    sent_at: int | None
    row: int
    version: int
    state: str


class Change(NamedTuple):
    """The first event that was written by another program, rule set or route than those before it."""

    event: Event
    what: str
    before: str
    after: str


class Audit(History):
    """An auditor's questions, within one transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)

    def of_cases(
        self, kinds: Sequence[str], wanted: Wanted, *, triggers: Sequence[str] = (), holding: Sequence[bytes] = ()
    ) -> Iterator[Event]:
        """Events of cases, of these kinds; with `triggers`, only those, and with `holding`, whose bytes hold any."""
        conditions, arguments = wanted.conditions(of_cases=True)
        conditions += ["e.case_id IS NOT NULL", f"e.kind IN {marks(kinds)}"]
        arguments += kinds
        if triggers:
            conditions.append(f"e.trigger IN {marks(triggers)}")
            arguments += triggers
        joined = "JOIN cases c ON c.id = e.case_id " if wanted.cohort is not None else ""
        rows = self._raw.stream(
            f"SELECT e.body FROM event e {joined}{where(conditions)} ORDER BY e.position", arguments
        )
        return (event_of(body) for (body,) in rows if not holding or any(text in body for text in holding))

    def of_no_case(self, kinds: Collection[str], wanted: Wanted, *, but: Collection[str] = ()) -> Iterator[Event]:
        """Events about no case: of these kinds or, with none named, of any kind `but` some."""
        conditions, arguments = wanted.conditions(of_cases=False)
        conditions.append(RARE)
        if kinds or but:
            conditions.append(f"e.kind {'IN' if kinds else 'NOT IN'} {marks(kinds or but)}")
            arguments += kinds or but
        rows = self._raw.stream(f"SELECT e.body FROM event e {where(conditions)} ORDER BY e.position", arguments)
        return (event_of(body) for (body,) in rows)

    def times(self, wanted: Wanted, *, now: int, late: int, jump: int) -> Iterator[Timed]:
        """Events whose times are odd, by spans in microseconds.

        Recorded before the event before it or after `now`, `late` after it happened, `jump` after the event before it
        in the same command; or happened after it was recorded.
        """
        conditions, arguments = wanted.conditions(of_cases=False)
        odd = (
            "(e.recorded_at < e.earlier OR e.recorded_at > ? OR e.occurred_at > e.recorded_at "
            "OR e.recorded_at - e.occurred_at > ? OR (e.together = 1 AND e.recorded_at - e.earlier > ?))"
        )
        rows = self._raw.stream(
            "SELECT e.position, e.occurred_at, e.recorded_at, e.earlier, e.together FROM "
            "(SELECT position, occurred_at, recorded_at, actor, trigger, dispatch, "
            "lag(recorded_at) OVER (ORDER BY position) AS earlier, "
            "CASE WHEN lag(command_id) OVER (ORDER BY position) = command_id THEN 1 ELSE 0 END AS together FROM event) "
            f"e {where([odd, *conditions])} ORDER BY e.position",
            [now, late, jump, *arguments],
        )
        return (Timed(row[0], row[1], row[2], row[3], bool(row[4])) for row in rows)

    def at(self, positions: Sequence[int]) -> dict[int, Event]:
        """Events by their positions."""
        rows = self._raw.execute("SELECT position, body FROM event WHERE position IN [?]", (list(positions),))
        return {position: event_of(body) for position, body in rows}

    def sent(self, kinds: Sequence[str], wanted: Wanted) -> Iterator[Sent]:
        """The places of cases in files of ours of these kinds, in file and row order."""
        given: dict[str, Any] = {
            "m.case_id IN [?]": None if wanted.cases is None else list(wanted.cases), "c.cohort = ?": wanted.cohort,
            "d.id = ?": wanted.dispatch, "d.prepared_at >= ?": wanted.since, "d.prepared_at < ?": wanted.until,
        }  # fmt: skip
        asked = {sql: value for sql, value in given.items() if value is not None}
        rows = self._raw.stream(
            "SELECT m.case_id, d.id, d.kind, d.name, d.digest, d.prepared_at, d.sent_at, m.row, m.version, m.state "
            "FROM dispatch d JOIN dispatch_member m ON m.dispatch = d.id JOIN cases c ON c.id = m.case_id "
            f"{where([f'd.kind IN {marks(kinds)}', *asked])} ORDER BY d.id, m.row",
            [*kinds, *asked.values()],
        )
        return (Sent(*row) for row in rows)

    def changes(self, wanted: Wanted) -> Iterator[Change]:
        """Where product, rule set or route of the events changed, in the order of the log, read from its start.

        `wanted` says which changes are told, by whom and when.
        """
        last: dict[str, str] = {}
        same: list[tuple[bytes, bytes]] = [(b'"%b":' % name.encode(), b"") for name in TOLD_APART]
        for (body,) in self._raw.stream("SELECT body FROM event ORDER BY position"):
            if all(whole in body if whole and key in body else key not in body for key, whole in same):
                continue  # an event that was judged by no rule tells of none
            event = event_of(body)
            for place, name in enumerate(TOLD_APART):
                value = getattr(event, name)
                if value is None or (text := str(value)) == last.get(name):
                    continue
                if _is_meant(event, wanted):
                    yield Change(event, name, last.get(name, ""), text)
                last[name] = text
                key = same[place][0]
                same[place] = (key, key + canonical(value) + b",")

    def has_actor(self, actor: str) -> bool:
        """Whether anybody of this name did anything."""
        return self._raw.execute("SELECT 1 FROM event WHERE actor = ? LIMIT 1", (actor,)).fetchone() is not None

    def actors(self) -> list[str]:
        """Everybody who did anything, by name."""
        return [row[0] for row in self._raw.execute("SELECT DISTINCT actor FROM event ORDER BY actor")]


def _is_meant(event: Event, wanted: Wanted) -> bool:
    """Whether an event was written by whom and when it is asked about."""
    return (
        wanted.actor in {None, event.actor}
        and (wanted.since is None or event.recorded_at >= wanted.since)
        and (wanted.until is None or event.recorded_at < wanted.until)
        and (wanted.happened is None or event.occurred_at <= wanted.happened)
    )
