"""The part of docs/files.md that tells how a reply of the LRS is laid out, made from the tables in config/lrs."""

from __future__ import annotations

import csv
import io
import tomllib
from importlib.resources import files
from typing import Any, Final

from states.exchange.lrs.layout import BatchColumn, BatchLayout
from states.exchange.lrs.return_codes import ReturnCodes
from states.learner.details import LABELS
from tests.house.markdown import table as as_table

BEGIN, END = "<!-- made from config/lrs -->\n", "<!-- end -->\n"
EXAMPLE: Final = {
    "FileVersion": "2A", "FileName": "LRB_99990001_010920260900", "UKPRN": "99990001", "LearnerRecordCount": "1",
    "ULN": "1000102504", "MISIdentifier": "NF-0001", "GivenName": "Robin", "FamilyName": "Example",
    "LastKnownPostCode": "CV4 9EE", "DateOfBirth": "1990-01-31", "Gender": "2", "AbilityToShare": "1",
    "VerificationType": "2",
}  # fmt: skip
"""A made-up learner; what is left out is empty."""
CODE: Final = "RC001"
OF_THE_FILE: Final = {
    "file_version": "version of the layout", "reference": "the batch it answers", "ukprn": "the centre",
    "count": "learners in the file",
}  # fmt: skip
FILLED: Final = {"uln": "the ULN, where there is one", "reference": "our learner reference"}


def read(name: str) -> dict[str, Any]:
    """A table of config/lrs as it is shipped."""
    return tomllib.loads(files("config").joinpath("lrs", name).read_text("utf-8"))


BATCH, CODES = read("batch.toml"), read("return_codes.toml")
LAYOUT = BatchLayout.from_table(BATCH)


def example() -> str:
    """A reply to one learner, as CSV."""
    target = io.StringIO()
    writer = csv.writer(target, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([*(column.heading for column in LAYOUT.columns), LAYOUT.return_code_heading])
    writer.writerow([*(EXAMPLE.get(column.name, "") for column in LAYOUT.columns), CODE])
    return target.getvalue()


def part() -> str:
    """What stands between the marks."""
    columns = [(place, _headed(column), _holds(column), EXAMPLE.get(column.name, ""))
               for place, column in enumerate(LAYOUT.columns, start=1)]  # fmt: skip
    last = (len(columns) + 1, f"`{LAYOUT.return_code_heading}`", "what became of the learner: the codes below", CODE)
    table = ReturnCodes(CODES)
    codes = []
    for entry in CODES["code"]:
        names = ", ".join(f"`{name}`" for name in (entry["code"], *entry.get("aliases", ())))
        outcome, meaning = table.classify(entry["code"])
        codes.append((names, outcome, table.kind(entry["code"]).replace("_", " "), meaning))
    for name, word in (("unknown", "any other"), ("unreadable", "empty, or no code")):
        outcome, meaning = table.classify("RC999" if name == "unknown" else "")
        codes.append((word, outcome, "unknown", meaning))
    return f"""{BEGIN}
The columns of a batch, in its order, and one more. What speaks of the file stands in the first learner's row only; a column
without words comes back as it was sent, from us empty. XML has the same names but for the two that are given.

{as_table(("", "heading", "holds", "example"), [*columns, last])}

Where the LRS knows a learner by another number, `{LAYOUT.merged["substituted"]}` (`Y`) and `{LAYOUT.merged["linked"]}` (the
older numbers) may stand before the last column. A made-up reply:

```csv
{example()}```

{as_table(("code", "class", "counted as", "meaning"), codes)}

{END}"""


def _headed(column: BatchColumn) -> str:
    return f"`{column.heading}`" + (f" (XML: `{column.name}`)" if column.name != column.heading else "")


def _holds(column: BatchColumn) -> str:
    words = [OF_THE_FILE.get(column.header, FILLED.get(column.source, LABELS.get(column.source, "")))]
    if column.form == "date":
        words.append("YYYY-MM-DD")
    if column.codes:
        words.append(", ".join(f"{code} {meaning}" for code, meaning in column.codes.items()))
    return ": ".join(filter(None, words)) if column.source or column.header else ""
