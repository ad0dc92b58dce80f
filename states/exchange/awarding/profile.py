"""An awarding organisation served by files that a profile describes; no layout here is anybody's official one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.errors import FileRefused
from states.exchange.awarding.body_list import BodyListTable
from states.exchange.awarding.confirmation import ConfirmationTable
from states.exchange.awarding.mismatches import MismatchTable
from states.exchange.columns import funded_unknown, missing, refuse_unfit
from states.exchange.machine_file import MachineFile, Templates, no_templates, read_extension
from states.exchange.profile_columns import ColumnTable
from states.exchange.profile_section import Flaw, Section, refuse_flawed
from states.exchange.sheets import read_table
from states.registration import (
    BodyList,
    Confirmation,
    Difference,
    ListedRow,
    MismatchReport,
    Registration,
    RegistrationFile,
    Window,
)
from states.sheet_ports import Finding

FUNDED_WORDS: Final = {True: "yes", False: "no"}
NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
"""What a profile may be called: it stands in file names."""


class ProfiledAwardingBody:
    """One awarding organisation from a parsed profile; raises DefinitionError with every fault when it cannot be right.

    `label` and `registration_window` are words for whoever uploads the file; `window` counts the last day. `templates`
    gives the bytes of a template that stands beside the profile.
    """

    def __init__(self, profile: Mapping[str, Any], templates: Templates = no_templates) -> None:
        flaws: list[Flaw] = []
        whole = Section(profile, "", flaws)
        self.profile = whole.text("profile", needed=True)
        if self.profile and not NAME.fullmatch(self.profile):
            whole.flaw("profile", "small letters, digits and - only: it stands in file names")
        self.label, self.registration_window = whole.text("label"), whole.text("registration_window")
        self.version, self.source = whole.text("version"), whole.text("source")
        whole.day("date")
        date_format = whole.date_format("date_format", "YYYY-MM-DD")
        quote_all = whole.flag("quote_all")
        self.max_rows = whole.number("max_rows")
        self._file = MachineFile(whole, read_extension(whole), templates, quote_all=quote_all)
        self._table = ColumnTable(whole, date_format=date_format, templated=self._file.templated)
        self._split(whole.table("split"))
        self._read_qualifications(whole.table("qualifications"))
        self.window = _window(whole.table("window"))
        self._confirmation = ConfirmationTable(whole.table("confirmation"))
        self._mismatches = MismatchTable(whole.table("mismatches")) if whole.has("mismatches") else None
        self._list = BodyListTable(whole.table("list"), self._table, date_format=date_format)
        whole.done()
        self.flaws = tuple(flaws)
        refuse_flawed(f"profile {self.profile or '(unnamed)'}", flaws)

    @property
    def headings(self) -> list[str]:
        """The headings of the registration file."""
        return self._table.headings

    @property
    def columns(self) -> ColumnTable:
        """The columns of the registration file."""
        return self._table

    @property
    def qualifications(self) -> tuple[str, ...]:
        """Qualification codes that may be the ones meant: those it names, and the words of its hint."""
        return (*self._known, *self._hint.split())

    def refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """Where the profile's limits do not hold: lengths, codes, qualification; nothing is ever truncated."""
        found = list(self._table.findings(registration))
        fields = {finding.field for finding in found}
        if self._words and registration.funded is None and "funded" not in fields:
            found.append(funded_unknown())
        if "qualification" not in fields:
            found += self._qualification(registration.qualification)
        return tuple(found)

    def split(self, registrations: Sequence[Registration]) -> list[RegistrationFile]:
        """The registrations by file, in their order, each with the word its file name ends in.

        Raises FileRefused for a learner of whom it is not known whether they are funded, where that decides.
        """
        if not self._words:
            return list(self._cut(self._whole, registrations))
        files: dict[str, list[Registration]] = {}
        unknown = 0
        for one in registrations:
            if one.funded is None:
                unknown += 1
            else:
                files.setdefault(self._words[FUNDED_WORDS[one.funded]], []).append(one)
        if unknown:
            finding = funded_unknown()
            raise FileRefused(self.profile, f"{finding.message}: {unknown} of them", finding.fix)
        return [file for word in self._words.values() for file in self._cut(word, files.get(word, []))]

    def write_registration(self, file: RegistrationFile, target: BinaryIO) -> None:
        """Write one file; raises FileRefused before a byte is written."""
        people = file.registrations
        refuse_unfit(self.profile, people, self.refusals)
        if self._words and len({one.funded for one in people}) > 1:
            rule = "funded and non-funded learners stand in one file"
            raise FileRefused(self.profile, rule, "Write a file for each.")
        if self.max_rows is not None and len(people) > self.max_rows:
            rule = f"{len(people)} learners stand in one file, {self.max_rows} are allowed"
            raise FileRefused(self.profile, rule, "Split it.")
        places = [column.at for column in self._table.columns]
        self._file.write(self.headings, places, [self._table.row(one) for one in people], target)

    def read_confirmation(self, path: Path, *, sheet: str | None = None) -> Confirmation:
        """Read the CSV or XLSX file that names candidate and order numbers; raises FileRefused."""
        table = read_table(path, sheet=sheet)
        return Confirmation(name=table.name, digest=table.digest, rows=self._confirmation.read(table))

    def read_mismatches(self, path: Path, *, sheet: str | None = None) -> MismatchReport:
        """Read a CSV or XLSX report of learners whose ULN or details do not match; raises FileRefused."""
        if self._mismatches is None:
            rule = f"profile {self.profile} does not say how a mismatch report is headed"
            raise FileRefused(path.name, rule, "Add [mismatches] to the profile.")
        table = read_table(path, sheet=sheet)
        return MismatchReport(name=table.name, digest=table.digest, rows=self._mismatches.read(table))

    def read_list(self, path: Path, *, sheet: str | None = None) -> BodyList:
        """Read the organisation's own list, CSV or XLSX; raises FileRefused."""
        table = read_table(path, sheet=sheet)
        fields, rows = self._list.read(table)
        return BodyList(name=table.name, digest=table.digest, fields=fields, rows=rows)

    def differences(self, row: ListedRow, registration: Registration) -> tuple[Difference, ...]:
        """Where its list says something else than we do."""
        return self._list.differences(row, registration)

    def _split(self, section: Section) -> None:
        by = section.text("by")
        words = section.words("words") or {}
        self._whole = section.text("word", "all")
        if by not in {"", "funded"}:
            section.flaw("by", "can be funded, or be left out")
        if by == "funded" and set(words) != set(FUNDED_WORDS.values()):
            section.flaw("words", "split by funded needs a word for yes and one for no")
        if any(not NAME.fullmatch(word) for word in (*words.values(), self._whole)):
            section.flaw("words", "small letters, digits and - only: they stand in file names")
        self._words = words if by == "funded" and set(words) == set(FUNDED_WORDS.values()) else {}
        section.done()

    def _read_qualifications(self, section: Section) -> None:
        self._known = section.texts("known")
        self._hint = section.text("hint", "a code the awarding organisation knows")
        try:
            self._pattern = re.compile(section.text("pattern", ".+"), re.ASCII)
        except re.error:
            section.flaw("pattern", "is not a regular expression")
        section.done()

    def _cut(self, word: str, people: Sequence[Registration]) -> Iterator[RegistrationFile]:
        """Files of one word, numbered where there are more than the profile allows rows for."""
        size = self.max_rows or max(len(people), 1)
        for start in range(0, len(people), size):
            number = f"-{start // size + 1}" if len(people) > size else ""
            yield RegistrationFile(
                profile=self.profile,
                word=word + number,
                extension=self._file.extension,
                registrations=tuple(people[start : start + size]),
            )

    def _qualification(self, text: str) -> list[Finding]:
        if not text.strip():
            return [missing("qualification")]
        if self._pattern.fullmatch(text) and (not self._known or text in self._known):
            return []
        message = "Qualification is not one the profile knows"
        return [Finding("refused", "qualification", "unknown_qualification", message, f"Use {self._hint}.")]


def _window(section: Section) -> Window | None:
    window = Window(
        section.day("last_day"), section.number("days_after_start", low=0), section.number("days_before_end", low=0)
    )
    section.done()
    return None if window == Window() else window
