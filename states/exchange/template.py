"""A workbook of somebody else's that is filled in: values go into empty cells, everything else stays byte for byte.

Only the part of the sheet is written anew, so that protection, drop-down lists, pictures and formulas stay what they
are; a library that reads a whole workbook and writes it again (openpyxl, 2024) drops some of them.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from states.errors import FileRefused
from states.exchange.workbook_gate import check_workbook
from states.exchange.xls_gate import OLE_MARK

MAIN: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINK: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
SPACE: Final = "{http://www.w3.org/XML/1998/namespace}space"
BOOK: Final = "xl/workbook.xml"
PLACE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
NEW_ONE: Final = "Put the organisation's own template, unfilled, beside the profile."


@dataclass(frozen=True, slots=True)
class Template:
    """A template beside a profile: its file, its sheet, the row of the first learner; `heading_row` 0 means none."""

    file: str
    sheet: str
    first_row: int
    heading_row: int


def fill(data: bytes, template: Template, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> bytes:
    """The template with the rows filled in, as a workbook; `columns` are headings by letter, in the order of the cells.

    Raises FileRefused for what the gate refuses, a sheet that is not there, a heading that differs, and a cell that
    holds something, is locked on a protected sheet, or hides within a merged one.
    """
    if data.startswith(OLE_MARK):
        raise FileRefused(template.file, "the template is an old .xls, or protected by a password to open it", NEW_ONE)
    check_workbook(data, template.file)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = _Book(archive, template.file)
        sheet = _Sheet(book, book.part_of(template.sheet), template)
        sheet.check_headings(columns)
        for number, cells in enumerate(rows, start=template.first_row):
            for letters, text in zip(columns, cells, strict=True):
                if text:
                    sheet.put(letters, number, text)
        changed = {sheet.part: sheet.bytes()}
        if book.calculates:
            changed[BOOK] = book.asking_to_calculate()
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as filled:
            for member in archive.infolist():
                filled.writestr(member, changed.get(member.filename, archive.read(member)))
    return made.getvalue()


def _parse(content: bytes) -> Any:
    from lxml import etree  # noqa: PLC0415 - slow to import, and only templates need it

    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))


def _bytes(root: Any) -> bytes:
    from lxml import etree  # noqa: PLC0415 - as above

    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    return made


class _Book:
    """The parts of a workbook that say where its sheets are and what their cells look like."""

    def __init__(self, archive: zipfile.ZipFile, file: str) -> None:
        self.archive, self.file = archive, file
        self.names = set(archive.namelist())
        self.root = _parse(archive.read(BOOK))

    def part_of(self, name: str) -> str:
        """The part of a sheet; raises FileRefused, naming the sheets there are."""
        links = {one.get("Id"): one.get("Target") for one in _parse(self.archive.read("xl/_rels/workbook.xml.rels"))}
        sheets = {one.get("name"): one.get(LINK) for one in self.root.iter(f"{MAIN}sheet")}
        if name not in sheets:
            there = ", ".join(text for text in sheets if text.isprintable())
            raise FileRefused(self.file, "the template has no sheet of the name the profile gives", f"It has: {there}.")
        target = str(links.get(sheets[name], ""))
        part = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
        if part not in self.names:
            raise FileRefused(self.file, "the template is damaged", NEW_ONE)
        return part

    @property
    def calculates(self) -> bool:
        """Whether any sheet holds a formula."""
        sheets = [name for name in self.names if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(re.search(rb"<(?:\w+:)?f[\s/>]", self.archive.read(name)) for name in sheets)

    def asking_to_calculate(self) -> bytes:
        """The workbook, saying that its formulas are to be worked out when it is opened."""
        known = self.root.find(f"{MAIN}calcPr")
        if known is None:
            known = self.root.makeelement(f"{MAIN}calcPr")
            before = ("sheets", "functionGroups", "externalReferences", "definedNames")
            last = max(i for i, one in enumerate(self.root) if one.tag in {f"{MAIN}{name}" for name in before})
            self.root.insert(last + 1, known)
        known.set("fullCalcOnLoad", "1")
        return _bytes(self.root)

    @cached_property
    def texts(self) -> list[str]:
        """The texts that cells share."""
        if "xl/sharedStrings.xml" not in self.names:
            return []
        shared = _parse(self.archive.read("xl/sharedStrings.xml"))
        return ["".join(part.text or "" for part in one.iter(f"{MAIN}t")) for one in shared.iter(f"{MAIN}si")]

    @cached_property
    def locked(self) -> list[bool]:
        """Whether cells of a look are locked where the sheet is protected, by number of the look."""
        if "xl/styles.xml" not in self.names:
            return []
        looks = _parse(self.archive.read("xl/styles.xml")).find(f"{MAIN}cellXfs")
        found = []
        for look in looks if looks is not None else ():
            said = look.find(f"{MAIN}protection")
            found.append(said is None or said.get("locked", "1") in {"1", "true"})
        return found


class _Sheet:
    """The sheet to be filled."""

    def __init__(self, book: _Book, part: str, template: Template) -> None:
        self.book, self.part, self.template = book, part, template
        self.root = _parse(book.archive.read(part))
        self.data = self.root.find(f"{MAIN}sheetData")
        if self.data is None:
            raise FileRefused(template.file, "the template is damaged", NEW_ONE)
        self.rows = {int(row.get("r", "0")): row for row in self.data}
        protection = self.root.find(f"{MAIN}sheetProtection")
        self.protected = protection is not None and protection.get("sheet", "0") in {"1", "true"}
        self.merged = [_area(one.get("ref", "")) for one in self.root.iter(f"{MAIN}mergeCell")]

    def bytes(self) -> bytes:
        """The part as it is now; the area it says it fills is left for the reader to see."""
        area = self.root.find(f"{MAIN}dimension")
        if area is not None:
            self.root.remove(area)
        return _bytes(self.root)

    def check_headings(self, columns: Mapping[str, str]) -> None:
        """Raise FileRefused for the first column whose heading in the template is not the profile's."""
        row = self.template.heading_row
        for letters, heading in columns.items() if row else ():
            if _plain(self._text(letters, row)) != _plain(heading):
                rule = f"cell {letters}{row} of the template is not headed {heading}"
                raise FileRefused(self.template.file, rule, "Make the profile and the template agree.")

    def put(self, letters: str, number: int, text: str) -> None:
        """Put a text into an empty cell."""
        place = f"{letters}{number}"
        row = self._row(number)
        cell = self._cell(row, letters, number)
        if any(one.tag in {f"{MAIN}v", f"{MAIN}f", f"{MAIN}is"} for one in cell):
            self._refuse(place, "holds something already")
        if self.protected and self._locked(row, cell, letters):
            self._refuse(place, "is locked")
        column = _number(letters)
        if any(a <= column <= c and b <= number <= d and (a, b) != (column, number) for a, b, c, d in self.merged):
            self._refuse(place, "is hidden within a merged cell")
        cell.set("t", "inlineStr")
        written = cell.makeelement(f"{MAIN}t", {SPACE: "preserve"})
        written.text = text
        holder = cell.makeelement(f"{MAIN}is")
        holder.append(written)
        cell.append(holder)
        row.attrib.pop("spans", None)

    def _refuse(self, place: str, what: str) -> None:
        fix = "Correct first_row, max_rows or the columns in the profile, or take an unfilled template."
        raise FileRefused(self.template.file, f"cell {place} of the template {what}", fix)

    def _row(self, number: int) -> Any:
        if number not in self.rows:
            row = self.data.makeelement(f"{MAIN}row", {"r": str(number)})
            self.data.insert(sum(known < number for known in self.rows), row)
            self.rows[number] = row
        return self.rows[number]

    def _cell(self, row: Any, letters: str, number: int) -> Any:
        wanted = _number(letters)
        there = [_column(cell) for cell in row]
        if wanted in there:
            return row[there.index(wanted)]
        at = sum(column < wanted for column in there)
        cell = row.makeelement(f"{MAIN}c", {"r": f"{letters}{number}"})
        if look := self._look(row, letters):
            cell.set("s", look)
        row.insert(at, cell)
        return cell

    def _look(self, row: Any, letters: str) -> str:
        """The look a cell takes from its row or its column."""
        if row.get("s"):
            return str(row.get("s"))
        column = _number(letters)
        for one in self.root.iter(f"{MAIN}col"):
            if int(one.get("min", "0")) <= column <= int(one.get("max", "0")):
                return str(one.get("style", ""))
        return ""

    def _locked(self, row: Any, cell: Any, letters: str) -> bool:
        look = int(cell.get("s") or self._look(row, letters) or 0)
        return self.book.locked[look] if look < len(self.book.locked) else True

    def _text(self, letters: str, number: int) -> str:
        for cell in self.rows.get(number, ()):
            if _column(cell) != _number(letters):
                continue
            if cell.get("t") == "s":
                value = cell.findtext(f"{MAIN}v", "")
                return self.book.texts[int(value)] if value.isdigit() and int(value) < len(self.book.texts) else ""
            return "".join(_texts(cell)) or str(cell.findtext(f"{MAIN}v", ""))
        return ""


def _texts(cell: Any) -> Iterator[str]:
    for part in cell.iter(f"{MAIN}t"):
        yield part.text or ""


def _column(cell: Any) -> int:
    place = PLACE.fullmatch(cell.get("r", ""))
    return _number(place[1]) if place else 0


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _area(text: str) -> tuple[int, int, int, int]:
    first, _, last = text.partition(":")
    a, b = PLACE.fullmatch(first), PLACE.fullmatch(last or first)
    return (_number(a[1]), int(a[2]), _number(b[1]), int(b[2])) if a and b else (0, 0, -1, -1)


def _plain(text: str) -> str:
    return "".join(text.casefold().split())
