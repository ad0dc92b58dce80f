"""What the register of cohorts says was waived, against the events that waived it."""

from __future__ import annotations

from collections.abc import Iterator

from states.unit_of_work import Glance
from workflow.store.fault import Fault
from workflow.store.queries import Queries


def faults(look: Glance) -> Iterator[Fault]:
    """Every cohort whose waiver is not what the log says: made up, lost, or another one."""
    said = {str(e.evidence.get("cohort")): e.position for e in Queries(look.connection).events(kind="cohort_waived")}
    known = {name: cohort.waived for name, cohort in look.learners.cohorts().items()}
    for name in sorted(said.keys() | known.keys()):
        if said.get(name) != known.get(name):
            yield Fault("waiver", f"cohort {name}: what was waived for it is not as the events say", said.get(name))
