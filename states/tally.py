"""What a step did, counted from its outcomes: numbers, what was refused and why, files, and words for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow import Outcome


@dataclass(frozen=True, slots=True)
class Refusal:
    """One learner held back by one rule; the hint is for the screen alone."""

    reference: str
    state: str
    rule: str
    code: str
    field: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FileMade:
    """A file that was written: its number in the register, where it is, how many learners it holds."""

    dispatch: int
    name: str
    path: Path
    learners: int


@dataclass(slots=True)
class Tally:
    """What a command did; `counts` is worded for people and ordered as things happened."""

    counts: Counter[str] = field(default_factory=Counter)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    files: list[FileMade] = field(default_factory=list)
    next: list[str] = field(default_factory=list)

    def add(self, outcomes: Sequence[Outcome], names: Mapping[int, str], word: str) -> None:
        """Count outcomes under a word for those accepted, and keep each refusal."""
        for outcome in outcomes:
            reference = names.get(outcome.case, str(outcome.case))
            if outcome.result == "repeated":
                self.counts["done before, nothing changed"] += 1
            elif outcome.accepted:
                self.counts[word] += 1
            else:
                self.counts["refused"] += 1
                self.refuse(outcome, reference)
            for verdict in outcome.verdicts:
                for said in verdict.objections:
                    if said.severity == "warn":
                        self.warnings[f"{verdict.rule}: {said.message}"] += 1

    def refuse(self, outcome: Outcome, reference: str) -> None:
        """Keep why an outcome was a no."""
        if outcome.result == "no_such_transition":
            self.refusals.append(
                Refusal(
                    reference, outcome.source, "route", "no_such_transition", "",
                    f"this step does not leave the state {outcome.source}; see: ulnflow learner why {reference}",
                )
            )  # fmt: skip
        for verdict in outcome.refusals:
            for said in verdict.objections:
                if said.severity == "block":
                    self.refusals.append(
                        Refusal(reference, outcome.source, verdict.rule, said.code, said.field, said.message, said.hint)
                    )

    @property
    def refused(self) -> int:
        """How many learners were refused."""
        return len({refusal.reference for refusal in self.refusals})
