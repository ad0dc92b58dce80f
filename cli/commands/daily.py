"""ulnflow today, status, stuck: the three questions of every day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import FINDINGS
from cli.options import Cohort, Form, Format

if TYPE_CHECKING:
    from states.unit_of_work import Office


def today(form: Format = Form.table) -> None:
    """What is due, what came in, what is owed, and the next commands."""
    from cli.desk import desk
    from cli.explain import show_today
    from states.reports.today import today as report

    with desk("today") as at:
        _tell_unreadable(at.office)
        show_today(report(at.office), form)


def status(
    cohort: Cohort = "",
    learners: Annotated[bool, typer.Option("--learners", help="One line a learner.")] = False,
    at_day: Annotated[
        str, typer.Option("--at", metavar="YYYY-MM-DD", help="As of the end of this day, from the log.")
    ] = "",
    recorded: Annotated[
        bool, typer.Option("--recorded", help="With --at: as the log knew it then, not as it is known now.")
    ] = False,
    form: Format = Form.table,
) -> None:
    """The board: how many learners stand where, by cohort; or stood, at the end of a day."""
    from cli.desk import desk
    from cli.explain import headings, rows_of
    from cli.render import say, show, show_each
    from cli.typed import day
    from states.reports import board
    from workflow.store.history import By

    moment = day(at_day)
    if recorded and moment is None:
        raise typer.BadParameter("--recorded goes with --at")
    by: By = "recorded" if recorded else "happened"
    with desk("status") as at:
        if moment is not None and moment > (today := at.office.today()):
            raise typer.BadParameter(f"that day is still to come; today is {today}", param_hint="--at")
        if learners:
            rows = board.learners(at.office, cohort=cohort or None, at=moment, by=by)
            shown = show_each(rows, form, columns=["reference", "cohort", "qualification", "state"])
        elif moment is None:
            _tell_unreadable(at.office)
            stands = board.board(at.office, cohort or None)
            shown = len(stands)
            show(rows_of(stands), form, columns=headings(board.BoardRow))
        else:
            stood = board.board_at(at.office, moment, by=by, cohort=cohort or None)
            shown = len(stood)
            show(rows_of(stood), form, columns=headings(board.StoodRow))
        if not shown and form is Form.table:
            say(f"Nobody was here by {moment}." if moment else "There is nobody yet. Begin with: ulnflow cohort import")


def stuck(
    cohort: Cohort = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many lines.")] = 100,
    form: Format = Form.table,
) -> None:
    """Who is stuck and why: overdue, blocked, unanswered, owed; with the next command. Exit code 1 when anyone is."""
    from cli.desk import desk
    from cli.explain import show_stuck
    from states.reports.stuck import stuck as report

    with desk("stuck") as at:
        _tell_unreadable(at.office)
        if show_stuck(report(at.office, cohort or None, limit=limit), form):
            raise typer.Exit(FINDINGS)


def _tell_unreadable(office: Office) -> None:
    """Say that the deadlines of registration windows are not known; nothing else of these reports needs a profile."""
    from cli.render import complain
    from states.reports.late import unreadable

    if why := unreadable(office):
        complain(f"Deadlines that registration windows would give are left out. {why}")
