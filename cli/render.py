"""Shows data: one door to the terminal, where controls are made visible and nothing is taken for markup.

Data goes to standard output, words about it to standard error.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from cli.options import Form, chosen
from states.exchange.sheets import neutralise
from states.ports import Finding
from states.tally import Refusal, Tally

if TYPE_CHECKING:
    from collections.abc import Callable

Row = Mapping[str, Any]
WIDTH_WHEN_PIPED = 160
REFERENCES_SHOWN = 5


def visible(value: object) -> str:
    """A value as one line of text: controls and direction marks escaped, so that a terminal obeys none of them."""
    text = "" if value is None else str(value)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def show(rows: Sequence[Row], form: Form, *, title: str = "", columns: Sequence[str] = ()) -> None:
    """Print rows on standard output; an empty list prints headings, [] or nothing, never prose."""
    names = list(columns) or (list(rows[0]) if rows else [])
    if form is Form.json:
        _out(orjson.dumps(list(rows), option=orjson.OPT_INDENT_2, default=str).decode())
    elif form is Form.ndjson:
        for row in rows:
            _out(orjson.dumps(row, default=str).decode())
    elif form is Form.csv:
        target = io.StringIO(newline="")
        writer = csv.writer(target)
        writer.writerow(names)
        writer.writerows([[neutralise(visible(_flat(row.get(n)))) for n in names] for row in rows])
        sys.stdout.write(target.getvalue())
    else:
        _table(rows, names, title)


def show_one(record: Row, form: Form, *, title: str = "") -> None:
    """Print one record: as an object in JSON, as two columns in a table."""
    if form is Form.json or form is Form.ndjson:
        option = orjson.OPT_INDENT_2 if form is Form.json else None
        _out(orjson.dumps(record, default=str, option=option).decode())
    elif form is Form.csv:
        show([record], form)
    else:
        show([{"": key, " ": _flat(value)} for key, value in record.items()], form, title=title)


def say(text: str) -> None:
    """A word to the person, on standard error."""
    if not chosen.quiet:
        sys.stderr.write(visible(text) + "\n")


def complain(text: str) -> None:
    """An error, on standard error, even when told to be quiet."""
    sys.stderr.write("\n".join(visible(line) for line in text.split("\n")) + "\n")


def tell(tally: Tally, form: Form, *, dry_run: bool = False) -> None:
    """What a command did: counts, refusals grouped by cause, files, and the next command."""
    if form is not Form.table:
        show_one(_record(tally, dry_run=dry_run), form)
        return
    if dry_run:
        say("Dry run: nothing was written.")
    counted = [{"what": word, "learners": number} for word, number in tally.counts.items() if number]
    if counted:
        show(counted, form)
    if tally.refusals:
        show(_grouped(tally.refusals), form, title="Refused, and why")
    for words, number in tally.warnings.items():
        say(f"Warning for {number}: {words}")
    for note in tally.notes:
        say(f"Note: {note}")
    if not dry_run:
        for made in tally.files:
            say(f"Written: {made.path} ({made.learners} learners)")
        for command in tally.next:
            say(f"Next: {command}")


def show_findings(findings: Sequence[tuple[int, str, Finding]]) -> None:
    """What was noticed in a sheet: first what is to be put right, then what was understood; equal notes as one line."""
    heavy = [
        {"row": row, "reference": reference, "field": f.field, "what is wrong": f.message, "how to fix": f.fix}
        for row, reference, f in findings
        if f.weight != "note"
    ]
    if heavy:
        show(heavy, Form.table, title="To put right")
    notes: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for row, reference, f in findings:
        if f.weight == "note":
            notes.setdefault((f.field, f.message), []).append((row, reference))
    if notes:
        rows = [
            {"rows": _first(str(row) for row, _ in where), "learners": len(where), "field": name, "what": message}
            for (name, message), where in notes.items()
        ]
        show(rows, Form.table, title="Understood as follows, please check")


def _first(items: Iterable[str]) -> str:
    listed = list(items)
    return ", ".join(listed[:REFERENCES_SHOWN]) + (" ..." if len(listed) > REFERENCES_SHOWN else "")


def _record(tally: Tally, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "counts": dict(tally.counts),
        "refusals": [
            {"reference": r.reference, "state": r.state, "rule": r.rule, "code": r.code, "field": r.field,
             "message": r.message}
            for r in tally.refusals
        ],
        "warnings": dict(tally.warnings),
        "notes": tally.notes,
        "files": [{"dispatch": f.dispatch, "name": f.name, "learners": f.learners} for f in tally.files],
        "next": tally.next,
    }  # fmt: skip


def _grouped(refusals: Sequence[Refusal]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.rule, refusal.message), []).append(refusal)
    rows = []
    for (rule, message), members in sorted(groups.items(), key=lambda g: -len(g[1])):
        references = list(dict.fromkeys(m.reference for m in members))
        shown = _first(references)
        hint = next((f" ({m.hint})" for m in members if m.hint and len(members) == 1), "")
        rows.append({"rule": rule, "learners": len(references), "who": shown, "why and what to do": message + hint})
    return rows


def _flat(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_flat(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(str(_flat(item)) for item in value)
    return value


def _table(rows: Sequence[Row], names: Sequence[str], title: str) -> None:
    from rich import box  # noqa: PLC0415 - slow to import, and only tables need it
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(Text(name.replace("_", " ").strip()), overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(_flat(row.get(name)))) for name in names))
    console = Console(
        no_color=bool(os.environ.get("NO_COLOR")), highlight=False,
        width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED,
    )  # fmt: skip
    console.print(table)


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for long work, where a person is looking."""
    if chosen.quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only long work needs it
    from rich.progress import Progress  # noqa: PLC0415 - as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)
