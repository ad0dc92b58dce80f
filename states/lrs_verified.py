"""Whose answers those are that name only the ULN that was asked about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from states.learner.erasure import erased_among
from states.ports import Reply
from states.tally import Tally
from states.unit_of_work import UnitOfWork
from states.vocabulary import LRS_KINDS
from workflow.store.dispatch_log import OPEN_STATES


def with_references(uow: UnitOfWork, reply: Reply) -> Reply:
    """The reply with the reference of the one learner who holds, or was sent with, the ULN asked about.

    An answer about a ULN of nobody, or of several learners, stays without one.
    """
    unnamed = {row.searched for row in reply.rows if not row.reference and row.searched}
    if not unnamed:
        return reply
    learners = uow.learners.holders(unnamed)
    for uln, learner in _sent_with(uow):
        if uln in unnamed:
            learners.setdefault(uln, []).append(learner)
    sole = {uln: found[0] for uln, found in learners.items() if len(set(found)) == 1}
    names = uow.learners.references(sole.values())
    rows = tuple(
        row if row.reference or row.searched not in sole else replace(row, reference=names[sole[row.searched]])
        for row in reply.rows
    )
    return replace(reply, rows=rows)


def _sent_with(uow: UnitOfWork) -> Iterable[tuple[str, int]]:
    """(ULN they brought, learner) of those in open files to the LRS."""
    for dispatch in uow.dispatches.find(kinds=LRS_KINDS):
        if dispatch.state in OPEN_STATES:
            cases = [member.case for member in uow.dispatches.members(dispatch.id, "open")]
            subjects = {standing.subject for standing in uow.log.load(cases).values()}
            for learner, (_, details) in uow.learners.current(subjects).items():
                if details.existing_uln:
                    yield details.existing_uln, learner


def without_erased(uow: UnitOfWork, reply: Reply, tally: Tally) -> Reply:
    """The same reply without rows about learners who were erased: nothing of those is kept, nor put in quarantine."""
    known = uow.learners.by_reference({row.reference for row in reply.rows})
    erased = erased_among(uow.connection, set(known.values()))
    rows = tuple(row for row in reply.rows if known.get(row.reference) not in erased)
    if left := len(reply.rows) - len(rows):
        tally.notes.append(f"{left} rows are about learners who were erased: nothing of them was kept")
        return replace(reply, rows=rows)
    return reply
