"""Several awarding organisations side by side: one profile for most qualifications, others for those that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from states.errors import NotPossible
from states.exchange.awarding.profile import ProfiledAwardingBody
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


class AwardingBodies:
    """Port `AwardingBody`: each qualification goes by the profile that is named for it, all others by the usual one."""

    def __init__(self, usual: ProfiledAwardingBody, by_qualification: Mapping[str, ProfiledAwardingBody]) -> None:
        self._usual, self._own = usual, by_qualification
        self._by_name = {one.profile: one for one in (usual, *by_qualification.values())}

    def windows(self) -> dict[str, Window]:
        """The registration windows by qualification; under no name the usual one."""
        bodies = {"": self._usual, **self._own}
        return {code: body.window or Window() for code, body in bodies.items()}

    def refusals(self, registration: Registration) -> tuple[Finding, ...]:
        """Where the limits of the qualification's profile do not hold."""
        return self._of(registration.qualification).refusals(registration)

    def split(self, registrations: Sequence[Registration]) -> list[RegistrationFile]:
        """The registrations by file: profiles apart, then as each profile splits them."""
        parts: dict[str, list[Registration]] = {}
        for one in registrations:
            parts.setdefault(self._of(one.qualification).profile, []).append(one)
        return [file for name, part in parts.items() for file in self._by_name[name].split(part)]

    def write_registration(self, file: RegistrationFile, target: BinaryIO) -> None:
        """Write one file by its profile; raises FileRefused before a byte is written."""
        self._by_name[file.profile].write_registration(file, target)

    def read_confirmation(self, path: Path, *, profile: str = "", sheet: str | None = None) -> Confirmation:
        """Read the file that names candidate and order numbers; raises FileRefused, NotPossible."""
        return self._named(profile).read_confirmation(path, sheet=sheet)

    def read_mismatches(self, path: Path, *, profile: str = "", sheet: str | None = None) -> MismatchReport:
        """Read a report of learners that do not match; raises FileRefused, NotPossible."""
        return self._named(profile).read_mismatches(path, sheet=sheet)

    def read_list(self, path: Path, *, profile: str = "", sheet: str | None = None) -> BodyList:
        """Read the organisation's own list of learners; raises FileRefused, NotPossible."""
        return self._named(profile).read_list(path, sheet=sheet)

    def differences(self, row: ListedRow, registration: Registration) -> tuple[Difference, ...]:
        """Where its list says something else than we do."""
        return self._of(registration.qualification).differences(row, registration)

    def serves(self, qualification: str, profile: str = "") -> bool:
        """Whether a profile is the one a qualification is registered by."""
        return self._of(qualification) is self._named(profile)

    def _of(self, qualification: str) -> ProfiledAwardingBody:
        return self._own.get(qualification, self._usual)

    def _named(self, profile: str) -> ProfiledAwardingBody:
        if profile and profile not in self._by_name:
            raise NotPossible(
                f"no qualification goes by profile {profile}; in use: {', '.join(self._by_name)}", profile
            )
        return self._by_name[profile] if profile else self._usual
