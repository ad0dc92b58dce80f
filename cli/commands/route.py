"""ulnflow route: the picture, and the alternative."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Cohort, DryRun, Form, Format, ListFile, Reason, References, Yes

app = typer.Typer(no_args_is_help=True)


@app.command()
def show(
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid diagram.")] = False,
    full: Annotated[bool, typer.Option("--full", help="With exceptions and endings.")] = False,
    form: Format = Form.table,
) -> None:
    """Draw the route with the learners in each state."""
    import sys
    from collections import Counter

    from cli.desk import desk
    from cli.render import show as show_rows
    from workflow import diagram
    from workflow.store.queries import Queries

    with desk("route show") as at, at.office.look() as look:
        counts = Counter[str]()
        for (_, state), number in Queries(look.connection).counts().items():
            counts[state] += number
        if form is not Form.table:
            states = at.office.route.states.items()
            show_rows(
                [{"state": name, "title": s.title, "owner": s.owner, "learners": counts[name]} for name, s in states],
                form,
            )
            return
        draw = diagram.mermaid(at.office.route, counts, full=full) if mermaid else diagram.text(at.office.route, counts)
        sys.stdout.write(draw.rstrip() + "\n")


@app.command()
def alternative(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    reason: Reason = "",
    yes: Yes = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Choose to register learners before a ULN is held. It means extra work: --yes acknowledges it."""
    import sys

    from cli.desk import desk
    from states.steps import take_alternative_route as step

    with desk("route alternative") as at:
        standings = at.choose(references, cohort=cohort, listed=listed, everyone=False)
        if not yes and sys.stdin.isatty():
            yes = typer.confirm(f"{step.EXTRA_WORK} Go on?", err=True)
        tally = step.choose(at.office, at.act, standings, reason=reason, acknowledged=yes, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)
