"""ulnflow lar: the achievement record, on both routes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.options import (
    All,
    Cohort,
    DryRun,
    Form,
    Format,
    ListFile,
    Number,
    On,
    Reason,
    References,
    is_number,
)

app = typer.Typer(no_args_is_help=True)


class By(StrEnum):
    """Who may update a LAR."""

    ilm = "ilm"
    centre = "centre"


Prepare = Annotated[bool, typer.Option("--prepare", help="Only write the file to upload.")]


@app.command()
def create(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    prepare: Prepare = False,
    reference: Number = "",
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Alternative route: write the file for the LAR system (--prepare), then record that it took the learners."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps import take_alternative_route as step
    from states.vocabulary import LAR_LEARNERS

    with desk("lar create") as at:
        standings = at.choose(references, cohort=cohort, listed=listed, everyone=everyone or prepare)
        if not references and not listed:
            standings = [s for s in standings if step.is_due(at.office, s, "create_lar")]
        if prepare:
            tally = step.prepare_lar_file(at.office, at.act, standings, LAR_LEARNERS, dry_run=dry_run)
        else:
            tally = step.create_lar(
                at.office, at.act, standings, reference=reference, on=day(at_day), reason=reason, dry_run=dry_run
            )
        at.finish(tally, form, dry_run=dry_run)


@app.command("cross-reference")
def cross_reference(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    prepare: Prepare = False,
    reference: Number = "",
    candidate: Annotated[
        str, typer.Option("--candidate", help="The candidate number, for one learner.", callback=is_number)
    ] = "",
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Alternative route: tie ULN and candidate number together on the LAR system."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps import take_alternative_route as step
    from states.vocabulary import LAR_CROSS_REFERENCE

    with desk("lar cross-reference") as at:
        standings = at.choose(references, cohort=cohort, listed=listed, everyone=everyone or prepare)
        if not references and not listed:
            standings = [s for s in standings if step.is_due(at.office, s, "supply_cross_reference")]
        if prepare:
            tally = step.prepare_lar_file(at.office, at.act, standings, LAR_CROSS_REFERENCE, dry_run=dry_run)
        else:
            tally = step.supply_cross_reference(
                at.office, at.act, standings, reference=reference, candidate=candidate, on=day(at_day),
                reason=reason, dry_run=dry_run,
            )  # fmt: skip
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def confirm(
    references: References = None,
    by: Annotated[By | None, typer.Option("--by", help="Who updated the LAR.")] = None,
    reference: Number = "",
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that the achievement record shows the results. The last step."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.update_lar import confirm_update

    with desk("lar confirm") as at:
        standings = at.choose(
            references,
            cohort=cohort,
            listed=listed,
            states=["registered_with_ilm", "results_submitted"],
            everyone=everyone,
        )
        tally = confirm_update(
            at.office,
            at.act,
            standings,
            by=by.value if by else "",
            reference=reference,
            seen_on=day(at_day),
            reason=reason,
            dry_run=dry_run,
        )
        if not standings:
            tally.notes.append("nobody is waiting for the LAR")
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def reject(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file for the LAR system, by name or number.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that the LAR system refused a file, or that it was never sent."""
    from cli.desk import desk
    from states.steps.take_alternative_route import reject_lar_file

    with desk("lar reject") as at:
        at.finish(reject_lar_file(at.office, at.act, file, reason, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def owed(cohort: Cohort = "", form: Format = Form.table) -> None:
    """List learners registered without a ULN: days left of the debt, and of the placeholder in the funding return."""
    from cli.desk import desk
    from cli.explain import headings, rows_of
    from cli.render import say, show
    from states.reports.owed import OwedRow, undated
    from states.reports.owed import owed as report

    with desk("lar owed") as at:
        rows = report(at.office, cohort or None)
        show(rows_of(rows), form, columns=headings(OwedRow))
        if not rows and form is Form.table:
            say("Nobody is registered without a ULN.")
        for note in undated(rows):
            say(note)
