"""What a rule may look at: the question, the centre's policy, and the facts it declared a need for."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from states.learner.details import Details
from states.registration import Window
from states.sheet_ports import Finding
from workflow import Question


@dataclass(frozen=True, slots=True)
class Policy:
    """What a centre decided: who updates the LAR of a late ULN, which days are closed, which ID types exist.

    `windows` are the registration windows by qualification, the usual one under no name. `placeholder_days` is how
    long a funded aim may go without a ULN. `second_person` tells whether somebody else must agree to corrections and
    waivers, `mails` whether messages go out by a mail server of the centre.
    """

    late_uln: Literal["ilm", "centre"] = "centre"
    closed: Container[date] = frozenset()
    id_types: Mapping[str, str] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    placeholder_days: int = 60
    second_person: bool = True
    mails: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What the LRS answered: the ULN, the details it sent back for the fields it has, older ULNs merged into it."""

    uln: str
    echo: Details | None = None
    echoed: frozenset[str] = frozenset()
    decided: bool = False
    linked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whom a cohort waits for: how many (`more` when it was not counted further), and the first few by reference."""

    count: int = 0
    first: Sequence[str] = ()
    more: bool = False


@dataclass(slots=True, repr=False)
class Asked:
    """Everything a rule may look at. Fields beyond question and policy are filled when a rule declares its need."""

    question: Question
    policy: Policy
    details: Details = field(default_factory=Details)
    sent: Details | None = None
    uln: str = ""
    held_uln: str = ""
    reported_wrong: bool = False
    holders: Sequence[str] = ()
    twins: Sequence[str] = ()
    open_lrs: Sequence[int] = ()
    open_registration: Sequence[int] = ()
    member_of: Sequence[int] = ()
    dispatch_state: str = ""
    waiting: Waiting = Waiting()
    waived: bool = False
    limits: Sequence[Finding] = ()
    addressed: bool = True

    @property
    def answer(self) -> Answer | None:
        """The answer this move carries, if any."""
        private = self.question.move.private
        return private if isinstance(private, Answer) else None
