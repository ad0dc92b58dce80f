"""What is asked of a case, by whom, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from unicodedata import is_normalized

from workflow.case import Standing
from workflow.errors import ActRefused
from workflow.event import EMPTY
from workflow.route import Transition
from workflow.rule import Objection, Verdict

Result = Literal["moved", "noted", "refused", "no_such_transition", "unknown_case", "repeated"]
ACCEPTED: Final = frozenset({"moved", "noted", "repeated"})
LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One command: the named person (or scheduled job) behind it, and its id; a repeated id changes nothing.

    `cohorts` are those the person is kept to, None where to none: then every case is theirs.

    Raises ActRefused for an actor or command that is blank, longer than 200 characters, or not plain NFC text.
    """

    actor: str
    command: str
    command_id: str = ""
    on_behalf_of: str = ""
    approver: str = ""
    cohorts: frozenset[str] | None = None

    def __post_init__(self) -> None:
        for name in ("actor", "command", "command_id", "on_behalf_of", "approver"):
            if fault := _fault(name, getattr(self, name)):
                raise ActRefused(fault)


@lru_cache(maxsize=256)
def _fault(name: str, value: str) -> str:
    """What is wrong with a word of an act; empty when nothing. The same few people ask again and again."""
    if name in {"actor", "command"} and not value.strip():
        return f"the {name} is missing; every event names who asked for it, and by which command"
    if len(value) > LONGEST or not value.isprintable() or not is_normalized("NFC", value):
        return f"the {name} must be plain text of at most {LONGEST} characters, on one line"
    return ""


class Move(NamedTuple):
    """What is asked of one case; named by keywords, and a tuple because bulk makes millions of them.

    `on` (a day, UTC) or `occurred_at` (microseconds, UTC) say when it happened; neither means now. `reason` is a code,
    `evidence` what the move rests on, `facts` what becomes known by it, `opens` and `closes` duties. `settles` says
    what becomes of the case's place in `dispatch`. `private` is handed to the rules and never stored.
    """

    case: int
    occurred_at: int | None = None
    on: date | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = EMPTY
    facts: Mapping[str, Any] = EMPTY
    opens: tuple[str, ...] = ()
    closes: tuple[tuple[int, str], ...] = ()
    commitments: Mapping[str, str] = EMPTY
    dispatch: int | None = None
    row: int | None = None
    settles: Literal["answered", "released"] | None = None
    command_id: str = ""
    private: Any = None


PLAIN: Final = Move(0)[1:]
"""A move of which nothing is said but whose it is."""


def plain(case: int) -> Move:
    """A move of which nothing more is said, as bulk makes them by the million."""
    return tuple.__new__(Move, (case, *PLAIN))


class Question(NamedTuple):
    """A move put to a case as it stands; `occurred_at` is settled, `stated` says whether somebody named it."""

    trigger: str
    move: Move
    standing: Standing
    occurred_at: int
    stated: bool
    now: int


class Outcome(NamedTuple):
    """What came of one move. `position` is its event (0 when none was written), `after` where the case is now."""

    case: int
    trigger: str
    result: Result
    position: int = 0
    source: str = ""
    target: str = ""
    verdicts: tuple[Verdict, ...] = ()
    after: Standing | None = None

    @property
    def refusals(self) -> tuple[Verdict, ...]:
        """The verdicts that did not hold."""
        return tuple(v for v in self.verdicts if not v.held)

    @property
    def accepted(self) -> bool:
        """Whether the case is where the move asked it to be."""
        return self.result in ACCEPTED


Judged = tuple[Question, Transition | None, tuple[Verdict, ...]]
"""A question, the arrow it asks for (None where there is none), and what every rule of that said."""


def required(arrow: Transition, move: Move) -> tuple[Verdict, ...]:
    """What the route itself demands of a move: a reason, evidence."""
    missing = [
        Objection(
            f"{word}_missing",
            f"this step needs {'a reason' if word == 'reason' else 'evidence'}: {advice}",
            field=word,
        )
        for word, advice in (
            ("reason", "say why, with a reason code"),
            ("evidence", "say what it rests on, such as a file, a reference or an order number"),
        )
        if word in arrow.requires and not getattr(move, word)
    ]
    return (Verdict("given", 1, tuple(missing)),) if missing else ()
