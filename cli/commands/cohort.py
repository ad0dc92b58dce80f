"""ulnflow cohort: sheets in, cohorts listed, a gate waived."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.options import DryRun, Form, Format, Reason, is_label

app = typer.Typer(no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A sheet with one learner a row: CSV, XLSX, XLS or ODS.")
    ],
    cohort: Annotated[
        str, typer.Option("--cohort", "-c", help="The cohort, where no column names it.", callback=is_label)
    ] = "",
    qualification: Annotated[
        str, typer.Option("--qualification", help="The qualification code, likewise.", callback=is_label)
    ] = "",
    funded: Annotated[
        bool | None, typer.Option("--funded/--not-funded", help="Funded or not, likewise.", show_default=False)
    ] = None,
    register_by: Annotated[str, typer.Option("--register-by", help="The cohort's last day to register.")] = "",
    start: Annotated[str, typer.Option("--start", help="First day, where no column names it.")] = "",
    planned_end: Annotated[str, typer.Option("--planned-end", help="Planned last day, likewise.")] = "",
    notice_version: Annotated[str, typer.Option("--notice-version", help="Privacy notice shown: its version.")] = "",
    notice_date: Annotated[str, typer.Option("--notice-date", help="Privacy notice shown: the day.")] = "",
    sheet: Annotated[str, typer.Option("--sheet", help="Which sheet of a workbook.")] = "",
    header_row: Annotated[
        int | None, typer.Option("--header-row", help="The row of headings, if it is not found.", min=1)
    ] = None,
    delimiter: Annotated[
        str, typer.Option("--delimiter", help="What separates cells: comma, semicolon, tab, pipe.")
    ] = "",
    encoding: Annotated[str, typer.Option("--encoding", help="How a CSV file that is not UTF-8 is encoded.")] = "",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADING=FIELD", help="What a heading means; HEADING=- leaves it out."),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget-mapping", help="Forget what --map once said of it.")] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing/--keep-good", help="One row refused: take none; or take the good ones.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what columns were taken for and what would happen; write nothing.")
    ] = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take in a cohort sheet; it comes back with Result and How to fix. The same sheet twice changes nothing."""
    from cli.desk import desk
    from cli.preview import said, say_what_was_read, show_preview
    from cli.render import progress, show_findings
    from cli.typed import day
    from states.sheet_ports import Reading
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
    columns = said(mapping)
    with desk("cohort import") as at:
        day_first = at.settings.policy.day_first
        reading = Reading(
            day_first=day_first, sheet=sheet or None, header_row=header_row, encoding=encoding, delimiter=delimiter,
            columns=columns, forget=forget,
        )  # fmt: skip
        imported = import_cohort(
            at.office, at.act, file, enrolment, reading,
            all_or_nothing=all_or_nothing, dry_run=dry_run or preview, progress=progress,
        )  # fmt: skip
        tally = imported.tally
        if form is Form.table:
            say_what_was_read(imported.about, day_first=day_first)
        if preview:
            show_preview(imported, form)
        elif form is Form.table:
            show_findings(imported.noticed)
        tally.next.append("ulnflow lrs submit")
        if form is Form.table or not preview:
            at.finish(tally, form, dry_run=dry_run or preview)


@app.command("list")
def list_(form: Format = Form.table) -> None:
    """List cohorts: learners, last day to register by its own or a registration window, who is not ready yet."""
    from collections import Counter

    from cli.desk import desk
    from cli.render import complain, show
    from states.reports import late
    from workflow.store.queries import Queries

    with desk("cohort list") as at, at.office.look() as look:
        final = at.office.route.final_states()
        last = late.deadlines(look, [name for name in at.office.route.states if name not in final])
        if why := late.unreadable(at.office):
            complain(f"Last days that registration windows would give are left out. {why}")
        learners = Counter[str]()
        for (name, _), number in Queries(look.connection).counts().items():
            learners[name] += number
        rows = [
            {
                "cohort": cohort.name,
                "learners": learners[cohort.name],
                "register_by": cohort.register_by,
                "last_day": last.get((late.REGISTER_BY, cohort.name)),
                "not_ready": look.learners.count_not_ready(cohort.name, final),
                "waived": cohort.waived is not None,
            }
            for cohort in look.learners.cohorts().values()
        ]
        show(rows, form, columns=["cohort", "learners", "register_by", "last_day", "not_ready", "waived"])


@app.command()
def waive(
    cohort: Annotated[str, typer.Argument(metavar="COHORT")],
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Let a cohort be registered without waiting for its last learner; a second person must agree."""
    from cli.desk import desk
    from states.steps.waive_cohort import waive_cohort

    with desk("cohort waive") as at:
        at.finish(waive_cohort(at.office, at.act, cohort, reason, dry_run=dry_run), form, dry_run=dry_run)
