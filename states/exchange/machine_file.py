"""How a file for a machine is written: CSV, a workbook, or a template of the organisation's own that is filled."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from states.errors import FileRefused
from states.exchange.columns import write_cells
from states.exchange.profile_section import Section
from states.exchange.template import Template, fill

CSV: Final = "csv"
XLSX: Final = "xlsx"
Templates = Callable[[str], bytes]
"""Gives the bytes of a template that stands beside its profile; raises FileRefused when none does."""


class MachineFile:
    """One file of a profile: its extension, and how its rows are written, every value as text and unaltered."""

    def __init__(self, section: Section, extension: str, templates: Templates, *, quote_all: bool = False) -> None:
        self._template = _template(section, extension) if section.has("template") else None
        self.extension, self._templates, self._quote_all = extension, templates, quote_all

    @property
    def templated(self) -> bool:
        """Whether a template is filled."""
        return self._template is not None

    def write(
        self, headings: Sequence[str], places: Sequence[str], rows: Sequence[Sequence[str]], target: BinaryIO
    ) -> None:
        """Write headings and rows; in a template each column stands at its place. Raises FileRefused."""
        if self._template is not None:
            data = self._templates(self._template.file)
            target.write(fill(data, self._template, dict(zip(places, headings, strict=True)), rows))
        elif self.extension == XLSX:
            target.write(_workbook([headings, *rows]))
        else:
            write_cells(target, [headings, *rows], quote_all=self._quote_all)


def read_extension(section: Section) -> str:
    """The extension a profile names, csv where it names none."""
    extension = section.text("extension", CSV)
    if extension not in {CSV, XLSX}:
        section.flaw("extension", "must be csv or xlsx")
    return extension


def no_templates(name: str) -> bytes:
    """Where nothing stands beside a profile; raises FileRefused."""
    raise FileRefused(name, "the template is not there", "Put it beside the profile, into config/profiles.")


def _template(section: Section, extension: str) -> Template:
    one = section.table("template")
    file, sheet = one.text("file", needed=True), one.text("sheet", needed=True)
    first = one.number("first_row", low=2) or 2
    heading = one.number("heading_row", low=0)
    if not one.has("first_row"):
        one.flaw("first_row", "say in which row the first learner stands")
    if "/" in file or "\\" in file or file.startswith("."):
        one.flaw("file", "must be the name of a file that stands beside the profile")
    if extension != XLSX or not file.endswith(".xlsx"):
        one.flaw("file", 'a template is an .xlsx file, and the profile says extension = "xlsx"')
    one.done()
    return Template(file, sheet, first, first - 1 if heading is None else heading)


def _workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """A workbook of texts alone; made in memory, as xlsxwriter would put copies into the system's temporary folder."""
    made = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(made, options) as book:
        page, text = book.add_worksheet("Sheet1"), book.add_format({"num_format": "@"})
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell:
                    page.write_string(number, column, cell, text)
    return made.getvalue()
