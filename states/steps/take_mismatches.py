"""ILM's mismatch report taken in: each learner it names goes to the ILM exceptions, once a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from states.learner.case_facts import by_candidate
from states.registration import MismatchRow
from states.tally import Tally
from states.turned_away import turn_away
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import MISMATCHES
from workflow import Act, Move, Standing
from workflow.store.queries import Queries

REPORT = "report_ilm_exception"
EXCEPTION = "ilm_exception"
SHOWN = 20


def take_mismatches(
    office: Office,
    act: Act,
    path: Path,
    *,
    profile: str = "",
    sheet: str | None = None,
    on: date | None = None,
    dry_run: bool = False,
) -> Tally:
    """Record that ILM reports learners whose ULN or details do not match; the same report again changes nothing.

    Learners are found by reference, ULN or candidate number; ILM's words are kept apart from the log, a code goes into
    it. Rows about nobody are named by number. Raises FileRefused, NotPossible.
    """
    read = office.plugs.awarding_body.read_mismatches(path, profile=profile, sheet=sheet)
    tally = Tally()
    with office.begin(act, dry_run=dry_run) as uow:
        seen = uow.dispatches.find(kinds=[MISMATCHES], digest=read.digest)
        if seen:
            tally.notes.append("this very report was taken in before; only rows not used then are looked at again")
        found = _find(uow, read.rows, profile)
        if unknown := [str(row.row) for row in read.rows if row.row not in found]:
            more = " and others" if len(unknown) > SHOWN else ""
            tally.counts["rows about nobody registered here"] = len(unknown)
            tally.notes.append(f"rows about nobody registered here: {', '.join(unknown[:SHOWN])}{more}")
        fresh = _fresh(uow, read.rows, found, {d.id for d in seen}, tally)
        named = {standing.case: f"row {row.row}" for row, standing in fresh if not row.reference}
        own = {s.case for s in turn_away(uow, [standing for _, standing in fresh], tally, named)}
        fresh = [(row, standing) for row, standing in fresh if standing.case in own]
        if fresh:
            number = uow.received(MISMATCHES, read.digest, rows=len(read.rows)) or seen[-1].id
            names = uow.references([standing for _, standing in fresh])
            moves = [
                Move(
                    case=standing.case,
                    on=on,
                    reason=row.reason,
                    evidence={"reference": f"D{number}", "digest": read.digest, "code": row.code},
                    facts={"mismatch": row.code},
                    dispatch=number,
                    row=row.row,
                )
                for row, standing in fresh
            ]
            tally.add(uow.fire(REPORT, moves), names, "ILM exception recorded")
    if tally.counts["ILM exception recorded"]:
        tally.next.append("ulnflow exception list")
    return tally


def _find(uow: UnitOfWork, rows: Sequence[MismatchRow], profile: str) -> dict[int, Standing]:
    """The case each row is about, by row number: registered, of the profile, and of the qualification it names."""
    learners = uow.learners
    by_reference = learners.by_reference({row.reference for row in rows} - {""}, erased=False)
    holders = learners.holders({row.uln for row in rows} - {""})
    numbers = {row.candidate_number for row in rows if not (row.reference or row.uln)}
    by_number = by_candidate(uow.connection, numbers - {""})
    cases = learners.cases({*by_reference.values(), *(one for found in holders.values() for one in found)})
    standings = uow.log.load([*(case for own in cases.values() for case in own), *by_number.values()])
    body = uow.office.plugs.awarding_body
    found = {}
    for row in rows:
        held = holders.get(row.uln, ())
        learner = by_reference.get(row.reference) or (held[0] if len(held) == 1 else None)
        own = [standings[case] for case in cases.get(learner or 0, ())]
        if learner is None and row.candidate_number in by_number:
            own = [standings[by_number[row.candidate_number]]]
        meant = [
            s
            for s in own
            if "registered_at" in s.facts
            and row.qualification in {"", s.facts.get("qualification", "")}
            and body.serves(s.facts.get("qualification", ""), profile)
        ]
        if meant:
            found[row.row] = _likeliest(uow, meant, row)
    return found


def _likeliest(uow: UnitOfWork, cases: Sequence[Standing], row: MismatchRow) -> Standing:
    """The case with the candidate number of the row, else the latest that can be reported, else the latest."""
    numbered = [s for s in cases if row.candidate_number and s.facts.get("candidate_number") == row.candidate_number]
    able = [s for s in cases if (REPORT, s.state) in uow.office.route.arrows]
    return (numbered or able or cases)[-1]


def _fresh(
    uow: UnitOfWork,
    rows: Sequence[MismatchRow],
    found: Mapping[int, Standing],
    seen: set[int],
    tally: Tally,
) -> list[tuple[MismatchRow, Standing]]:
    """Rows that say something new, one a case: not told by this report before, and no exception already."""
    queries, counts = Queries(uow.connection), Counter[int]()
    fresh = []
    for row in rows:
        standing = found.get(row.row)
        if standing is None:
            continue
        counts[standing.case] += 1
        if seen and any(event.dispatch in seen for event in queries.events(case=standing.case, trigger=REPORT)):
            tally.counts["recorded before, nothing changed"] += 1
        elif standing.state == EXCEPTION:
            tally.counts["an ILM exception already, nothing changed"] += 1
        elif counts[standing.case] > 1:
            tally.counts["further rows about the same learner"] += 1
        else:
            fresh.append((row, standing))
    return fresh
