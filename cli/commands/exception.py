"""ulnflow exception: what a person must decide."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import DryRun, Form, Format, Reason, Reference

app = typer.Typer(no_args_is_help=True)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List LRS and ILM exceptions, oldest first, with what the answer meant."""
    from cli.desk import desk
    from cli.explain import rows_of
    from cli.render import say, show
    from states.reports.exceptions import exceptions

    with desk("exception list") as at:
        rows = rows_of(exceptions(at.office))
        show(rows, form, columns=["reference", "cohort", "origin", "code", "working_days", "meaning", "next_command"])
        if rows:
            say("existing: a candidate is this learner. new: nobody is, one was declared in the portal.")
            say("again: details were corrected or completed, and the LRS is to be asked once more.")


@app.command()
def show(reference: Reference, form: Format = Form.table) -> None:
    """Show a learner's five details, to compare with the candidates in the portal. The look is recorded."""
    from cli.desk import desk
    from cli.render import say, show_one
    from states.steps.look_up import compare

    with desk("exception show") as at:
        shown = compare(at.office, at.act, reference)
        show_one({"Reference": reference, **shown.values}, form)
        say(f"Next: ulnflow exception resolve {reference} --decision DECISION --reason WHY (existing, new or again)")


@app.command()
def resolve(
    reference: Reference,
    decision: Annotated[
        str, typer.Option("--decision", help="existing (a candidate), new (declared new), or again (ask again).")
    ] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record what was decided. The ULN is asked for, or read from standard input, unless asking again."""
    from cli.desk import desk
    from cli.typed import typed
    from states.steps.decide_exception import resolve_exception

    uln = typed("ULN the portal shows") if decision in {"existing", "new"} else ""
    with desk("exception resolve") as at:
        tally = resolve_exception(
            at.office, at.act, reference, decision=decision, reason=reason, uln=uln, dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)
