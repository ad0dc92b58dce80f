"""ulnflow today, status, stuck: the three questions of every day."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Cohort, Form, Format


def today(form: Format = Form.table) -> None:
    """What is due, what came in, what is owed, and the next commands."""
    from cli.desk import desk
    from cli.explain import show_today
    from states.reports.today import today as report

    with desk("today") as at:
        show_today(report(at.office), form)


def status(
    cohort: Cohort = "",
    learners: Annotated[bool, typer.Option("--learners", help="One line a learner.")] = False,
    form: Format = Form.table,
) -> None:
    """The board: how many learners stand where, by cohort."""
    from cli.desk import desk
    from cli.explain import rows_of
    from cli.render import show
    from states.reports.board import board

    with desk("status") as at:
        if learners:
            with at.office.look() as look:
                found = look.log.find(cohort=cohort)
                names = look.references(found)
                states = at.office.route.states
                rows = [
                    {"reference": names[s.case], "cohort": s.cohort, "qualification": s.facts.get("qualification", ""),
                     "state": states[s.state].title}
                    for s in found
                ]  # fmt: skip
            show(rows, form, columns=["reference", "cohort", "qualification", "state"])
            return
        show(rows_of(board(at.office, cohort or None)), form)


def stuck(
    cohort: Cohort = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many lines.")] = 100,
    form: Format = Form.table,
) -> None:
    """Who is stuck and why: overdue, blocked, unanswered, owed; with the next command. Exit code 1 when anyone is."""
    from cli.desk import FINDINGS, desk
    from cli.explain import show_stuck
    from states.reports.stuck import stuck as report

    with desk("stuck") as at:
        if show_stuck(report(at.office, cohort or None, limit=limit), form):
            raise typer.Exit(FINDINGS)
