"""What ends with a learner who leaves, whichever command says so: places in LAR files, candidates kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from states.unit_of_work import UnitOfWork
from states.vocabulary import LAR_CROSS_REFERENCE, LAR_LEARNERS
from workflow import Move, Standing

LEAVING: Final = frozenset({"withdraw", "close_without_lar"})
"""Triggers by which a learner leaves."""


def let_go(uow: UnitOfWork, left: Sequence[Standing]) -> None:
    """Who left waits in no LAR file any more, and has no candidates; answers of the LRS and of ILM are still wanted."""
    uow.learners.forget_candidates({s.subject for s in left})
    for case, places in uow.dispatches.waiting([s.case for s in left], [LAR_LEARNERS, LAR_CROSS_REFERENCE]).items():
        for _, dispatch in places:
            uow.work.note("recalled", [Move(case=case, dispatch=dispatch.id, reason="left", settles="released")])
            fresh = uow.dispatches.get(dispatch.id)
            if fresh is not None:
                uow.settle(fresh)
