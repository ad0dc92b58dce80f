"""ulnflow lrs: files to the Learning Records Service and back."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.exits import FINDINGS
from cli.options import Cohort, DryRun, Form, Format, ListFile, On, Reason, Reference, References

app = typer.Typer(no_args_is_help=True)
File = Annotated[str, typer.Argument(metavar="FILE", help="A file of ours, by name or register number.")]


class As(StrEnum):
    """What a batch file is written in."""

    csv = "csv"
    xml = "xml"


class Via(StrEnum):
    """The ways to ask the LRS."""

    batch = "batch"
    portal = "portal"


@app.command()
def submit(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    via: Annotated[Via, typer.Option("--via", help="A batch file, or a sheet to key into the portal.")] = Via.batch,
    as_: Annotated[
        As | None, typer.Option("--as", help="CSV or XML, if not as ulnflow.toml says.", show_default=False)
    ] = None,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Prepare the file that asks the LRS for ULNs. Learners move when it is sent."""
    from cli.desk import desk
    from states.steps import submit_to_lrs

    if as_ and via is Via.portal:
        raise typer.BadParameter("--as is for batch files; a sheet to key in is a workbook")
    with desk("lrs submit") as at:
        standings = at.choose(references, cohort=cohort, listed=listed)
        returning = [s for s in standings if submit_to_lrs.need_not_ask(s)]
        if not references and listed is None:
            standings = [s for s in standings if submit_to_lrs.is_due(at.office, s)]
        tally = submit_to_lrs.submit(
            at.office, at.act, standings, via=via.value, form=as_.value if as_ else None, dry_run=dry_run
        )
        if not standings:
            tally.notes.append("nobody is waiting to be submitted")
        if returning:
            with at.office.look() as look:
                names = sorted(look.references(returning).values())
            tally.notes.append(f"returning with a fresh ULN, not to be asked about: {', '.join(names[:10])}")
            tally.next.append(f"ulnflow advance reuse_uln {' '.join(names[:10])}")
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def sent(file: File, at_day: On = "", reason: Reason = "", dry_run: DryRun = False, form: Format = Form.table) -> None:
    """Record that a prepared file was uploaded or keyed in."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.submit_to_lrs import mark_sent

    with desk("lrs sent") as at:
        tally = mark_sent(at.office, at.act, file, on=day(at_day), reason=reason, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def receive(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The reply file from the portal.")],
    sent_on: Annotated[str, typer.Option("--sent-on", help="The day our file was uploaded, if not recorded.")] = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take in a reply file; it also proves that ours was sent. The same file twice changes nothing."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.receive_uln import receive_reply

    with desk("lrs receive") as at:
        tally = receive_reply(at.office, at.act, file, sent_on=day(sent_on, "--sent-on"), dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A batch or a reply, ours or another program's.")],
    form: Format = Form.table,
) -> None:
    """List everything the LRS would refuse in a batch, or that a reply lacks. Exit code 1 when there is anything."""
    from cli.checked import show_checked
    from cli.tables import lrs_tables
    from states.exchange.lrs.check import check_file

    layout, codes, verify = lrs_tables()
    checked = check_file(file, layout, codes, verify, today=datetime.now(UTC).date())
    show_checked(checked, form)
    if checked.findings:
        raise typer.Exit(FINDINGS)


@app.command()
def answer(
    reference: Reference,
    code: Annotated[str, typer.Option("--code", help="The code the portal shows, such as WSVRC003.")] = "",
    at_day: On = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Type in one answer from the portal. The ULN is asked for, or read from standard input."""
    from cli.desk import desk
    from cli.typed import day, typed
    from states.steps.receive_uln import answer as take_answer

    uln = typed("ULN the portal shows (empty if none)")
    with desk("lrs answer") as at:
        tally = take_answer(at.office, at.act, reference, uln=uln, code=code, on=day(at_day), dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def reject(file: File, reason: Reason = "", dry_run: DryRun = False, form: Format = Form.table) -> None:
    """Record that the LRS refused a whole file, or that it was never sent."""
    from cli.desk import desk
    from states.steps.submit_to_lrs import reject as reject_file

    with desk("lrs reject") as at:
        at.finish(reject_file(at.office, at.act, file, reason, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def recall(
    references: References = None,
    listed: ListFile = None,
    cohort: Cohort = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take learners back from the file that holds them."""
    from cli.desk import desk
    from states.steps.submit_to_lrs import recall as take_back

    with desk("lrs recall") as at:
        standings = at.choose(references, cohort=cohort, listed=listed, everyone=False)
        at.finish(take_back(at.office, at.act, standings, reason, dry_run=dry_run), form, dry_run=dry_run)
