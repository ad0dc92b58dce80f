"""A library loan: a route, its rules and a source of facts that owe nothing to learners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workflow import Act, Definition, Engine, Objection, Question, Route, Rule, read_route
from workflow.store import schema
from workflow.store.connection import Connection
from workflow.store.database import Database
from workflow.store.verify import Report, verify
from workflow.working_days import microseconds

TOML = (Path(__file__).parents[1] / "data" / "loan.toml").read_text(encoding="utf-8")
ORIGIN = "library.example/loans"
MONDAY = microseconds(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
SECOND = 1_000_000
DAY = 86_400 * SECOND
DESK = Act(actor="Ada Desk", command="loan")


class Clock:
    """Microseconds since 1970; each look moves it on by `tick`."""

    def __init__(self, now: int = MONDAY, tick: int = SECOND) -> None:
        self.now, self.tick = now, tick

    def __call__(self) -> int:
        self.now += self.tick
        return self.now


class Ids:
    """Command ids in a row: c1, c2, ..."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"c{self.count}"


@dataclass(frozen=True)
class Asked:
    """What a loan's rules look at."""

    question: Question
    banned: bool = False


@dataclass
class Library:
    """A source of facts: which subjects are banned; it counts how often, and for what, it was asked."""

    banned: set[int] = field(default_factory=set)
    needs: list[frozenset[str]] = field(default_factory=list)

    def gather(
        self, connection: Connection, questions: Sequence[Question], needs: frozenset[str], _cohorts: object
    ) -> list[Asked]:
        self.needs.append(needs)
        known = self.banned if "readers" in needs else set()
        return [Asked(question, question.standing.subject in known) for question in questions]


def card_is_shown(asked: Asked) -> Iterator[Objection]:
    if asked.question.standing.facts.get("no_card"):
        yield Objection("no_card", "the card is missing; ask for it", "card")


def reader_may_borrow(asked: Asked) -> Iterator[Objection]:
    if asked.banned:
        yield Objection("banned", "the reader may not borrow; see the desk", "reader")


def book_is_whole(asked: Asked) -> Iterator[Objection]:
    if asked.question.standing.facts.get("torn"):
        yield Objection("torn", "the book is torn; mend it", "book")


RULES: Mapping[str, Rule[Asked]] = {
    rule.code: rule
    for rule in (
        Rule("L0", 1, "The card is shown", card_is_shown),
        Rule("L1", 2, "The reader may borrow", reader_may_borrow, frozenset({"readers"})),
        Rule("L2", 1, "The book is whole", book_is_whole),
    )
}


def loan_route(text: str = TOML, **options: Any) -> Route:
    return read_route(text, source="loan.toml", rules=RULES, **options)


def fresh_database(path: Path, lineages: Sequence[schema.Lineage] = (schema.ENGINE,)) -> Database:
    """A migrated SQLite database in a new file."""
    database = Database(path)
    schema.upgrade(database, list(lineages))
    return database


@dataclass
class Desk:
    """An engine on a fresh database, with everything handed in that a test may want to turn."""

    engine: Engine[Any]
    database: Database
    clock: Clock
    library: Library

    @property
    def route(self) -> Route:
        return self.engine.definition.route

    def open(self, count: int = 1, **facts: Any) -> list[int]:
        """Open loans of the readers 101, 102, ..."""
        return self.engine.open([(100 + n, facts) for n in range(1, count + 1)], DESK)

    def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with self.database.reading() as connection:
            return [tuple(row) for row in connection.execute(sql, arguments)]

    def count(self, table: str = "event", where: str = "1=1") -> int:
        return self.rows(f"SELECT count(*) FROM {table} WHERE {where}")[0][0]

    def state(self, case: int) -> str:
        return self.rows("SELECT state FROM cases WHERE id=?", case)[0][0]

    def without_guard(self, on_sqlite: str, on_postgres: str) -> str:
        """The statement by which somebody takes a guard of the log away."""
        return f"DROP TRIGGER {on_sqlite}" if self.database.kind == "sqlite" else f"DROP TRIGGER {on_postgres} ON event"

    def verify(self) -> Report:
        with self.database.reading() as connection:
            return self.look(connection)

    def look(self, connection: Connection) -> Report:
        """Verify within a transaction."""
        return verify(connection, self.engine.origin, {(self.route.name, self.route.version): self.route})


def desk_on(database: Database, *, text: str = TOML, clock: Clock | None = None, origin: str = ORIGIN) -> Desk:
    """A desk on a database that is set up already."""
    clock, library = clock or Clock(), Library()
    definition = Definition(loan_route(text), RULES, library)
    engine = Engine(definition, database, origin=origin, product="ulnflow 0", clock=clock, new_id=Ids())
    return Desk(engine, database, clock, library)


def open_desk(path: Path, **options: Any) -> Desk:
    """A desk on a fresh database in a new file."""
    return desk_on(fresh_database(path), **options)
