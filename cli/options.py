"""The options that commands share; importing this is cheap on purpose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How data is printed on standard output."""

    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"


@dataclass(slots=True)
class Chosen:
    """What was said before the command: the centre's folder, on whose behalf, how loud."""

    folder: Path | None = None
    on_behalf_of: str | None = None
    quiet: bool = False


chosen = Chosen()


PLACEHOLDERS = frozenset({"NUMBER", "REFERENCE", "WHY", "HOW", "DECISION", "FILE", "COHORT"})


def real(text: str) -> str:
    """What stands in capitals in a suggested command is to be replaced, not typed."""
    if text in PLACEHOLDERS:
        raise typer.BadParameter(f"put the real one where {text} stands")
    return text


def names_nobody(text: str) -> str:
    """Evidence goes into the log for good, so it may not carry an e-mail address, a ULN or a postcode."""
    if "@" in text:
        raise typer.BadParameter("it goes into the log: name a reference, never a ULN or an address")
    return _plain(_impersonal(text), LONGEST_EVIDENCE)


def is_label(text: str) -> str:
    """The name of a cohort or the code of a qualification goes into the log and into names of files."""
    return _plain(_impersonal(text), LONGEST_LABEL)


def is_number(text: str) -> str:
    """Numbers of the awarding organisation go into the log too: letters, digits and - . / _ only."""
    _impersonal(text)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}", text or "x"):
        raise typer.BadParameter("at most 40 letters, digits and - . / _, as ILM writes the number")
    return text


def _impersonal(text: str) -> str:
    if real(text):
        from states.learner import personal  # noqa: PLC0415 - only when something was said

        if kind := personal.found(text):
            raise typer.BadParameter(
                f"it goes into the log, and looks like {kind}: name a reference instead; {personal.HOW_TO_WRITE}"
            )
    return text


def _plain(text: str, longest: int) -> str:
    if len(text) > longest or not (text or " ").isprintable():
        raise typer.BadParameter(f"at most {longest} plain characters")
    return text


LONGEST_EVIDENCE, LONGEST_LABEL = 80, 128


Candidate = Annotated[
    str, typer.Option("--candidate", help="The candidate number, for one learner.", callback=is_number)
]
Evidence = Annotated[
    str,
    typer.Option("--evidence", help="What it rests on: a reference, never a person.", callback=names_nobody),
]
Number = Annotated[
    str, typer.Option("--reference", help="The reference that shows it, never a person.", callback=names_nobody)
]
Format = Annotated[Form, typer.Option("--format", "-f", help="How to print the result.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Do everything, then undo it: shows what would happen.")]
References = Annotated[
    list[str] | None, typer.Argument(metavar="[REFERENCE]...", help="Learner references.", show_default=False)
]
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="A learner reference.")]
Cohort = Annotated[str, typer.Option("--cohort", "-c", help="Only this cohort.", show_default=False)]
ListFile = Annotated[
    Path | None, typer.Option("--list", help="A file with one learner reference a line.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="Everyone the step is for.")]
Reason = Annotated[
    str, typer.Option("--reason", help="Why, in your own words or as a code.", show_default=False, callback=real)
]
On = Annotated[
    str, typer.Option("--at", metavar="YYYY-MM-DD", help="The day it happened, if not now.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Qualification = Annotated[
    str, typer.Option("--qualification", help="Which case, for a learner with several.", show_default=False)
]
