"""Details gathered: a cohort sheet comes in, details are corrected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from states.addressed import addressed
from states.details_change import CASE_FIELDS, change_details, stale_fields
from states.errors import FileRefused, NotPossible
from states.learner.details import Details, changed_fields
from states.learner.entry import FIELDS
from states.learner.erasure import erased_among
from states.learner.repository import SHOWN
from states.ports import FileDraft
from states.sheet_answers import ADDED, ELSEWHERE, REFUSED, UNCHANGED, UPDATED, WAS_ERASED, Answers, Noticed, worded
from states.sheet_news import KEPT, KnownRow, News, find_news
from states.sheet_ports import Finding, Reading, RowResult, Sheet, SheetFacts, SheetRow
from states.tally import FileMade, Tally
from states.turned_away import OF_OTHERS, Others
from states.unit_of_work import Office, UnitOfWork, token_of
from states.vocabulary import COHORT_SHEET
from workflow import Act, Move

CHUNK: Final = 1_000
"""Rows taken in together; no more of them are held."""

Bar = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Shows how far a long work is: (how much there is, what it is) gives what is told of each part done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What holds for a whole sheet where it has no column of its own."""

    cohort: str = ""
    qualification: str = ""
    funded: bool | None = None
    start: date | None = None
    planned_end: date | None = None
    register_by: date | None = None
    notice_version: str = ""
    notice_date: date | None = None


@dataclass(slots=True)
class Imported:
    """What came of a sheet: what it is, the tally, and what was noticed in its rows."""

    about: SheetFacts
    tally: Tally = field(default_factory=Tally)
    noticed: Noticed = field(default_factory=Noticed)


class _NothingTaken(Exception):
    """Rows were refused, and it was all or nothing."""


def _unseen(_total: int, _what: str) -> AbstractContextManager[Callable[[int], None]]:
    return nullcontext(lambda _done: None)


def import_cohort(
    office: Office,
    act: Act,
    path: Path,
    enrolment: Enrolment,
    reading: Reading,
    *,
    all_or_nothing: bool = False,
    dry_run: bool = False,
    progress: Bar = _unseen,
) -> Imported:
    """Take a cohort sheet in, a case a row, however many; the same sheet again changes nothing.

    Incomplete rows are kept, rows that cannot be told apart are refused, alone or, with `all_or_nothing`, together
    with the whole sheet; details that differ make a new version. The user's own sheet comes back with Result and How
    to fix. What was said of its columns is remembered once it was taken in. Raises FileRefused.
    """
    source = office.plugs.cohort_source
    forgotten = reading.forget and not dry_run and source.forget(path, reading)
    sheet = source.open(path, reading)
    imported = Imported(sheet.about)
    tally = imported.tally
    others = Others(act.cohorts)
    if forgotten:
        tally.notes.append("what was remembered of these columns is forgotten")
    apart: list[FileDraft] = []
    try:
        with progress(2 * sheet.about.rows, "taking in") as bar, office.begin(act, dry_run=dry_run) as uow:
            others.refuse(enrolment.cohort)
            _take_sheet(
                uow, sheet, imported, enrolment, apart, others, all_or_nothing=all_or_nothing, dry_run=dry_run, bar=bar
            )
    except _NothingTaken:
        tally.notes.append("rows were refused, so nothing of this sheet was taken in, as --all-or-nothing asks")
        for draft in apart:
            office.plugs.outbox.publish(draft)
        others.tell(office, act)
        return imported
    except BaseException:
        for draft in apart:
            office.plugs.outbox.discard(draft)
        raise
    others.tell(office, act)
    if not dry_run:
        _remember(sheet, tally)
    return imported


def _remember(sheet: Sheet, tally: Tally) -> None:
    """Keep what a person said of the columns; the learners are taken in even where that fails."""
    try:
        if sheet.remember():
            tally.notes.append("what --map said of these columns is remembered for the next sheet with such headings")
    except FileRefused as wrong:
        tally.notes.append(f"the learners were taken in, but what --map said is not remembered: {wrong}")


def _take_sheet(
    uow: UnitOfWork,
    sheet: Sheet,
    imported: Imported,
    enrolment: Enrolment,
    apart: list[FileDraft],
    others: Others,
    *,
    all_or_nothing: bool,
    dry_run: bool,
    bar: Callable[[int], None],
) -> None:
    """Take every row in, then ask the rules and write the sheet that goes back; all in one transaction.

    Where nothing is taken, that sheet is drafted apart from the transaction, for it says why. Raises _NothingTaken.
    """
    before, about = uow.log.head(), sheet.about
    answers = _Taking(uow, about, enrolment, imported.tally, others).take_in(sheet, bar)
    nothing = all_or_nothing and answers.refused > 0
    changed = uow.log.head() > before
    if not changed and about.rows and not nothing:
        imported.tally.notes.append("nothing in this sheet is new: nothing was changed")
    results = _told(uow, sheet, imported, answers, kept=not nothing, bar=bar)
    if dry_run or not (changed or answers.refused):
        for _ in results:
            pass
    else:
        name = f"result-{uow.office.today():%Y%m%d}-{uow.work.command_id[:8]}{sheet.results_suffix}"

        def write(target: BinaryIO) -> None:
            sheet.write_results(results, target)

        if nothing:
            uow.office.refuse_practice()
            token = token_of(uow.work.command_id)
            draft = uow.office.plugs.outbox.draft(name, write, folder="results", token=token)
            apart.append(draft)
        else:
            draft = uow.draft(name, write, folder="results")
        imported.tally.files.append(FileMade(0, name, draft.final, about.rows))
    if nothing:
        raise _NothingTaken


class _Taking:
    """A sheet being taken in, chunk by chunk; it gets its number when the first row changes something."""

    def __init__(self, uow: UnitOfWork, about: SheetFacts, enrolment: Enrolment, tally: Tally, others: Others) -> None:
        self._uow, self._about, self._enrolment, self._tally, self._others = uow, about, enrolment, tally, others
        self._number: int | None = None
        self._cohorts = {enrolment.cohort} - {""}
        self._overruled = Counter[str]()
        self._kept: list[str] = []

    def take_in(self, sheet: Sheet, bar: Callable[[int], None]) -> Answers:
        """Take in every row; what came of each is answered in their order."""
        answers, rows = Answers(), sheet.rows()
        while chunk := list(islice(rows, CHUNK)):
            self._take_chunk(chunk, answers)
            bar(len(chunk))
        for name in sorted(self._cohorts):
            self._uow.learners.save_cohort(name, self._enrolment.register_by)
        for name in CASE_FIELDS:
            if other := self._overruled[name]:
                self._tally.notes.append(
                    f"{name.replace('_', ' ')}: the sheet's own column says otherwise for {other} rows, and it counts"
                )
        self._tell_kept()
        return answers

    def _tell_kept(self) -> None:
        """Name whose corrections an older value in the sheet did not undo."""
        if self._kept:
            shown = ", ".join(self._kept[:SHOWN]) + (" and others" if len(self._kept) > SHOWN else "")
            self._tally.notes.append(
                f"kept as corrected since, for the sheet still has the older value: {shown}; correct it in the sheet "
                "or, if the sheet is right after all, with ulnflow learner edit"
            )

    def number(self) -> int | None:
        """The register number; the one it got before when these bytes came in before."""
        if self._number is None:
            digest = self._about.digest
            seen = self._uow.dispatches.find(kinds=[COHORT_SHEET], digest=digest)
            new = self._uow.received(COHORT_SHEET, digest, rows=self._about.rows)
            self._number = new if new is not None else seen[-1].id
        return self._number

    def _take_chunk(self, rows: Sequence[SheetRow], answers: Answers) -> None:
        uow, enrolment = self._uow, self._enrolment
        taken = [row for row in rows if not any(f.weight == "refused" for f in row.findings)]
        known = uow.learners.by_reference([row.reference for row in taken])
        current = uow.learners.current(known.values())
        gone = erased_among(uow.connection, set(known.values()) - current.keys())
        cases = uow.learners.cases(known.values())
        standings = uow.log.load([case for listed in cases.values() for case in listed])
        fresh: list[tuple[SheetRow, Mapping[str, Any]]] = []
        ours: list[KnownRow] = []
        came: dict[int, tuple[str, int | None, tuple[Finding, ...]]] = {}
        for row in taken:
            facts = _case_facts(row, enrolment)
            learner = known.get(row.reference)
            own = [standings[c] for c in cases.get(learner or 0, ())]
            if self._others.has(own, str(facts.get("cohort", ""))):
                came[row.row] = (REFUSED, None, (OF_OTHERS,))
            elif learner is None:
                fresh.append((row, facts))
            elif learner in gone:
                came[row.row] = (REFUSED, None, (WAS_ERASED,))
            else:
                details = _with_notice(row.details, enrolment)
                ours.append(KnownRow(row.row, learner, current.get(learner), details, facts, own))
        news = find_news(uow, ours)
        came |= {one.row: self._known_learner(one, news[one.row]) for one in ours}
        if fresh:
            numbers = uow.add_learners([(row.reference, _with_notice(row.details, enrolment)) for row, _ in fresh])
            opened = uow.work.open(
                [(number, {**facts, "details_version": 1}) for number, (_, facts) in zip(numbers, fresh, strict=True)],
                dispatch=self.number(),
                rows=[row.row for row, _ in fresh],
            )
            came |= {row.row: (ADDED, s.case, ()) for (row, _), s in zip(fresh, opened, strict=True)}
            self._meet_cohorts(facts for _, facts in fresh)
        for row in rows:
            word, case, more = came.get(row.row, (REFUSED, None, ()))
            answers.add(row.row, row.reference, word, case, row.findings + more)
            kept = [f"{row.reference} ({FIELDS[f.field]})" for f in more if f.code == KEPT]
            self._kept = (self._kept + kept)[: SHOWN + 1]
            self._count_overruled(row)

    def _meet_cohorts(self, taken: Iterable[Mapping[str, Any]]) -> None:
        """Keep in mind the cohorts among facts that were taken in."""
        self._cohorts |= {facts["cohort"] for facts in taken if "cohort" in facts}

    def _count_overruled(self, row: SheetRow) -> None:
        """Where the sheet has its own column, it counts; an option therefore did not."""
        for name in CASE_FIELDS:
            option = getattr(self._enrolment, name)
            if option not in {None, ""} and getattr(row, name) not in {None, "", option}:
                self._overruled[name] += 1

    def _known_learner(self, one: KnownRow, news: News) -> tuple[str, int | None, tuple[Finding, ...]]:
        """Bring a learner we have up to date with what is new in their row; blanks in the sheet never erase.

        A row that names no qualification is about the case that goes on; another qualification opens another case.
        """
        uow, word, same = self._uow, UNCHANGED, news.same
        if same is not None and news.facts.get("cohort") and same.cohort:
            text = "this learner is in another cohort for the same qualification"
            fix = "Move them with: ulnflow learner edit REFERENCE cohort"
            return ELSEWHERE, same.case, (Finding("refused", "cohort", "elsewhere", text, fix),)
        said = tuple(news.kept)
        if news.details and one.current is not None:
            version, old = one.current
            new = old.with_changes(news.details)
            changed = changed_fields(old, new)
            change_details(uow, one.learner, one.own, version, new, changed, dispatch=self.number(), row=one.row)
            word, said = UPDATED, (*said, *(_replaced(name) for name in changed if getattr(old, name)))
        if same is None:
            facts = {**one.facts, **_returning(uow, one.learner)}
            self._meet_cohorts([facts])
            opened = uow.work.open([(one.learner, facts)], dispatch=self.number(), rows=[one.row])
            return ADDED, opened[0].case, said
        if news.facts:
            self._meet_cohorts([news.facts])
            number, evidence = self.number(), {"fields": sorted(news.facts)}
            uow.note(
                "case_changed",
                [Move(case=same.case, dispatch=number, row=one.row, evidence=evidence, facts=news.facts)],
            )
            word, said = UPDATED, (*said, *(_replaced(name) for name in news.facts if same.facts.get(name) is not None))
        return word, same.case, said


def _replaced(name: str) -> Finding:
    text = f"{FIELDS[name]}: the value on file was another; the sheet's replaced it"
    return Finding("note", name, "replaced", text)


def _told(
    uow: UnitOfWork, sheet: Sheet, imported: Imported, answers: Answers, *, kept: bool, bar: Callable[[int], None]
) -> Iterator[RowResult]:
    """Word what came of each row, asking the rules of submission so that what will be refused is known today."""
    alike = sheet.alike()
    for chunk in answers.chunks(CHUNK):
        gathered = [answer.case for answer in chunk if answer.case is not None and answer.word != ELSEWHERE]
        standings = uow.log.load(gathered)
        waiting = [case for case in gathered if standings[case].state == uow.office.route.initial]
        moves = [Move(case=case) for case in waiting]
        asked = {o.case: o for o in uow.work.ask("submit_to_lrs", moves)} if moves else {}
        for answer in chunk:
            more = [alike[answer.row]] if answer.row in alike else []
            outcome = asked.get(answer.case) if answer.case is not None else None
            yield worded(answer, outcome, more, imported.tally, imported.noticed, kept=kept)
        bar(len(chunk))


def _returning(uow: UnitOfWork, learner: int) -> dict[str, Any]:
    """What a learner who comes back brings along: the version of the details, the ULN held and its match."""
    version, details = uow.learners.current([learner])[learner]
    facts: dict[str, Any] = {"details_version": version}
    held = next((r for r in uow.learners.ulns([learner]).get(learner, ()) if r.status == "held"), None)
    if held is not None:
        facts |= {"uln": held.number, "match_version": held.version}
        if stale := stale_fields(uow, learner, held.version, details):
            facts["stale"] = stale
    return facts


def _with_notice(details: Details, enrolment: Enrolment) -> Details:
    changes: dict[str, Any] = {}
    if enrolment.notice_version and not details.notice_version:
        changes["notice_version"] = enrolment.notice_version
    if enrolment.notice_date and not details.notice_date:
        changes["notice_date"] = enrolment.notice_date
    return details.with_changes(changes) if changes else details


def _case_facts(row: SheetRow, enrolment: Enrolment) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name in CASE_FIELDS:
        value = getattr(row, name)
        if value in {None, ""}:
            value = getattr(enrolment, name)
        if value not in {None, ""}:
            facts[name] = value.isoformat() if isinstance(value, date) else value
    return facts


def edit_details(
    office: Office, act: Act, reference: str, changes: Mapping[str, Any], *, dry_run: bool = False
) -> Tally:
    """Change some fields of a learner's details, or of their case; raises NotFound.

    `changes` maps field names to parsed values; the fields of CASE_FIELDS belong to the latest case.
    """
    if not changes:
        raise NotPossible("nothing was read: type the value when asked, or - to clear the field")
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        latest = uow.find_case(reference)
        version, old = uow.learners.current([latest.subject])[latest.subject]
        mine = {name: value for name, value in changes.items() if name not in CASE_FIELDS}
        new = old.with_changes(mine)
        if changed := changed_fields(old, new):
            own = uow.log.load(uow.learners.cases([latest.subject])[latest.subject])
            outcomes = change_details(uow, latest.subject, list(own.values()), version, new, changed)
            tally.counts["fields changed"] = len(changed)
            tally.notes += uow.unsent_places(list(own))
            tally.notes.append(f"{reference}: version {version + 1} of the details")
            after = outcomes[-1].after
            if after is not None and after.facts.get("stale"):
                tally.notes.append("the match with the LRS is stale now")
                asks = {state for trigger, state in office.route.arrows if trigger == "verify_again"}
                if (asks | {office.route.initial}) & {o.after.state for o in outcomes if o.after is not None}:
                    tally.next.append("ulnflow lrs submit")
        facts = {
            name: value.isoformat() if isinstance(value, date) else value
            for name, value in changes.items()
            if name in CASE_FIELDS
        }
        facts = {name: value for name, value in facts.items() if latest.facts.get(name) != value}
        if facts:
            uow.work.note("case_changed", [Move(case=latest.case, evidence={"fields": sorted(facts)}, facts=facts)])
            tally.counts["fields changed"] += len(facts)
            if facts.get("cohort"):
                uow.learners.save_cohort(str(facts["cohort"]), None)
        if not tally.counts:
            tally.notes.append(f"{reference}: nothing to change, these are the values on file")
        else:
            tally.next.append(addressed("ulnflow learner why REFERENCE", reference))
    return tally
