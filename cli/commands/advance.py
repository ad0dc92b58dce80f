"""ulnflow advance: any trigger of the route, for one learner or very many."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import All, Cohort, DryRun, Form, Format, ListFile, On, Reason, References, is_number, names_nobody


def advance(
    trigger: Annotated[str, typer.Argument(metavar="TRIGGER", help="Such as reuse_uln or confirm_lar_update.")],
    references: References = None,
    cohort: Cohort = "",
    state: Annotated[str, typer.Option("--state", help="Everyone in this state.")] = "",
    listed: ListFile = None,
    everyone: All = False,
    first: Annotated[int, typer.Option("--first", min=0, help="Only the first so many, as a trial.")] = 0,
    stop_after: Annotated[int, typer.Option("--stop-after", min=0, help="Stop after so many refusals.")] = 0,
    evidence: Annotated[
        list[str] | None, typer.Option("--evidence", "-e", metavar="NAME=VALUE", help="What it rests on.")
    ] = None,
    reason: Reason = "",
    at_day: On = "",
    command_id: Annotated[str, typer.Option("--command-id", help="Your id; the same id again changes nothing.")] = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Put a trigger to learners, each judged by its own rules; an interrupted run goes on."""
    from cli.desk import desk
    from cli.render import progress
    from cli.typed import day
    from states.errors import NotFound
    from states.steps.advance import advance as step
    from states.vocabulary import REASONS, STATED

    pairs = [item.partition("=") for item in evidence or ()]
    for name, _, value in pairs:
        is_number(name)
        names_nobody(value)
    names_nobody(command_id)
    if any(not value for _, _, value in pairs):
        raise typer.BadParameter("--evidence takes NAME=VALUE, such as reference=WG-1")
    with desk("advance", command_id) as at:
        if state and state not in at.office.route.states:
            raise NotFound(f"the route has no state {state}; it has: {', '.join(at.office.route.states)}", state)
        cases = at.choose_numbers(
            references, cohort=cohort, listed=listed, states=[state] if state else (),
            everyone=everyone or bool(state), first=first or None,
        )  # fmt: skip
        code = reason if reason in REASONS or not reason else STATED
        with progress(len(cases), trigger) as bar:
            tally = step(
                at.office, at.act, trigger, cases, reason=code, evidence={name: value for name, _, value in pairs},
                on=day(at_day), dry_run=dry_run, stop_after=stop_after or None, progress=bar,
            )  # fmt: skip
        if code != reason:
            tally.notes.append("only that a reason was stated is kept here, not its words")
        at.finish(tally, form, dry_run=dry_run)
