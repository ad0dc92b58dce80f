"""What an erasure needs, built from the centre's folder; and erasures made again in a backup that was restored."""

from __future__ import annotations

from pathlib import Path

from cli import tables
from cli.render import say
from states.erasing import Keeping, Privacy
from states.exchange.erasures import ErasureFile, SheetShelves
from states.steps.erase_learner import replay
from states.unit_of_work import Office
from workflow import Act

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
            f"This database was older than {number} erasures in {tables.REGISTER}: they were made again. "
            "See: ulnflow audit events --kind erased"
        )
