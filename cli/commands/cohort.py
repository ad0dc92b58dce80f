"""ulnflow cohort: sheets in, cohorts listed, a gate waived."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DryRun, Form, Format, Reason

app = typer.Typer(no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV or XLSX sheet with one learner a row.")],
    cohort: Annotated[str, typer.Option("--cohort", "-c", help="The cohort, where no column names it.")] = "",
    qualification: Annotated[str, typer.Option("--qualification", help="The qualification code, likewise.")] = "",
    funded: Annotated[
        bool | None, typer.Option("--funded/--not-funded", help="Funded or not, likewise.", show_default=False)
    ] = None,
    register_by: Annotated[str, typer.Option("--register-by", help="The cohort's last day to register.")] = "",
    start: Annotated[str, typer.Option("--start", help="First day, where no column names it.")] = "",
    planned_end: Annotated[str, typer.Option("--planned-end", help="Planned last day, likewise.")] = "",
    notice_version: Annotated[str, typer.Option("--notice-version", help="Privacy notice shown: its version.")] = "",
    notice_date: Annotated[str, typer.Option("--notice-date", help="Privacy notice shown: the day.")] = "",
    sheet: Annotated[str, typer.Option("--sheet", help="Which sheet of a workbook.")] = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take in a cohort sheet; it comes back with Result and How to fix. The same sheet twice changes nothing."""
    from cli.desk import desk
    from cli.render import say, show_findings
    from cli.typed import day
    from states.steps.gather_details import Enrolment, import_cohort

    enrolment = Enrolment(
        cohort=cohort,
        qualification=qualification,
        funded=funded,
        register_by=day(register_by, "--register-by"),
        start=day(start, "--start"),
        planned_end=day(planned_end, "--planned-end"),
        notice_version=notice_version,
        notice_date=day(notice_date, "--notice-date"),
    )
    with desk("cohort import") as at:
        imported = import_cohort(
            at.office,
            at.act,
            file,
            enrolment,
            day_first=at.settings.policy.day_first,
            sheet=sheet or None,
            dry_run=dry_run,
        )
        tally = imported.tally
        read = imported.sheet
        if form is Form.table:
            order = "day first" if at.settings.policy.day_first else "month first"
            at_row = f"headings in row {read.header_row}"
            say(f"Read {len(read.rows)} learners; {at_row}; dates like 7/4/1988 are read {order}.")
            if read.unknown_columns:
                say(f"Columns not used: {', '.join(read.unknown_columns)}")
            for row, why in read.skipped:
                say(f"Row {row} passed over: {why}")
            show_findings(imported.findings)
        tally.next.append("ulnflow lrs submit")
        at.finish(tally, form, dry_run=dry_run)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List cohorts: learners, last day to register, who is not ready yet."""
    from collections import Counter

    from cli.desk import desk
    from cli.render import show
    from workflow.store.queries import Queries

    with desk("cohort list") as at, at.office.look() as look:
        final = at.office.route.final_states()
        learners = Counter[str]()
        for (name, _), number in Queries(look.connection).counts().items():
            learners[name] += number
        rows = [
            {
                "cohort": cohort.name,
                "learners": learners[cohort.name],
                "register_by": cohort.register_by,
                "not_ready": look.learners.count_not_ready(cohort.name, final),
                "waived": cohort.waived is not None,
            }
            for cohort in look.learners.cohorts().values()
        ]
        show(rows, form, columns=["cohort", "learners", "register_by", "not_ready", "waived"])


@app.command()
def waive(
    cohort: Annotated[str, typer.Argument(metavar="COHORT")],
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Let a cohort be registered without waiting for its last learner."""
    from cli.desk import desk
    from states.steps.gather_details import waive_cohort

    with desk("cohort waive") as at:
        at.finish(waive_cohort(at.office, at.act, cohort, reason, dry_run=dry_run), form, dry_run=dry_run)
