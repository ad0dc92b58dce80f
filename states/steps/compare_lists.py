"""Other people's lists held beside ours: ILM's own, and the enrolments of the management system. Nobody moves by it.

The look is recorded, and a person kept to cohorts is told of their own learners, and of who is unknown here. On the
screen stand names of fields; the values stand in a sheet for people, in outbox/results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeVar

from states.cohorts import refuse_cohort, theirs
from states.errors import NotFound
from states.facts import registration_of
from states.learner.case_facts import by_candidate
from states.learner.details import FIVE_DETAILS, LABELS, Details
from states.registration import BodyList, Difference, ListedRow
from states.sheet_ports import Reading, SheetRow
from states.tally import FileMade
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import NOT_ACTIVE
from workflow import Act, Standing
from workflow.store.queries import Queries

Kind = Literal["missing there", "missing here", "not registered", "left here", "differs", "not enrolled", "row refused"]
CHUNK: Final = 1_000
HEADINGS: Final = ("Row", "Learner reference", "Finding", "Field", "Here", "There", "What to do")
Item = TypeVar("Item")
CASE_FIELDS: Final = {"cohort": "Cohort", "qualification": "Qualification", "funded": "Funded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Something on which two lists do not agree; `row` is None for who stands in ours alone.

    `reference` is empty for who is unknown here. The values stand in `differences`, which no repr shows.
    """

    kind: Kind
    reference: str
    row: int | None = None
    differences: tuple[Difference, ...] = ()
    next_command: str = ""

    @property
    def fields(self) -> list[str]:
        """The fields that differ, in words."""
        return [_label(one.field) for one in self.differences]


@dataclass(slots=True)
class Compared:
    """What came of a comparison: rows read, learners of ours held beside them, gaps, and the sheet for people."""

    rows: int
    ours: int = 0
    gaps: list[Gap] = field(default_factory=list)
    file: FileMade | None = None


def compare_body_list(
    office: Office, act: Act, path: Path, *, cohort: str = "", profile: str = "", sheet: str | None = None
) -> Compared:
    """Hold the awarding organisation's own list beside our registrations; raises FileRefused, NotPossible."""
    read = office.plugs.awarding_body.read_list(path, profile=profile, sheet=sheet)
    with office.begin(act) as uow:
        compared = Compared(len(read.rows))
        matched = _match(uow, read)
        seen: set[int] = set()
        for row, own in matched:
            if own and not theirs(uow.cohorts, own):
                continue
            compared.gaps += _gaps_of_row(uow, row, own, profile, seen)
        for standing, reference in _registered(uow, cohort, profile):
            compared.ours += 1
            if standing.case not in seen and standing.state not in office.route.final_states():
                advice = f"ulnflow learner why {reference}"
                compared.gaps.append(Gap(kind="missing there", reference=reference, next_command=advice))
        return _told(uow, compared, "body_list", read.digest)


def compare_enrolments(
    office: Office, act: Act, path: Path, *, cohort: str = "", day_first: bool, sheet: str | None = None
) -> Compared:
    """Hold the management system's enrolments beside our learners; raises FileRefused."""
    read = office.plugs.cohort_source.open(path, Reading(day_first=day_first, sheet=sheet))
    with office.begin(act) as uow:
        compared = Compared(read.about.rows)
        seen: set[int] = set()
        for rows in _chunks(read.rows(), CHUNK):
            compared.gaps += _enrolled(uow, rows, seen)
        for standing, reference in _cases(uow, cohort):
            compared.ours += 1
            if standing.subject not in seen and standing.state not in office.route.final_states():
                advice = f"ulnflow learner withdraw {reference} --reason left_course"
                compared.gaps.append(Gap(kind="not enrolled", reference=reference, next_command=advice))
        return _told(uow, compared, "enrolments", read.about.digest)


def _match(uow: UnitOfWork, read: BodyList) -> Iterator[tuple[ListedRow, list[Standing] | None]]:
    """Each row with the cases of the learner it is about; None for who is unknown here."""
    for rows in _chunks(read.rows, CHUNK):
        references = uow.learners.by_reference({row.text("reference") for row in rows} - {""}, erased=False)
        holders = uow.learners.holders({row.text("uln") for row in rows} - {""})
        numbers = {row.text("candidate_number") for row in rows if row.text("reference") not in references}
        by_number = by_candidate(uow.connection, numbers - {""})
        numbered = {s.case: s.subject for s in uow.log.load(list(by_number.values())).values()}
        found: dict[int, int] = {}
        for row in rows:
            held, case = holders.get(row.text("uln"), ()), by_number.get(row.text("candidate_number"))
            learner = references.get(row.text("reference")) or (held[0] if len(held) == 1 else None)
            if learner is None and case is not None:
                learner = numbered[case]
            if learner is not None:
                found[row.row] = learner
        cases = uow.learners.cases(set(found.values()))
        standings = uow.log.load([case for own in cases.values() for case in own])
        for row in rows:
            learner = found.get(row.row)
            yield row, None if learner is None else [standings[case] for case in cases.get(learner, ())]


def _gaps_of_row(
    uow: UnitOfWork, row: ListedRow, own: Sequence[Standing] | None, profile: str, seen: set[int]
) -> Iterator[Gap]:
    if not own:
        yield Gap(kind="missing here", reference="", row=row.row)
        return
    body, code = uow.office.plugs.awarding_body, row.text("qualification")
    meant = [s for s in own if body.serves(s.facts.get("qualification", ""), profile)]
    meant = [s for s in meant if s.facts.get("qualification", "") == code] or meant or list(own)
    registered = [s for s in meant if "registered_at" in s.facts]
    standing = (registered or meant)[-1]
    reference = uow.references([standing])[standing.case]
    if not registered:
        fix = f"ulnflow learner why {reference}"
        yield Gap(kind="not registered", reference=reference, row=row.row, next_command=fix)
        return
    seen |= {standing.case}
    if standing.state in NOT_ACTIVE:
        fix = "ulnflow duty list"
        yield Gap(kind="left here", reference=reference, row=row.row, next_command=fix)
        return
    _, details = uow.learners.current([standing.subject])[standing.subject]
    uln = uow.held_uln(standing.subject) if standing.facts.get("uln") else ""
    differences = body.differences(row, registration_of(standing, reference, details, uln))
    if differences:
        fix = f"ulnflow learner edit {reference}, or tell ILM what is right"
        yield Gap(kind="differs", reference=reference, row=row.row, differences=differences, next_command=fix)


def _registered(uow: UnitOfWork, cohort: str, profile: str) -> Iterator[tuple[Standing, str]]:
    body = uow.office.plugs.awarding_body
    for standing, reference in _cases(uow, cohort):
        if "registered_at" in standing.facts and body.serves(standing.facts.get("qualification", ""), profile):
            yield standing, reference


def _cases(uow: UnitOfWork, cohort: str) -> Iterator[tuple[Standing, str]]:
    """Every case, or those of a cohort, with its learner's reference, a chunk at a time; raises NotFound."""
    if cohort and cohort not in uow.learners.cohorts({cohort}):
        raise NotFound(f"there is no cohort {cohort}. See: ulnflow cohort list", cohort)
    if cohort:
        refuse_cohort(uow.cohorts, cohort)
    for numbers in _chunks(Queries(uow.connection).numbers(cohort=cohort), CHUNK):
        standings = uow.log.load(list(numbers))
        names = uow.references(list(standings.values()))
        yield from ((standing, names[standing.case]) for standing in theirs(uow.cohorts, standings.values()))


def _chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    coming = iter(items)
    while chunk := list(islice(coming, size)):
        yield chunk


def _enrolled(uow: UnitOfWork, rows: Sequence[SheetRow], seen: set[int]) -> Iterator[Gap]:
    known = uow.learners.by_reference({row.reference for row in rows}, erased=False)
    current = uow.learners.current(known.values())
    cases = uow.learners.cases(known.values())
    standings = uow.log.load([case for own in cases.values() for case in own])
    for row in rows:
        learner = known.get(row.reference)
        if learner is None:
            refused = not row.reference or any(f.weight == "refused" for f in row.findings)
            kind: Kind = "row refused" if refused else "missing here"
            fix = "" if refused else "ulnflow cohort import FILE"
            yield Gap(kind=kind, reference="" if refused else row.reference, row=row.row, next_command=fix)
            continue
        seen |= {learner}
        own = theirs(uow.cohorts, (standings[case] for case in cases.get(learner, ())))
        if uow.cohorts is not None and not own:
            continue
        meant = [s for s in own if row.qualification in {"", s.facts.get("qualification", "")}] or own
        yield from _gaps_of_enrolment(row, meant[-1], current[learner][1])


def _gaps_of_enrolment(row: SheetRow, standing: Standing, details: Details) -> Iterator[Gap]:
    reference = row.reference
    if standing.state in NOT_ACTIVE:
        fix = f"ulnflow learner reinstate {reference} --reason WHY"
        yield Gap(kind="left here", reference=reference, row=row.row, next_command=fix)
    elif "registered_at" not in standing.facts:
        fix = f"ulnflow learner why {reference}"
        yield Gap(kind="not registered", reference=reference, row=row.row, next_command=fix)
    there = {name: getattr(row.details, name) for name in FIVE_DETAILS}
    here = {name: getattr(details, name) for name in FIVE_DETAILS}
    there |= {name: getattr(row, name) for name in CASE_FIELDS}
    here |= {name: standing.facts.get(name, "") for name in CASE_FIELDS}
    differences = tuple(
        Difference(name, _shown(here[name]), _shown(value))
        for name, value in there.items()
        if value not in {None, ""} and _folded(value) != _folded(here[name])
    )
    if differences:
        fix = f"ulnflow learner edit {reference}, or correct the other system"
        yield Gap(kind="differs", reference=reference, row=row.row, differences=differences, next_command=fix)


def _told(uow: UnitOfWork, compared: Compared, scope: str, digest: str) -> Compared:
    """Record the look, and write the sheet for people where there is anything to put right."""
    evidence = {"scope": scope, "digest": digest, "rows": compared.rows, "found": len(compared.gaps)}
    uow.work.record("looked_up", evidence=evidence)
    if compared.gaps:
        office = uow.office
        name = f"{scope.replace('_', '-')}-{office.today():%Y%m%d}-{uow.work.command_id[:8]}.xlsx"
        draft = uow.draft(name, _writer(office, compared.gaps), folder="results")
        compared.file = FileMade(0, name, draft.final, len(compared.gaps))
    return compared


def _writer(office: Office, gaps: Sequence[Gap]) -> Callable[[BinaryIO], None]:
    rows = [
        HEADINGS,
        *(
            ("" if gap.row is None else str(gap.row), gap.reference, gap.kind, _label(one.field), one.ours, one.theirs,
             gap.next_command)
            for gap in gaps
            for one in gap.differences or (Difference("", "", ""),)
        ),
    ]  # fmt: skip
    return lambda target: office.plugs.result_sheets.write(rows, target)


def _label(name: str) -> str:
    """The words a person reads for a field."""
    known: Mapping[str, str] = {**LABELS, **CASE_FIELDS, "uln": "ULN", "candidate_number": "Candidate number"}
    return known.get(name) or name.replace("_", " ").capitalize()


def _shown(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return {True: "yes", False: "no", None: ""}[value] if isinstance(value, bool | None) else str(value)


def _folded(value: object) -> object:
    return " ".join(value.casefold().split()) if isinstance(value, str) else value
