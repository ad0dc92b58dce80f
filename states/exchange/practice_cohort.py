"""A made-up cohort with the faults real sheets have; the same seed gives the same people."""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta
from typing import BinaryIO, Final

from states.learner import checks

HEADINGS: Final = (
    "Learner Ref", "Forename(s)", "Surname", "DOB", "Sex", "Post Code", "ULN", "Privacy notice seen", "ID seen",
    "Other ID", "Learner e-mail",
)  # fmt: skip


AGED_ON: Final = date(2026, 8, 9)
"""The day the made-up ages are counted from: always the same, so that the practice LRS answers the same each time."""


def write_cohort(target: BinaryIO, *, seed: int = 7, size: int = 30) -> None:
    """Write a CSV sheet of `size` made-up learners (12 or more), some rows with typical faults."""
    from faker import Faker  # noqa: PLC0415 - slow to import, and only practice needs it

    fake = Faker("en_GB", use_weighting=False)
    fake.seed_instance(seed)
    chance = random.Random(seed)  # noqa: S311 - made-up people, no secret
    rows = []
    for number in range(1, size + 1):
        sex = chance.choice("MF")
        born = AGED_ON - timedelta(days=365 * chance.randint(17, 60) + chance.randint(1, 360))
        postcode = fake.postcode()
        while checks.postcode_fault(postcode):
            postcode = fake.postcode()
        rows.append(
            [
                f"P-{number:03}", fake.first_name_male() if sex == "M" else fake.first_name_female(), fake.last_name(),
                born.strftime("%d/%m/%Y"), sex, postcode, "", "Y", chance.choice(["Passport", "Driving licence"]), "",
                fake.email(),
            ]
        )  # fmt: skip
    _spoil(rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["Practice cohort of made-up learners"] + [""] * (len(HEADINGS) - 1))
    writer.writerow(HEADINGS)
    writer.writerows(rows)
    target.write(text.getvalue().encode())


def _spoil(rows: list[list[str]]) -> None:
    """The faults a registrations administrator meets: missing, wrong, doubled."""
    rows[2][5] = ""
    rows[4][3] = "31/02/1999"
    rows[5][6] = "9999999999"
    rows[7][7] = "N"
    rows[8][8], rows[8][9] = "Other", ""
    rows[9][1] = f"  {rows[9][1]} "
    rows[10][6] = "1000102508"
    rows[11][0] = rows[0][0]
