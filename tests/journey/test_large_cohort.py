"""Twelve thousand learners go out in files at the real limit and come back shuffled, twice over, and with some missing."""

from __future__ import annotations

import csv
import io
import random

from tests.fakes.centre import row, uln

MANY = 12_000
MISSING = range(0, MANY, 400)
"""Learners about whom no reply says a word."""


def test_a_large_cohort_adds_up_to_the_learner(centre):
    """B4, B5: three files of at most 5,000; each reply holds rows of all three, and the second overlaps the first."""
    names = [f"L-{n:05}" for n in range(MANY)]
    centre.do("cohort", "import", centre.sheet([row(name) for name in names]), "--cohort", "NF-1")
    made = centre.json("lrs", "submit")["files"]
    assert [file["learners"] for file in made] == [5000, 5000, 2000]
    for file in made:
        centre.do("dispatch", "mark-sent", str(file["dispatch"]))
    assert centre.states() == {"submitted_to_lrs": MANY}

    missing = {names[n] for n in MISSING}
    asked = {one["MISIdentifier"]: one for path in centre.batches() for one in centre.batch(path)}
    assert asked.keys() == set(names)
    back = [
        {**asked[name], "ULN": uln(n), "ReturnCode": "RC001"} for n, name in enumerate(names) if name not in missing
    ]
    stranger = {**back[0], "MISIdentifier": "X-99999", "ULN": uln(MANY + 1)}
    chance = random.Random(5000)  # noqa: S311 - an order, not a secret
    chance.shuffle(back)
    half = len(back) // 2
    first, second = back[: half + 500], [*back[half - 500 :], stranger]
    chance.shuffle(second)
    centre.do("lrs", "receive", centre.reply({}, more=first, name="first.csv"))
    assert centre.states() == {"uln_received": half + 500, "submitted_to_lrs": MANY - half - 500}
    received = centre.do("lrs", "receive", centre.reply({}, more=second, name="second.csv"))
    assert "done before, nothing changed 1000" in received.said

    found = centre.json("dispatch", "reconcile")
    assert found["adds_up"] is True
    assert found["sums"] == {
        "sent": MANY, "answered": MANY - len(missing), "released": 0, "open": len(missing),
        "learners": MANY, "came_back": MANY - len(missing), "still_waited_for": len(missing), "taken_back": 0,
    }  # fmt: skip
    assert {one["reference"] for one in found["waiting"]} == missing
    assert [one["reference"] for one in found["quarantine"]] == ["X-99999"]
    for file, answered in zip(found["files"], (5000, 5000, 2000), strict=True):
        assert file["answered"] + file["open"] == answered == file["learners"]
    lines = list(csv.DictReader(io.StringIO(centre.do("dispatch", "reconcile", "--format", "csv").out)))
    assert len(lines) == MANY + 1
    assert {one["reference"]: one["place"] for one in lines} == {
        **{name: "open" if name in missing else "answered" for name in names},
        "X-99999": "quarantined",
    }
