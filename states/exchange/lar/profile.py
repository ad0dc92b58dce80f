"""The LAR system of the alternative route served by files that a profile describes; no layout here is official."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

from states.exchange.columns import refuse_unfit
from states.exchange.machine_file import MachineFile, Templates, no_templates, read_extension
from states.exchange.profile_columns import ColumnTable
from states.exchange.profile_section import Flaw, Section, refuse_flawed
from states.registration import Registration
from states.sheet_ports import Finding

PARTS: Final = ("learners", "cross_reference")


class ProfiledLar:
    """Port `LarSystem` from a parsed profile; raises DefinitionError with every fault when it cannot be right.

    Beside the port it tells the profile's name and `label`, to be shown to whoever uploads the file.
    """

    def __init__(self, profile: Mapping[str, Any], templates: Templates = no_templates) -> None:
        flaws: list[Flaw] = []
        whole = Section(profile, "", flaws)
        self.profile, self.label = whole.text("profile", needed=True), whole.text("label")
        self.version, self.source = whole.text("version"), whole.text("source")
        whole.day("date")
        date_format, quote_all = whole.date_format("date_format", "YYYY-MM-DD"), whole.flag("quote_all")
        self.extension = read_extension(whole)
        self._parts: dict[str, tuple[ColumnTable, MachineFile]] = {}
        for part in PARTS:
            section = whole.table(part)
            file = MachineFile(section, self.extension, templates, quote_all=quote_all)
            table = ColumnTable(section, date_format=date_format, templated=file.templated)
            self._parts[part] = (table, file)
            section.done()
        whole.done()
        refuse_flawed(f"profile {self.profile or '(unnamed)'}", flaws)

    @property
    def tables(self) -> dict[str, ColumnTable]:
        """The columns of each file."""
        return {part: table for part, (table, _) in self._parts.items()}

    def learner_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the file that adds learners; empty when all fits."""
        return self._parts["learners"][0].findings(registration)

    def cross_reference_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the cross-reference file; empty when all fits."""
        return self._parts["cross_reference"][0].findings(registration)

    def write_learners(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that adds learners; raises FileRefused before a byte is written."""
        refuse_unfit(f"{self.profile} learners", registrations, self.learner_refusals)
        self._write("learners", registrations, target)

    def write_cross_reference(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that ties each ULN to its candidate number; raises FileRefused before a byte is written."""
        refuse_unfit(f"{self.profile} cross-reference", registrations, self.cross_reference_refusals)
        self._write("cross_reference", registrations, target)

    def _write(self, part: str, registrations: Sequence[Registration], target: BinaryIO) -> None:
        table, file = self._parts[part]
        places = [column.at for column in table.columns]
        file.write(table.headings, places, [table.row(one) for one in registrations], target)
