"""What one writes first: the transitions package as its README shows it, and a SQLModel session a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Column, Index, UniqueConstraint, event
from sqlmodel import Field, Session, SQLModel, col, create_engine, func, select
from transitions import Machine

from tests.bench.steps import (
    ACTOR,
    STATES,
    TRIGGERS,
    Job,
    Phases,
    chunks,
    facts_of,
    fee_is_set,
    moved,
    new_id,
    nothing_holds,
    now,
)  # fmt: skip


class OrderRow(SQLModel, table=True):
    """A case."""

    __tablename__ = "naive_order"
    id: int | None = Field(default=None, primary_key=True)
    state: str = Field(index=True)
    sequence: int = 1
    facts: dict[str, Any] = Field(sa_column=Column(JSON))


class LogRow(SQLModel, table=True):
    """An event."""

    __tablename__ = "naive_log"
    __table_args__ = (UniqueConstraint("case_id", "sequence"), Index("log_by_actor", "actor", "at"))
    id: int | None = Field(default=None, primary_key=True)
    case_id: int
    sequence: int
    actor: str
    at: int
    body: dict[str, Any] = Field(sa_column=Column(JSON))


class Order:
    """The object that the machine moves."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts

    def fee_is_set(self) -> bool:
        return fee_is_set(self.facts)

    def nothing_holds(self) -> bool:
        return nothing_holds(self.facts)


ARROWS = [
    {"trigger": trigger, "source": STATES[n], "dest": STATES[n + 1], "conditions": ["fee_is_set", "nothing_holds"]}
    for n, trigger in enumerate(TRIGGERS)
]


def set_up(job: Job) -> Any:
    """The tables with so many cases."""
    engine = create_engine(f"sqlite:///{Path(job.folder, 'naive.db')}")

    @event.listens_for(engine, "connect")
    def durable(raw: Any, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            raw.execute(f"PRAGMA {pragma}")

    SQLModel.metadata.create_all(engine, tables=[OrderRow.__table__, LogRow.__table__])
    with Session(engine) as session:
        session.add_all([OrderRow(id=n, state=STATES[0], facts=facts_of(n)) for n in range(1, job.cases + 1)])
        session.commit()
    return engine


def move(session: Session, machine: Machine, row: OrderRow, trigger: str, command_id: str) -> None:
    """Let the machine move a case, and keep both rows."""
    order: Any = Order(row.facts)
    machine.add_model(order, initial=row.state)
    source = row.state
    if not order.trigger(trigger):
        raise ValueError(f"case {row.id} is held back")
    machine.remove_model(order)
    row.state = order.state
    row.sequence += 1
    body = moved(row.id or 0, row.sequence, trigger, source, order.state, at=now(), command_id=command_id)
    session.add(row)
    session.add(LogRow(case_id=body["case"], sequence=row.sequence, actor=ACTOR, at=body["occurred_at"], body=body))


def machine_of() -> Machine:
    """One machine for all, without automatic triggers; a machine a case would be slower still."""
    return Machine(model=None, states=list(STATES), transitions=ARROWS, initial=STATES[0], auto_transitions=False)


def single(job: Job) -> Phases:
    """One case after the other, a session and a commit a step."""
    engine, machine = set_up(job), machine_of()
    yield None
    for case in range(1, job.cases + 1):
        for trigger in TRIGGERS:
            with Session(engine) as session:
                move(session, machine, session.get_one(OrderRow, case), trigger, new_id())
                session.commit()
    yield None
    check(engine, job)


def bulk(job: Job) -> Phases:
    """All cases, step by step, the same in a loop, a session and a commit a thousand."""
    engine, machine = set_up(job), machine_of()
    yield None
    for trigger in TRIGGERS:
        for part in chunks(range(1, job.cases + 1)):
            with Session(engine, autoflush=False) as session:  # or each read writes first
                for case in part:
                    move(session, machine, session.get_one(OrderRow, case), trigger, new_id())
                session.commit()
    yield None
    check(engine, job)


def check(engine: Any, job: Job) -> None:
    """Every case reached the last state, and every event is there."""
    with Session(engine) as session:
        assert set(session.exec(select(OrderRow.state)).all()) == {STATES[-1]}
        assert session.exec(select(func.count(col(LogRow.id)))).one() == 6 * job.cases
    engine.dispose()
