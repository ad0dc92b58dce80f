"""Shows data: one door to the terminal, where controls are made visible and nothing is taken for markup.

Data goes to standard output, words about it to standard error.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import orjson

from cli.options import Form, chosen
from states.addressed import addressed
from states.counting import counted
from states.exchange.cells import neutralise

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from states.sheet_answers import Noticed
    from states.tally import Refusal, Tally

Row = Mapping[str, Any]
WIDTH_WHEN_PIPED = 160
REFERENCES_SHOWN = 5
PAGE = 1_000
"""Rows laid out together."""
READABLE, GAP = 30, 3
"""Characters a line of a long cell needs to be read with ease, and blanks between columns."""


def visible(value: object) -> str:
    """A value as one line of text: controls and direction marks escaped, so that a terminal obeys none of them."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def show(rows: Sequence[Row], form: Form, *, title: str = "", columns: Sequence[str] = ()) -> None:
    """Print rows on standard output; an empty list prints headings, [] or nothing, never prose."""
    names = list(columns) or (list(rows[0]) if rows else [])
    if form is Form.json:
        _out(_json(list(rows), indent=True))
    elif form is Form.ndjson:
        for row in rows:
            _out(_json(row))
    elif form is Form.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([[_cell(row.get(n)) for n in names] for row in rows])
    else:
        _table(rows, names, title)


class Counted:
    """Rows as they come, and how many came; `begun` once the first was asked for."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows, self.number, self.begun = rows, 0, False

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.begun = True
            self.number += 1
            yield row
        self.begun = True


def show_each(rows: Iterable[Row], form: Form, *, columns: Sequence[str] = ()) -> int:
    """Print rows as `show` does, while they come and however many they are; returns how many.

    A table of more rows than a page is laid out page by page.
    """
    coming = iter(rows)
    page = list(islice(coming, PAGE))
    number, names = len(page), list(columns) or (list(page[0]) if page else [])
    if form is Form.json and page:
        number = _array(chain(page, coming))
    elif form is Form.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(names)
        for number, row in enumerate(chain(page, coming), 1):  # noqa: B007 - how many there were
            writer.writerow([_cell(row.get(n)) for n in names])
    else:
        show(page, form, columns=names)
        while page := list(islice(coming, PAGE)):
            show(page, form, columns=names)
            number += len(page)
    return number


def _array(rows: Iterable[Row]) -> int:
    """A list in JSON as `_json` lays it out, an object at a time; nothing for an empty one."""
    number = 0
    for number, row in enumerate(rows, 1):
        sys.stdout.write(("[" if number == 1 else ",") + "\n  " + _json(row, indent=True).replace("\n", "\n  "))
    if number:
        _out("\n]")
    return number


def show_enveloped(head: Row, rows: Iterable[Row]) -> None:
    """Print one JSON object: what `head` says, then `rows`, written while they come and however many they are."""
    _out(_json(head, indent=True).removesuffix("\n}") + ',\n  "rows":')
    if not _array(rows):
        _out("[]")
    _out("}")


def show_one(record: Row, form: Form, *, title: str = "") -> None:
    """Print one record: as an object in JSON, as two columns in a table."""
    if form is Form.json or form is Form.ndjson:
        _out(_json(record, indent=form is Form.json))
    elif form is Form.csv:
        show([record], form)
    else:
        _pairs(record, title)


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
    rows = [{"what": word, "learners": number} for word, number in tally.counts.items() if number]
    if rows:
        show(rows, form)
    if tally.refusals:
        show(_grouped(tally.refusals), form, title="Refused, and why")
    for words, number in tally.warnings.items():
        say(f"Warning for {number}: {words}")
    for note in tally.notes:
        say(f"Note: {note}")
    if not dry_run:
        for made in tally.files:
            say(f"Written: {made.path} ({counted(made.learners, 'learner')})")
        for command in tally.next:
            say(f"Next: {command}")


def show_findings(noticed: Noticed) -> None:
    """What was noticed in a sheet: first what is to be put right, then what was understood; equal notes as one line."""
    heavy = [
        {"row": row, "reference": reference, "field": f.field, "what is wrong": f.message, "how to fix": f.fix}
        for row, reference, f in noticed.heavy
    ]
    if heavy:
        show(heavy, Form.table, title="To put right")
    if noticed.more:
        say(f"And {noticed.more:,} more things were noticed; the sheet that comes back has all of them.")
    notes = [
        {"rows": _first(map(str, group.rows)), "learners": group.count, "field": name, "what": message}
        for (name, message), group in noticed.notes.items()
    ]
    if notes:
        show(notes, Form.table, title="Understood as follows, please check")


def _first(items: Iterable[str]) -> str:
    listed = list(items)
    return ", ".join(listed[:REFERENCES_SHOWN]) + (" ..." if len(listed) > REFERENCES_SHOWN else "")


def _record(tally: Tally, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "counts": dict(tally.counts),
        "refusals": [
            {"reference": r.reference, "state": r.state, "rule": r.rule, "code": r.code, "field": r.field,
             "message": addressed(r.message, r.reference)}
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
        words = addressed(message, *(references if len(references) == 1 else ()))
        rows.append({"rule": rule, "learners": len(references), "who": shown, "why and what to do": words + hint})
    return rows


def _flat(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "; ".join(f"{k}: {_flat(v)}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return "; ".join(str(_flat(item)) for item in value)
    return value


def _cell(value: object) -> object:
    """A CSV cell for a spreadsheet program: texts shown plainly and never taken for a formula, numbers as they are."""
    if type(value) is str and (not value or (value[0].isalnum() and value.isascii() and value.isprintable())):
        return value  # what most cells are
    value = _flat(value)
    return value if isinstance(value, int | float) else neutralise(visible(value))


def _json(value: object, *, indent: bool = False) -> str:
    """JSON in which what a terminal might obey is escaped; a reader of JSON gets the same text back."""
    try:
        text = orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 if indent else None).decode()
    except TypeError:  # half a character, which orjson refuses, from an input that was not UTF-8
        import json  # noqa: PLC0415 - seldom needed

        return json.dumps(value, default=str, indent=2 if indent else None)
    if text.isprintable():
        return text
    import json  # noqa: PLC0415 - seldom needed

    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def _table(rows: Sequence[Row], names: Sequence[str], title: str) -> None:
    """Rows under headings; where the window is too narrow for that, each row as a block of its own."""
    from rich import box  # noqa: PLC0415 - slow to import, and only tables need it
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    console = _console()
    headings = [name.replace("_", " ").strip() for name in names]
    cells = [[visible(_flat(row.get(name))) for name in names] for row in rows]
    if sum(min(max(map(len, column)), READABLE) + GAP for column in zip(headings, *cells, strict=True)) > console.width:
        for number, row in enumerate(cells):
            _pairs(dict(zip(headings, row, strict=True)), title if not number else "")
        return
    table = Table(title=Text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(Text(heading), overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)


def _pairs(record: Row, title: str) -> None:
    """One record as names and values below each other, without a heading row."""
    from rich.table import Table  # noqa: PLC0415 - slow to import, and only tables need it
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(
        title=Text(title) if title else None, title_justify="left", box=None, show_header=False, pad_edge=True
    )
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(Text(visible(name.replace("_", " "))), Text(visible(_flat(value))))
    console = _console()
    console.print(table)
    console.print()


def _console() -> Console:
    """Standard output: as wide as its terminal, without a single escape where NO_COLOR is set or nobody looks."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only tables need it

    return Console(
        color_system=None if os.environ.get("NO_COLOR") else "auto", highlight=False, markup=False, emoji=False,
        width=None if sys.stdout.isatty() else WIDTH_WHEN_PIPED,
    )  # fmt: skip


def _out(text: str) -> None:
    sys.stdout.write(text + "\n")


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error for long work, where a person is looking."""
    if chosen.quiet or not sys.stderr.isatty():
        yield lambda _done: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to import, and only long work needs it
    from rich.markup import escape  # noqa: PLC0415 - as above
    from rich.progress import Progress  # noqa: PLC0415 - as above

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(visible(what)), total=total)
        yield lambda done: bar.advance(task, done)
