"""ulnflow approve: what waits for a second person, done or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli.options import DryRun, Form, Format, Reason

if TYPE_CHECKING:
    from cli.desk import Desk
    from states.approval import Request

COLUMNS: Final = (
    "request", "asked_at", "asked_by", "asks_to", "warning", "reason", "note", "who_can", "working_days",
)  # fmt: skip
YOU: Final = "you"


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
            _list(at, form)
        elif refuse:
            at.finish(approval.refuse(at.office, at.act, request, reason, dry_run=dry_run), form, dry_run=dry_run)
        else:
            from cli.deeds import DEEDS

            tally = approval.approve(at.office, at.act, request, DEEDS, dry_run=dry_run)
            at.finish(tally, form, dry_run=dry_run)


def _list(at: Desk, form: Form) -> None:
    from cli.deeds import asks_to, warning
    from cli.render import say, show
    from states import approval
    from workflow.working_days import between, day_of, minute

    office = at.office
    found, today = approval.listed(office, at.act), office.today()
    rows = [
        {
            "request": request.position,
            "asked_at": minute(request.asked_at),
            "asked_by": request.asked_by + (f" for {request.asked_for}" if request.asked_for else ""),
            "asks_to": asks_to(office, request, what),
            "warning": warning(office, request),
            "reason": request.reason,
            "note": words,
            "who_can": _who_can(at, request),
            "working_days": between(day_of(request.asked_at), today, office.policy.closed),
        }
        for request, what, words in found
    ]
    show(rows, form, columns=COLUMNS)
    if form is Form.table:
        if not rows:
            say("Nothing waits for a second person.")
        for row in [row for row in rows if row["who_can"] == YOU][:1]:
            say(f"Next: ulnflow approve {row['request']}")
            say(f"Or: ulnflow approve {row['request']} --refuse --reason WHY")


def _who_can(at: Desk, request: Request) -> str:
    """Whether the person at work may agree, or else who may."""
    from cli import people
    from states import approval

    known, kept, act = at.settings.roles, at.settings.kept, at.act
    asker = request.asked_by + (f" and {request.asked_for}" if request.asked_for else "")
    with at.office.look() as look:
        own = people.may(known, act.actor, "approve") and not approval.has_asked(request, act.actor, act.on_behalf_of)
        if own and approval.is_theirs(look, act.cohorts, request):
            return YOU
        if not known:
            return f"anybody but {asker}"
        able = people.able_to(known, kept, "approve", lambda theirs: approval.is_theirs(look, theirs, request))
    others = [name for name in able if not approval.has_asked(request, name)]
    return " or ".join(others) or f"nobody yet: [people] names no approver beside {asker}"
