"""ulnflow audit: the log read, and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.prove import prove
from cli.commands.witness import witness
from cli.exits import FINDINGS, UNVERIFIED
from cli.options import Cohort, Form, Format, Qualification, Reference, names_nobody

app = typer.Typer(no_args_is_help=True)
IN_A_TABLE = 100


@app.command()
def history(
    reference: Reference,
    qualification: Qualification = "",
    refusals: Annotated[bool, typer.Option("--refusals", help="Refused attempts and looks as well.")] = False,
    reasons: Annotated[
        bool, typer.Option("--reasons", help="Reasons in the words they were given in; the look is recorded.")
    ] = False,
    form: Format = Form.table,
) -> None:
    """Tell one learner's story from the log."""
    from cli.desk import desk
    from cli.explain import show_trail
    from states.reports.trail import trail
    from states.steps import look_up

    with desk("audit history") as at:
        if reasons:
            at.demand("see", "audit history --reasons")
        words = look_up.reasons(at.office, at.act, reference) if reasons else {}
        story = trail(at.office, reference, qualification=qualification, refusals=refusals, reasons=words)
        look_up.audited(at.office, at.act, "history", reference=reference, found=len(story.lines))
        show_trail(story, form)


@app.command()
def events(
    reference: Annotated[str, typer.Option("--learner", help="Only this learner.")] = "",
    by: Annotated[str, typer.Option("--actor", help="Only by this person.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Such as moved, refused, dispatch_sent.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="Only this trigger.")] = "",
    since: Annotated[str, typer.Option("--since", help="Recorded on this day or later.")] = "",
    until: Annotated[str, typer.Option("--until", help="Recorded on this day or earlier.")] = "",
    refusals: Annotated[bool, typer.Option("--refusals", help="Refused attempts and looks as well.")] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help="Only the latest so many; 100 in a table.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="However many there are, in a table too.")] = False,
    form: Format = Form.table,
) -> None:
    """List events of the log, filtered; every one of them as CSV or JSON, the latest in a table."""
    from cli.desk import desk
    from cli.render import Counted, say, show_each
    from cli.typed import day
    from states.reports.events import COLUMNS
    from states.reports.events import events as read
    from states.steps import look_up

    if everything and limit is not None:
        raise typer.BadParameter("give --limit or --all, not both")
    most = limit if limit is not None or everything or form is not Form.table else IN_A_TABLE
    with desk("audit events") as at:
        rows = read(
            at.office, reference=reference, actor=by, kind=kind, trigger=trigger, since=day(since, "--since"),
            until=day(until, "--until"), refusals=refusals, limit=most,
        )  # fmt: skip
        seen = Counted(rows)
        brief = ("position", "recorded", "who", "reference", "what")
        try:
            show_each(seen, form, columns=brief if form is Form.table else COLUMNS)
        finally:
            if seen.begun:
                look_up.audited(at.office, at.act, "events", reference=reference, found=seen.number)
        if not seen.number:
            say("No event passes these filters.")
        if not refusals and not kind:
            say("Refused attempts and looks are left out; --refusals shows them too.")
        if seen.number == most:
            say(f"The latest {most} are shown; --limit shows more, --all every one.")


@app.command()
def verify(
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="FILE", help="A checkpoint kept elsewhere.", show_default=False),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--key", help="Trust this key, and not those the log names.", show_default=False),
    ] = None,
    form: Format = Form.table,
) -> None:
    """Check the whole log: guards, gaps, chains, copies, checkpoints, and that standings follow from events."""
    from cli import sealing, verifying
    from cli.desk import desk
    from cli.explain import verdict
    from cli.render import complain, say, show, show_one
    from workflow.errors import SchemaMissing, StoreError
    from workflow.store.seals import Seals

    try:
        with desk("audit verify") as at, at.office.look() as look:
            report = verifying.verify(at, look, against or (), by or ())
            looks = Seals(look.connection).looks(report.sealed, report.size)
    except SchemaMissing:
        raise
    except StoreError as wrong:
        complain(f"The log cannot be verified. {wrong}")
        raise typer.Exit(UNVERIFIED) from None
    faults = [{"kind": f.kind, "position": f.position, "case": f.case, "what": f.message} for f in report.faults]
    notes = [{"kind": f.kind, "position": f.position, "case": f.case, "what": f.message} for f in report.notes]
    summary = verdict(report)
    if form is Form.table:
        show_one(summary, form)
        if faults:
            show(faults, form, title="What is wrong")
        for note in notes:
            say(f"Note: event {note['position']} {note['what']}")
    else:
        show_one({**summary, "faults": faults, "notes": notes}, form)
    if report.unsealed:
        say(f"{sealing.unsealed(report.unsealed, looks)}. Now: ulnflow audit seal")
    if not report.holds:
        raise typer.Exit(FINDINGS)


@app.command()
def ask(
    question: Annotated[
        str, typer.Argument(metavar="[QUESTION]", help="By name or number; none lists them.", show_default=False)
    ] = "",
    learner: Annotated[str, typer.Option("--learner", help="Only this learner, by reference.")] = "",
    cohort: Cohort = "",
    by: Annotated[str, typer.Option("--actor", help="Only by this person.")] = "",
    rule: Annotated[str, typer.Option("--rule", help="Only what this rule refused, such as D6.")] = "",
    trigger: Annotated[str, typer.Option("--trigger", help="Only this trigger.")] = "",
    dispatch: Annotated[str, typer.Option("--dispatch", help="Only this file, by number or name.")] = "",
    since: Annotated[str, typer.Option("--since", help="Recorded on this day or later.")] = "",
    until: Annotated[str, typer.Option("--until", help="Recorded on this day or earlier.")] = "",
    at_day: Annotated[str, typer.Option("--at", help="As things had happened by the end of this day.")] = "",
    known_at: Annotated[str, typer.Option("--known-at", help="As the log knew it at the end of this day.")] = "",
    checked: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Verify the whole log first; without it the exit code is 3.")
    ] = True,
    form: Format = Form.table,
) -> None:
    """Answer an auditor's question from the log, and say what the answer rests on. Alone, it lists the questions.

    Exit code 1 with findings, 3 when the log was not verified. That it was asked is recorded, never the answer.
    """
    from cli import asking
    from cli.desk import desk
    from cli.render import show
    from cli.typed import day
    from states.reports.asking import Filters, check
    from states.reports.questions import find

    filters = Filters(
        learner=learner, cohort=cohort, actor=by, rule=rule, trigger=trigger, dispatch=dispatch,
        since=day(since, "--since"), until=day(until, "--until"), at=day(at_day), known_at=day(known_at, "--known-at"),
    )  # fmt: skip
    if not question:
        if filters.given():
            raise typer.BadParameter("say which question; ulnflow audit ask lists them")
        rows = asking.listed()
        show(rows, form, columns=asking.LIST[:3] if form is Form.table else asking.LIST)
        return
    asked = find(question)
    check(asked, filters, option=asking.option)
    if asked.verifies and not checked:
        raise typer.BadParameter(f"{asked.name} is what verifying answers; ask it without --no-verify")
    with desk("audit ask") as at:
        code = asking.ask(at, asked, filters, form, verifying=checked)
    asking.exit_with(code)


@app.command()
def seal(
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write the checkpoint into this folder as well.", show_default=False),
    ] = None,
    form: Format = Form.table,
) -> None:
    """Sign a checkpoint of the log. Every command that changes something does it too; keep some out of reach.

    It reads every event first, and signs nothing where the log is not what its checkpoints say: exit code 1.
    """
    from cli import checkpoints, verifying
    from cli.desk import desk
    from cli.render import complain, say, show_one
    from states.errors import NotPossible
    from workflow.seal.checkpoint import in_base64

    with desk("audit seal") as at:
        if faults := verifying.find_altered(at):
            for fault in faults:
                complain(f"Not sealed: {f'event {fault.position}: ' if fault.position else ''}{fault.message}")
            say(checkpoints.RESTORED)
            raise typer.Exit(FINDINGS)
        made, path = at.sign()
        if made is None:
            raise NotPossible("the log is empty: there is nothing to seal")
        if to is not None:
            path = checkpoints.written(made, to)
        found = {"events": made.size, "root": made.root.hex(), "root_base64": in_base64(made.root), "file": str(path)}
        show_one(found, form)
        say("Keep it where nobody with this database can change it; then: ulnflow audit verify --against FILE")


@app.command()
def pack(
    learner: Annotated[str, typer.Option("--learner", help="About this learner.", show_default=False)] = "",
    cohort: Annotated[str, typer.Option("--cohort", help="About this cohort.", show_default=False)] = "",
    since: Annotated[str, typer.Option("--since", help="What was recorded on this day or later.")] = "",
    until: Annotated[str, typer.Option("--until", help="What was recorded on this day or earlier.")] = "",
    given_to: Annotated[
        str, typer.Option("--for", help="Who is given it, as the log will carry it.", callback=names_nobody)
    ] = "",
    to: Annotated[
        Path | None, typer.Option("--to", help="Put it into this folder, not outbox/packs.", show_default=False)
    ] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="As one zip file as well.")] = False,
    names: Annotated[bool, typer.Option("--with-names", help="With names and ULNs; the log tells of it.")] = False,
    form: Format = Form.table,
) -> None:
    """Make an evidence pack for an auditor: events, proofs, checkpoint, and a program that checks them by itself.

    The whole log is verified first, and the pack says what was found; exit code 1 where it does not hold.
    """
    from cli import packing
    from cli.desk import desk
    from cli.render import complain, say, show_one
    from cli.typed import day

    if learner and cohort:
        raise typer.BadParameter("give --learner or --cohort, not both")
    if not (learner or cohort or since or until):
        raise typer.BadParameter("say what it is about: --learner, --cohort, or days by --since and --until")
    wanted = packing.Wanted(
        learner=learner, cohort=cohort, since=day(since, "--since"), until=day(until, "--until"), given_to=given_to,
        names=names, zipped=zipped,
    )  # fmt: skip
    with desk("audit pack") as at:
        if names:
            at.demand("see", "audit pack --with-names")
        made = packing.make(at, wanted, to)
        show_one(
            {
                "folder": str(made.folder), "zip": str(made.zipped or ""), "events": made.events,
                "learners": made.learners, "checkpoint": made.size, "manifest": made.manifest,
                "recorded as": made.position, "key": made.key, "holds": made.vouched.holds,
                "verified": made.vouched.verified,
            },
            form,
        )  # fmt: skip
        say("Give whoever checks it the key another way than the pack. They run, in its folder:")
        say(f"python -I verify.py --key '{made.key}'")
        if not made.vouched.holds:
            complain(f"The log does not hold, and the pack says so: {'; '.join(made.vouched.faults)}. "
                     "See: ulnflow audit verify")  # fmt: skip
            raise typer.Exit(FINDINGS)


@app.command(name="check-pack")
def check_pack(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The pack, unpacked.")],
    by: Annotated[list[str] | None, typer.Option("--key", help="The key of the log.", show_default=False)] = None,
    form: Format = Form.table,
) -> None:
    """Check an evidence pack as its own verify.py does.

    Exit code 1 when it does not hold, or says that its log did not; 3 without a --key.
    """
    from hashlib import sha256

    from cli import packing
    from cli.render import complain, say, show_one
    from states.errors import NotFound
    from workflow.pack import verifier_bytes
    from workflow.verifier import SHOWS, Refused, log_fault

    if not folder.is_dir():
        raise NotFound(f"there is no folder {folder}. Give the one the pack was unpacked into", str(folder))
    try:
        found = packing.checked(folder, by or [])
    except Refused as wrong:
        complain(f"Not verified: {wrong}")
        raise typer.Exit(FINDINGS) from None
    show_one(
        {**dict(line.split(": ", 1) for line in found), "verifier here": sha256(verifier_bytes()).hexdigest()}, form
    )
    say(SHOWS.replace("\n", " "))
    if log_fault(found):
        complain("The pack is what the centre made, of a log that did not hold: ask what was found, and why.")
        raise typer.Exit(FINDINGS)
    if not by:
        complain("Only consistent: without --key the pack's own key was used, and that shows nothing of who made it.")
        raise typer.Exit(UNVERIFIED)


app.command()(prove)


@app.command()
def consistency(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="A checkpoint kept from before.")],
    new: Annotated[
        Path | None, typer.Argument(metavar="[NEW]", help="A later one; without it the last.", show_default=False)
    ] = None,
    form: Format = Form.json,
) -> None:
    """Prove that the log of an earlier checkpoint is the beginning of a later one's. Exit code 1 when it is not."""
    from cli import checkpoints
    from cli.desk import desk
    from cli.render import complain, show_one
    from states.errors import NotPossible
    from workflow.seal import ProofRefused, verify_consistency
    from workflow.sealing import prove_consistency
    from workflow.store.seals import Seals, known_keys

    with desk("audit consistency") as at, at.office.database.reading() as connection:
        known, origin = known_keys(connection), at.office.engine.origin
        first = checkpoints.trusted(old, origin, known)
        last = Seals(connection).last()
        if new is None and last is None:
            raise NotPossible("the log was never sealed; run: ulnflow audit seal")
        second = checkpoints.trusted(new, origin, known) if new else checkpoints.told(last, origin, known)
        if first.size > second.size:
            raise NotPossible("give the earlier checkpoint first")
        proof = prove_consistency(connection, first.size, second.size)
    try:
        verify_consistency(first.size, second.size, first.root, second.root, proof)
    except ProofRefused as wrong:
        complain(f"The log at {second.size} events does not go on from the one at {first.size}: {wrong}")
        raise typer.Exit(FINDINGS) from None
    show_one({"old": first.size, "new": second.size, "proof": [one.hex() for one in proof], "holds": True}, form)


app.command()(witness)
