"""Days on which nothing is due: public holidays of a nation, and the centre's own."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any, Final

SUBDIVISIONS: Final = {"england": "ENG", "wales": "WLS", "scotland": "SCT", "northern_ireland": "NIR"}


class ClosedDays:
    """Days a nation's offices are closed, and the centre's own; the holiday table is loaded when first asked."""

    def __init__(self, nation: str, own: list[str]) -> None:
        self._nation, self._own = nation, {date.fromisoformat(day) for day in own}

    @cached_property
    def _public(self) -> Any:
        import holidays  # noqa: PLC0415 - slow to import, and most commands never count days

        return holidays.country_holidays("GB", subdiv=SUBDIVISIONS[self._nation])

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and (day in self._own or day in self._public)
