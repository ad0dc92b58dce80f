"""Shows reports to a person: the same data as JSON, laid out for reading in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any

from cli.options import Form
from cli.render import say, show, show_one
from states.counting import counted
from states.reports.asked_now import RuleSaid
from states.reports.stuck import StuckReport, StuckRow
from states.reports.today import Today
from states.reports.trail import Trail, TrailLine
from states.reports.why import Why
from workflow.seal.checkpoint import in_base64

if TYPE_CHECKING:
    from states.steps.compare_lists import Compared
    from workflow.store.verify import Report


def rows_of(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Dataclasses as rows."""
    return [asdict(item) if is_dataclass(item) and not isinstance(item, type) else dict(item) for item in items]


def headings(row: type[Any]) -> list[str]:
    """The columns of rows of a dataclass, also where there is none."""
    return [field.name for field in fields(row)]


def show_compared(compared: Compared, form: Form) -> bool:
    """On what two lists do not agree, fields by name and never by value; returns whether on anything."""
    rows = [
        {
            "finding": gap.kind,
            "reference": gap.reference,
            "row": gap.row,
            "fields": gap.fields,
            "next_command": gap.next_command,
        }
        for gap in compared.gaps
    ]
    show(rows, form, columns=["finding", "reference", "row", "fields", "next_command"])
    if any(gap.kind == "differs" for gap in compared.gaps):
        say("Where the other list is wrong, have it corrected there.")
    say(
        f"{counted(compared.rows, 'row')} there, {counted(compared.ours, 'learner')} here, "
        f"{counted(len(rows), 'finding')}."
    )
    if compared.file is not None:
        say(f"Written, with the values: {compared.file.path}")
    return bool(rows)


def show_stuck(report: StuckReport, form: Form) -> bool:
    """Who is stuck; returns whether anyone is."""
    if form is Form.json:
        show_one(asdict(report), form)
    elif form is not Form.table:
        show(rows_of(report.rows), form, columns=headings(StuckRow))
    elif not report.rows:
        _say_waiting(report.approvals)
        say("Nobody is stuck.")
    else:
        if report.causes:
            causes = [
                {"solve first": c.what, "learners": c.learners, "goes free": c.releases, "next": c.next_command}
                for c in report.causes[:5]
            ]
            show(causes, form)
            if len(report.causes) > len(causes):
                say(f"{len(report.causes) - len(causes)} more causes release fewer learners.")
        rows = [
            {
                "who": r.reference or r.file,
                "where": r.title or r.duty,
                "kind": r.kind,
                "owner": r.owner,
                "days": r.working_days if r.clock is None else f"{r.working_days} of {r.clock}",
                "due": r.due,
                "why": "; ".join(r.why),
                "next": r.next_command,
            }
            for r in report.rows
        ]
        show(rows, form)
        _say_waiting(report.approvals)
        sums = ", ".join(f"{number} {kind}" for kind, number in report.totals.items() if number)
        say(f"In all: {sums}." + ("" if report.complete else " More than are shown; see --limit."))
    if form is Form.table:
        say("What other rules say of a step is known once the step is typed, such as who has the same five details.")
    return bool(report.rows)


def show_why(found: Why, form: Form) -> None:
    """One learner explained."""
    if form is not Form.table:
        show_one(asdict(found), form)
        return
    head = {
        "Learner": found.reference,
        "Stands in": f"{found.title}: {found.meaning}",
        "Since": f"{found.since} ({found.working_days} working days)",
        "Answer": found.answer,
        "Due": found.due + (" - overdue" if found.overdue else "") if found.due else "",
        "Waits for": found.waits_for or found.owner,
        "Match": found.match,
        "Comes next": found.expected_title,
        "Route": "alternative" if found.alternative else "",
    }
    show_one({key: value for key, value in head.items() if value}, form)
    said = [
        {
            "rule": r.rule,
            "says": r.says,
            "about": _about(r),
            "next": r.next_command,
        }
        for r in found.rules
        if r.says != "holds"
    ]
    holding = sum(r.says == "holds" for r in found.rules)
    if found.rules:
        say(f"{holding} of {len(found.rules)} rules of the next step hold without a word, asked just now.")
    if said:
        show(said, form, title="What the other rules say")
    if found.files:
        show(rows_of(found.files), form, title="Files that hold this learner")
    if found.duties:
        show([{"duty": d.title, "due": d.due, "next": d.next_command} for d in found.duties], form, title="Owed")
    _say_waiting(found.approvals)
    for line in found.guidance:
        say(f"- {line}")
    for name, how in found.contacts:
        say(f"Ask: {name}, {how}")
    if found.next_command:
        say(f"Next: {found.next_command}")


def _say_waiting(approvals: Sequence[str]) -> None:
    for line in approvals:
        say(line[:1].upper() + line[1:])


def _about(said: RuleSaid) -> str:
    """What a rule says; for what the step itself must bring, what that is."""
    return said.title if said.says == "to be given" else "; ".join(said.messages) or said.title


def show_today(found: Today, form: Form) -> None:
    """The day at a glance."""
    if form is not Form.table:
        show_one(asdict(found), form)
        return
    say(f"Today is {found.day}.")
    due = [s for s in found.states if s.due_today or s.overdue]
    unsent = [{"file": u.name, "learners": u.learners, "next": u.next_command} for u in found.unsent]
    runs = [{"step": r.trigger, "done": f"{r.done} of {r.size}", "next": r.next_command} for r in found.runs]
    for title, rows in (
        ("Due", [{"where": s.title, "today": s.due_today, "overdue": s.overdue, "owner": s.owner} for s in due]),
        ("Came in lately", [{"what": c.what, "name": c.name, "state": c.state, "on": c.on} for c in found.came_in]),
        ("Prepared, not marked as sent", unsent),
        ("Owed", [{"duty": d.title, "open": d.open, "oldest": d.oldest, "overdue": d.overdue} for d in found.duties]),
        ("Interrupted", runs),
    ):
        if rows:
            show(rows, form, title=title)
    _say_waiting(found.approvals)
    commands = [{"for": s.learners, "what": s.what, "command": s.command} for s in found.next_commands]
    if commands:
        show(commands, form, title="Next")
    elif not found.approvals:
        say("Nothing is waiting. See: ulnflow status")


def show_trail(found: Trail, form: Form) -> None:
    """One learner's story."""
    if form is Form.json:
        show_one(asdict(found), form)
        return
    if form is not Form.table:
        show(rows_of(found.lines), form)
        return
    stands = "; ".join(f"{qualification or 'case'}: {title}" for qualification, title in found.stands)
    rows = [
        {
            "no": line.position,
            "when (UTC)": line.happened + (f" (recorded {line.recorded})" if line.recorded else ""),
            "who": line.who,
            "what happened": line.what + (f" (voided by entry {line.voided_by})" if line.voided else ""),
            "rules": _rules(line),
        }
        for line in found.lines
    ]
    show(rows, form, title=f"{found.reference} now: {stands}")


def _rules(line: TrailLine) -> str:
    """How the rules judged, and what became owed or done."""
    words = []
    if line.held or line.not_held:
        words.append(f"{line.held} held" + (f", {line.not_held} did not" if line.not_held else ""))
    return ". ".join((*words, *line.messages, *line.duties))


def verdict(report: Report) -> dict[str, Any]:
    """What verifying found, without its faults."""
    return {
        "origin": report.origin, "events": report.size, "cases": report.cases, "root": report.root.hex(),
        "root_base64": in_base64(report.root), "sealed": report.sealed, "unsealed": report.unsealed,
        "held_against": ", ".join(report.held_against),
        "holds": report.holds,
    }  # fmt: skip
