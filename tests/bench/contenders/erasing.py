"""Learners erased one after another, each by a command of its own, among as many as are asked for."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import Final

from cli import wiring
from cli.privacy import privacy_of
from states.sheet_ports import Reading
from states.steps.erase_learner import erase_learner
from states.steps.gather_details import Enrolment, import_cohort
from states.steps.leave_and_return import leave_or_return
from tests.bench.contenders.sheets import long_sheet
from tests.bench.steps import Job, Phases
from tests.unit.commands import centre_at

EACH: Final = 5
"""Learners erased by the command, and as many again without the program's start."""


def ours(job: Job) -> Phases:
    """The command as it is typed, from start to end; the first erasure takes the sheet of the import with it."""
    centre = centre_at("new", job.folder)
    settings = centre.folder / wiring.FILE
    settings.write_text(settings.read_text("utf-8") + "\n[retention]\nyears = 0\n", "utf-8")
    office = wiring.open_office(centre.folder)
    act = wiring.act(wiring.load_settings(centre.folder), "bench")
    sheet = long_sheet(job.folder / "cohort.csv", job.cases)
    import_cohort(office, act, sheet, Enrolment(cohort="B", funded=True), Reading(day_first=True))
    step = job.cases // (2 * EACH + 2)
    names = [f"B-{step * (number + 1):06}" for number in range(2 * EACH + 1)]
    with office.look() as look:
        standings = look.find_cases(names)
    leave_or_return(office, act, standings, "withdraw", reason="left_course")
    office.database.close()
    first, *others = names
    by_command, inside = others[:EACH], others[EACH:]
    assert centre.run("learner", "erase", first, "--basis", "request", "--yes").code == 0
    privacy = privacy_of(centre.folder, 0, {})
    yield None
    each, within = [], []
    for name in by_command:
        begin = time.perf_counter()
        run = subprocess.run(
            [sys.executable, "-c", "from cli.app import main; main()", "--folder", str(centre.folder), "learner",
             "erase", name, "--basis", "request", "--yes"],
            capture_output=True, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        each.append(time.perf_counter() - begin)
        assert b"destroyed" in run.stdout + run.stderr
    for name in inside:
        begin = time.perf_counter()
        erase_learner(office, act, name, "request", privacy, sure=True)
        within.append(time.perf_counter() - begin)
    yield {"each": statistics.median(each), "inside": statistics.median(within), "all": [each, within]}
    office.database.close()
    with office.look() as look:
        assert look.connection.execute("SELECT count(*) FROM learner WHERE length(key) = 0").fetchone()[0] == len(names)
