"""docs/questions.md: every question of the catalogue with the command and what it answers on the demonstration."""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import time_machine

from states.reports.questions import QUESTIONS
from tests.unit.commands import run

MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
LIST = "ilm-list.csv"
BEFORE: tuple[tuple[str, ...], ...] = (
    ("learner", "show", "P-001"),
    ("ilm", "reconcile", LIST),
    ("learner", "withdraw", "P-005", "--reason", "left_course", "--at", "2026-08-31"),
    ("cohort", "import", "practice-cohort.csv", "--cohort", "PRACTICE-2026", "--start", "2026-08-10", "--register-by",
     "2026-08-20"),
)  # fmt: skip
"""What happens after the demonstration, so that each question has something to answer."""

ASKED: dict[str, tuple[str, ...]] = {
    "Q1": ("--learner", "P-008"),
    "Q2": ("--learner", "P-008", "--at", "2026-08-25", "--known-at", "2026-08-31"),
    "Q3": ("--actor", "Practice Administrator", "--since", "2026-09-02", "--until", "2026-09-02"),
    "Q4": ("--rule", "D6"),
    "Q5": ("--learner", "P-008"),
    "Q6": ("--learner", "P-001"),
    "Q7": ("--learner", "P-008"),
    "Q8": ("--until", "2026-09-06"),
    "R1": ("--learner", "P-001"),
    "R2": ("--learner", "P-009"),
    "R3": ("--learner", "P-008"),
}
"""The filters each question is asked with."""

MARKS = (
    (re.compile(r"(ulnflow-practice/\d+/)[0-9a-f]{16}"), r"\1ORIGIN"),
    (re.compile(r"root [0-9a-f]{64}"), "root ROOT"),
    (re.compile(r"ulnflow \d+\.\d+\.\d+\S*?(?=[;\s])"), "ulnflow VERSION"),
)
"""What differs from one demonstration to the next, and the mark that stands for it."""

NOT_ASKED = {
    "Q16": "The answer is files, not rows: a folder or a zip with proofs and what checks them.",
}


def settled(text: str) -> str:
    """A text as it is each time: marks for what differs, no blanks at the ends of lines."""
    for pattern, mark in MARKS:
        text = pattern.sub(mark, text)
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def typed(words: tuple[str, ...]) -> str:
    """A command as a person types it."""
    return " ".join(["ulnflow", *(f'"{word}"' if " " in word else word for word in words)])


def play(folder: Path, clock: Any) -> None:
    """The demonstration in a new folder, and what happens after it; each command takes a minute."""
    commands = [("demo", str(folder)), *(("--folder", str(folder), *words) for words in BEFORE)]
    for words in commands:
        result = run(*(folder / word if word == LIST or word.endswith("cohort.csv") else word for word in words))
        assert result.code in {0, 1}, result.out + result.err
        if words[0] == "demo":
            (folder / LIST).write_text("Reference\nP-001\nP-002\nP-999\n")
        clock.shift(timedelta(minutes=1))


@cache
def answers() -> dict[str, tuple[str, int, str, str]]:
    """Each question as it was typed, with the exit code, standard output and standard error, by its number."""
    found = {}
    with tempfile.TemporaryDirectory() as place, time_machine.travel(MONDAY, tick=False) as clock:
        folder = Path(place) / "practice"
        play(folder, clock)
        for question in QUESTIONS:
            words = ("audit", "ask", question.name, *ASKED.get(question.number, ()))
            result = run("--folder", folder, *words)
            found[question.number] = (typed(words), result.code, settled(result.out), settled(result.err))
            clock.shift(timedelta(minutes=1))
    return found


def page() -> str:
    """The page."""
    parts = [
        f"""# Questions

What an auditor asks, the command, and its answer on the demonstration: the practice cohort of `ulnflow demo`, played on
Monday 7 September 2026 at nine, and these commands after it:

```sh
ulnflow demo ulnflow-practice && cd ulnflow-practice
printf 'Reference\\nP-001\\nP-002\\nP-999\\n' > {LIST}
{chr(10).join(typed(words) for words in BEFORE)}
```

`ulnflow audit ask` lists the questions. Every answer says what it rests on: whose log, how large, its root, the time, the
version, and whether the log held; in a table and CSV on standard error, in JSON in an envelope, in ndjson as the first
object. The whole log is verified first. With `--no-verify` the answer says so, and the exit code is 3. It is 1 where an
answer is one of findings, so that a scheduled job can watch Q7, Q9, Q10, Q11, Q12, Q15 and R1. What cannot be judged is a
finding too, counted apart. That a question was asked is recorded, with the number of rows and never the answer. Learners
are named by reference; no answer names a learner.

`ORIGIN`, `ROOT` and `VERSION` stand where each log has its own.
"""
    ]
    for question in QUESTIONS:
        command, code, out, err = answers()[question.number]
        parts.append(f"## {question.number}: {question.words}\n")
        parts.append(f"```text\n$ {command}\n{out}{chr(10) if out else ''}{err}\n```\n")
        notes = [f"Exit code {code}." if code else ""]
        notes.append(NOT_ASKED.get(question.number, ""))
        if question.takes:
            notes.append("It takes " + ", ".join(f"`--{name.replace('_', '-')}`" for name in question.takes) + ".")
        if question.ask is not None and question.command:
            notes.append(f"See also `{question.command}`.")
        parts.append(" ".join(note for note in notes if note) + "\n" if any(notes) else "")
    return "\n".join(part for part in parts if part)
