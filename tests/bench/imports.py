"""How many rows a second a cohort sheet is read, judged and taken in, beside reading its cells with csv alone."""

from __future__ import annotations

import csv
import statistics
import tempfile
import time
from pathlib import Path

from cli import wiring
from states.steps.gather_details import Enrolment, import_cohort
from tests.unit.commands import SHEET, centre_at

ROWS = 5_000
ROUNDS = 3
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def long_sheet(path: Path, rows: int) -> Path:
    """The tidy cohort over and over: every learner with a reference and a family name of their own."""
    with SHEET.open(encoding="utf-8", newline="") as source:
        headings, *learners = list(csv.reader(source))
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(headings)
        for number in range(rows):
            row = list(learners[number % len(learners)])
            row[0] = f"B-{number:06}"
            row[2] += "".join(LETTERS[number // 26**place % 26] for place in range(4))
            row[-1] = ""
            writer.writerow(row)
    return path


def measure(rows: int = ROWS, rounds: int = ROUNDS) -> tuple[float, float]:
    """Median seconds of an import and of csv alone."""
    ours, raw = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            centre = centre_at("new", Path(name))
            sheet = long_sheet(Path(name) / "cohort.csv", rows)
            office = wiring.open_office(centre.folder)
            act = wiring.act(wiring.load_settings(centre.folder), "cohort import")
            begin = time.perf_counter()
            done = import_cohort(office, act, sheet, Enrolment(cohort="B", funded=True), day_first=True)
            middle = time.perf_counter()
            with sheet.open(encoding="utf-8", newline="") as source:
                read = len(list(csv.reader(source))) - 1
            ours.append(middle - begin)
            raw.append(time.perf_counter() - middle)
            assert done.tally.counts["learners added"] == read == rows
            office.database.close()
    return statistics.median(ours), statistics.median(raw)
