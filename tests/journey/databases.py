"""Centres on either database, for the stories about databases."""

from __future__ import annotations

import pytest

from tests.fakes import postgres
from tests.fakes.centre import DATA, Centre

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


def at(tmp_path, clock, database, name="centre"):
    return Centre(tmp_path / name, clock, on=database).init()


def gathered(centre):
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    centre.do("lrs", "submit")
    return centre


def empty_url():
    return postgres.url_of(postgres.empty_address())
