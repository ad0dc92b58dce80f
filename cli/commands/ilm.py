"""ulnflow ilm: registration files, confirmations, exceptions, results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import FINDINGS
from cli.options import (
    All,
    Cohort,
    DryRun,
    Evidence,
    Form,
    Format,
    ListFile,
    Number,
    On,
    Reason,
    References,
    is_number,
)

if TYPE_CHECKING:
    from states.unit_of_work import Office

app = typer.Typer(no_args_is_help=True)
Profile = Annotated[
    str, typer.Option("--profile", help="Whose file it is, where several profiles are in use.", show_default=False)
]
Sheet = Annotated[str, typer.Option("--sheet", help="Which sheet of a workbook.", show_default=False)]
OPEN = ("prepared", "sent", "partly_answered")


@app.command()
def register(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Prepare the registration file, funded and non-funded apart. Learners move when ILM confirms."""
    from cli.desk import desk
    from states.steps import register_with_ilm as step

    with desk("ilm register") as at:
        standings = at.choose(references, cohort=cohort, listed=listed)
        if not references and listed is None:
            standings = [s for s in standings if step.is_due(at.office, s)]
        tally = step.register(at.office, at.act, standings, reason=reason, dry_run=dry_run)
        if not standings:
            tally.notes.append("nobody is waiting to be registered")
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def confirm(
    references: References = None,
    order: Annotated[str, typer.Option("--order", help="ILM's order number.", callback=is_number)] = "",
    candidate: Annotated[
        str, typer.Option("--candidate", help="The candidate number, for one learner.", callback=is_number)
    ] = "",
    file: Annotated[
        Path | None, typer.Option("--file", help="ILM's confirmation: reference, candidate number, order number.")
    ] = None,
    profile: Profile = "",
    dispatch: Annotated[str, typer.Option("--dispatch", help="All of one registration file.")] = "",
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that ILM registered learners, with or without a ULN, or took a late or replaced one."""
    from cli.desk import desk
    from cli.typed import day
    from states.errors import NotPossible
    from states.steps import register_with_ilm as step
    from states.vocabulary import REGISTRATION

    with desk("ilm confirm") as at:
        if references or listed or (cohort and not (everyone or dispatch or file)):
            standings = at.choose(references, cohort=cohort, listed=listed)
            if not references and not listed:
                standings = [s for s in standings if step.is_due(at.office, s)]
        elif everyone or dispatch or file:
            standings = at.waiting(REGISTRATION, dispatch, cohort, named=file is not None)
        else:
            raise NotPossible("say who: name learners, or give --file, --dispatch, --cohort or --all")
        if order and everyone and not dispatch and not file:
            _refuse_one_number_for_many(at.office)
        tally = step.confirm(
            at.office, at.act, standings, order=order, candidate=candidate, file=file, profile=profile,
            on=day(at_day), reason=reason, dry_run=dry_run,
        )  # fmt: skip
        if not standings:
            tally.notes.append("no registration is waiting for confirmation")
        at.finish(tally, form, dry_run=dry_run)


def _refuse_one_number_for_many(office: Office) -> None:
    """One order number belongs to one file: with several waiting, the file must be named."""
    from states.errors import NotPossible
    from states.vocabulary import REGISTRATION

    with office.look() as look:
        names = [d.name for d in look.dispatches.find(kinds=[REGISTRATION], states=OPEN)]
    if len(names) > 1:
        raise NotPossible(
            f"several files wait: {', '.join(names)}. Confirm each with --dispatch FILE --order ITS-NUMBER"
        )


@app.command()
def reject(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A registration file, by name or register number.")],
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that ILM refused a file, or that it was never sent."""
    from cli.desk import desk
    from states.steps.register_with_ilm import reject_registration

    with desk("ilm reject") as at:
        at.finish(reject_registration(at.office, at.act, file, reason, dry_run=dry_run), form, dry_run=dry_run)


@app.command()
def exception(
    references: References = None,
    listed: ListFile = None,
    evidence: Evidence = "",
    at_day: On = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that ILM reports a ULN that does not match."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.register_with_ilm import report_exception

    with desk("ilm exception") as at:
        standings = at.choose(references, listed=listed, everyone=False)
        tally = report_exception(at.office, at.act, standings, evidence=evidence, on=day(at_day), dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def mismatches(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ILM's report: ULN or reference, and a reason.")],
    profile: Profile = "",
    sheet: Sheet = "",
    at_day: On = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take in ILM's mismatch report: its learners become ILM exceptions. The same report twice changes nothing."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.take_mismatches import take_mismatches

    with desk("ilm mismatches") as at:
        tally = take_mismatches(
            at.office, at.act, file, profile=profile, sheet=sheet or None, on=day(at_day), dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def reconcile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ILM's own list of learners, CSV or XLSX.")],
    cohort: Cohort = "",
    profile: Profile = "",
    sheet: Sheet = "",
    form: Format = Form.table,
) -> None:
    """Hold ILM's own list beside ours: missing there or here, or different. Exit code 1 then; the look is recorded."""
    from cli.desk import desk
    from cli.explain import show_compared
    from states.steps.compare_lists import compare_body_list

    with desk("ilm reconcile") as at:
        compared = compare_body_list(at.office, at.act, file, cohort=cohort, profile=profile, sheet=sheet or None)
        if show_compared(compared, form):
            raise typer.Exit(FINDINGS)


@app.command()
def resolve(
    references: References = None,
    listed: ListFile = None,
    evidence: Evidence = "",
    dropped: Annotated[bool, typer.Option("--dropped", help="ILM cancelled the registration instead.")] = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that ILM matched the learner after all, or cancelled the registration."""
    from cli.desk import desk
    from states.steps.register_with_ilm import resolve_exception

    with desk("ilm resolve") as at:
        standings = at.choose(references, listed=listed, everyone=False)
        tally = resolve_exception(at.office, at.act, standings, evidence=evidence, dropped=dropped, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def results(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    reference: Number = "",
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that final results went to ILM (alternative route)."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.take_alternative_route import submit_results

    with desk("ilm results") as at:
        standings = at.choose(references, cohort=cohort, listed=listed, states=["lar_cross_referenced"], everyone=False)
        tally = submit_results(
            at.office, at.act, standings, reference=reference, on=day(at_day), reason=reason, dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)
