"""A centre's database file written anew, encrypted or plain, and put in the place of the old one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from cli import wiring
from cli.moving import carry
from states.errors import NotPossible
from workflow.store import encrypted, meta, roles
from workflow.store.database import Database

SUFFIX: Final = ".anew"
BESIDE: Final = ("-wal", "-shm")


def rewrite(*, plain: bool) -> list[dict[str, Any]]:
    """Write the database file anew, with every byte compared; returns what was compared, nothing when it is so already.

    Interrupted, it is finished by repeating it. Raises NotPossible and StoreError.
    """
    folder = wiring.find_folder()
    settings = wiring.load_settings(folder)
    path = wiring.place(folder, settings)
    if not isinstance(path, Path):
        raise NotPossible("a database on a server is encrypted there, by whoever keeps its disks")
    key = _key(folder, settings)
    draft = path.with_name(path.name + SUFFIX)
    if not encrypted.is_there(path) and not encrypted.is_there(draft):
        raise NotPossible(f"{path.name} is not there; run: ulnflow init")
    if encrypted.is_there(path) and encrypted.is_plain(path) is plain:
        return []
    new = Database(draft, "" if plain else key)
    moved: list[dict[str, Any]] = []
    if encrypted.is_there(path) and not _finished(path, key, new):
        with wiring.located() as (_, source):
            wiring.check(source)
            _refuse_others(source)
            moved = carry(folder, settings, source, new)
    new.close()
    for suffix in BESIDE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    draft.replace(path)
    return moved or [{"table": "all", "rows": None, "digest": "compared before"}]


def _key(folder: Path, settings: wiring.Settings) -> str:
    """The key that the settings name, made where there is none yet; raises NotPossible and StoreError."""
    name = settings.encryption.key_file
    if not name:
        raise NotPossible(
            f"say in {wiring.FILE} where the key is to be, away from the database, such as on another drive: "
            '[encryption] key_file = "E:/ulnflow.key"'
        )
    file = folder / name
    return encrypted.key_for(folder / settings.database, file) or (
        encrypted.read_key(file) if file.exists() else encrypted.make_key(file)
    )


def _refuse_others(source: Database) -> None:
    """Only the owner of a database writes it anew."""
    with source.reading() as connection:
        if (who := roles.account(connection).kind) != "owner":
            raise NotPossible(f"only the owner of a database may do that, and you work as {who}")


def _finished(path: Path, key: str, new: Database) -> bool:
    """Whether the new file is whole and open for work and the old one shut: it only has to take its place."""
    if not encrypted.is_there(new.path):
        return False
    old = Database(path, key)
    try:
        with old.reading() as connection:
            shut = meta.MOVED in meta.read(connection)
        if not shut:
            return False
        with new.reading() as connection:
            facts = meta.read(connection)
            return meta.ORIGIN in facts and not {meta.MOVING, meta.MOVED} & facts.keys()
    finally:
        old.close()
