"""Rules: named pure checks, and what they said.

A rule is asked with everything it declared a need for and answers with the objections it has. It never reads
a file, a clock or a database, so the same question always gets the same answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

import orjson

Severity = Literal["block", "warn"]
Asked = TypeVar("Asked")


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing a rule has to say: a code, the field it is about and a message that tells the fix.

    The message is stored in the log, so it never holds a personal value; `hint` is for the screen only.
    """

    code: str
    message: str
    field: str = ""
    severity: Severity = "block"
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule said about one case; it holds unless an objection blocks."""

    rule: str
    version: int
    objections: tuple[Objection, ...] = ()

    @property
    def held(self) -> bool:
        """Whether the rule lets the case pass."""
        return not self.objections or not any(o.severity == "block" for o in self.objections)

    @property
    def name(self) -> str:
        """Rule code and version, as stored: D1.1."""
        return f"{self.rule}.{self.version}"


@dataclass(frozen=True, slots=True)
class Rule(Generic[Asked]):
    """A named check with a version; `needs` names the facts it must be handed.

    Raise the version whenever what it accepts changes: events name the version they were judged by.
    """

    code: str
    version: int
    title: str
    check: Callable[[Asked], Iterable[Objection]]
    needs: frozenset[str] = frozenset()
    severity: Severity | None = None
    """None leaves each objection its own weight; `warn` and `block` set it for all of them."""
    clear: Verdict = field(init=False, repr=False, compare=False)
    """What it says when it has nothing to say; one object, because most answers are this one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "clear", Verdict(self.code, self.version))

    def ask(self, asked: Asked) -> Verdict:
        """Put the question and keep the answer."""
        said = tuple(self.check(asked))
        if not said:
            return self.clear
        if self.severity is not None:
            said = tuple(replace(o, severity=self.severity) for o in said)
        return Verdict(self.code, self.version, said)

    def weighing(self, severity: Severity) -> Rule[Asked]:
        """The same rule with another weight, as a centre or a transition may set it."""
        return replace(self, severity=severity)


def rule_set_version(rules: Mapping[str, Rule[Any]]) -> str:
    """Twelve hexadecimal digits that change when a rule is added, dropped, re-versioned or re-weighed."""
    listing = sorted((rule.code, rule.version, rule.severity or "") for rule in rules.values())
    return hashlib.sha256(orjson.dumps(listing)).hexdigest()[:12]
