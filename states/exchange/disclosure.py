"""What is handed out to a learner: the same record as JSON for machines and as a page for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from states.exchange.outbox import PENDING, Outbox
from states.ports import FileDraft
from workflow.errors import DefinitionError

TEMPLATE: Final = "disclosure.html"
PAGES: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True, trim_blocks=True)
TITLES: Final = {
    "details": "Your details, each version",
    "ulns": "Your Unique Learner Numbers",
    "cases": "Your registrations, and where each stands",
    "files": "Files you are or were in, and whether they were sent",
    "reasons": "Reasons given in somebody's own words",
    "trail": "Everything that happened, and who did it",
}
"""Part of the record -> its heading on the page."""


class Disclosures:
    """Writes what is handed out into a folder: whole or not at all, for its owner alone, never over another file."""

    def __init__(self, folder: Path, template: str, centre: str, day: date) -> None:
        self._folder, self._template, self._centre, self._day = folder, template, centre, day
        self._outbox = Outbox(folder)

    def draft(self, number: int, record: Mapping[str, Any]) -> list[FileDraft]:
        """Write both files under names that tell nothing but the learner's number here and the day.

        Raises FileRefused, and DefinitionError for a template that cannot be filled.
        """
        name = f"disclosure-{number}-{self._day:%Y%m%d}"
        drafts: list[FileDraft] = []
        try:
            for suffix, write in ((".json", _json(record)), (".html", self._page(record))):
                drafts.append(self._outbox.draft(name + suffix, write))
        except BaseException:
            self.discard(drafts)
            raise
        return drafts

    def publish(self, drafts: Sequence[FileDraft]) -> list[Path]:
        """Give the files their names; raises FileRefused."""
        paths = [self._outbox.publish(draft) for draft in drafts]
        self._tidy()
        return paths

    def discard(self, drafts: Sequence[FileDraft]) -> None:
        """Remove what will not be handed out."""
        for draft in drafts:
            self._outbox.discard(draft)
        self._tidy()

    def _page(self, record: Mapping[str, Any]) -> Callable[[BinaryIO], None]:
        tables = [(title, _rows(record[part])) for part, title in TITLES.items()]
        try:
            text = PAGES.from_string(self._template).render(
                centre=self._centre or "the centre", day=self._day.isoformat(), found=record, tables=tables
            )
        except (TemplateError, TypeError, ValueError, LookupError, AttributeError) as wrong:
            raise DefinitionError(TEMPLATE, [f"it cannot be filled ({type(wrong).__name__})"]) from None

        def write(target: BinaryIO) -> None:
            target.write(text.encode())

        return write

    def _tidy(self) -> None:
        with suppress(OSError):  # another command is writing there, or it is gone already
            (self._folder / PENDING).rmdir()


def _json(record: Mapping[str, Any]) -> Callable[[BinaryIO], None]:
    data = orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n"

    def write(target: BinaryIO) -> None:
        target.write(data)

    return write


def _rows(part: Any) -> Sequence[Mapping[str, Any]]:
    """A part of the record as rows of the page."""
    return (
        [{"entry of the log": at, "words": words} for at, words in part.items()] if isinstance(part, Mapping) else part
    )
