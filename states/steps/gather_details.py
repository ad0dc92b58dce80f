"""Details gathered: a cohort sheet comes in, details are corrected, a cohort's gate is waived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from states.errors import NotFound, NotPossible
from states.learner.details import FIVE_DETAILS, LABELS, Details, changed_fields
from states.ports import Finding, RowResult, Sheet, SheetRow
from states.tally import FileMade, Refusal, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import COHORT_SHEET
from workflow import Act, Move, Outcome, Standing

CASE_FIELDS = ("cohort", "qualification", "funded", "start", "planned_end")


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
    """What came of a sheet: the tally, and a result for each of its rows."""

    sheet: Sheet
    tally: Tally
    results: list[RowResult] = field(default_factory=list)
    findings: list[tuple[int, str, Finding]] = field(default_factory=list)
    """(row, reference, finding), notes included, in sheet order."""


def import_cohort(
    office: Office,
    act: Act,
    path: Path,
    enrolment: Enrolment,
    *,
    day_first: bool,
    sheet: str | None = None,
    dry_run: bool = False,
) -> Imported:
    """Take a cohort sheet in, a case a row; the same sheet again changes nothing.

    Incomplete rows are kept, rows that cannot be told apart are refused, details that differ make a new version.
    The user's own sheet comes back with Result and How to fix. Raises FileRefused.
    """
    source = office.plugs.cohort_source
    read = source.read(path, day_first=day_first, sheet=sheet)
    imported = Imported(read, Tally())
    with office.begin(act, dry_run=dry_run) as uow:
        before = uow.log.head()
        _take_in(uow, imported, enrolment)
        if uow.log.head() == before and imported.sheet.rows:
            imported.tally.notes.append("nothing in this sheet is new: nothing was changed")
        if not dry_run and (uow.log.head() > before or imported.tally.refusals):
            name = f"result-{office.today():%Y%m%d}-{uow.work.command_id[:8]}.xlsx"
            draft = uow.draft(
                name, lambda target: source.write_results(path, read, imported.results, target), folder="results"
            )
            imported.tally.files.append(FileMade(0, name, draft.final, len(read.rows)))
    return imported


def _take_in(uow: UnitOfWork, imported: Imported, enrolment: Enrolment) -> None:
    rows = imported.sheet.rows
    taken = [row for row in rows if not any(f.weight == "refused" for f in row.findings)]
    known = uow.learners.by_reference([row.reference for row in taken])
    current = uow.learners.current(known.values())
    cases = uow.learners.cases(known.values())
    standings = uow.log.load([case for listed in cases.values() for case in listed])
    fresh: list[tuple[SheetRow, Mapping[str, Any]]] = []
    outcomes: dict[int, tuple[str, int | None]] = {}
    file = _File(uow, imported.sheet)
    for row in taken:
        facts = _case_facts(row, enrolment)
        details = _with_notice(row.details, enrolment)
        learner = known.get(row.reference)
        if learner is None:
            fresh.append((row, facts))
            continue
        own = [standings[c] for c in cases.get(learner, ())]
        outcomes[row.row] = _known_learner(file, learner, current.get(learner), details, facts, own, row.row)
    if fresh:
        numbers = uow.add_learners([(row.reference, _with_notice(row.details, enrolment)) for row, _ in fresh])
        opened = uow.work.open(
            [(number, {**facts, "details_version": 1}) for number, (_, facts) in zip(numbers, fresh, strict=True)],
            dispatch=file.number(),
            rows=[row.row for row, _ in fresh],
        )
        outcomes |= {row.row: ("added", s.case) for (row, _), s in zip(fresh, opened, strict=True)}
    for name in {facts["cohort"] for _, facts in fresh if "cohort" in facts} | ({enrolment.cohort} - {""}):
        uow.learners.save_cohort(name, enrolment.register_by)
    _tell(uow, imported, outcomes, file.replaced)
    _tell_overruled(imported, enrolment)


def _tell_overruled(imported: Imported, enrolment: Enrolment) -> None:
    """Where the sheet has its own column, it counts; say for how many rows an option therefore did not."""
    for name in CASE_FIELDS:
        option = getattr(enrolment, name)
        own = [getattr(row, name) for row in imported.sheet.rows]
        other = sum(value not in {None, "", option} for value in own)
        if option not in {None, ""} and other:
            imported.tally.notes.append(
                f"{name.replace('_', ' ')}: the sheet's own column says otherwise for {other} rows, and it counts"
            )


@dataclass(slots=True)
class _File:
    """The sheet's place in the register, taken when the first row of it changes something."""

    uow: UnitOfWork
    sheet: Sheet
    taken: int | None = None
    replaced: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Row -> the fields whose value on file it replaced."""

    def number(self) -> int | None:
        """The register number; the one it got before when these bytes came in before."""
        if self.taken is None:
            seen = self.uow.dispatches.find(kinds=[COHORT_SHEET], digest=self.sheet.digest)
            new = self.uow.received(COHORT_SHEET, self.sheet.digest, rows=len(self.sheet.rows))
            self.taken = new if new is not None else seen[-1].id
        return self.taken


def _known_learner(
    file: _File,
    learner: int,
    current: tuple[int, Details] | None,
    details: Details,
    facts: Mapping[str, Any],
    own: Sequence[Standing],
    row: int,
) -> tuple[str, int | None]:
    """Bring a learner we have up to date with their row; blanks in the sheet never erase.

    A row that names no qualification is about the case there is; another qualification opens another case.
    """
    uow, word = file.uow, "unchanged"
    wanted = facts.get("qualification", "")
    same = [s for s in own if not wanted or s.facts.get("qualification", "") in {"", wanted}]
    if same and facts.get("cohort") and same[-1].cohort not in {"", facts["cohort"]}:
        return "elsewhere", same[-1].case
    if current is not None:
        version, old = current
        given = {name: value for name, value in _fields(details).items() if value}
        new = old.with_changes(given)
        if changed := changed_fields(old, new):
            file.number()
            change_details(uow, learner, own, version, new, changed)
            word = "updated"
            file.replaced[row] = tuple(name for name in changed if getattr(old, name))
    if not same:
        opened = uow.work.open([(learner, {**facts, **_returning(uow, learner)})], dispatch=file.number(), rows=[row])
        return "added", opened[0].case
    differs = {name: value for name, value in facts.items() if same[-1].facts.get(name) != value}
    if differs:
        number = file.number()
        move = Move(case=same[-1].case, dispatch=number, row=row, evidence={"fields": sorted(differs)}, facts=differs)
        uow.note("case_changed", [move])
        word = "updated"
    return word, same[-1].case


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


def _tell(
    uow: UnitOfWork,
    imported: Imported,
    outcomes: Mapping[int, tuple[str, int | None]],
    replaced: Mapping[int, tuple[str, ...]],
) -> None:
    """Word what came of each row, asking the rules of submission so that what will be refused is known today."""
    gathered = [case for word, case in outcomes.values() if case is not None and word != "elsewhere"]
    standings = uow.log.load(gathered)
    waiting = [case for case in gathered if standings[case].state == uow.office.route.initial]
    asked = {o.case: o for o in uow.work.ask("submit_to_lrs", [Move(case=case) for case in waiting])} if waiting else {}
    tally = imported.tally
    for row in imported.sheet.rows:
        word, case = outcomes.get(row.row, ("refused", None))
        outcome = asked.get(case) if case is not None else None
        ready = outcome is None or outcome.accepted
        filled = ready and word in {"updated", "unchanged"}  # what the sheet leaves out is on file
        findings = [f for f in row.findings if not (filled and f.weight == "missing")]
        if word == "elsewhere":
            text = "this learner is in another cohort for the same qualification"
            findings.append(Finding("refused", "cohort", "elsewhere", text, "Move them with: ulnflow learner edit"))
        findings += [
            Finding("note", name, "replaced", f"{LABELS[name]}: the value on file was another; the sheet's replaced it")
            for name in replaced.get(row.row, ())
        ]
        findings += _objections(outcome, findings)
        imported.findings += [(row.row, row.reference, finding) for finding in findings]
        tally.counts[_COUNTED[word]] += 1
        if word in {"refused", "elsewhere"}:
            tally.refusals += [
                Refusal(row.reference, "", "sheet", f.code, f.field, f.message)
                for f in findings
                if f.weight == "refused"
            ]
        imported.results.append(_result(row.row, word, findings, ready=ready))
        if not ready:
            tally.counts["need attention before the LRS"] += 1


_COUNTED = {
    "added": "learners added",
    "updated": "learners updated",
    "unchanged": "learners unchanged",
    "elsewhere": "rows refused",
    "refused": "rows refused",
}


def _objections(outcome: Outcome | None, findings: Sequence[Finding]) -> list[Finding]:
    if outcome is None:
        return []
    told = {f.field for f in findings if f.weight in {"missing", "malformed", "refused"}}
    return [
        Finding("missing", said.field, said.code, said.message) if said.severity == "block"
        else Finding("note", said.field, said.code, said.message)
        for verdict in outcome.verdicts
        for said in verdict.objections
        if said.field not in told
    ]  # fmt: skip


def _result(row: int, word: str, findings: Sequence[Finding], *, ready: bool) -> RowResult:
    """A row's answer in the sheet; a cell that was left out although the learner is ready is to be checked."""
    shown = {"added": "Added", "updated": "Updated", "unchanged": "Unchanged"}
    result = shown.get(word, "Refused")
    if result != "Refused" and not ready:
        result += ", not ready for the LRS"
    elif result != "Refused" and any(f.weight in {"missing", "malformed"} for f in findings):
        result += ", please check"
    fixes = tuple(dict.fromkeys(" ".join(filter(None, (_sentence(f.message), _sentence(f.fix)))) for f in findings))
    return RowResult(row=row, result=result, fixes=fixes)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:].rstrip(".") + "." if words else ""


def _fields(details: Details) -> dict[str, Any]:
    return {name: getattr(details, name) for name in Details.__dataclass_fields__}


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


def stale_fields(uow: UnitOfWork, learner: int, matched: int, new: Details) -> dict[str, str]:
    """The five details that differ from the version the LRS matched, each with today's date."""
    old = uow.learners.details(learner, matched)
    if old is None:
        return {}
    today = uow.office.today().isoformat()
    return {name: today for name in changed_fields(old, new) if name in FIVE_DETAILS}


def change_details(
    uow: UnitOfWork,
    learner: int,
    standings: Sequence[Standing],
    version: int,
    new: Details,
    changed: Sequence[str],
) -> list[Outcome]:
    """Write a new version and note it on every case of the learner, naming fields only.

    A change of the five details makes a match stale, and after registration opens a duty to tell ILM.
    """
    uow.learners.add_details([(learner, version + 1, new)])
    five = [name for name in changed if name in FIVE_DETAILS]
    duties = uow.log.open_duties([s.case for s in standings])
    moves = []
    for standing in standings:
        facts: dict[str, Any] = {"details_version": version + 1}
        if matched := standing.facts.get("match_version"):
            stale = stale_fields(uow, learner, matched, new)
            before = standing.facts.get("stale", {})
            facts["stale"] = {name: before.get(name, day) for name, day in stale.items()} or None
        open_already = any(name == "tell_ilm_of_change" for _, name in duties.get(standing.case, ()))
        tell = five and "registered_at" in standing.facts and not open_already
        moves.append(
            Move(
                case=standing.case,
                evidence={"fields": list(changed), "version": version + 1},
                facts=facts,
                opens=("tell_ilm_of_change",) if tell else (),
            )
        )
    return uow.work.note("details_changed", moves)


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
            tally.next.append(f"ulnflow learner why {reference}")
    return tally


def waive_cohort(office: Office, act: Act, cohort: str, reason: str, *, dry_run: bool = False) -> Tally:
    """Let a cohort's learners be registered without waiting for its last one; raises NotFound, NotPossible."""
    tally = Tally()
    if not reason.strip():
        raise NotPossible("say why the cohort need not wait, with --reason")
    with office.begin(act, dry_run=dry_run) as uow:
        known = uow.learners.cohorts()
        if cohort not in known:
            raise NotFound(f"there is no cohort {cohort}. See: ulnflow cohort list")
        if known[cohort].waived is not None:
            tally.notes.append(f"the gate of {cohort} was waived before; nothing changed")
            return tally
        position = uow.work.record("cohort_waived", reason="stated", evidence={"cohort": cohort, "rule": "I2"})
        uow.learners.waive(cohort, position)
        uow.learners.remark(position, reason)
        tally.counts["cohort gate waived"] = 1
        tally.next.append("ulnflow ilm register")
    return tally
