"""The log sealed with the key in the centre's folder: made when first needed, used after each command that wrote."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cli.checkpoints import refuse_another_history, written
from states.counting import counted
from states.errors import NotPossible
from states.unit_of_work import Office
from workflow import Act
from workflow.errors import NotAllowed, StoreError
from workflow.seal import keys
from workflow.seal.note import Key, NoteRefused, Signer
from workflow.sealing import extend
from workflow.store.seals import Seal, Seals, Signers, signers

LOG_KEY, NEXT_KEY = "log.pem", "next.pem"


def place(folder: Path) -> Path:
    """The folder of the keys."""
    return folder / "keys"


def own_key(folder: Path, office: Office) -> tuple[Key, Any]:
    """The key this folder signs with, made where the log knows none yet; raises StoreError for one lost or exchanged.

    On a server each folder has its own, which the log may not know yet. Of a rotation that was cut off behind its
    commit it is the new one.
    """
    path = place(folder) / LOG_KEY
    with office.database.reading() as connection:
        known, size = signers(connection), Seals(connection).length()
    if not path.exists():
        if known.keys:
            raise StoreError(
                f"keys/{LOG_KEY} is not there, and the log was sealed before: restore it, or: ulnflow keys new"
            )
        keys.make(path)
    secret = keys.read(path)
    key = keys.public(secret, office.engine.origin)
    if key in known.keys and key not in known.at(size + 1):
        return _next_key(folder, office, known)
    if known.keys and key not in known.keys and office.database.kind == "sqlite":
        raise StoreError(
            f"keys/{LOG_KEY} is not the key this log knows: restore that or, if it is lost, take this: ulnflow keys new"
        )
    return key, secret


def finish_rotation(folder: Path, office: Office) -> Key | None:
    """Put the new key in its place where a rotation was cut off behind its commit; None where none was."""
    path = place(folder) / NEXT_KEY
    if not path.exists():
        return None
    key = keys.public(keys.taken(path), office.engine.origin)
    with office.database.reading() as connection:
        if key not in signers(connection).keys:
            return None
    path.replace(place(folder) / LOG_KEY)
    return key


def _next_key(folder: Path, office: Office, known: Signers) -> tuple[Key, Any]:
    """The key that the one in its place was exchanged for; raises StoreError."""
    path = place(folder) / NEXT_KEY
    if path.exists():
        secret = keys.read(path)
        key = keys.public(secret, office.engine.origin)
        if key in known.keys:
            return key, secret
    raise StoreError(
        f"keys/{LOG_KEY} was exchanged for another and signs no more: restore the newer one or, if that is lost: "
        "ulnflow keys new"
    )


def begin(folder: Path) -> None:
    """Make the key of a new folder, tell the log of it and seal it; who may not write to the log signs nothing."""
    from cli import wiring  # noqa: PLC0415 - wiring is a floor below, and slow to read

    office = wiring.open_office(folder)
    try:
        with suppress(NotAllowed):
            if office.database.kind == "sqlite":
                key, secret = own_key(folder, office)
            else:  # this folder's own, which a log with other folders may not know yet
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
        refuse_another_history(work.connection, office.engine.origin, to)
        made = extend(work, office.engine.origin, signing, office.engine.clock())
    return made, written(made, to) if made else None


def parsed(lines: Sequence[str]) -> list[Key]:
    """Keys as they were given; raises NotPossible."""
    try:
        return [Key.parse(line.strip()) for line in lines]
    except NoteRefused as wrong:
        raise NotPossible(str(wrong)) from None


def unsealed(events: int, looks: int) -> str:
    """What stands behind the last checkpoint, so many events of which are looks, and what becomes of it."""
    if events == 1:
        words = f"The last event{', a look,' if looks else ''} is not sealed yet: "
    else:
        more = f" ({counted(looks, 'look')})" if looks else ""
        words = f"The last {events} events{more} are not sealed yet: "
    words += f"the next command that changes something seals {'it' if events == 1 else 'them'}"
    return words if events == looks else f"{words}; until then nobody can see whether some were cut off there"
