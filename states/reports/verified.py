"""The log verified with all that a centre keeps beside it: what every command says that speaks of whether it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from states.unit_of_work import Glance
from states.vocabulary import COHORT_WAIVED
from workflow.store.fault import Fault
from workflow.store.history import History
from workflow.store.verify import Report, verify
from workflow.store.verify_seals import Outside


def verified(
    look: Glance, progress: Callable[[int], None] = lambda _done: None, *, outside: Sequence[Outside] = ()
) -> Report:
    """What verifying the log and the register of waivers found; `outside` are checkpoints kept elsewhere."""
    office = look.office
    routes = {(office.route.name, office.route.version): office.route}
    report = verify(look.connection, office.engine.origin, routes, progress, outside=outside)
    return replace(report, faults=(*report.faults, *_waivers(look)))


def _waivers(look: Glance) -> Iterator[Fault]:
    """Every cohort whose waiver is not what the log says: made up, lost, or another one."""
    said = {str(e.evidence.get("cohort")): e.position for e in History(look.connection).readable(COHORT_WAIVED)}
    known = {name: cohort.waived for name, cohort in look.learners.cohorts().items()}
    for name in sorted(said.keys() | known.keys()):
        if said.get(name) != known.get(name):
            yield Fault("waiver", f"cohort {name}: what was waived for it is not as the events say", said.get(name))
