"""What a person types or pipes in: days, personal values and lists, judged before anything is opened."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import typer

from states.exchange.files import decode_text, read_bytes, shown_name

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


KNOWN = range(1900, 2200)
"""Years in which anything of a learner can happen; the calendar's last day has no next one."""


def day(text: str, word: str = "--at") -> date | None:
    """A day typed as YYYY-MM-DD; None when none was; raises typer.BadParameter."""
    if not text:
        return None
    try:
        if not DAY.fullmatch(text) or int(text[:4]) not in KNOWN:  # fromisoformat takes weeks and other forms as well
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{word} takes a day as YYYY-MM-DD") from None


def typed(prompt: str, *, hidden: bool = False) -> str:
    """A personal value: asked for at a terminal, read from standard input otherwise; never an argument."""
    if sys.stdin.isatty():
        return str(typer.prompt(prompt, hide_input=hidden, err=True, default="", show_default=False)).strip()
    return _read_input(whole=False).strip()


def is_number(text: str) -> bool:
    """Whether a text is digits, of any script, and what people set between them: what may be somebody's ULN."""
    return any(map(str.isdigit, text)) and all(sign.isdigit() or sign in " -._,+'" for sign in text)


def lines(source: Path | str = "-") -> list[str]:
    """The lines of a file, or of standard input for `-`, that are not blank; raises FileRefused."""
    text = _read_input(whole=True) if str(source) == "-" else text_of(source)
    return [line for line in text.splitlines() if line.strip()]


def holds_password(address: str) -> bool:
    """Whether the address of a database holds a password, or the file of one."""
    parts = urlsplit(address)
    return parts.password is not None or bool({"password", "passfile"} & parse_qs(parts.query).keys())


def text_of(source: Path | str) -> str:
    """The text of a file, which must be UTF-8; raises FileRefused."""
    return decode_text(read_bytes(Path(source)), shown_name(source))


def sheet(headings: Sequence[str]) -> bytes:
    """A small sheet as CSV: asked for cell by cell at a terminal until a first cell is empty, else read as it comes."""
    if not sys.stdin.isatty():
        return "\n".join(lines()).encode()
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(headings)
    while first := typed(f"{headings[0]} (empty when done)"):
        rows.writerow([first, *(typed(heading) for heading in headings[1:])])
    return text.getvalue().encode()


def _read_input(*, whole: bool) -> str:
    """Standard input, or a line of it, read as bytes, so that what is not UTF-8 is refused rather than guessed."""
    source: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if source is not None:
        data = source.read() if whole else source.readline()
    else:
        data = (sys.stdin.read() if whole else sys.stdin.readline()).encode("utf-8", "surrogatepass")
    return decode_text(data, "standard input")
