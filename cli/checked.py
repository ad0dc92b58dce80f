"""Shows what is wrong with a file: by rule and line for people, a finding each for machines; never a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cli.options import Form
from cli.render import say, show, show_each, show_one
from states.exchange.lrs.check import Checked, Group

LINES_SHOWN: Final = 5
COLUMNS: Final = ("line", "learner", "column", "rule", "message", "fix")
KINDS: Final = {"batch": "batch", "reply": "reply", "verify": "answer to verified ULNs"}


def show_checked(checked: Checked, form: Form) -> None:
    """Print the findings and the totals of a file: in a table equal findings stand together."""
    if form is Form.json:
        show_one({**_summary(checked), "findings": list(_each(checked))}, form)
    elif form is Form.table:
        show_one(_summary(checked), form)
        if checked.groups:
            show([_grouped(group) for group in checked.groups], form, title="To put right")
    else:
        show_each(_each(checked), form, columns=COLUMNS)
        say("; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in _summary(checked).items()))


def _summary(checked: Checked) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "file": checked.name,
        "kind": KINDS[checked.kind],
        "format": checked.form.upper(),
        "learners": checked.learners,
    }
    if checked.totals:
        summary |= {"answers": checked.totals, "codes": checked.codes}
    return {**summary, "number_of_findings": checked.findings}


def _each(checked: Checked) -> Iterator[dict[str, Any]]:
    for group in checked.groups:
        for line, row in zip(group.lines, group.rows, strict=True):
            yield {
                "line": line or None, "learner": row or None, "column": group.column, "rule": group.rule,
                "message": group.message, "fix": group.fix,
            }  # fmt: skip


def _grouped(group: Group) -> dict[str, Any]:
    numbers, word = (group.lines, "line") if any(group.lines) else (group.rows, "learner")
    places = [str(number) for number in numbers[:LINES_SHOWN] if number]
    more = " ..." if len(numbers) > LINES_SHOWN else ""
    where = f"{word}{'s' if len(places) > 1 else ''} {', '.join(places)}{more}" if places else "the file"
    return {
        "where": where, "how often": len(numbers), "column": group.column, "rule": group.rule,
        "what is wrong": group.message, "how to fix": group.fix,
    }  # fmt: skip
