"""A cohort sheet read, judged and taken in, beside reading its cells with csv alone."""

from __future__ import annotations

import csv
from pathlib import Path

from cli import wiring
from states.sheet_ports import Reading
from states.steps.gather_details import Enrolment, import_cohort
from tests.bench.steps import Job, Phases
from tests.unit.commands import SHEET, centre_at

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


def ours(job: Job) -> Phases:
    """The import as the command does it."""
    centre = centre_at("new", job.folder)
    sheet = long_sheet(job.folder / "cohort.csv", job.cases)
    office = wiring.open_office(centre.folder)
    act = wiring.act(wiring.load_settings(centre.folder), "cohort import")
    yield None
    done = import_cohort(office, act, sheet, Enrolment(cohort="B", funded=True), Reading(day_first=True))
    yield None
    assert done.tally.counts["learners added"] == job.cases
    office.database.close()


def plain(job: Job) -> Phases:
    """The cells, and nothing done with them."""
    sheet = long_sheet(job.folder / "cohort.csv", job.cases)
    yield None
    with sheet.open(encoding="utf-8", newline="") as source:
        read = len(list(csv.reader(source))) - 1
    yield None
    assert read == job.cases
