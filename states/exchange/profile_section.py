"""A profile read key by key: what is wrong with it is told all at once, each fault with its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from workflow.errors import DefinitionError

DATE_PARTS: Final = ("DD", "MM", "YYYY")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong in a profile: its place, such as `column 3 max` or `split by`, and what."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.place else self.what


def refuse_flawed(origin: str, flaws: Sequence[Flaw]) -> None:
    """Raise DefinitionError with every flaw there is."""
    if flaws:
        raise DefinitionError(origin, [str(flaw) for flaw in flaws])


class Section:
    """One table of a profile; `done` notes the keys nobody asked for, so that no slip stays unseen."""

    def __init__(self, raw: Any, place: str, flaws: list[Flaw]) -> None:
        self.place, self.flaws = place, flaws
        self._raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        self._asked: set[str] = set()
        if not isinstance(raw, Mapping):
            self.flaw("", "must be a table")

    def flaw(self, key: str, what: str) -> None:
        """Note what is wrong with a key, or with the table where none is named."""
        self.flaws.append(Flaw(" ".join(filter(None, (self.place, key))), what))

    def has(self, key: str) -> bool:
        """Whether a key stands there."""
        return key in self._raw

    def text(self, key: str, default: str = "", *, needed: bool = False) -> str:
        """A text."""
        value = self._get(key, default)
        if not isinstance(value, str):
            self.flaw(key, "must be a text in quotes")
            return default
        if needed and not value.strip():
            self.flaw(key, "is missing")
        return value

    def number(self, key: str, *, low: int = 1) -> int | None:
        """A whole number from `low`, None when it is not there."""
        value = self._get(key, None)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            self.flaw(key, f"must be a whole number from {low}")
            return None
        return value

    def flag(self, key: str) -> bool:
        """True or false, false when it is not there."""
        value = self._get(key, default=False)
        if not isinstance(value, bool):
            self.flaw(key, "must be true or false")
        return value is True

    def day(self, key: str) -> date | None:
        """A day, written as YYYY-MM-DD without quotes."""
        value = self._get(key, None)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            self.flaw(key, "must be a day as YYYY-MM-DD, without quotes")
            return None
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty when it is not there."""
        value = self._get(key, [])
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.flaw(key, 'must be a list of texts, such as ["one", "two"]')
            return ()
        return tuple(value)

    def words(self, key: str) -> Mapping[str, str] | None:
        """Texts by text, None when it is not there."""
        value = self._get(key, None)
        if value is None:
            return None
        if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value.values()):
            self.flaw(key, 'must be pairs of texts, such as { yes = "Y", no = "N" }')
            return {}
        return dict(value)

    def date_format(self, key: str, default: str) -> str:
        """A pattern made of DD, MM and YYYY."""
        pattern = self.text(key, default)
        if any(pattern.count(part) != 1 for part in DATE_PARTS):
            self.flaw(key, "the date format needs DD, MM and YYYY, each once")
            return default
        return pattern

    def table(self, key: str) -> Section:
        """A table within this one, empty when it is not there."""
        return Section(self._get(key, {}), " ".join(filter(None, (self.place, key))), self.flaws)

    def tables(self, key: str) -> list[Section]:
        """The tables of a list within this one, numbered from 1 in their places."""
        value = self._get(key, [])
        place = " ".join(filter(None, (self.place, key)))
        if not isinstance(value, list):
            self.flaw(key, f"must be written as [[{place.replace(' ', '.')}]]")
            return []
        return [Section(one, f"{place} {number}", self.flaws) for number, one in enumerate(value, start=1)]

    def names(self) -> tuple[str, ...]:
        """The keys that stand there."""
        return tuple(self._raw)

    def done(self) -> None:
        """Note every key that was not asked for."""
        for key in self._raw:
            if key not in self._asked:
                self.flaw(key, "is not a key ulnflow knows here; look at the spelling")

    def _get(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        return self._raw.get(key, default)
