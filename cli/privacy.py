"""What an erasure needs, built from the centre's folder; and erasures made again in a backup that was restored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cli import tables
from cli.render import say
from states.counting import counted
from states.erasing import Keeping, Privacy
from states.exchange.erasures import ErasureFile, SheetShelves
from states.steps.erase_learner import brought_back, replay
from states.unit_of_work import Office
from workflow import Act
from workflow.store import roles
from workflow.store.condition import Finding
from workflow.store.connection import Connection

TABLE = "privacy.toml"


def privacy_of(folder: Path, years: int, by_state: dict[str, int]) -> Privacy:
    """The bases and holds of the centre's table, its times of retention, its register and its sheets."""
    with tables.laid_out(TABLE):
        known = tables.table(TABLE, folder)
        keeping = Keeping(bases=known["bases"], holds=known["holds"], years=years, by_state=by_state)
    return Privacy(keeping, ErasureFile(folder / tables.REGISTER), SheetShelves())


def again(folder: Path, office: Office, act: Act) -> None:
    """Erase anew whom a restored backup brought back, before anything of it is shown."""
    number = replay(office, act, privacy_of(folder, 0, {}))
    if number:
        say(
            f"This database was older than {counted(number, 'erasure')} in {tables.REGISTER}: this was made again. "
            "See: ulnflow audit events --kind erased"
        )


def restored(folder: Path, connection: Connection) -> Iterator[Finding]:
    """Whether a database holds who was erased, as one restored from a backup does; nothing is changed."""
    path = folder / tables.REGISTER
    if not path.exists():
        return
    if roles.account(connection).kind == "auditor":
        yield Finding("erasures", "note", f"this account may not compare {path.name} with the database")
    elif number := len(brought_back(connection, ErasureFile(path).read())):
        yield Finding(
            "erasures", "wrong",
            f"the database is older than {counted(number, 'erasure')} in {path.name}: it holds these learners again",
            "the next command that opens it erases them again, such as: ulnflow today",
        )  # fmt: skip
    else:
        yield Finding("erasures", "ok", f"nobody whom {path.name} names is held")
