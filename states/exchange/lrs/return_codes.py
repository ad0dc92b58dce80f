"""What the return codes of an LRS reply mean, as a table that was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from workflow.errors import DefinitionError

Outcome = Literal["success", "exception", "rejected", "unknown"]

KINDS: Final = ("new", "updated", "success", "possible", "not_found", "exception", "rejected", "unknown")
"""Kinds of answer: the five of the LRS's own totals, and the class where it is not known which of them."""

UNREADABLE: Final = "?"
"""Stands for a code cell that is empty or holds something else: what it held is not shown, it may be personal."""

_CODE: Final = re.compile(r"[A-Z]{1,6}[0-9]{1,6}", re.ASCII)
_SHORT: Final = re.compile(r"RC0*([0-9]{1,3})", re.ASCII)
_CLASSES: Final[dict[str, Outcome]] = {
    "success": "success",
    "exception": "exception",
    "rejected": "rejected",
}


class ReturnCodes:
    """Return codes by their class and meaning; raises DefinitionError with every fault of the table."""

    def __init__(self, raw: Mapping[str, Any], origin: str = "lrs/return_codes.toml") -> None:
        self._known: dict[str, tuple[Outcome, str]] = {}
        self._kinds: dict[str, str] = {}
        self._alias: dict[str, str] = {}
        faults: list[str] = []
        for entry in raw.get("code", ()):
            self._add(entry, faults)
        if not self._known:
            faults.append("it lists no code")
        faults += [f"[{name}] needs a meaning" for name in ("unknown", "unreadable") if not _say(raw.get(name))]
        if faults:
            raise DefinitionError(origin, faults)
        self._unknown, self._unreadable = _say(raw["unknown"]), _say(raw["unreadable"])

    def normalise(self, text: str) -> str:
        """The code in its full form: RC10 is RC010, an alias its code, `?` what is no code at all."""
        code = text.strip().upper()
        if code in self._alias:
            return self._alias[code]
        short = _SHORT.fullmatch(code)
        if short:
            return f"RC{int(short[1]):03}"
        return code if _CODE.fullmatch(code) else UNREADABLE

    def classify(self, text: str) -> tuple[Outcome, str]:
        """The class of a code, in any of its spellings, and its meaning with the fix; unknown is never success."""
        code = self.normalise(text)
        if code == UNREADABLE:
            return "unknown", self._unreadable
        return self._known.get(code, ("unknown", self._unknown))

    def kind(self, text: str) -> str:
        """The line of the LRS's own totals that an answer with this code belongs to, one of `KINDS`."""
        return self._kinds.get(self.normalise(text), "unknown")

    def _add(self, entry: Mapping[str, Any], faults: list[str]) -> None:
        code = str(entry.get("code", ""))
        outcome = _CLASSES.get(str(entry.get("class", "")))
        if not _CODE.fullmatch(code) or code in self._known:
            faults.append(f"code {code or '(none)'} is not a code, or stands twice")
        if outcome is None or not _say(entry):
            faults.append(f"code {code}: needs a class (success, exception, rejected) and a meaning")
            return
        kind = str(entry.get("kind", outcome))
        if kind not in KINDS:
            faults.append(f"code {code}: kind must be one of {', '.join(KINDS)}")
        self._known[code], self._kinds[code] = (outcome, _say(entry)), kind
        for alias in (code, *entry.get("aliases", ())):
            owner = self._alias.setdefault(str(alias).upper(), code)
            faults += [f"code {code}: alias {alias} belongs to {owner}"] if owner != code else []


def _say(entry: Mapping[str, Any] | None) -> str:
    """Meaning and fix as one text."""
    return " ".join(str(entry[key]) for key in ("meaning", "fix") if entry.get(key)) if entry else ""
