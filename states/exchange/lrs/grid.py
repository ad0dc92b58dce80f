"""A batch or reply file of the LRS as rows of cells, its headings and header values checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from states.errors import FileRefused
from states.exchange.files import read_csv
from states.exchange.lrs.layout import HEADER_VALUES, BatchColumn, BatchLayout
from states.learner.details import DATE_FIELDS, Details

UKPRN: Final = re.compile(r"[1-9][0-9]{7}", re.ASCII)

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_AGAIN: Final = "Download the file again, and do not open it in a spreadsheet program first."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Grid:
    """The rows of one file: line (1-based) and all cells, those of the file's own values included."""

    headings: tuple[str, ...]
    ukprn: str
    reference: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_grid(data: bytes, file: str, layout: BatchLayout, *, reply: bool) -> Grid:
    """Read a batch file, or a reply file, which has the return code as one more column.

    Raises FileRefused for headings that are not exactly the layout's, for header values that are missing or
    contradict each other, and for a number of learners that is not the announced one.
    """
    lines = read_csv(data, file)
    if not lines:
        raise FileRefused(file, "the file holds no heading row", _AGAIN)
    headings = lines[0][1]
    _check_headings(headings, file, layout, reply=reply)
    rows = tuple((line, tuple(cells)) for line, cells in lines[1:])
    if not rows:
        raise FileRefused(file, "the file holds no learner, and so no provider", _AGAIN)
    version, reference, ukprn, count = rows[0][1][: len(HEADER_VALUES)]
    line = rows[0][0]
    if version != layout.file_version:
        rule = f"the file version is not {layout.file_version}"
        raise FileRefused(file, rule, "Ask for the format your version of ulnflow knows.", line=line)
    if not UKPRN.fullmatch(ukprn):
        raise FileRefused(file, "the UKPRN is not eight digits", _AGAIN, line=line, column="UKPRN")
    _check_one_file(rows, file, layout)
    if not re.fullmatch(r"[0-9]{1,7}", count, re.ASCII) or int(count) != len(rows):
        rule = f"LearnerRecordCount does not match the {len(rows)} learners in the file"
        fix = "The download is incomplete or was edited. " + _AGAIN
        raise FileRefused(file, rule, fix, line=line, column="LearnerRecordCount")
    return Grid(headings=tuple(headings), ukprn=ukprn, reference=reference, rows=rows)


def read_details(cells: Sequence[str], file: str, line: int, layout: BatchLayout) -> Details:
    """The details a row carries, texts exactly as they stand; raises FileRefused for what is no date."""
    values: dict[str, Any] = {}
    for column, text in zip(layout.columns, cells, strict=False):
        if column.form == "date" and not column.source:
            _date(text, file, line, column)
        elif column.source in DATE_FIELDS:
            values[column.source] = _date(text, file, line, column)
        elif column.source in layout.echoed():
            values[column.source] = text
    return Details(**values)


def _date(text: str, file: str, line: int, column: BatchColumn) -> date | None:
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 30 February
    rule = "the date is not a real date written YYYY-MM-DD"
    fix = "A spreadsheet program changes dates when it opens a CSV file. " + _AGAIN
    raise FileRefused(file, rule, fix, line=line, column=column.name)


def _check_headings(headings: Sequence[str], file: str, layout: BatchLayout, *, reply: bool) -> None:
    width = len(layout.columns)
    is_batch = len(headings) == width and _same(headings, layout)
    is_reply = (
        len(headings) == width + 1 and _same(headings[:width], layout) and headings[width] == layout.return_code_heading
    )
    if is_reply if reply else is_batch:
        return
    if reply and is_batch:
        rule = f"this is a batch, not a reply: it has no column {layout.return_code_heading}"
        raise FileRefused(file, rule, "Download the job's output file from the LRS portal and read that one.")
    if is_reply:
        raise FileRefused(file, "this is a reply, not a batch", "Give the file that was sent.")
    for place, column in enumerate(layout.columns, start=1):
        if place > len(headings) or not column.is_headed(headings[place - 1]):
            rule = f"heading {place} is not {column.heading}"
            raise FileRefused(file, rule, "Headings, their case and order must be the LRS's. " + _AGAIN, line=1)
    rule = f"the last heading is not {layout.return_code_heading}, or there are more headings than the LRS's"
    raise FileRefused(file, rule, _AGAIN, line=1)


def _same(headings: Sequence[str], layout: BatchLayout) -> bool:
    return all(column.is_headed(text) for column, text in zip(layout.columns, headings, strict=True))


def _check_one_file(rows: Sequence[tuple[int, Sequence[str]]], file: str, layout: BatchLayout) -> None:
    """Later rows leave the four values of the file empty; a tool that repeats them does no harm."""
    first = rows[0][1]
    for line, cells in rows[1:]:
        for place in range(len(HEADER_VALUES)):
            if cells[place] and cells[place] != first[place]:
                rule = "the value contradicts the first learner's row: two files were joined"
                name = layout.columns[place].name
                raise FileRefused(file, rule, _AGAIN, line=line, column=name)
