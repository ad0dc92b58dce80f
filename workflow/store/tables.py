"""The tables as SQLModel classes: they define columns and serve the read side; nothing is validated here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

Words = Text().with_variant(Text(collation="C"), "postgresql")
"""A text that both databases order by its bytes."""

Whole = BigInteger().with_variant(Integer, "sqlite")
STRICT: dict[str, Any] = {"sqlite_strict": True}
RARE = text("case_id IS NULL OR kind = 'corrected'")
"""Events of which there are few: those about no case, and corrections."""


def _key() -> Any:
    return Field(sa_column=Column(Whole, primary_key=True, autoincrement=False))


class Meta(SQLModel, table=True):
    """Named facts about this database: the log's origin, practice or real."""

    __tablename__ = "meta"
    __table_args__ = STRICT
    name: str = Field(sa_column=Column(Words, primary_key=True))
    value: str = Field(sa_type=Words)


class DefinitionRow(SQLModel, table=True):
    """A route a case has run on, as canonical JSON with its hash."""

    __tablename__ = "definition"
    __table_args__ = STRICT
    hash: str = Field(sa_column=Column(Words, primary_key=True))
    name: str = Field(sa_type=Words)
    version: int = Field(sa_type=Whole)
    body: bytes = Field(sa_type=LargeBinary)


class CaseRow(SQLModel, table=True):
    """A standing: the projection of a case's events."""

    __tablename__ = "cases"
    id: int = _key()
    subject: int = Field(sa_type=Whole)
    cohort: str = Field(sa_type=Words)
    route: str = Field(sa_type=Words)
    route_version: int = Field(sa_type=Whole)
    state: str = Field(sa_type=Words)
    sequence: int = Field(sa_type=Whole)
    entered_at: int = Field(sa_type=Whole)
    clock_from: int | None = Field(default=None, sa_type=Whole)
    occurred_at: int = Field(sa_type=Whole)
    leaf: bytes = Field(sa_type=LargeBinary)
    facts: str = Field(sa_type=Words)
    __table_args__ = (
        Index("cases_by_state", "state", "clock_from", "cohort"),
        Index("cases_by_subject", "subject"),
        Index("cases_by_cohort", "cohort", "state", "id"),
        STRICT,
    )


class EventRow(SQLModel, table=True):
    """One event: `body` is the truth, every other column a copy for querying."""

    __tablename__ = "event"
    position: int = _key()
    case_id: int | None = Field(default=None, sa_type=Whole)
    sequence: int | None = Field(default=None, sa_type=Whole)
    kind: str = Field(sa_type=Words)
    trigger: str | None = Field(default=None, sa_type=Words)
    source: str | None = Field(default=None, sa_type=Words)
    target: str | None = Field(default=None, sa_type=Words)
    occurred_at: int = Field(sa_type=Whole)
    recorded_at: int = Field(sa_type=Whole)
    actor: str = Field(sa_type=Words)
    dispatch: int | None = Field(default=None, sa_type=Whole)
    command_id: str = Field(sa_type=Words)
    run: int | None = Field(default=None, sa_type=Whole)
    body: bytes = Field(sa_type=LargeBinary)
    leaf: bytes = Field(sa_type=LargeBinary)
    __table_args__ = (
        UniqueConstraint("case_id", "sequence", name="event_once"),
        CheckConstraint("(case_id IS NULL) = (sequence IS NULL)", name="event_case_and_sequence"),
        CheckConstraint("position > 0", name="event_position"),
        Index("event_by_actor", "actor", "recorded_at"),
        Index("event_rare", "kind", "position", sqlite_where=RARE, postgresql_where=RARE),
        STRICT,
    )


class DispatchRow(SQLModel, table=True):
    """One file or call, out or in, once: what it was and how far it got."""

    __tablename__ = "dispatch"
    id: int = _key()
    direction: str = Field(sa_type=Words)
    kind: str = Field(sa_type=Words)
    name: str = Field(sa_type=Words)
    folder: str = Field(sa_type=Words)
    digest: str = Field(sa_type=Words)
    state: str = Field(sa_type=Words)
    prepared_at: int = Field(sa_type=Whole)
    sent_at: int | None = Field(default=None, sa_type=Whole)
    members: int = Field(sa_type=Whole)
    __table_args__ = (Index("dispatch_by_digest", "digest", "kind"), Index("dispatch_by_state", "state"), STRICT)


class DispatchMemberRow(SQLModel, table=True):
    """A case in a dispatch: frozen when the file was made; `state` is open, answered or released."""

    __tablename__ = "dispatch_member"
    dispatch: int = _key()
    case_id: int = _key()
    row: int = Field(sa_type=Whole)
    version: int = Field(sa_type=Whole)
    state: str = Field(sa_type=Words)
    __table_args__ = (Index("dispatch_member_by_case", "case_id", "state"), STRICT)


class DutyRow(SQLModel, table=True):
    """A side obligation: opened by one event, closed by another."""

    __tablename__ = "duty"
    position: int = _key()
    duty: str = Field(sa_column=Column(Words, primary_key=True))
    case_id: int | None = Field(default=None, sa_type=Whole)
    dispatch: int | None = Field(default=None, sa_type=Whole)
    opened_at: int = Field(sa_type=Whole)
    closed: int | None = Field(default=None, sa_type=Whole)
    __table_args__ = (Index("duty_by_case", "case_id"), Index("duty_open", "closed", "duty"), STRICT)


class BlockedRow(SQLModel, table=True):
    """Why a trigger was refused when it was last asked; `reasons` tells one set of objections from another."""

    __tablename__ = "blocked"
    __table_args__ = STRICT
    case_id: int = _key()
    trigger: str = Field(sa_column=Column(Words, primary_key=True))
    reasons: str = Field(sa_type=Words)
    said: str = Field(sa_type=Words)
    asked_at: int = Field(sa_type=Whole)
    position: int = Field(sa_type=Whole)


class RunRow(SQLModel, table=True):
    """A bulk run: frozen members, how far it got, and (as JSON) how many came to which result."""

    __tablename__ = "run"
    id: int = _key()
    command_id: str = Field(sa_type=Words)
    trigger: str = Field(sa_type=Words)
    members: bytes = Field(sa_type=LargeBinary)
    size: int = Field(sa_type=Whole)
    cursor: int = Field(sa_type=Whole)
    first_position: int = Field(sa_type=Whole)
    last_position: int = Field(sa_type=Whole)
    stopped: str = Field(sa_type=Words)
    counts: str = Field(sa_type=Words)
    __table_args__ = (UniqueConstraint("command_id", name="run_once"), STRICT)


class SealRow(SQLModel, table=True):
    """A checkpoint of the log: its size, its root, the peaks of its tree (32 bytes each), and the signed note."""

    __tablename__ = "seal"
    __table_args__ = STRICT
    size: int = _key()
    root: bytes = Field(sa_type=LargeBinary)
    peaks: bytes = Field(sa_type=LargeBinary)
    note: bytes = Field(sa_type=LargeBinary)
    made_at: int = Field(sa_type=Whole)
