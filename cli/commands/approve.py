"""ulnflow approve: what waits for a second person, done or refused."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from cli.options import DryRun, Form, Format, Reason

COLUMNS: Final = ("request", "asked_at", "asked_by", "asks_to", "warning", "reason", "working_days")


def approve(
    request: Annotated[
        int | None,
        typer.Argument(metavar="[EVENT]", help="The number of the request.", show_default=False, min=1),
    ] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="End the request without doing it.")] = False,
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """List what waits for a second person's agreement; with a number, agree and do it, or refuse it."""
    from cli.desk import desk
    from states import approval

    if request is None and (refuse or reason):
        raise typer.BadParameter("say which request: ulnflow approve lists them")
    if request is not None and reason and not refuse:
        raise typer.BadParameter("--reason goes with --refuse; the reason of the deed is the one it was asked for with")
    with desk("approve") as at:
        if request is not None:
            at.demand("approve", "approve EVENT")
        if request is None:
            _list(at.office, at.act, form)
        elif refuse:
            at.finish(approval.refuse(at.office, at.act, request, reason, dry_run=dry_run), form, dry_run=dry_run)
        else:
            from cli.deeds import DEEDS

            tally = approval.approve(at.office, at.act, request, DEEDS, dry_run=dry_run)
            at.finish(tally, form, dry_run=dry_run)


def _list(office: Any, act: Any, form: Form) -> None:
    from cli.deeds import warning
    from cli.render import say, show
    from states import approval
    from workflow.working_days import between, day_of, minute

    found, today = approval.listed(office, act), office.today()
    rows = [
        {
            "request": request.position,
            "asked_at": minute(request.asked_at),
            "asked_by": request.asked_by + (f" for {request.asked_for}" if request.asked_for else ""),
            "asks_to": what,
            "warning": warning(office, request),
            "reason": why,
            "working_days": between(day_of(request.asked_at), today, office.policy.closed),
        }
        for request, what, why in found
    ]
    show(rows, form, columns=COLUMNS)
    if form is Form.table:
        if rows:
            say(f"Next: ulnflow approve {rows[0]['request']}")
            say(f"Or: ulnflow approve {rows[0]['request']} --refuse --reason WHY")
        else:
            say("Nothing waits for a second person.")
