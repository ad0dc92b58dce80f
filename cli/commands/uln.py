"""ulnflow uln: numbers checked, passed on, told, and found wrong."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import FINDINGS
from cli.options import All, Cohort, DryRun, Evidence, Form, Format, ListFile, On, Reason, Reference, References

if TYPE_CHECKING:
    from cli.desk import Desk
    from workflow import Standing

app = typer.Typer(no_args_is_help=True)


class Letters(StrEnum):
    """How letters are printed."""

    html = "html"
    pdf = "pdf"


class Carries(StrEnum):
    """What a message holds; never both."""

    uln = "uln"
    name = "name"


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="One value a line; - reads standard input.")],
    form: Format = Form.table,
) -> None:
    """Judge ULNs: right or wrong, and why. Exit code 1 when any is wrong. A number is never an argument."""
    from cli.render import show
    from cli.typed import is_number, lines
    from states.learner import uln

    if is_number(file) and not Path(file).exists():
        raise typer.BadParameter(
            "a number is not taken as an argument, where others can read it: put numbers into a file, one a line, and "
            "name it, or say - and give them on standard input"
        )
    rows = []
    for line in lines(file):
        valid, reason = uln.judge(line)
        rows.append({"value": line.strip(), "valid": valid, "reason": reason})
    show(rows, form, columns=["value", "valid", "reason"])
    if not all(row["valid"] for row in rows):
        raise typer.Exit(FINDINGS)


@app.command("pass")
def pass_(
    references: References = None,
    cohort: Cohort = "",
    listed: ListFile = None,
    carries: Annotated[Carries, typer.Option("--carries", help="The ULN, or the name without it.")] = Carries.uln,
    letters: Annotated[Letters, typer.Option("--letters", help="HTML, or PDF (an extra).")] = Letters.html,
    again: Annotated[bool, typer.Option("--again", help="Write again for those whose message waits.")] = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Write one message a learner into the outbox: e-mail file, and letter to print. Nobody counts as told by that."""
    from cli.desk import desk
    from states.steps.pass_uln_on import pass_uln

    with desk("uln pass") as at:
        standings = at.choose(references, cohort=cohort, listed=listed)
        tally = pass_uln(
            at.office, at.act, standings, carries=carries.value, letters=letters.value, again=again, dry_run=dry_run
        )
        if not tally.counts:
            tally.notes.append("nobody is waiting to be told")
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def send(
    references: References = None,
    dispatch: Annotated[str, typer.Option("--dispatch", help="One set of messages, by its number.")] = "",
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Send the messages that wait by your mail server; who it accepts one for counts as told. None goes out twice."""
    from cli.desk import desk
    from cli.render import progress
    from states.steps.send_uln import send as send_messages

    with desk("uln send") as at:
        standings = _to_tell(at, references, dispatch, cohort, listed, everyone=everyone)
        with progress(len(standings), "sending") as bar:
            named = bool(references or listed)
            tally = send_messages(at.office, at.act, standings, named=named, dry_run=dry_run, progress=bar)
        if not standings:
            tally.notes.append("no message waits; write them with: ulnflow uln pass")
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def bounced(
    path: Annotated[Path, typer.Argument(metavar="FILE|FOLDER", help="A report saved as .eml, or a folder of them.")],
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Take in reports that messages did not arrive: their learners are to be told again. Twice changes nothing."""
    from cli.desk import desk
    from states.steps.receive_reports import receive_reports

    with desk("uln bounced") as at:
        tally, unread = receive_reports(at.office, at.act, path, dry_run=dry_run)
        at.finish(tally, form, dry_run=dry_run)
        if unread:
            raise typer.Exit(FINDINGS)


@app.command("check-template")
def check_template(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Templates; those in use if none is named.")
    ] = None,
    form: Format = Form.table,
) -> None:
    """Judge templates of messages and letters: every fault with its line. Exit code 1 when there is any."""
    from cli import post, wiring
    from cli.render import say, show
    from cli.typed import text_of

    if files:
        texts = {path.name: text_of(path) for path in files}
    else:
        folder = wiring.find_folder()
        texts = {name: wiring.text(name, folder) for name in post.TEMPLATES}
    rows = [
        {"file": name, "line": fault.line, "fault": fault.message}
        for name, text in texts.items()
        for fault in post.check_template(name, text)
    ]
    show(rows, form, columns=["file", "line", "fault"])
    if rows:
        raise typer.Exit(FINDINGS)
    say(f"{len(texts)} templates may be used.")


@app.command()
def told(
    references: References = None,
    how: Annotated[str, typer.Option("--how", help="email, letter, in_person, phone or portal.")] = "",
    dispatch: Annotated[str, typer.Option("--dispatch", help="All of one set of messages, by its number.")] = "",
    cohort: Cohort = "",
    listed: ListFile = None,
    everyone: All = False,
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that learners were told their ULN: named, all of a set of messages, or all whose message waits."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.pass_uln_on import record_told

    with desk("uln told") as at:
        standings = _to_tell(at, references, dispatch, cohort, listed, everyone=everyone)
        named = bool(references or listed) and not (everyone or dispatch)
        tally = record_told(
            at.office, at.act, standings, how=how, on=day(at_day), reason=reason, named=named, dry_run=dry_run
        )
        if not standings:
            tally.notes.append("no message waits; write them with: ulnflow uln pass, or name the learners")
        at.finish(tally, form, dry_run=dry_run)


@app.command("not-told")
def not_told(
    references: References = None,
    listed: ListFile = None,
    evidence: Evidence = "",
    at_day: On = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that a message bounced or a letter came back."""
    from cli.desk import desk
    from cli.typed import day
    from states.steps.pass_uln_on import record_not_told

    with desk("uln not-told") as at:
        standings = at.choose(references, listed=listed, everyone=False)
        tally = record_not_told(
            at.office, at.act, standings, evidence=evidence, reason=reason, on=day(at_day), dry_run=dry_run
        )
        at.finish(tally, form, dry_run=dry_run)


@app.command()
def wrong(
    reference: Reference,
    reason: Reason = "",
    evidence: Evidence = "",
    dry_run: DryRun = False,
    form: Format = Form.table,
) -> None:
    """Record that the ULN a learner holds was never theirs. What follows from it becomes duties."""
    from cli.desk import desk
    from states.steps.decide_exception import report_wrong

    with desk("uln wrong") as at:
        at.finish(report_wrong(at.office, at.act, reference, reason, evidence, dry_run=dry_run), form, dry_run=dry_run)


def _to_tell(
    at: Desk, references: list[str] | None, dispatch: str, cohort: str, listed: Path | None, *, everyone: bool
) -> list[Standing]:
    """Who is meant: whose message waits, of one set or of all, or who was named."""
    from states.vocabulary import MESSAGE

    if everyone or dispatch:
        return at.waiting(MESSAGE, dispatch, cohort)
    return at.choose(references, cohort=cohort, listed=listed, states=["uln_received"], everyone=False)
