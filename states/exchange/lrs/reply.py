"""Reads an LRS reply, a batch's or that to verified ULNs, into rows; refuses the file at the first flaw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from states.errors import FileRefused
from states.exchange.gate import Gate
from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.reading import read_records
from states.exchange.lrs.record import Head, Record, Report, read_date, read_details, refusing
from states.exchange.lrs.return_codes import KINDS, ReturnCodes
from states.exchange.lrs.wrapper import VerifyTable
from states.learner.details import DATE_FIELDS, Details
from states.ports import Reply, ReplyRow

GROUPS: Final = {
    "success": ("new", "updated"),
    "exception": ("possible", "not_found"),
    "rejected": ("rejected",),
}
"""The lines of the LRS's own totals that answers of each class belong to."""
WHOSE: Final = "neither the file nor its name says which provider it is for; learners were matched by reference"


def read_reply(gate: Gate, layout: BatchLayout, codes: ReturnCodes, verify: VerifyTable) -> Reply:
    """Read a reply; whether a ULN is right is for the step to judge. Raises FileRefused."""
    head, refuse, file = Head(), refusing(gate.name), gate.name
    rows = []
    for record in read_records(gate, layout, verify, head, refuse):
        _refuse_batch(head, file, layout)
        if head.rows > (most := layout.limits["learners"]):
            rule = f"it holds more than {most:,} learners, and a batch holds {layout.limit:,} at the most"
            raise FileRefused(file, rule, "Receive the replies of several batches one by one.", line=record.line)
        if head.kind == "verify":
            rows.append(verified_row(record, codes, verify, refuse))
        else:
            rows.append(answered_row(record, layout, codes, refuse))
    _refuse_batch(head, file, layout)
    ukprn, reference = said_by_name(head, file, layout)
    totals = Counter(row.kind for row in rows)
    return Reply(
        name=file,
        digest=gate.digest(),
        ukprn=ukprn,
        batch_reference=reference,
        rows=tuple(rows),
        echoed=frozenset(verify.echo.values()) if head.kind == "verify" else layout.echoed,
        practice=reference.startswith(layout.practice_prefix),
        totals=totals,
        notes=(*told(totals), *contradictions(head, rows), *(() if ukprn else (WHOSE,))),
    )


def answered_row(record: Record, layout: BatchLayout, codes: ReturnCodes, report: Report) -> ReplyRow:
    """One answer of a reply to a batch."""
    texts, uln = record.texts, record.texts.get(layout.name_from("uln"), "")
    code = texts.get(layout.return_code_heading, "")
    outcome, meaning = codes.classify(code)
    return ReplyRow(
        row=record.row,
        reference=texts.get(layout.name_from("reference"), ""),
        code=codes.normalise(code),
        outcome=outcome,
        meaning=meaning,
        uln=uln,
        echo=read_details(record, layout, report),
        kind=codes.kind(code),
        linked=tuple(number for number in dict.fromkeys(record.linked) if number != uln),
    )


def verified_row(record: Record, codes: ReturnCodes, verify: VerifyTable, report: Report) -> ReplyRow:
    """One answer to a verified ULN: the echo is what was asked, `differs` says in words what the flags mean."""
    texts = record.texts
    code, uln, searched = texts.get(verify.code, ""), texts.get(verify.uln, ""), texts.get(verify.searched, "")
    outcome, meaning = codes.classify(code)
    asked = {
        source: read_date(texts.get(name, ""), name, record, report) if source in DATE_FIELDS else texts.get(name, "")
        for name, source in verify.echo.items()
    }
    return ReplyRow(
        row=record.row,
        reference=texts.get(verify.reference, ""),
        code=codes.normalise(code),
        outcome=outcome,
        meaning=meaning,
        uln=uln or (searched if outcome == "success" else ""),
        echo=Details(**asked),  # type: ignore[arg-type]  # the fields decide the types
        kind=codes.kind(code),
        differs=verify.words(record.flags),
        linked=(searched,) if uln and searched and uln != searched else (),
        searched=searched,
    )


def said_by_name(head: Head, file: str, layout: BatchLayout) -> tuple[str, str]:
    """UKPRN and batch reference: as the file says or, where it has no place for them, as its name does."""
    named_ukprn, named_reference = layout.read_name(file)
    return head.values.get("ukprn", named_ukprn), head.values.get("reference", named_reference)


def told(totals: Mapping[str, int]) -> tuple[str, ...]:
    """The answers by kind, as one sentence."""
    each = (f"{totals[kind]} {kind.replace('_', ' ')}" for kind in KINDS if totals.get(kind))
    return (f"answers in the file: {', '.join(each)}",)


def contradictions(head: Head, rows: list[ReplyRow]) -> tuple[str, ...]:
    """Where the totals a reply gives are not those of its rows; a code of unknown meaning may count anywhere."""
    return contradicting(head.counts, Counter(row.kind for row in rows), Counter(row.outcome for row in rows))


def contradicting(said: Mapping[str, int], kinds: Mapping[str, int], outcomes: Mapping[str, int]) -> tuple[str, ...]:
    """The same from numbers: the file's own by kind, and those of its rows by kind and by class."""
    if not said:
        return ()
    notes = [_contradiction(said[kind], kind, held) for kind in said if (held := kinds.get(kind, 0)) > said[kind]]
    unsure = outcomes.get("unknown", 0)
    for outcome, lines in GROUPS.items():
        if not set(lines) <= said.keys():
            continue
        announced, held = sum(said[kind] for kind in lines), outcomes.get(outcome, 0)
        if not held <= announced <= held + unsure:
            notes.append(_contradiction(announced, " or ".join(lines), held))
    return tuple(dict.fromkeys(notes))


def _contradiction(announced: int, kind: str, held: int) -> str:
    return f"the reply counts {announced} learners as {kind.replace('_', ' ')}, but holds {held} such answers"


def _refuse_batch(head: Head, file: str, layout: BatchLayout) -> None:
    if head.kind == "batch":
        rule = f"this is a batch, not a reply: it has no column {layout.return_code_heading}"
        raise FileRefused(file, rule, "Download the job's output file from the LRS portal and read that one.")
