"""Very many rows: each gets its answer, what stands is whole, and commands need no more memory for more learners."""

from __future__ import annotations

import csv
import resource
import time
from pathlib import Path
from typing import Any, Final

import pytest

from cli import wiring
from states.exchange.sheets import read_table
from states.learner.details import Details
from tests.fakes.centre import row
from tests.fakes.office import GOOD
from tests.proof.children import start
from tests.proof.places import KINDS, Place
from tests.proof.scale import SOAK, at_scale
from tests.unit import commands
from workflow import Act

FEW: Final = 2_000
MANY: Final = at_scale(20_000, 1_000_000)
CHUNK: Final = 10_000
ROWS: Final = at_scale(20_000, 200_000)
IMPORT_GROWTH: Final = at_scale(60, 200)
"""Megabytes that an import may need more for ROWS than for FEW."""
GROWTH: Final = at_scale(150, 4_000)
"""Megabytes that a command may need more for MANY learners than for FEW."""

LONG: Final = at_scale(2_000, 1_435_000)
AWAY_AND_BACK: Final = 3 * (("withdraw", "left_course"), ("reinstate", "returned"))
VERIFY_MB: Final = 300
"""Megabytes that verifying a log may take."""


def sheet(path: Path, rows: int) -> Path:
    """A cohort whose last but one row names nobody."""
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, list(row("P-1")))
        writer.writeheader()
        for number in range(1, rows + 1):
            reference = "" if number == rows - 1 else f"P-{number:07}"
            writer.writerow({**row(f"P-{number:07}"), "Learner reference": reference})
    return path


def measured(pipe: Any, folder: Path, words: tuple[Any, ...]) -> None:
    """A task: a command, then its exit code, what it said, and the most memory it had, in megabytes."""
    result = commands.run("--folder", folder, *words)
    pipe.send((result.code, result.said[-400:], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def typed(place: Place, *words: Any) -> tuple[int, str, float]:
    """A command in a fresh process."""
    child = start(measured, place.folder, words)
    begin = time.perf_counter()
    assert child.ended() == 0
    code, said, memory = child.heard[-1]
    print(f"{place.on}, {' '.join(map(str, words[:2])):24} {time.perf_counter() - begin:7.1f} s {memory:7.0f} MB")
    return code, said, memory


def new(kind: str, folder: Path) -> Place:
    """A centre without learners."""
    place = Place.made(folder, kind)
    place.do("init", "--ukprn", "99990001", "--operator", "Ann Example", "--late-uln", "centre")
    return place


def with_learners(place: Place, count: int) -> Place:
    """Very many learners, put in by the engine: a sheet of them would take longer than what is measured."""
    office = wiring.open_office(place.folder)
    act = Act(actor="Ann Example", command="cohort import")
    for first in range(0, count, CHUNK):
        with office.begin(act) as uow:
            names = [f"P-{number:07}" for number in range(first, min(first + CHUNK, count))]
            numbers = uow.add_learners([(name, Details(**{**GOOD, "family_name": "Example"})) for name in names])
            facts = {"details_version": 1, "cohort": "NF-1", "qualification": "8605-31"}
            uow.work.open([(number, facts) for number in numbers])
            uow.learners.save_cohort("NF-1", None)
    office.database.close()
    return place


@pytest.mark.timeout(at_scale(300, 7_200))
def test_of_very_many_rows_the_bad_one_is_named_and_the_others_are_taken_in_whole(tmp_path: Path) -> None:
    """B6: a result for each row, one refusal, and the same sheet again changes nothing."""
    place = new("sqlite", tmp_path / "centre")
    path = sheet(tmp_path / "long.csv", ROWS)
    code, said, _ = typed(place, "cohort", "import", path, "--cohort", "NF-1")
    assert code == 1, said
    assert place.rows("SELECT count(*), min(sequence), max(sequence) FROM cases") == [(ROWS - 1, 1, 1)]
    assert place.count("kind='opened'") == ROWS - 1
    (result,) = (place.folder / "outbox" / "results").glob("result-*")
    answers = [cells[-2:] for _, cells in read_table(result).rows]
    assert len(answers) == ROWS + 1
    refused = [number for number, (answer, _) in enumerate(answers) if str(answer).startswith("Refused")]
    assert refused == [ROWS - 1]
    assert answers[ROWS - 1][1]
    place.holds()


@pytest.mark.timeout(at_scale(300, 7_200))
def test_ten_times_the_rows_cost_an_import_a_little_more_memory(tmp_path: Path) -> None:
    """B6: rows come and go; of each stays a reference and a few numbers, some 200 bytes."""
    peaks = []
    for rows, name in ((FEW, "few"), (ROWS, "many")):
        place = new("sqlite", tmp_path / name)
        path = sheet(tmp_path / f"{name}.csv", rows)
        code, said, memory = typed(place, "cohort", "import", path, "--cohort", "NF-1")
        assert code == 1, said
        assert place.count("kind='opened'") == rows - 1
        peaks.append(memory)
    assert peaks[1] - peaks[0] < IMPORT_GROWTH, peaks


@pytest.mark.timeout(at_scale(300, 7_200))
@pytest.mark.parametrize("kind", KINDS if SOAK else ["sqlite"])
def test_ten_times_the_learners_cost_no_command_more_than_so_much_memory(kind: str, tmp_path: Path) -> None:
    """C12, scaled: status, stuck, audit verify and advance, each in a fresh process."""
    peaks: dict[str, list[float]] = {}
    for rows, name in ((FEW, "few"), (MANY, "many")):
        place = with_learners(new(kind, tmp_path / name), rows)
        for words in (
            ("status",),
            ("stuck", "--format", "csv"),
            ("audit", "verify"),
            ("advance", "withdraw", "--cohort", "NF-1", "--reason", "left_course"),
        ):
            code, said, memory = typed(place, *words)
            assert code in {0, 1}, said
            peaks.setdefault(words[0], []).append(memory)
        assert place.rows("SELECT state, count(*) FROM cases GROUP BY state") == [("withdrawn", rows)]
        place.holds()
    grown = {name: round(many - few) for name, (few, many) in peaks.items()}
    print(f"{kind}, from {FEW} to {MANY} learners, MB more: {grown}")
    assert max(grown.values()) <= GROWTH


@pytest.mark.timeout(at_scale(300, 7_200))
def test_a_log_of_ten_million_events_is_verified_in_300_megabytes(tmp_path: Path) -> None:
    """C12, scaled: seven events a learner, by the commands, and the checkpoints those left."""
    place = with_learners(new("sqlite", tmp_path / "centre"), LONG)
    for trigger, reason in AWAY_AND_BACK:
        code, said, _ = typed(place, "advance", trigger, "--cohort", "NF-1", "--reason", reason)
        assert code == 0, said
    assert place.count("case_id IS NOT NULL") == (1 + len(AWAY_AND_BACK)) * LONG
    code, said, memory = typed(place, "audit", "verify")
    assert code == 0, said
    assert memory < VERIFY_MB
