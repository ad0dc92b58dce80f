"""A centre on either database: typed at in this process or in processes of its own, copied, and looked at whole."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from psycopg import conninfo

from cli import wiring
from tests.fakes import postgres
from tests.fakes.centre import Centre, Result, row, uln
from tests.unit import commands
from workflow import Route
from workflow.store.database import Database
from workflow.store.verify import Report, verify

KINDS: Final = ("sqlite", "postgresql")
UKPRN: Final = "99990001"
SIZE: Final = 3
KEY: Final = "database_url = "
SEEN: Final = ("kind", "case_id", "sequence", "trigger", "source", "target", "actor", "dispatch")
"""The columns of an event that two runs of the same command share."""


class Place(Centre):
    """A centre's folder with its database beside it or on a server."""

    def __init__(self, folder: Path, address: str = "") -> None:
        super().__init__(folder, None, on="postgresql" if address else "sqlite")
        self.address = address

    @classmethod
    def made(cls, folder: Path, kind: str) -> Place:
        """A centre without learners."""
        place = cls(folder, postgres.fresh_address(wiring.LINEAGES) if kind == "postgresql" else "")
        wiring.write_settings(
            folder, ukprn=UKPRN, nation="england", late_uln="centre", operator="Ann Example", sender=""
        )
        place.settle_down()
        return place

    def settle_down(self) -> None:
        """Let the settings of the folder name this place's database."""
        if self.address:
            path = self.folder / wiring.FILE
            lines = [one for one in path.read_text("utf-8").splitlines() if not one.startswith(KEY)]
            path.write_text("\n".join([f'{KEY}"{postgres.url_of(self.address)}"', *lines]), "utf-8")

    def run(self, *args: Any, stdin: str = "") -> Result:
        """Type a command in this process."""
        return commands.run("--folder", self.folder, *args, stdin=stdin)

    def copy(self, folder: Path) -> Place:
        """The same centre again, to be treated otherwise; nobody may be at work here meanwhile."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        other = Place(folder, _copied(self.address) if self.address else "")
        other.settle_down()
        return other

    def open(self) -> Database:
        """The database as the engine opens it."""
        return Database(self.address or self.folder / "ulnflow.db")

    def look(self, ask: Callable[[Any], Any]) -> Any:
        """What a question to the database answers."""
        database = self.open()
        try:
            with database.reading() as connection:
                return ask(connection)
        finally:
            database.close()

    def rows(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        return self.look(lambda c: [tuple(one) for one in c.execute(sql, arguments)])

    def count(self, where: str = "1=1") -> int:
        return int(self.rows(f"SELECT count(*) FROM event WHERE {where}")[0][0])

    def report(self) -> Report:
        """The log and every projection read again."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                route = office.route
                return verify(look.connection, office.engine.origin, {(route.name, route.version): route})
        finally:
            office.database.close()

    def route(self) -> Route:
        """The route learners take here."""
        office = wiring.open_office(self.folder)
        office.database.close()
        return office.route

    def settled(self) -> None:
        """Wait until a server is done with what a process that is gone had given it: its writer's place is free."""
        database = self.open()
        try:
            with database.writing():
                pass
        finally:
            database.close()

    def holds(self) -> None:
        """The log is what it should be."""
        report = self.report()
        assert report.faults == (), report.faults[:5]

    def tables(self) -> dict[str, str]:
        """A digest of every table."""

        def digests(connection: Any) -> dict[str, str]:
            return {
                name: sha256(
                    repr(sorted(repr(tuple(one)) for one in connection.execute(f"SELECT * FROM {name}"))).encode()
                ).hexdigest()
                for name in sorted(connection.tables())
            }

        return self.look(digests)

    def outbox(self) -> dict[str, str]:
        """A digest of every file that bears its final name in the outbox."""
        folder = self.folder / "outbox"
        return {
            path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and ".pending" not in path.parts
        }

    def drafts(self) -> list[Path]:
        """Files that do not bear their final name."""
        return [path for path in (self.folder / "outbox" / ".pending").rglob("*") if path.is_file()]

    def snapshot(self) -> tuple[dict[str, str], dict[str, str]]:
        return self.tables(), self.outbox()

    def picture(self) -> dict[str, Any]:
        """What the place comes to, without times and what is drawn by lot: equal after the same commands."""

        def paint(connection: Any) -> dict[str, Any]:
            def all_of(sql: str) -> list[tuple[Any, ...]]:
                return [tuple(one) for one in connection.execute(sql)]

            return {
                "events": all_of(f"SELECT {', '.join(SEEN)} FROM event ORDER BY position"),
                "cases": all_of("SELECT id, subject, cohort, state, sequence FROM cases ORDER BY id"),
                "learners": all_of("SELECT id, reference FROM learner ORDER BY id"),
                "files": all_of("SELECT id, direction, kind, state, members FROM dispatch ORDER BY id"),
                "places": all_of(
                    "SELECT dispatch, case_id, row, state FROM dispatch_member ORDER BY dispatch, case_id"
                ),
                "duties": all_of("SELECT position, duty, case_id, closed FROM duty ORDER BY position, duty"),
            }

        found = self.look(paint)
        kinds = Counter(f"{Path(name).parent}/*{Path(name).suffix}" for name in self.outbox())
        return {**found, "outbox": kinds}


def _copied(address: str) -> str:
    source = conninfo.conninfo_to_dict(address)["dbname"]
    name = f"ulnflow_proof_{source}_{next(postgres.NUMBERS)}"[-60:]
    postgres.run(f"CREATE DATABASE {name} TEMPLATE {source}")
    return postgres.address_of(name)


def references(size: int) -> list[str]:
    return [f"P-{number:05}" for number in range(1, size + 1)]


STAGES: Final = ("new", "gathered", "prepared", "received")
DONE: Final = {
    "new": ("cohort", "import", "cohort.csv", "--cohort", "NF-1"),
    "gathered": ("lrs", "submit"),
    "prepared": ("lrs", "receive", "reply.csv"),
    "received": ("advance", "pass_uln_to_learner", "--state", "uln_received", "-e", "how=email", "-e", "by=Ann"),
}
"""The command under test at each stage; it is typed in the centre's folder."""


@cache
def _template(kind: str, stage: str, size: int) -> Place:
    folder = Path(tempfile.mkdtemp(prefix="ulnflow-proof-")) / "centre"
    if stage == "new":
        place = Place.made(folder, kind)
        place.do("init", "--ukprn", UKPRN, "--operator", "Ann Example", "--late-uln", "centre")
        place.sheet([row(reference) for reference in references(size)], "cohort.csv")
        return place
    before = STAGES[STAGES.index(stage) - 1]
    place = _template(kind, before, size).copy(folder)
    words = [place.folder / word if word.endswith(".csv") else word for word in DONE[before]]
    place.do(*words)
    if stage == "prepared":
        place.reply({reference: uln(number) for number, reference in enumerate(references(size), 1)})
    return place


def place_at(stage: str, kind: str, folder: Path, *, size: int = SIZE) -> Place:
    """A centre of one's own at a stage: new, gathered, prepared (a reply lies there) or received."""
    return _template(kind, stage, size).copy(folder)
