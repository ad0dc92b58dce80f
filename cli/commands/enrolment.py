"""ulnflow enrolment: the management system's enrolments held beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.exits import FINDINGS
from cli.options import Cohort, Form, Format

app = typer.Typer(no_args_is_help=True)


@app.callback()
def enrolment() -> None:
    """Keep the verb a word of its own."""


@app.command()
def reconcile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The enrolments, CSV or XLSX, one learner a row.")],
    cohort: Cohort = "",
    sheet: Annotated[str, typer.Option("--sheet", help="Which sheet of a workbook.", show_default=False)] = "",
    form: Format = Form.table,
) -> None:
    """Hold enrolments beside ours: not registered, not enrolled, different. Exit code 1 then; the look is recorded."""
    from cli.desk import desk
    from cli.explain import show_compared
    from states.steps.compare_lists import compare_enrolments

    with desk("enrolment reconcile") as at:
        compared = compare_enrolments(
            at.office, at.act, file, cohort=cohort, day_first=at.settings.policy.day_first, sheet=sheet or None
        )
        if show_compared(compared, form):
            raise typer.Exit(FINDINGS)
