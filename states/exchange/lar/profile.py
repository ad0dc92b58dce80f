"""The LAR system of the alternative route served by files that a profile describes; no layout here is official."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from states.exchange.columns import ColumnTable, refuse_unfit
from states.ports import Finding, Registration


class ProfiledLar:
    """Port `LarSystem` from a parsed profile; raises DefinitionError when the profile cannot be right.

    Beside the port it tells the profile's name and `label`, to be shown to whoever uploads the file.
    """

    def __init__(self, profile: Mapping[str, Any]) -> None:
        self.profile = str(profile.get("profile", ""))
        self.label = str(profile.get("label", ""))
        date_format = str(profile.get("date_format", "YYYY-MM-DD"))
        self._learners, self._cross_reference = (
            ColumnTable(
                f"profile {self.profile or '(unnamed)'}, {part}",
                profile.get(part, {}).get("column", ()),
                date_format=date_format,
            )
            for part in ("learners", "cross_reference")
        )

    def learner_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the file that adds learners; empty when all fits."""
        return self._learners.findings(registration)

    def cross_reference_refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """What does not fit the cross-reference file; empty when all fits."""
        return self._cross_reference.findings(registration)

    def write_learners(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that adds learners; raises FileRefused before a byte is written."""
        refuse_unfit(f"{self.profile} learners", registrations, self.learner_refusals)
        self._learners.write(registrations, target)

    def write_cross_reference(self, registrations: Sequence[Registration], target: BinaryIO) -> None:
        """Write the file that ties each ULN to its candidate number; raises FileRefused before a byte is written."""
        refuse_unfit(f"{self.profile} cross-reference", registrations, self.cross_reference_refusals)
        self._cross_reference.write(registrations, target)
