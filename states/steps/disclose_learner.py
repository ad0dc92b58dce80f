"""Subject access: everything held about one learner, handed out as a file for machines and a page for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from states import erasing
from states.addressed import addressed
from states.learner import erasure
from states.learner.details import LABELS
from states.ports import FileDraft
from states.tally import FileMade, Tally
from states.unit_of_work import Office, UnitOfWork
from states.vocabulary import DISCLOSED
from workflow import Act, Move, Standing
from workflow.working_days import minute

Trail = Sequence[Mapping[str, str]]
NOT_GIVEN: Final = (
    "candidates of the LRS kept while a decision is open, which may be other people",
    "the key that commitments about this learner are made with",
)
"""What is held and not handed out, and why nobody is told less by that."""


@dataclass(frozen=True, slots=True, repr=False)
class Disclosure:
    """Everything held about a learner, as plain records."""

    number: int
    """The learner's own number, which file names may bear."""
    reference: str
    known_since: str
    details: Sequence[Mapping[str, str]]
    ulns: Sequence[Mapping[str, str]]
    cases: Sequence[Mapping[str, str]]
    files: Sequence[Mapping[str, str]]
    reasons: Mapping[int, str]
    not_given: Sequence[str]


class Handed(Protocol):
    """Where a disclosure is written."""

    def draft(self, number: int, record: Mapping[str, Any]) -> list[FileDraft]:
        """Write it, not yet under its name; raises FileRefused."""
        ...

    def publish(self, drafts: Sequence[FileDraft]) -> list[Path]:
        """Give the files their names; raises FileRefused."""
        ...

    def discard(self, drafts: Sequence[FileDraft]) -> None:
        """Remove what will not be handed out."""
        ...


def disclose(office: Office, act: Act, reference: str, trail: Trail, to: Handed, *, dry_run: bool = False) -> Tally:
    """Hand out what is held about a learner, with `trail`, the story as told; the log has that, and no value.

    Raises NotFound and FileRefused; a file that could not be written is not told of.
    """
    tally, drafts = Tally(), list[FileDraft]()
    try:
        with office.begin(act, dry_run=dry_run) as uow:
            learner = uow.find_case(reference).subject
            standings = erasing.own_cases(uow, learner)
            found = _gathered(uow, learner, standings)
            evidence = {
                "versions": len(found.details), "ulns": len(found.ulns), "files": len(found.files),
                "reasons": len(found.reasons),
            }  # fmt: skip
            uow.work.record(DISCLOSED, evidence={**evidence, "case": standings[0].case})
            uow.work.note(DISCLOSED, [Move(case=s.case) for s in standings], shared=True)
            drafts += to.draft(found.number, {**asdict(found), "trail": trail})
    except BaseException:
        to.discard(drafts)
        raise
    tally.counts["disclosures of everything held"] = 1
    if dry_run:
        to.discard(drafts)
    else:
        tally.files += [FileMade(0, path.name, path, 1) for path in to.publish(drafts)]
        tally.notes.append("these files hold personal values: hand them over safely, and delete them here afterwards")
    tally.next.append(addressed("ulnflow audit history REFERENCE", reference))
    return tally


def _gathered(uow: UnitOfWork, learner: int, standings: Sequence[Standing]) -> Disclosure:
    rows = erasure.everything(uow.connection, learner)
    places = uow.dispatches.holding([s.case for s in standings], erasing.KINDS)
    titles = uow.office.route.states
    return Disclosure(
        number=learner,
        reference=uow.learners.references([learner])[learner],
        known_since=minute(erasure.known_since(uow.connection, learner)),
        details=[
            {"version": str(number), "status": status, **_labelled(values)}
            for kind, number, status, _, values in rows
            if kind == "details"
        ],
        ulns=[
            {"ULN": lookup, "status": status.replace("_", " ") if kind == "uln" else "answered by the LRS, not taken"}
            for kind, _, status, lookup, _ in rows
            if kind in {"uln", "answered"}
        ],
        cases=[_case(s, titles[s.state].title) for s in standings],
        files=[
            {
                "file": dispatch.name,
                "what": dispatch.kind.replace("_", " "),
                "state": dispatch.state.replace("_", " "),
                "prepared": minute(dispatch.prepared_at),
                "sent": "" if dispatch.sent_at is None else minute(dispatch.sent_at),
                "row": str(member.row), "version of the details": str(member.version),
            }
            for found in places.values()
            for member, dispatch in found
        ],
        reasons={number: str(values["text"]) for kind, number, _, _, values in rows if kind == "remark"},
        not_given=NOT_GIVEN,
    )  # fmt: skip


def _labelled(values: Mapping[str, Any]) -> dict[str, str]:
    return {label: str(values[name]) for name, label in LABELS.items() if name in values}


def _case(standing: Standing, title: str) -> dict[str, str]:
    facts = {name: str(value) for name, value in standing.facts.items() if isinstance(value, str | int)}
    return {"case": str(standing.case), "cohort": standing.cohort, "stands": title, **facts}
