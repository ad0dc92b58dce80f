"""Checks an LRS file, ours or another program's: everything the portal would refuse in it, and what a reply lacks.

It needs no database and knows no learner; it lists every flaw by rule, with the lines it is on and never a value.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Final, NamedTuple

from states.exchange.gate import UTF8_MARK, opened
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.reading import read_records
from states.exchange.lrs.record import Flaw, Head, Record, Report, read_details
from states.exchange.lrs.refusals import judge
from states.exchange.lrs.reply import answered_row, contradicting, said_by_name, verified_row
from states.exchange.lrs.return_codes import ReturnCodes
from states.exchange.lrs.wrapper import VerifyTable
from states.learner import uln as uln_number
from states.ports import BATCH_FORMS, ReplyRow
from states.sheet_ports import Finding

GROUPS_LIMIT: Final = 1_000
"""Different flaws that are told apart; what is beyond them is counted together."""
CODES_LIMIT: Final = 100
NAME: Final = "file name"
TRAILING_BLANKS: Final = 4
"""Blanks after a postcode that the LRS schema lets pass, within the nine characters."""


class Group(NamedTuple):
    """One flaw and where it is: lines of the file and learners from 1, 0 where that is not known or the whole file."""

    rule: str
    column: str
    message: str
    fix: str
    lines: array[int]
    rows: array[int]


@dataclass(slots=True, kw_only=True)
class Checked:
    """What was found: the kind of file, how many learners, answers by kind, codes by how often, and the flaws."""

    name: str
    kind: str = ""
    form: str = ""
    learners: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def findings(self) -> int:
        """How many flaws there are, each line counted."""
        return sum(len(group.lines) for group in self.groups)


class _Flaws:
    """Takes flaws and keeps equal ones together."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str, str, str, str], Group] = {}

    def __call__(self, flaw: Flaw) -> None:
        key = (flaw.rule, flaw.column, flaw.message, flaw.fix)
        if key not in self.groups and len(self.groups) >= GROUPS_LIMIT:
            key = ("more", "", "there are more kinds of flaws than can be listed", "Correct these, and check again.")
        group = self.groups.setdefault(key, Group(*key, array("q"), array("q")))
        group.lines.append(flaw.line or 0)
        group.rows.append(flaw.row or 0)


def check_file(path: Path, layout: BatchLayout, codes: ReturnCodes, verify: VerifyTable, *, today: date) -> Checked:
    """Check a batch, a reply or an answer to verified ULNs; `today` is the day ages are judged on.

    Raises FileRefused for what cannot be read at all.
    """
    flaws, head = _Flaws(), Head()
    with opened(path, limit=layout.limits["bytes"]) as gate:
        checked = Checked(name=gate.name)
        marked = gate.head.startswith(UTF8_MARK)
        records = read_records(gate, layout, verify, head, flaws)
        _check_records(records, head, layout, codes, verify, today, flaws, checked)
    checked.kind, checked.form, checked.learners = head.kind, head.form, head.rows
    if marked and head.form == "csv":
        fix = "Save it as UTF-8 without one; a spreadsheet program writes it."
        flaws(Flaw("byte_order_mark", "the file begins with a byte order mark", fix, line=1))
    if head.kind == "batch":
        _check_size(head, layout, flaws)
        _check_name(checked.name, head, layout, flaws)
    checked.groups = sorted(flaws.groups.values(), key=lambda group: (min(group.lines), min(group.rows)))
    return checked


def _check_records(
    records: Iterable[Record],
    head: Head,
    layout: BatchLayout,
    codes: ReturnCodes,
    verify: VerifyTable,
    today: date,
    report: Report,
    checked: Checked,
) -> None:
    key = layout.name_from("reference")
    seen: set[str] = set()
    kinds: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    for record in records:
        reference = record.texts.get(key, "")
        if reference and reference in seen:
            message = "the learner stands in the file more than once"
            report(Flaw("twice", message, "Send each learner once.", key, record.line, record.row))
        if reference:
            seen.add(reference)
        if head.kind == "batch":
            _check_learner(record, layout, today, report)
            continue
        row = (
            verified_row(record, codes, verify, report)
            if head.kind == "verify"
            else answered_row(record, layout, codes, report)
        )
        kinds[row.kind] += 1
        outcomes[row.outcome] += 1
        _check_answer(row, record, head, layout, verify, report)
        if row.code in checked.codes or len(checked.codes) < CODES_LIMIT:
            checked.codes[row.code] = checked.codes.get(row.code, 0) + 1
    checked.totals = dict(kinds)
    for note in contradicting(head.counts, kinds, outcomes):
        report(Flaw("totals", note, "The download is incomplete or was edited: download it again."))


def _check_learner(record: Record, layout: BatchLayout, today: date, report: Report) -> None:
    dated: set[str] = set()

    def take(flaw: Flaw) -> None:
        dated.add(flaw.column)
        report(flaw)

    born = read_details(record, layout, take).date_of_birth
    texts = dict(record.texts)
    postcode = layout.name_from("postcode")
    trimmed = texts.get(postcode, "").rstrip(" ")
    if len(texts.get(postcode, "")) - len(trimmed) <= TRAILING_BLANKS:
        texts[postcode] = trimmed if len(texts.get(postcode, "")) <= _limit(layout, postcode) else texts[postcode]
    for column, finding in judge(texts, layout):
        if column.name not in dated:
            report(_flaw(finding, column.name, record))
    if born is not None:
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        youngest, oldest = layout.ages
        if not youngest <= age <= oldest:
            message = f"the age is outside {youngest} to {oldest}"
            fix = "Check the date of birth against the ID."
            report(Flaw("age", message, fix, layout.name_from("date_of_birth"), record.line, record.row))


def _limit(layout: BatchLayout, name: str) -> int:
    return next(column.limit for column in layout.learner_columns if column.name == name)


def _check_answer(
    row: ReplyRow, record: Record, head: Head, layout: BatchLayout, verify: VerifyTable, report: Report
) -> None:
    uln_column = verify.uln if head.kind == "verify" else layout.name_from("uln")
    code_column = verify.code if head.kind == "verify" else layout.return_code_heading
    if row.outcome == "unknown":
        report(Flaw("unknown_code", row.meaning.partition(".")[0], row.meaning.partition(". ")[2], code_column,
                    record.line, record.row))  # fmt: skip
    if row.uln and uln_number.fault(row.uln) is not None:
        fix = "Look the learner up in the LRS portal."
        report(Flaw("uln", "the ULN is not valid", fix, uln_column, record.line, record.row))
    elif not row.uln and row.outcome == "success":
        message = "the answer is a success, and no ULN stands in the row"
        report(Flaw("uln", message, "Look the learner up in the LRS portal.", uln_column, record.line, record.row))
    if not row.reference and not row.searched:
        message = "the answer names no learner"
        report(
            Flaw("missing", message, "Download the file again.", layout.name_from("reference"), record.line, record.row)
        )


def _flaw(finding: Finding, column: str, record: Record) -> Flaw:
    message = finding.message[:1].lower() + finding.message[1:] if finding.message[1:2].islower() else finding.message
    return Flaw(finding.code, message, finding.fix, column, record.line, record.row)


def _check_size(head: Head, layout: BatchLayout, report: Report) -> None:
    if head.rows > layout.limit:
        rule = f"{head.rows:,} learners are more than the {layout.limit:,} a file may hold"
        report(Flaw("too_many", rule, "Split them into several files."))


def _check_name(name: str, head: Head, layout: BatchLayout, report: Report) -> None:
    """The name the upload demands, the extension in upper case (LRS guide, 2024)."""
    named, reference = layout.read_name(name)
    wanted = layout.name_of_file(head.form, ukprn="<UKPRN>", stamp="<DDMMYYYYHHMM>")
    stamp = re.search(r"([0-9]+)$", reference)
    practice = reference.startswith(layout.practice_prefix)
    real = reference.removeprefix(layout.practice_prefix)
    names = {form: layout.name_of_file(form, ukprn=named, stamp=stamp[1] if stamp else "") for form in BATCH_FORMS}
    if practice:
        report(Flaw("practice", "it is a practice file, not for the portal", "Send a real one.", NAME))
    if not named or not _is_minute(stamp[1] if stamp else "", layout.stamp) or not real:
        report(Flaw("file_name", f"the name is not {wanted}", "Rename the file.", NAME))
    elif name.removeprefix(layout.practice_prefix) != names[head.form]:
        extension = layout.extension[head.form]
        rule = f"the name is not {wanted}: it ends in .{extension}, in upper case"
        report(Flaw("file_name", rule, "Rename the file.", NAME))
    ukprn, _ = said_by_name(head, name, layout)
    if named and ukprn != named:
        report(Flaw("file_name", "the name holds another UKPRN than the file", "Rename the file.", NAME))


def _is_minute(text: str, pattern: str) -> bool:
    try:
        return datetime.strptime(text, pattern).strftime(pattern) == text  # noqa: DTZ007 - a name, not a moment
    except ValueError:
        return False
