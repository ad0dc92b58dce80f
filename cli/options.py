"""The options that commands share; importing this is cheap on purpose."""

from __future__ import annotations

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
    on_behalf_of: str = ""
    quiet: bool = False


chosen = Chosen()

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
Reason = Annotated[str, typer.Option("--reason", help="Why, in your own words or as a code.", show_default=False)]
On = Annotated[
    str, typer.Option("--at", metavar="YYYY-MM-DD", help="The day it happened, if not now.", show_default=False)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Qualification = Annotated[
    str, typer.Option("--qualification", help="Which case, for a learner with several.", show_default=False)
]
