"""A bulk run writes what the same moves write one by one in bulk: the events byte for byte, and every row beside them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stores import STORES
from tests.fakes.loan import Desk, desk_on
from workflow import Act, Move
from workflow.chunk import fire_chunk
from workflow.work import Work

ACT = Act(actor="Ada Desk", command="loan", command_id="same")
TABLES = ("event", "cases", "duty", "dispatch_member", "blocked")
TRIGGERS = ("lend", "renew", "remind", "take_back", "nonsense")
Put = Callable[[Work[Any], str, list[Move]], object]


def one_by_one(work: Work[Any], trigger: str, moves: list[Move]) -> object:
    return work.fire(trigger, moves, bulk=True)


def by_mould(work: Work[Any], trigger: str, moves: list[Move]) -> object:
    return fire_chunk(work, trigger, moves)


def moves_of(chance: random.Random, cases: list[int]) -> list[Move]:
    """Moves that differ in every way a caller may want."""
    chosen = chance.sample(cases, chance.randint(1, len(cases)))
    style = chance.randrange(4)
    evidence = {"reference": "100% sure"} if style == 1 else {}
    facts: dict[str, Any] = {"card": 7} if style == 2 else {}
    return [
        Move(
            case=case,
            evidence=evidence,
            facts=facts | ({"torn": True} if chance.random() < 0.05 else {}),
            reason="why" if style == 3 else "",
            opens=("send_letter",) if chance.random() < 0.05 else (),
            row=case if chance.random() < 0.05 else None,
        )
        for case in [*chosen, 10_000]
    ]


def played(desk: Desk, put: Put, seed: int) -> list[list[tuple[Any, ...]]]:
    """Some chunks, and what stands in the tables afterwards; positions and clocks must not differ either."""
    chance = random.Random(seed)  # noqa: S311 - cases, not secrets
    cases = desk.open(60)
    desk.library.banned = {100 + n for n in chance.sample(cases, 5)}
    for _ in range(6):
        trigger, moves = chance.choice(TRIGGERS), moves_of(chance, cases)
        with desk.engine.work(ACT, run=3) as work:
            put(work, trigger, moves)
    assert [fault.kind for fault in desk.verify().faults if fault.kind != "run"] == []
    return [sorted(desk.rows(f"SELECT * FROM {table}"), key=repr) for table in TABLES]


def without_place(rows: list[list[tuple[Any, ...]]]) -> list[set[str]]:
    """Rows without what the order within a chunk decides: positions, leaves and bodies that hold them."""
    event, cases, duty, members, blocked = rows
    return [
        {repr((*row[1:13],)) for row in event},
        {repr((*row[:10], *row[11:])) for row in cases},
        {repr(row[1:]) for row in duty},
        {repr(row) for row in members},
        {repr(row[:5]) for row in blocked},
    ]


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("seed", range(5))
def test_a_chunk_by_mould_leaves_what_the_same_moves_leave_one_by_one(tmp_path: Path, store: str, seed: int) -> None:
    """Every learner of a cohort is judged and recorded as one learner is."""
    left = []
    for name, put in (("a", one_by_one), ("b", by_mould)):
        (tmp_path / name).mkdir()
        desk = desk_on(STORES[store](tmp_path / name))
        left.append(without_place(played(desk, put, seed)))
        desk.database.close()
    assert left[0] == left[1]


def test_moves_alike_in_all_are_the_same_bytes_in_the_same_order(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = desk_on(STORES["sqlite"](tmp_path / "other"))
    bodies = []
    for one, put in ((desk, one_by_one), (other, by_mould)):
        moves = [Move(case=case, evidence={"reference": "ü"}) for case in one.open(20)]
        with one.engine.work(ACT, run=3) as work:
            put(work, "lend", moves)
        bodies.append(one.rows("SELECT position, body, leaf FROM event ORDER BY position"))
    other.database.close()
    assert bodies[0] == bodies[1]
