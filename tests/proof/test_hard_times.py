"""Full disks, folders that cannot be written, locks that are not given back, too few open files, Ctrl-C and SIGTERM."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fakes.centre import Result
from tests.proof.children import BEGUN, Child, start, type_in, typed
from tests.proof.places import DONE, KINDS, STAGES, Place, place_at
from tests.proof.scale import at_scale, chance
from workflow.store import postgres as on_server
from workflow.store import sqlite as in_file

NOBODY = 65_534


def untouched(place: Place, result: Result, before: Any, says: str) -> None:
    """A clear error, exit code 4, and everything as it was."""
    assert result.code == 4, result.said
    assert says in result.said, result.said
    assert "nobody foresaw" not in result.said
    assert place.snapshot() == before
    place.holds()


def words(place: Place, stage: str) -> list[Any]:
    return [place.folder / word if word.endswith(".csv") else word for word in DONE[stage]]


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "gathered"])  # a batch file needs no new page
def test_a_database_that_cannot_grow_says_that_the_disk_is_full_and_keeps_what_it_held(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C10: however many pages are left, until there are enough."""
    place = place_at(stage, "sqlite", tmp_path / "centre", size=60)
    before, refused = place.snapshot(), 0
    (pages,) = place.rows("PRAGMA page_count")[0]
    real = in_file.PRAGMAS
    for more in (0, 1, 2, 4, 8, 16, 1_000):
        monkeypatch.setattr(in_file, "PRAGMAS", (*real, f"PRAGMA max_page_count={pages + more}"))
        result = place.run(*words(place, stage))
        if result.code == 0:
            break
        refused += 1
        untouched_but_for_chunks(place, result, before, stage)
    monkeypatch.setattr(in_file, "PRAGMAS", real)
    assert refused
    assert place.run(*words(place, stage)).code == 0
    place.holds()


def untouched_but_for_chunks(place: Place, result: Result, before: Any, stage: str) -> None:
    if stage == "received" and place.snapshot() != before:
        assert result.code == 4
        place.holds()
        return
    untouched(place, result, before, "the disk is full; make room and repeat the command: nothing was lost")


@contextmanager
def small_disk(megabytes: float) -> Iterator[Path]:
    """A file system of its own; skipped where nobody may make one."""
    folder = Path(tempfile.mkdtemp(prefix="ulnflow-disk-"))
    made = subprocess.run(
        [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    try:
        if made.returncode:
            pytest.skip("only who may mount can make a small disk")
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", folder], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def fill_up(path: Path) -> None:
    """Take every block that is left."""
    with path.open("wb", buffering=0) as target:
        while True:
            target.write(b"\0" * 4096)


@pytest.mark.parametrize("stage", STAGES)
def test_on_a_disk_that_is_really_full_nothing_is_half_done(stage: str, tmp_path: Path) -> None:
    """C10: database, journal and outbox share a disk without a free block; with room again the command goes through."""
    with small_disk(12) as disk:
        place = place_at(stage, "sqlite", disk / "centre")
        before = place.snapshot()
        ballast = disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            fill_up(ballast)
        result = place.run(*words(place, stage))
        assert result.code == 4, result.said
        assert "nobody foresaw" not in result.said
        ballast.unlink()
        assert place.snapshot() == before
        place.holds()
        place.do(*words(place, stage))
        place.holds()


@pytest.mark.parametrize("kind", KINDS)
def test_with_too_few_open_files_a_command_says_so_and_does_nothing_by_halves(kind: str, tmp_path: Path) -> None:
    """C10: one more open file each time, until there are enough."""
    place = place_at("new", kind, tmp_path / "centre")
    before, refused = place.snapshot(), 0
    for limit in range(8, 64, at_scale(3, 1)):
        running = typed(place, *DONE["new"], limits={resource.RLIMIT_NOFILE: limit})
        code = running.ended()
        if code == 0:
            break
        if code == 1 and "Too many open files" in running.said and "Traceback" in running.said:
            continue  # the process itself could not be made ready
        refused += 1
        assert code == 4, running.said
        assert "nobody foresaw" not in running.said
        place.holds()
        assert place.tables() == before[0]
    print(f"{kind}: {refused} limits were too low, {limit} open files are enough")
    assert code == 0, running.said
    place.do(*words(place, "new"))
    place.holds()


def as_nobody(pipe: Any, warm: Place, *arguments: Any) -> None:
    """A task: the program typed by an account without rights, which may not even read our modules; so they are loaded."""
    warm.run("lrs", "submit", "--dry-run")
    warm.run("lrs", "submit", "NOBODY-1")
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    type_in(pipe, *arguments)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="ulnflow-rights-"))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["folder", "database", "outbox"])
def test_what_an_account_may_not_write_is_named_and_nothing_is_changed(
    what: str, open_folder: Path, tmp_path: Path
) -> None:
    """C10: a read-only folder, a read-only database, an outbox of somebody else."""
    place = place_at("gathered", "sqlite", open_folder / "centre")
    before = place.snapshot()
    for path in (place.folder, *place.folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    if what == "folder":
        place.folder.chmod(0o555)
    elif what == "database":
        (place.folder / "ulnflow.db").chmod(0o444)
    else:
        for path in (place.folder / "outbox", *(place.folder / "outbox").rglob("*")):
            path.chmod(0o555)
    out = open_folder / "said"
    out.touch()
    out.chmod(0o666)
    warm = place_at("gathered", "sqlite", tmp_path / "warm")
    child = start(as_nobody, warm, place.folder, str(out), 0, 0, DONE["gathered"])
    code, said = child.ended(), " ".join(out.read_text("utf-8").split())
    assert code == 4, said
    assert "right to change the file" in said or "permissions" in said, said
    assert "nobody foresaw" not in said
    for path in (place.folder, *place.folder.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    assert place.snapshot() == before
    place.do("lrs", "submit")
    place.holds()


@contextmanager
def held_by_another(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody else writes to the database and does not come to an end; our patience is cut short."""
    monkeypatch.setattr(in_file, "BUSY_MS", 200)
    monkeypatch.setattr(in_file, "PRAGMAS", ("PRAGMA busy_timeout=200", *in_file.PRAGMAS[1:]))
    monkeypatch.setattr(on_server, "SESSION", on_server.SESSION.replace("'30s'", "'200ms'"))
    if place.on == "sqlite":
        other = sqlite3.connect(place.folder / "ulnflow.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(place.address)
        other.execute(f"SELECT pg_advisory_xact_lock({on_server.WRITER})")
    try:
        yield
    finally:
        other.rollback()
        other.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stage", STAGES)
def test_a_database_locked_for_longer_than_we_wait_is_told_with_what_to_do(
    stage: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C10: exit code 4 after the wait, nothing written; reading goes on meanwhile."""
    place = place_at(stage, kind, tmp_path / "centre")
    before = place.snapshot()
    with held_by_another(place, monkeypatch):
        result = place.run(*words(place, stage))
        untouched(place, result, before, "wait until that has finished and repeat the command")
        assert place.run("status").code == 0
    place.do(*words(place, stage))
    place.holds()


def test_our_own_gate_held_by_a_process_that_hangs_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C10, for the lock that stands before a SQLite which may damage its log."""
    if in_file.is_sound():
        pytest.skip("this SQLite needs no gate")
    place = place_at("gathered", "sqlite", tmp_path / "centre")
    before = place.snapshot()
    child = start(hold_gate, place.folder / "ulnflow.db")
    child.begun().hear()
    monkeypatch.setattr(in_file, "BUSY_MS", 200)
    try:
        untouched(place, place.run("lrs", "submit"), before, "wait until that has finished and repeat the command")
    finally:
        child.process.kill()
        child.ended()
    place.do("lrs", "submit")


def hold_gate(pipe: Any, path: Path) -> None:
    """A task: take a writer's place and hang."""
    from workflow.store.database import Database

    with Database(path).writing():
        pipe.send(BEGUN)
        signal.pause()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_command_ends_clean_and_is_gone_on_with(
    number: signal.Signals, kind: str, tmp_path: Path
) -> None:
    """C9: exit code 130 for Ctrl-C, the signal itself for SIGTERM; whole chunks stand, and the repeat does the rest."""
    lot = chance()
    codes: Counter[int] = Counter()
    stages = [*STAGES] * at_scale(1, 10)
    for round_, stage in enumerate(stages):
        place = place_at(stage, kind, tmp_path / f"centre-{round_}", size=20)
        before = place.snapshot()
        running = typed(place, *DONE[stage], chunk=3)
        child: Child = running.child.begun().send(lot.uniform(0.01, 0.2), number)
        codes[running.ended()] += 1
        code = child.process.exitcode
        assert code in {0, 130 if number is signal.SIGINT else -number}, running.said
        if code == 130:
            assert "repeat the command to go on" in running.said
            assert place.drafts() == [] or place.snapshot() != before
        place.settled()
        place.holds()
        assert place.run(*words(place, stage)).code == 0
        done = place.snapshot()
        assert place.run(*words(place, stage)).code == 0
        assert place.snapshot() == done
        place.holds()
    print(f"{kind}, {number.name}: exit codes {dict(codes)}")
