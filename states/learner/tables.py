"""The tables of learners, declared; the migrations make them, and a test holds the two equal."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from workflow.store.tables import STRICT, Whole, Words

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
