"""The log sealed with the key in the centre's folder: made when first needed, used after each command that wrote."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from states.counting import counted
from states.errors import FileRefused, NotPossible
from states.unit_of_work import Office
from workflow import Act, small_file
from workflow.errors import NotAllowed, StoreError
from workflow.seal import checkpoint, keys, note
from workflow.seal.checkpoint import Checkpoint
from workflow.seal.note import Key, NoteRefused, Signer, Unsigned
from workflow.sealing import extend
from workflow.store.seals import Seal, Seals, known_keys
from workflow.store.verify_seals import Outside

LOG_KEY, NEXT_KEY = "log.pem", "next.pem"
SUFFIX: Final = ".checkpoint"
RESTORED: Final = (
    "See: ulnflow audit verify; after an honest restore, put the later checkpoints aside, keep them, and write down why"
)
FIX: Final = "Take the file as ulnflow wrote it, and the key of this log: ulnflow keys show."


def place(folder: Path) -> Path:
    """The folder of the keys."""
    return folder / "keys"


def own_key(folder: Path, office: Office) -> tuple[Key, Any]:
    """The key this folder signs with, made where the log knows none yet; raises StoreError for one lost or exchanged.

    On a server each folder has its own, which the log may not know yet.
    """
    path = place(folder) / LOG_KEY
    with office.database.reading() as connection:
        known = known_keys(connection)
    if not path.exists():
        if known:
            raise StoreError(
                f"keys/{LOG_KEY} is not there, and the log was sealed before: restore it, or: ulnflow keys new"
            )
        keys.make(path)
    secret = keys.read(path)
    key = keys.public(secret, office.engine.origin)
    if known and key not in known and office.database.kind == "sqlite":
        raise StoreError(
            f"keys/{LOG_KEY} is not the key this log knows: restore that or, if it is lost, take this: ulnflow keys new"
        )
    return key, secret


def begin(folder: Path) -> None:
    """Make the key of a new folder, tell the log of it and seal it; who may not write to the log signs nothing."""
    from cli import wiring  # noqa: PLC0415 - wiring is a floor below, and slow to read

    office = wiring.open_office(folder)
    try:
        with suppress(NotAllowed):
            path = place(folder) / LOG_KEY
            secret = keys.read(path) if path.exists() else keys.make(path)
            key = keys.public(secret, office.engine.origin)
            settings = wiring.load_settings(folder)
            home = settings.seal.folder_in(folder)
            seal_now(folder, office, wiring.act(settings, "init"), to=home, signers=[(key, secret)])
    finally:
        office.database.close()


def seal_now(
    folder: Path, office: Office, act: Act, *, to: Path, signers: Sequence[tuple[Key, Signer]] = ()
) -> tuple[Seal | None, Path | None]:
    """Seal the whole log, and write the checkpoint to the folder that was chosen; raises StoreError.

    A signer that the log does not know is told to it, as the successor of the one before.
    """
    signing = list(signers) or [own_key(folder, office)]
    with office.engine.work(act) as work:
        _refuse_a_shorter_log(Seals(work.connection).length(), to)
        made = extend(work, office.engine.origin, signing, office.engine.clock())
    return made, written(made, to) if made else None


def _refuse_a_shorter_log(size: int, folder: Path) -> None:
    """Sign no second history: a log that was longer once is sealed when its later checkpoints were put aside."""
    last = latest(folder)
    if last is not None and int(last.stem) > size:
        raise StoreError(
            f"{last.name} is of a longer log: events were cut off, or an older copy was put back. {RESTORED}"
        )


def written(made: Seal, folder: Path) -> Path:
    """A checkpoint as a file, named by its size, never over another; raises StoreError."""
    path = folder / f"{made.size:09}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            if path.read_bytes() != made.note:
                raise StoreError(
                    f"{path.name} is there and says something else of the same size: the log was shown in two "
                    "versions; keep both files, and run: ulnflow audit verify"
                )
            return path
        small_file.replace(path, made.note)
    except OSError as wrong:
        raise StoreError(f"the checkpoint cannot be written to its folder: {wrong.strerror}") from None
    return path


def parsed(lines: Sequence[str]) -> list[Key]:
    """Keys as they were given; raises NotPossible."""
    try:
        return [Key.parse(line.strip()) for line in lines]
    except NoteRefused as wrong:
        raise NotPossible(str(wrong)) from None


def trusted(path: Path, origin: str, known: Sequence[Key]) -> Checkpoint:
    """The checkpoint in a file, signed by a known key; raises FileRefused."""
    try:
        return checkpoint.trusted(content(path), origin, known)[0]
    except NoteRefused as wrong:
        raise FileRefused(path.name, str(wrong), FIX) from None


def outside(path: Path, known: Sequence[Key], called: str) -> Outside:
    """The checkpoint in a file, of whatever log and by whatever key, for verify to judge; raises FileRefused."""
    try:
        read = checkpoint.parse(content(path))
        note.verified(read.note, known)
    except Unsigned:
        return Outside(called, read.checkpoint, "it is signed by no key that this log names or --key gives")
    except NoteRefused as wrong:
        raise FileRefused(path.name, str(wrong), FIX) from None
    return Outside(called, read.checkpoint)


def unsealed(events: int, looks: int) -> str:
    """What stands behind the last checkpoint, so many events of which are looks, and what becomes of it."""
    if events == 1:
        words = f"The last event{', a look,' if looks else ''} is not sealed yet: "
    else:
        more = f" ({counted(looks, 'look')})" if looks else ""
        words = f"The last {events} events{more} are not sealed yet: "
    words += f"the next command that changes something seals {'it' if events == 1 else 'them'}"
    return words if events == looks else f"{words}; until then nobody can see whether some were cut off there"


def latest(folder: Path) -> Path | None:
    """The file of the largest checkpoint in a folder."""
    try:
        named = [path for path in folder.iterdir() if path.suffix == SUFFIX and path.stem.isdecimal()]
    except OSError:
        return None
    return max(named, key=lambda path: int(path.stem), default=None)


def content(path: Path) -> bytes:
    """What a file holds, up to the most that a checkpoint may; raises FileRefused."""
    try:
        with path.open("rb") as file:
            return file.read(note.LONGEST + 1)
    except OSError:
        raise FileRefused(path.name, "it cannot be read", "Check the name.") from None


def told(made: Seal | None, origin: str, known: Sequence[Key]) -> Checkpoint:
    """What a checkpoint kept in the log says; raises StoreError."""
    try:
        return checkpoint.trusted(made.note if made else b"", origin, known)[0]
    except NoteRefused as wrong:
        raise StoreError(f"the checkpoint in the log cannot be trusted: {wrong}") from None
