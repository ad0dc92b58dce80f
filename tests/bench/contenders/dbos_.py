"""dbos: a workflow a case, each of its six steps a transaction of a data source, on SQLite, which is its default.

WAL is switched on in both of its files; dbos leaves SQLite's synchronous=FULL as it is. It does more than the others:
a workflow that a crash interrupts goes on.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from dbos import DBOS, SQLAlchemyDatasource
from sqlalchemy import text

from tests.bench.steps import (
    STATES,
    TARGETS,
    TRIGGERS,
    Job,
    Phases,
    facts_of,
    fee_is_set,
    moved,
    new_id,
    nothing_holds,
    now,
)  # fmt: skip

TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, state TEXT NOT NULL, sequence INTEGER NOT NULL, facts TEXT NOT NULL)",
    "CREATE INDEX orders_by_state ON orders (state)",
    (
        "CREATE TABLE event (position INTEGER PRIMARY KEY, case_id INTEGER NOT NULL, sequence INTEGER NOT NULL, "
        "actor TEXT NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (case_id, sequence))"
    ),
    "CREATE INDEX event_by_actor ON event (actor, at)",
)
SELECT = text("SELECT state, sequence, facts FROM orders WHERE id=:case")
INSERT = text("INSERT INTO event (case_id, sequence, actor, at, body) VALUES (:case, :sequence, :actor, :at, :body)")
UPDATE = text("UPDATE orders SET state=:state, sequence=:sequence WHERE id=:case")


def single(job: Job) -> Phases:
    """One workflow after the other."""
    files = {name: job.folder / f"{name}.db" for name in ("system", "application")}
    for file in files.values():
        with sqlite3.connect(file) as base:
            base.execute("PRAGMA journal_mode=WAL")
    base = sqlite3.connect(files["application"])
    for statement in TABLES:
        base.execute(statement)
    rows = [(number, STATES[0], 1, json.dumps(facts_of(number))) for number in range(1, job.cases + 1)]
    base.executemany("INSERT INTO orders VALUES (?,?,?,?)", rows)
    base.commit()
    config: Any = {
        "name": "bench",
        "system_database_url": f"sqlite:///{files['system']}",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
    DBOS(config=config)
    source = SQLAlchemyDatasource.create(f"sqlite:///{files['application']}")

    @source.transaction()
    def step(case: int, trigger: str) -> str:
        session = source.sql_session()
        state, sequence, facts = session.execute(SELECT, {"case": case}).one()
        known, target = json.loads(facts), TARGETS[trigger, state]
        if not (fee_is_set(known) and nothing_holds(known)):
            raise ValueError(f"case {case} is held back")
        event = moved(case, sequence + 1, trigger, state, target, at=now(), command_id=new_id())
        session.execute(
            INSERT,
            {"case": case, "sequence": sequence + 1, "actor": event["actor"], "at": event["occurred_at"],
             "body": json.dumps(event)},
        )  # fmt: skip
        session.execute(UPDATE, {"case": case, "sequence": sequence + 1, "state": target})
        return target

    @DBOS.workflow()
    def route(case: int) -> None:
        for trigger in TRIGGERS:
            step(case, trigger)

    DBOS.launch()
    yield None
    for case in range(1, job.cases + 1):
        route(case)
    yield None
    assert base.execute("SELECT state, count(*) FROM orders GROUP BY 1").fetchall() == [(STATES[-1], job.cases)]
    assert base.execute("SELECT count(*) FROM event").fetchone() == (6 * job.cases,)
    DBOS.destroy()
    base.close()
