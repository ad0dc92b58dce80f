"""ulnflow audit: the log read, and checked."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.exits import FINDINGS, UNVERIFIED
from cli.options import Form, Format, Qualification, Reference

app = typer.Typer(no_args_is_help=True)
IN_A_TABLE = 100


@app.command()
def history(
    reference: Reference,
    qualification: Qualification = "",
    refusals: Annotated[bool, typer.Option("--refusals", help="Refused attempts and looks as well.")] = False,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Reasons in the words they were given in; the look is recorded.")
    ] = False,
    form: Format = Form.table,
) -> None:
    """Tell one learner's story from the log."""
    from cli.desk import desk
    from cli.explain import show_trail
    from states.reports.trail import trail
    from states.steps import look_up

    with desk("audit history") as at:
        words = look_up.reasons(at.office, at.act, reference) if reasons else {}
        story = trail(at.office, reference, qualification=qualification, refusals=refusals, reasons=words)
        look_up.audited(at.office, at.act, "history", reference=reference, found=len(story.lines))
        show_trail(story, form)


@app.command()
def events(
    reference: Annotated[str, typer.Option("--learner", help="Only this learner.")] = "",
    by: Annotated[str, typer.Option("--actor", help="Only by this person.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Such as moved, refused, dispatch_sent.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="Only this trigger.")] = "",
    since: Annotated[str, typer.Option("--since", help="Recorded on this day or later.")] = "",
    until: Annotated[str, typer.Option("--until", help="Recorded on this day or earlier.")] = "",
    refusals: Annotated[bool, typer.Option("--refusals", help="Refused attempts and looks as well.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the latest so many; 100 in a table.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="However many there are, in a table too.")] = False,
    form: Format = Form.table,
) -> None:
    """List events of the log, filtered; every one of them as CSV or JSON, the latest in a table."""
    from cli.desk import desk
    from cli.render import Counted, say, show_each
    from cli.typed import day
    from states.reports.events import COLUMNS
    from states.reports.events import events as read
    from states.steps import look_up

    if everything and limit is not None:
        raise typer.BadParameter("give --limit or --all, not both")
    most = limit if limit is not None or everything or form is not Form.table else IN_A_TABLE
    with desk("audit events") as at:
        rows = read(
            at.office, reference=reference, actor=by, kind=kind, trigger=trigger, since=day(since, "--since"),
            until=day(until, "--until"), refusals=refusals, limit=most,
        )  # fmt: skip
        seen = Counted(rows)
        brief = ("position", "recorded", "who", "reference", "what")
        try:
            show_each(seen, form, columns=brief if form is Form.table else COLUMNS)
        finally:
            if seen.begun:
                look_up.audited(at.office, at.act, "events", reference=reference, found=seen.number)
        if not seen.number:
            say("No event passes these filters.")
        if not refusals and not kind:
            say("Refused attempts and looks are left out; --refusals shows them too.")
        if seen.number == most:
            say(f"The latest {most} are shown; --limit shows more, --all every one.")


@app.command()
def verify(form: Format = Form.table) -> None:
    """Check the whole log: guards, gaps, chains, copies, and that every standing follows from its events."""
    from cli.desk import desk
    from cli.render import complain, progress, say, show, show_one
    from workflow.errors import SchemaMissing, StoreError
    from workflow.store.verify import verify as check

    try:
        with desk("audit verify") as at, at.office.look() as look, progress(look.log.head(), "verifying") as bar:
            route = at.office.route
            report = check(look.connection, at.office.engine.origin, {(route.name, route.version): route}, bar)
    except SchemaMissing:
        raise
    except StoreError as wrong:
        complain(f"The log cannot be verified. {wrong}")
        raise typer.Exit(UNVERIFIED) from None
    faults = [{"kind": f.kind, "position": f.position, "case": f.case, "what": f.message} for f in report.faults]
    notes = [{"kind": f.kind, "position": f.position, "case": f.case, "what": f.message} for f in report.notes]
    summary = {"origin": report.origin, "events": report.size, "cases": report.cases, "holds": report.holds}
    if form is Form.table:
        show_one(summary, form)
        if faults:
            show(faults, form, title="What is wrong")
        for note in notes:
            say(f"Note: event {note['position']} {note['what']}")
    else:
        show_one({**summary, "faults": faults, "notes": notes}, form)
    if not report.holds:
        raise typer.Exit(FINDINGS)
