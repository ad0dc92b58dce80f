"""ulnflow duty: what is owed beside the route."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DryRun, Evidence, Form, Format, Qualification, Reference

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List open duties: who owes what since when."""
    from cli.desk import desk
    from cli.render import show
    from states.reports.duties import open_duties

    with desk("duty list") as at:
        rows = open_duties(at.office)
        show(rows, form, columns=["reference", "duty", "title", "owner", "opened", "due", "next"])


@app.command()
def close(
    reference: Reference,
    duty: Annotated[str, typer.Argument(metavar="DUTY", help="Such as tell_ilm_of_change.")],
    evidence: Evidence = "",
    qualification: Qualification = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Close a duty with evidence."""
    from cli.desk import desk
    from states.steps.leave_and_return import close_duty

    with desk("duty close") as at:
        standing = at.choose([reference], qualification=qualification)[0]
        at.finish(
            close_duty(at.office, at.act, standing, duty, evidence=evidence, dry_run=dry_run), form, dry_run=dry_run
        )
