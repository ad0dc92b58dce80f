"""Reads an LRS file in CSV, a learner at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final

from states.errors import FileRefused
from states.exchange.files import FIELD_LIMIT, broken_csv
from states.exchange.gate import Gate
from states.exchange.lrs.layout import HEADER_VALUES, BatchLayout
from states.exchange.lrs.record import AGAIN, Flaw, Head, Record, Report, check_count, check_values
from states.exchange.lrs.wrapper import Kind

LINE_LIMIT: Final = 1_000_000
"""Characters of a line at the most; the longest the LRS can mean has some 7,000."""
EXACT: Final = "Headings, their case and order must be the LRS's. "


def read_csv_records(gate: Gate, layout: BatchLayout, head: Head, report: Report) -> Iterator[Record]:
    """The learners of a batch, or of a reply, which has the return code as its last column; fills `head`.

    Reports headings that are not exactly the layout's, header values that are missing or contradict each other, and a
    number of learners that is not the announced one. Raises FileRefused for what is no CSV, and for no LRS file at all.
    """
    head.form = "csv"
    rows = _rows(gate)
    first = next(rows, None)
    if first is None:
        raise FileRefused(gate.name, "the file holds no heading row", AGAIN)
    head.kind, names = _read_headings(first[1], gate.name, layout, report)
    own = [layout.header_name(value) for value in HEADER_VALUES]
    began: int | None = None
    for line, cells in rows:
        if len(cells) != len(names):
            rule = f"the row has {len(cells)} cells, the first row has {len(names)}"
            fix = "Look for a missing or an extra separator in this row."
            report(Flaw("cells", rule, fix, line=line, row=head.rows + 1))
            head.rows += 1
            continue
        texts = {name: cell for name, cell in zip(names, cells, strict=True) if name}
        head.rows += 1
        if began is None:
            began = line
            head.values = {value: texts.get(name, "") for value, name in zip(HEADER_VALUES, own, strict=True)}
            check_values(head, layout, report, line)
        else:
            _check_one_file(texts, own, head, report, line)
        yield Record(head.rows, line, texts, _numbers(texts.get(layout.merged["linked"], "")))
    check_count(head, layout, report, began)


def _rows(gate: Gate) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each record that is not blank; the line is where it begins."""
    reader = csv.reader(_lines(gate), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise broken_csv(gate.name, line, str(error)) from None
        except UnicodeDecodeError as error:
            raise gate.not_utf8(error) from None
        if any(len(cell) > FIELD_LIMIT for cell in cells):
            raise broken_csv(gate.name, line, "field larger than")
        if cells:
            yield line, cells
        line = reader.line_num + 1


def _lines(gate: Gate) -> Iterator[str]:
    """The lines with their ends, CRLF, LF or CR; raises FileRefused for one that has no end."""
    text = io.TextIOWrapper(gate, encoding="utf-8-sig", newline="")
    number = 0
    while line := text.readline(LINE_LIMIT):
        number += 1
        if len(line) == LINE_LIMIT:
            raise broken_csv(gate.name, number, "field larger than")
        yield line
    text.detach()


def _read_headings(headings: Sequence[str], file: str, layout: BatchLayout, report: Report) -> tuple[Kind, list[str]]:
    """The kind of file, and the column each heading is taken for (empty: none)."""
    columns, extras = layout.columns, [*layout.merged.values()]
    known = {text.casefold(): column.name for column in columns for text in (column.name, column.heading)}
    known |= {text.casefold(): text for text in (*extras, layout.return_code_heading)}
    names = [known.get(text.strip().casefold(), "") for text in headings]
    if not any(names):
        rule = f"heading 1 is not {columns[0].heading}, nor is any other heading one of the LRS's"
        raise FileRefused(file, rule, "Give a batch or a reply file. " + AGAIN, line=1)
    width = len(columns)
    for place, column in enumerate(columns, start=1):
        if place > len(headings) or not column.is_headed(headings[place - 1]):
            rule = f"heading {place} is not {column.heading}"
            report(Flaw("heading", rule, EXACT + AGAIN, column.name, 1))
    if len(headings) <= width:
        return "batch", names
    if headings[-1] != layout.return_code_heading or any(text not in extras for text in headings[width:-1]):
        rule = f"the last heading is not {layout.return_code_heading}, or there are more headings than the LRS's"
        report(Flaw("heading", rule, AGAIN, layout.return_code_heading, 1))
    return "reply", names


def _check_one_file(texts: dict[str, str], own: Sequence[str], head: Head, report: Report, line: int) -> None:
    """Later rows leave the four values of the file empty; a tool that repeats them does no harm."""
    for value, name in zip(HEADER_VALUES, own, strict=True):
        if texts.get(name) and texts[name] != head.values[value]:
            rule = "the value contradicts the first learner's row: two files were joined"
            report(Flaw("two_files", rule, AGAIN, name, line, head.rows))


def _numbers(text: str) -> tuple[str, ...]:
    for mark in ";,|":
        text = text.replace(mark, " ")
    return tuple(text.split())
