"""What came of each row of a cohort sheet: kept small for very many rows, and worded for people at the end."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from states.addressed import addressed
from states.sheet_ports import Finding, RowResult
from states.tally import Refusal, Tally
from workflow import Outcome

SHOWN: Final = 500
"""How many things to put right are shown one by one; the sheet that goes back has all of them."""
FIRST: Final = 6

ADDED, UPDATED, UNCHANGED, ELSEWHERE, REFUSED = "added", "updated", "unchanged", "elsewhere", "refused"
WORDS: Final = (ADDED, UPDATED, UNCHANGED, ELSEWHERE, REFUSED)
WAS_ERASED: Final = Finding(
    "refused", "reference", "erased", "a learner of this reference was erased, and the log keeps the reference",
    "Give whoever comes back a new learner reference.",
)  # fmt: skip
COUNTED: Final = {
    ADDED: "learners added",
    UPDATED: "learners updated",
    UNCHANGED: "learners unchanged",
    ELSEWHERE: "rows refused",
    REFUSED: "rows refused",
}
NOT_TAKEN: Final = "good rows not taken, because others were refused"
NOT_READY: Final = "need attention before the LRS"


class Answer(NamedTuple):
    """What came of a row: its number, its learner's reference, a word, the case (None where there is none)."""

    row: int
    reference: str
    word: str
    case: int | None
    findings: tuple[Finding, ...]


class Answers:
    """The answers of all rows in their order; some forty bytes each, and findings that rows share are held once."""

    def __init__(self) -> None:
        self._rows, self._cases, self._said = array("q"), array("q"), array("q")
        self._words = bytearray()
        self._references: list[str] = []
        self._places: dict[tuple[Finding, ...], int] = {}
        self._findings: list[tuple[Finding, ...]] = []
        self.refused = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: int, reference: str, word: str, case: int | None, findings: tuple[Finding, ...]) -> None:
        """Keep the answer of the next row."""
        place = self._places.setdefault(findings, len(self._findings))
        if place == len(self._findings):
            self._findings.append(findings)
        self._rows.append(row)
        self._cases.append(case or 0)
        self._said.append(place)
        self._words.append(WORDS.index(word))
        self._references.append(reference)
        self.refused += word in {ELSEWHERE, REFUSED}

    def chunks(self, size: int) -> Iterator[list[Answer]]:
        """The answers, so many at a time."""
        for start in range(0, len(self), size):
            yield [
                Answer(
                    self._rows[at],
                    self._references[at],
                    WORDS[self._words[at]],
                    self._cases[at] or None,
                    self._findings[self._said[at]],
                )
                for at in range(start, min(start + size, len(self)))
            ]


@dataclass(slots=True)
class Group:
    """Rows of which the same was noticed: the first few, and how many."""

    rows: list[int] = field(default_factory=list)
    count: int = 0


@dataclass(slots=True)
class Noticed:
    """What was noticed in a sheet, in an amount that can be shown."""

    heavy: list[tuple[int, str, Finding]] = field(default_factory=list)
    """(row, reference, finding) of the first things to put right."""
    more: int = 0
    """How many things there are beside, to put right or to know."""
    notes: dict[tuple[str, str], Group] = field(default_factory=dict)
    """(field, message) -> where it was understood so."""
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(weight, field, code) -> in how many rows."""

    def add(self, row: int, reference: str, findings: Sequence[Finding]) -> None:
        """Take in what was noticed in a row."""
        for finding in findings:
            self.counts[finding.weight, finding.field, finding.code] += 1
            if finding.weight != "note":
                if len(self.heavy) < SHOWN:
                    self.heavy.append((row, reference, finding))
                else:
                    self.more += 1
                continue
            if len(self.notes) >= SHOWN and (finding.field, finding.message) not in self.notes:
                self.more += 1
                continue
            group = self.notes.setdefault((finding.field, finding.message), Group())
            group.count += 1
            if len(group.rows) < FIRST:
                group.rows.append(row)


def worded(
    answer: Answer, outcome: Outcome | None, more: Sequence[Finding], tally: Tally, noticed: Noticed, *, kept: bool
) -> RowResult:
    """Word what came of a row, and count it; `outcome` is what the rules of submission say of its case today.

    What the sheet leaves out but is on file is no fault. Where nothing of the sheet is `kept`, a good row says so.
    """
    ready = outcome is None or outcome.accepted
    filled = ready and answer.word in {UPDATED, UNCHANGED}
    findings = [f for f in answer.findings if not (filled and f.weight == "missing")]
    findings += more
    findings += _objections(outcome, findings)
    findings = [_to(answer.reference, finding) for finding in findings]
    noticed.add(answer.row, answer.reference, findings)
    refused = answer.word in {ELSEWHERE, REFUSED}
    tally.counts[COUNTED[answer.word] if kept or refused else NOT_TAKEN] += 1
    if refused:
        tally.refusals += [
            Refusal(answer.reference, "", "sheet", f.code, f.field, f.message)
            for f in findings
            if f.weight == "refused"
        ]
    if not ready and kept:
        tally.counts[NOT_READY] += 1
    return _result(answer, findings, ready=ready, kept=kept)


def _to(reference: str, finding: Finding) -> Finding:
    said, fix = addressed(finding.message, reference), addressed(finding.fix, reference)
    return finding if (said, fix) == (finding.message, finding.fix) else replace(finding, message=said, fix=fix)


def _objections(outcome: Outcome | None, findings: Sequence[Finding]) -> list[Finding]:
    if outcome is None:
        return []
    told = {f.field for f in findings if f.weight in {"missing", "malformed", "refused"}}
    return [
        Finding("missing", said.field, said.code, said.message) if said.severity == "block"
        else Finding("note", said.field, said.code, said.message)
        for verdict in outcome.verdicts
        for said in verdict.objections
        if said.field not in told
    ]  # fmt: skip


def _result(answer: Answer, findings: Sequence[Finding], *, ready: bool, kept: bool) -> RowResult:
    """A row's answer in the sheet; a cell that was left out although the learner is ready is to be checked."""
    shown = {ADDED: "Added", UPDATED: "Updated", UNCHANGED: "Unchanged"}
    result = shown.get(answer.word, "Refused")
    if result != "Refused" and not kept:
        result = "Not taken, because other rows were refused"
    elif result != "Refused" and not ready:
        result += ", not ready for the LRS"
    elif result != "Refused" and any(f.weight in {"missing", "malformed"} for f in findings):
        result += ", please check"
    fixes = tuple(dict.fromkeys(" ".join(filter(None, (_sentence(f.message), _sentence(f.fix)))) for f in findings))
    return RowResult(row=answer.row, result=result, fixes=fixes)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "." if words else ""
