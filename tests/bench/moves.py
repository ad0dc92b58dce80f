"""How long a durable move takes, one by one and in bulk, beside sqlite3 writing the same chained rows itself."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from tests.fakes.loan import DESK, Desk, loan_route, open_desk
from workflow import Act, Move

SINGLE = 300
BULK = 20_000
ROUNDS = 5


def first_trigger() -> str:
    """A trigger that leaves the loan's first state and whose arrow asks two rules or more."""
    route = loan_route()
    arrows = {t: a for (t, state), a in route.arrows.items() if state == route.initial}
    return max(arrows, key=lambda t: len(arrows[t].rules))


class Raw:
    """The event log and the cases as plain sqlite3 would write them: chained by SHA-256, synchronous=FULL."""

    def __init__(self, path: Path, cases: int) -> None:
        self.base = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            self.base.execute(f"PRAGMA {pragma}")
        self.base.execute(
            "CREATE TABLE event (position INTEGER PRIMARY KEY, case_id INTEGER, sequence INTEGER, kind TEXT, trigger TEXT, "
            "source TEXT, target TEXT, at INTEGER, actor TEXT, command_id TEXT, body BLOB, leaf BLOB, "
            "UNIQUE (case_id, sequence)) STRICT"
        )
        self.base.execute(
            "CREATE TABLE cases (id INTEGER PRIMARY KEY, state TEXT, sequence INTEGER, leaf BLOB, facts TEXT) STRICT"
        )
        self.base.execute("CREATE INDEX cases_by_state ON cases (state)")
        self.base.execute("BEGIN")
        self.base.executemany("INSERT INTO cases VALUES (?,?,1,?,'{}')", [(n, "a", b"") for n in range(1, cases + 1)])
        self.base.execute("COMMIT")
        self.position = 0

    def row(self, case: int, before: bytes) -> tuple[object, ...]:
        """The next event of a case as a row, its hash taken over the one before."""
        self.position += 1
        event = {
            "actor": "Ada Desk", "at": time.time_ns() // 1000, "case": case, "command": "loan", "kind": "moved",
            "position": self.position, "prev": before.hex(), "sequence": 2, "source": "a", "target": "b", "trigger": "t",
            "verdicts": [["L0", 1, True], ["L1", 2, True]],
        }  # fmt: skip
        body = json.dumps(event, sort_keys=True, separators=(",", ":")).encode()
        leaf = hashlib.sha256(b"\0" + body).digest()
        return (self.position, case, 2, "moved", "t", "a", "b", event["at"], "Ada Desk", f"c{case}", body, leaf)

    def move(self, case: int) -> None:
        """One transaction: the case read, the event written, the case moved."""
        self.base.execute("BEGIN IMMEDIATE")
        (leaf,) = self.base.execute("SELECT leaf FROM cases WHERE id=?", (case,)).fetchone()
        row = self.row(case, leaf)
        self.base.execute(f"INSERT INTO event VALUES ({','.join('?' * 12)})", row)
        self.base.execute("UPDATE cases SET state='b', sequence=2, leaf=? WHERE id=?", (row[-1], case))
        self.base.execute("COMMIT")

    def move_many(self, cases: range, chunk: int = 1_000) -> None:
        """The same by executemany, a chunk a transaction."""
        for start in range(0, len(cases), chunk):
            part = cases[start : start + chunk]
            self.base.execute("BEGIN IMMEDIATE")
            leaves = {n: self.base.execute("SELECT leaf FROM cases WHERE id=?", (n,)).fetchone()[0] for n in part}
            rows = [self.row(n, leaves[n]) for n in part]
            self.base.executemany(f"INSERT INTO event VALUES ({','.join('?' * 12)})", rows)
            self.base.executemany(
                "UPDATE cases SET state='b', sequence=2, leaf=? WHERE id=?", [(r[-1], r[1]) for r in rows]
            )
            self.base.execute("COMMIT")


def _open(folder: Path, count: int) -> tuple[Desk, list[int], Raw]:
    desk = open_desk(folder / "ours.db")
    return desk, desk.open(count), Raw(folder / "raw.db", count)


def single(count: int = SINGLE) -> tuple[float, float]:
    """Median seconds of one move by Engine.fire and by hand, taken in turns in one run."""
    trigger = first_trigger()
    ours, raw = [], []
    with tempfile.TemporaryDirectory() as name:
        desk, cases, hand = _open(Path(name), count)
        for number, case in enumerate(cases, 1):
            begin = time.perf_counter()
            desk.engine.fire(trigger, Move(case=case), DESK)
            middle = time.perf_counter()
            hand.move(number)
            ours.append(middle - begin)
            raw.append(time.perf_counter() - middle)
        desk.database.close()
        hand.base.close()
    return statistics.median(ours), statistics.median(raw)


def bulk(count: int = BULK, rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of moving many by Engine.fire_many and by executemany, in turns."""
    trigger = first_trigger()
    ours, raw = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            desk, cases, hand = _open(Path(name), count)
            begin = time.perf_counter()
            result = desk.engine.fire_many(
                trigger, cases, Act(actor="Ada Desk", command="loan", command_id=f"b{number}")
            )
            middle = time.perf_counter()
            hand.move_many(range(1, count + 1))
            ours.append(middle - begin)
            raw.append(time.perf_counter() - middle)
            assert result.counts["moved"] == count
            desk.database.close()
            hand.base.close()
    return statistics.median(ours), statistics.median(raw)
