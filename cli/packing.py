"""An evidence pack put together: what it is about, its files for programs and for people, its event, its place."""

from __future__ import annotations

import os
import secrets
import shutil
import time
import zipfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from cli import sealing
from cli.desk import Desk
from cli.render import complain, progress, visible
from cli.verifying import verify
from states.cohorts import refuse_cohort, refuse_others
from states.errors import FileRefused, NotPossible
from states.exchange.sheets import write_for_people_csv
from states.learner.erasure import ERASED
from states.reports import story
from states.reports.events import COLUMNS
from states.reports.statement import Vouched, vouch
from states.steps import give_evidence
from states.unit_of_work import Glance
from workflow.errors import NotAllowed
from workflow.pack import Pack
from workflow.store import excerpt, roles
from workflow.store.seals import Seal, known_keys
from workflow.working_days import ONE_DAY, second, start_of

CSV, PAGE, RULES, NAMES = "events.csv", "story.html", "rules.json", "names.csv"
PENDING: Final = ".pending"
STALE_S: Final = 3_600
"""Seconds after which nobody is still writing a draft."""

STAMP: Final = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a zip: the same pack gives the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pack is to be about, for whom, and in which form."""

    learner: str = ""
    cohort: str = ""
    since: date | None = None
    until: date | None = None
    given_to: str = ""
    names: bool = False
    zipped: bool = False

    @property
    def about(self) -> str:
        """What it is about, in words; days stand apart."""
        if self.learner:
            return f"learner {self.learner}"
        return f"cohort {self.cohort}" if self.cohort else "everything in the log"

    @property
    def period(self) -> str:
        """From when until when, in words; empty for always."""
        words = (("from", self.since), ("to", self.until))
        return " ".join(f"{word} {day.isoformat()}" for word, day in words if day)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cases a pack is about, how many learners they are, and the events it holds, by position."""

    cases: array[int]
    learners: int
    named: int
    """How many of them have names still."""
    positions: array[int]
    case: int | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that lies where it should: its folder, its zip if any, and what it holds."""

    folder: Path
    zipped: Path | None
    events: int
    learners: int
    size: int
    manifest: str
    position: int
    key: str
    vouched: Vouched


def make(at: Desk, wanted: Wanted, to: Path | None) -> Made:
    """Make a pack from the log as it is now, sealed and verified before, and record that it was made.

    What verifying found stands in it, whatever that is. It is written whole beside its place, recorded, and only then
    takes its name. Raises NotFound, NotPossible, FileRefused, NotAllowed and StoreError; nothing stays behind then.
    """
    with at.office.look() as look:
        if roles.account(look.connection).kind == "auditor":
            raise NotAllowed("an auditor's account seals nothing, so it makes no packs: ask the centre for one")
    key, signer = sealing.own_key(at.folder, at.office)
    seal, _ = at.sign()
    if seal is None:
        raise NotPossible("the log is empty: there is nothing to show")
    with _draft(to or at.folder / "outbox" / "packs", f"pack-{seal.size:09}") as (draft, final):
        pack = Pack(draft, at.office.engine.origin)
        with at.office.look(at.act if wanted.names else None) as look:
            chosen = _choose(look, wanted, seal.size)
            known = known_keys(look.connection)
            vouched = vouch(at.office, verify(at, look))
            with progress(2 * len(chosen.positions), "packing") as done:
                pack.fill(look.connection, seal, chosen.positions, known, key, signer, done)
                _for_people(at, look, pack, wanted, chosen, seal, vouched, done)
        facts = {"about": wanted.about, "made": _now(at), "by": at.act.actor}
        facts |= {"since": wanted.since.isoformat()} if wanted.since else {}
        facts |= {"until": wanted.until.isoformat()} if wanted.until else {}
        facts |= {} if wanted.learner or wanted.cohort else {"whole": "yes"}
        facts |= {"holds": "yes" if vouched.holds else "no", "verified": vouched.verified}
        facts |= {} if vouched.holds else {"faults": "; ".join(vouched.faults)}
        digest = pack.close({**facts, "names": "yes" if wanted.names else "no"}, key, signer)
        position = give_evidence.record(
            at.office, at.act, digest=digest, given_to=wanted.given_to, learners=chosen.learners,
            events=len(chosen.positions), case=chosen.case, cohort=wanted.cohort,
            named=chosen.named if wanted.names else None,
        )  # fmt: skip
        try:
            draft.rename(final)
        except OSError as wrong:
            give_evidence.take_back(at.office, at.act, digest=digest, recorded=position)
            rule = f"it cannot take its name ({wrong.strerror}), and the log tells that it was not made"
            raise FileRefused(final.name, rule, "Check the folder, or use --to.") from None
    zipped = _zip(final) if wanted.zipped else None
    at.seal()
    return Made(final, zipped, len(chosen.positions), chosen.learners, seal.size, digest, position, str(key), vouched)


@contextmanager
def _draft(place: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """A new folder for its owner alone beside the place that its content will take, and that place; raises FileRefused.

    What is left of it at the end is removed.
    """
    final = place / name
    draft = place / f".{name}.{secrets.token_hex(4)}{PENDING}"
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        for taken in (final, final.with_name(f"{name}.zip")):
            if os.path.lexists(taken):
                raise FileRefused(taken.name, "it is there already", "Move it away, or name another folder with --to.")
        for left in place.glob(f".pack-*{PENDING}"):
            if time.time() - left.stat().st_mtime > STALE_S:  # what a crash left
                shutil.rmtree(left, ignore_errors=True)
        draft.mkdir(mode=0o700)
    except OSError as wrong:
        raise FileRefused(name, f"it cannot be written ({wrong.strerror})", "Check the folder, or use --to.") from None
    try:
        yield draft, final
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _choose(look: Glance, wanted: Wanted, size: int) -> Chosen:
    """Which events belong into it, up to the checkpoint; raises NotFound and NotPossible."""
    first, last = excerpt.between(
        look.connection,
        start_of(wanted.since) if wanted.since else None,
        start_of(wanted.until + ONE_DAY) if wanted.until else None,
        size,
    )
    case = None
    if wanted.learner:
        standing = look.find_case(wanted.learner, erased=True)
        case = standing.case
        cases = array("q", look.learners.cases([standing.subject])[standing.subject])
    elif wanted.cohort:
        look.learners.cohort(wanted.cohort)
        refuse_cohort(look.cohorts, wanted.cohort)
        cases = excerpt.of_cohort(look.connection, wanted.cohort)
    else:
        cases = excerpt.within(look.connection, first, last)
        positions = array("q", range(first, last + 1))
    if wanted.learner or wanted.cohort:
        positions = excerpt.about(look.connection, cases, first, last)
    if not positions:
        raise NotPossible("nothing of that was recorded in these days: there is nothing to show")
    standings = look.log.load(list(cases)).values()
    if not wanted.learner:
        refuse_others(look.cohorts, standings)
    learners = len({standing.subject for standing in standings})
    named = len({standing.subject for standing in standings if ERASED not in standing.facts})
    return Chosen(cases, learners, named, positions, case)


def _for_people(
    at: Desk,
    look: Glance,
    pack: Pack,
    wanted: Wanted,
    chosen: Chosen,
    seal: Seal,
    vouched: Vouched,
    done: Callable[[int], None],
) -> None:
    """The files that a person reads."""
    pack.add(RULES, orjson.dumps(story.rules(look, pack.rule_sets), option=orjson.OPT_INDENT_2) + b"\n")
    with pack.create(CSV) as file:
        _table(file, COLUMNS, _told(done, (row.values() for row in story.listed(look, chosen.positions))))
    if wanted.names:
        with pack.create(NAMES) as file:
            _table(file, story.NAMED, story.people(look, chosen.cases))
    with pack.create(PAGE) as file:
        _page(file, {
            "about": wanted.about, "period": wanted.period, "names": wanted.names, "by": at.act.actor,
            "given_to": wanted.given_to, "made": _now(at),
            "product": at.office.engine.product, "practice": at.office.practice, "origin": at.office.engine.origin,
            "size": seal.size, "root": seal.root.hex(), "events": len(chosen.positions),
            "vouched": vouched,
            "chapters": story.chapters(look, chosen.cases, chosen.positions, names=wanted.names),
            "beside": story.beside(look, chosen.positions),
        })  # fmt: skip


def _now(at: Desk) -> str:
    return f"{second(at.office.engine.clock())} UTC"


def _told(done: Callable[[int], None], rows: Iterable[Any]) -> Iterator[Any]:
    """Rows as they come, each told to a bar."""
    for row in rows:
        done(1)
        yield row


def _table(file: BinaryIO, columns: tuple[str, ...], rows: Any) -> None:
    """Rows for a spreadsheet program, every control made visible."""
    shown = ([cell if isinstance(cell, int) else visible(cell) for cell in row] for row in rows)
    write_for_people_csv(chain([columns], shown), file)


def _page(file: BinaryIO, given: dict[str, Any]) -> None:
    """The page, written as its parts come."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - slow to import, and no other command of audit needs it

    pages = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_shown)
    template = pages.from_string(files("cli").joinpath("story.html").read_text("utf-8"))
    file.writelines(part.encode() for part in template.generate(given))


def _shown(value: Any) -> Any:
    """Texts with every control made visible; what is laid out already stays."""
    return visible(value) if type(value) is str else value


def _zip(folder: Path) -> Path | None:
    """The pack as one file beside its folder; what is wrong with it is told, for the folder stands."""
    path = folder.with_name(f"{folder.name}.zip")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for one in sorted(folder.iterdir()):
                entry = zipfile.ZipInfo(f"{folder.name}/{one.name}", STAMP)
                entry.external_attr, entry.compress_type = 0o600 << 16, zipfile.ZIP_DEFLATED
                with one.open("rb") as source, packed.open(entry, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target)
    except OSError as wrong:
        path.unlink(missing_ok=True)
        complain(f"The folder is made, but {path.name} cannot be written ({wrong.strerror}).")
        return None
    return path


def checked(folder: Path, keys: list[str]) -> list[str]:
    """What the verifier says of a pack; raises its `Refused`."""
    from workflow import verifier  # noqa: PLC0415 - only one command checks packs

    try:
        return verifier.check(folder, keys)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as wrong:
        raise verifier.Refused(f"a file of the pack is missing or no such file ({type(wrong).__name__})") from None
