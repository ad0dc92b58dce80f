"""A question put to the log: verified first, answered as it is read, with what the answer rests on, and recorded."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import typer

from cli.exits import FINDINGS, UNVERIFIED
from cli.options import Form
from cli.render import Counted, complain, say, show_each, show_enveloped, show_one
from states.counting import counted

if TYPE_CHECKING:
    from cli.desk import Desk
    from states.reports.asking import Filters, Question
    from states.reports.statement import Statement

LIST: Final = ("number", "name", "question", "answered_by", "takes")


def option(name: str) -> str:
    """A filter as it is typed."""
    return f"--{name.replace('_', '-')}"


def listed() -> list[dict[str, Any]]:
    """Every question with its number, its name, and the filters it takes."""
    from states.reports.questions import QUESTIONS  # noqa: PLC0415 - slow to read, and only needed here

    return [
        {
            "number": one.number, "name": one.name, "question": one.words,
            "answered_by": one.command if one.ask is None else f"ulnflow audit ask {one.name}",
            "takes": [option(name) for name in one.takes],
        }
        for one in QUESTIONS
    ]  # fmt: skip


class Watched:
    """Rows as they pass, how many of them find something, and how many of those could not be judged."""

    def __init__(self, rows: Iterable[dict[str, Any]], question: Question) -> None:
        self._rows, self._finds, self._unjudged = rows, question.finds, question.unjudged
        self.found = self.unjudged = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            if self._finds is not None and self._finds(row):
                self.found += 1
                self.unjudged += self._unjudged is not None and self._unjudged(row)
            yield row


def ask(at: Desk, question: Question, filters: Filters, form: Form, *, verifying: bool) -> int:
    """Print the answer and what it rests on, record that it was asked; returns the exit code.

    3 where the log could not be verified or was not, before 1 for findings or a log that does not hold.
    """
    from cli.desk import head_of  # noqa: PLC0415 - read already by whoever has a desk
    from cli.verifying import verify  # noqa: PLC0415 - as above
    from states.reports import statement  # noqa: PLC0415 - slow to read, and only needed here
    from states.reports.asking import answer  # noqa: PLC0415 - as above
    from states.steps import look_up  # noqa: PLC0415 - as above
    from workflow.errors import NotAllowed, SchemaMissing, StoreError  # noqa: PLC0415 - as above

    try:
        stated, report = statement.state(at.office, partial(verify, at) if verifying else None)
    except (SchemaMissing, NotAllowed):
        raise
    except StoreError as wrong:
        complain(f"The log cannot be verified, so nothing is answered. {wrong}")
        return UNVERIFIED
    notes: list[str] = []
    watched = Watched(
        answer(at.office, question, filters, report=report, nobody=_why_nobody, notes=notes), question
    )  # fmt: skip
    rows = Counted(watched)
    try:
        _show(rows, question, stated, form)
    finally:
        since = head_of(at.office) - stated.size
        if rows.begun:
            look_up.asked(at.office, at.act, question.name, reference=filters.learner, found=rows.number)
    _foot(question, stated, form, number=rows.number, watched=watched, since=since)
    for note in notes:
        say(note)
    if stated.holds is None:
        return UNVERIFIED
    return FINDINGS if watched.found or not stated.holds else 0


def _show(rows: Counted, question: Question, stated: Statement, form: Form) -> None:
    head = {"question": {"number": question.number, "name": question.name, "words": question.words},
            "log": asdict(stated)}  # fmt: skip
    if form is Form.json:
        show_enveloped(head, rows)
        return
    if form is Form.ndjson:
        show_one(head, form)
        sys.stdout.flush()
    show_each(rows, form, columns=(question.brief or question.columns) if form is Form.table else question.columns)


def _foot(question: Question, stated: Statement, form: Form, *, number: int, watched: Watched, since: int) -> None:
    """What was found, and what the answer rests on, on standard error."""
    say(f"{question.number} {question.words} {counted(number, 'row') if number else 'No row'}"
        + (f", {watched.found - watched.unjudged} to look into" if question.finds is not None else "")
        + (f", {watched.unjudged} that cannot be judged." if watched.unjudged else "."))  # fmt: skip
    if form in {Form.table, Form.csv}:
        say(f"Log {stated.origin}, {counted(stated.size, 'event')}, root {stated.root}, sealed to {stated.sealed}.")
        say(f"Asked at {stated.time} of {stated.product}; verified: {stated.verified}.")
    if since:
        say(f"Written while this was answered: {counted(since, 'event')}; the root is of the {stated.size} before.")
    if stated.holds is False:
        say("See: ulnflow audit verify")


def _why_nobody(name: str) -> str:
    """Why a name in the log is no person who may act here; empty for one who is."""
    from cli import people  # noqa: PLC0415 - read already by whoever has a desk

    return "names nobody in particular" if people.names_nobody(name) else ""


def exit_with(code: int) -> None:
    """End the command with a code that is not 0."""
    if code:
        raise typer.Exit(code)
