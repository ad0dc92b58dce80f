"""A profile judged before anybody needs it: every fault with its line, and a made-up learner written by it."""

from __future__ import annotations

import io
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, BinaryIO, Final

from states.errors import FileRefused
from states.exchange.awarding.profile import ProfiledAwardingBody
from states.exchange.lar.profile import PARTS, ProfiledLar
from states.exchange.machine_file import Templates
from states.exchange.profile_columns import ColumnTable
from states.exchange.profile_section import Flaw
from states.learner.details import Details
from states.registration import Registration
from states.sheet_ports import Finding
from workflow.errors import DefinitionError

REGISTRATION: Final = "registration"
LAR: Final = "LAR"
MADE_UP: Final = Details(
    given_name="Robin",
    family_name="Example",
    date_of_birth=date(1990, 1, 31),
    gender="2",
    postcode="CV4 9EE",
    ability_to_share="1",
    id_type="2",
    id_description="a letter of the centre",
    preferred_name="Rob",
    previous_family_name="Sample",
    email="robin@example.org",
    existing_uln="1000000043",
    notice_version="2025",
    notice_date=date(2026, 9, 1),
    id_checked_by="Ann Example",
    id_checked_on=date(2026, 9, 1),
)
_TABLE = re.compile(r"\s*(\[\[?)\s*([\w.\s-]+?)\s*\]\]?\s*(#.*)?")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_TOML = re.compile(r"^(.*?) \(at line ([0-9]+), column ([0-9]+)\)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProfileFault:
    """One fault: its line in the file (None where none can be named), its place, what is wrong."""

    line: int | None
    place: str
    what: str


@dataclass(slots=True)
class Examined:
    """What a profile is: its kind, its words about itself, the headings by file, and every fault."""

    name: str
    kind: str = ""
    label: str = ""
    version: str = ""
    source: str = ""
    headings: dict[str, list[str]] = field(default_factory=dict)
    faults: list[ProfileFault] = field(default_factory=list)


def examine(name: str, text: str, templates: Templates) -> Examined:
    """Judge the text of a profile whole; nothing is raised for what is wrong with it."""
    examined = Examined(name)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        said = _TOML.match(str(wrong))
        line, place, what = (int(said[2]), f"column {said[3]}", said[1]) if said else (None, "", str(wrong))
        examined.faults.append(ProfileFault(line, place, f"is not TOML: {what}"))
        return examined
    lines = _lines(text)
    examined.kind = kind_of(raw)
    examined.label, examined.version, examined.source = (
        str(raw.get(key, "")) for key in ("label", "version", "source")
    )
    flaws: list[Flaw] = []
    if raw.get("profile") != name:
        flaws.append(Flaw("profile", f"must be {name}, as its file is called"))
    tried: Sequence[Flaw] = ()
    try:
        if examined.kind == LAR:
            lar = ProfiledLar(raw, templates)
            examined.headings = {part.replace("_", " "): table.headings for part, table in lar.tables.items()}
            tried = _try_lar(lar)
        else:
            body = ProfiledAwardingBody(raw, templates)
            examined.headings = {"registration": body.headings}
            tried = _try_body(body)
    except DefinitionError as wrong:
        tried = [Flaw(*_parted(fault)) for fault in wrong.faults]
    flaws += tried
    examined.faults += [ProfileFault(_line(lines, flaw.place), flaw.place, flaw.what) for flaw in flaws]
    return examined


def kind_of(raw: Mapping[str, Any]) -> str:
    """Whether a parsed profile is one for LAR files; any other is one for registrations."""
    return LAR if raw.keys() & set(PARTS) else REGISTRATION


def _try_body(body: ProfiledAwardingBody) -> list[Flaw]:
    code = next((one for one in body.qualifications if not _qualification(body, one)), "")
    one = _made_up(body.columns, code or "0000-00")
    found = [*_objections("", body.columns, one), *(_flaw(f) for f in _qualification(body, one.qualification))]
    if found:
        return found
    return [flaw for file in body.split([one]) for flaw in _written(partial(body.write_registration, file))]


def _qualification(body: ProfiledAwardingBody, code: str) -> list[Finding]:
    one = _made_up(body.columns, code)
    return [finding for finding in body.refusals(one) if finding.code == "unknown_qualification"]


def _try_lar(lar: ProfiledLar) -> list[Flaw]:
    found: list[Flaw] = []
    for part, write in zip(PARTS, (lar.write_learners, lar.write_cross_reference), strict=True):
        one = _made_up(lar.tables[part], "8605-11")
        flaws = list(_objections(f"{part} ", lar.tables[part], one))
        found += flaws or _written(partial(write, [one]))
    return found


def _written(write: Callable[[BinaryIO], None]) -> list[Flaw]:
    try:
        write(io.BytesIO())
    except FileRefused as wrong:
        return [Flaw("template" if wrong.file.endswith(".xlsx") else "", str(wrong))]
    return []


def _objections(prefix: str, table: ColumnTable, one: Registration) -> Iterator[Flaw]:
    """What each column has against the made-up learner, whose values are plain ones."""
    for number, column in enumerate(table.columns, start=1):
        finding = column.finding(one)
        if finding is not None:
            what = f"{column.heading}: a made-up learner does not fit: {finding.message}"
            yield Flaw(f"{prefix}column {number}", what)


def _flaw(finding: Finding) -> Flaw:
    return Flaw("qualifications", f"no code it knows could be found: {finding.message}. Name one in known or in hint")


def _made_up(table: ColumnTable, qualification: str) -> Registration:
    """A learner whose coded values are ones the profile knows."""
    codes = {column.source: next(iter(column.codes)) for column in table.columns if column.codes}
    details = MADE_UP.with_changes({name: code for name, code in codes.items() if hasattr(MADE_UP, name)})
    return Registration(
        reference="L-1",
        details=details,
        uln="1000000043",
        qualification=codes.get("qualification", qualification),
        cohort=codes.get("cohort", "NF-1"),
        funded=codes.get("funded", "yes") == "yes",
        start=date(2026, 9, 1),
        planned_end=date(2027, 6, 30),
        candidate_number="ENB0001",
        order_number="WG-1",
    )


def _parted(fault: str) -> tuple[str, str]:
    place, parted, what = fault.partition(": ")
    return (place, what) if parted else ("", fault)


def _lines(text: str) -> dict[str, int]:
    """The line of each table and key, by place as flaws name it."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if head := _TABLE.fullmatch(line):
            table = " ".join(part.strip() for part in head[2].split("."))
            if head[1] == "[[":
                counts[table] = counts.get(table, 0) + 1
                table = f"{table} {counts[table]}"
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{table} {key[1]}".strip(), number)
    return found


def _line(lines: Mapping[str, int], place: str) -> int | None:
    """The line of a place, or of the nearest table around it."""
    words = place.split()
    while words:
        if (line := lines.get(" ".join(words))) is not None:
            return line
        words.pop()
    return None
