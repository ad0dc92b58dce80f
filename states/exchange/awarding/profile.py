"""An awarding organisation served by files that a profile describes; no layout here is anybody's official one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.errors import FileRefused
from states.exchange.awarding.confirmation import ConfirmationTable
from states.exchange.columns import ColumnTable, funded_unknown, missing, refuse_unfit
from states.exchange.sheets import read_table
from states.ports import Confirmation, Finding, Registration
from workflow.errors import DefinitionError

FUNDED_WORDS: Final = {True: "yes", False: "no"}


class ProfiledAwardingBody:
    """Port `AwardingBody` from a parsed profile; raises DefinitionError when the profile cannot be right.

    Beside the port it tells `label` and `registration_window`, both to be shown to whoever uploads the file.
    """

    def __init__(self, profile: Mapping[str, Any]) -> None:
        self.profile = str(profile.get("profile", ""))
        origin = f"profile {self.profile or '(unnamed)'}"
        self.label = str(profile.get("label", ""))
        self.registration_window = str(profile.get("registration_window", ""))
        self._extension = str(profile.get("extension", "csv"))
        self._table = ColumnTable(
            origin, profile.get("column", ()), date_format=str(profile.get("date_format", "YYYY-MM-DD"))
        )
        self._confirmation = ConfirmationTable(origin, profile.get("confirmation", {}))
        split = profile.get("split", {})
        self._words: Mapping[str, str] = split.get("words", {}) if split.get("by") == "funded" else {}
        self._whole = str(split.get("word", "all"))
        qualifications = profile.get("qualifications", {})
        self._known = frozenset(map(str, qualifications.get("known", ())))
        self._hint = str(qualifications.get("hint", "a code the awarding organisation knows"))
        faults = [] if self.profile else ["profile (its name) is missing"]
        if split.get("by") == "funded" and set(self._words) != set(FUNDED_WORDS.values()):
            faults.append("split by funded needs a word for yes and one for no")
        try:
            self._pattern = re.compile(str(qualifications.get("pattern", ".+")), re.ASCII)
        except re.error:
            faults.append("the pattern of qualifications is not a regular expression")
        if faults:
            raise DefinitionError(origin, faults)

    def refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """Where the profile's limits do not hold: lengths, codes, qualification; nothing is ever truncated."""
        found = list(self._table.findings(registration))
        fields = {finding.field for finding in found}
        if self._words and registration.funded is None and "funded" not in fields:
            found.append(funded_unknown())
        if "qualification" not in fields:
            found += self._qualification(registration.qualification)
        return tuple(found)

    def split(self, registrations: Sequence[Registration]) -> Sequence[tuple[str, Sequence[Registration]]]:
        """The registrations by file, in their order, each with the word its file name ends in.

        Raises FileRefused for a learner of whom it is not known whether they are funded, where that decides.
        """
        if not self._words:
            return [(self._whole, list(registrations))] if registrations else []
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
        return [(word, files[word]) for word in self._words.values() if word in files]

    def write_registration(self, registrations: Sequence[Registration], target: BinaryIO) -> str:
        """Write one file and give its extension; raises FileRefused before a byte is written."""
        refuse_unfit(self.profile, registrations, self.refusals)
        if self._words and len({one.funded for one in registrations}) > 1:
            rule = "funded and non-funded learners stand in one file"
            raise FileRefused(self.profile, rule, "Write a file for each.")
        self._table.write(registrations, target)
        return self._extension

    def read_confirmation(self, path: Path) -> Confirmation:
        """Read the CSV or XLSX file that names candidate and order numbers; raises FileRefused."""
        table = read_table(path)
        return Confirmation(name=table.name, digest=table.digest, rows=self._confirmation.read(table))

    def _qualification(self, text: str) -> list[Finding]:
        if not text.strip():
            return [missing("qualification")]
        if self._pattern.fullmatch(text) and (not self._known or text in self._known):
            return []
        message = "Qualification is not one the profile knows"
        return [Finding("refused", "qualification", "unknown_qualification", message, f"Use {self._hint}.")]
