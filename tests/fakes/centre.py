"""A training centre at its keyboard: every step is a command, answered by an LRS that we play ourselves.

`run` calls the program in this process, in the centre's folder, with its own standard streams. Only the questions
(`state`, `facts`, `duties`, ...) look into the database; nothing but commands changes it.

ULNFLOW_TEST_DATABASE=postgresql makes every centre work on a server.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cli import app, wiring
from states.learner.uln import PLACEHOLDER, expected_check_digit
from workflow import Standing

UKPRN = "99990001"
FRESH = 1
"""Events of a log that was just set up: the one that tells of its key."""

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 9, 7, 9, 0, tzinfo=LONDON)
DATA = Path(__file__).parents[1] / "data"

GOOD: dict[str, str] = {
    "Given name": "Robin",
    "Date of birth": "1990-01-31",
    "Gender": "F",
    "Postcode": "CV4 9EE",
    "Privacy notice seen": "Y",
    "Privacy notice version": "2025",
    "Privacy notice date": "2026-09-01",
    "ID seen": "Passport",
    "Email": "robin@example.com",
    "Qualification": "8605-31",
    "Funded": "Y",
    "Start": "2026-09-01",
    "Planned end": "2027-06-30",
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def uln(number: int) -> str:
    """A valid ULN, another for each number: the nine digits after which the check digit exists."""
    first = 100_000_000 + 7 * number
    while (digit := expected_check_digit(str(first))) is None or f"{first}{digit}" == PLACEHOLDER:
        first += 1
    return f"{first}{digit}"


def family_name(number: int) -> str:
    """A family name of letters only, another for each number."""
    word = ""
    while number >= 0:
        word, number = LETTERS[number % 26] + word, number // 26 - 1
    return f"Of{word.lower()}"


def fresh_url() -> str:
    """The address of a database on a server that is set up and belongs to nobody yet."""
    from tests.fakes import postgres  # its driver is slow to import, and most tests need none

    return postgres.url_of(postgres.fresh_address(wiring.LINEAGES))


def row(reference: str, **changes: str) -> dict[str, str]:
    """A complete row of a cohort sheet; changes by heading, with _ for blanks."""
    given = {name.replace("_", " "): value for name, value in changes.items()}
    number = int("".join(c for c in reference if c.isdigit()) or 0)
    return {"Learner reference": reference, "Family name": family_name(number), **GOOD, **given}


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both, with line breaks of tables as blanks."""
        return " ".join(f"{self.out} {self.err}".split())


class Keyboard(io.StringIO):
    """Somebody who types line after line, and is asked."""

    def isatty(self) -> bool:
        return True


@contextlib.contextmanager
def _typed(words: Sequence[str], stdin: io.StringIO) -> Iterator[None]:
    """The command line, the standard input, and no setting of this machine's own."""
    argv, source, own = sys.argv, sys.stdin, {k: v for k, v in os.environ.items() if k.startswith("ULNFLOW_")}
    sys.argv, sys.stdin = list(words), stdin
    for name in own:
        del os.environ[name]
    try:
        yield
    finally:
        sys.argv, sys.stdin = argv, source
        os.environ.update(own)


class Centre:
    """A centre's folder, and the people who type there; `on` names the database it works on."""

    def __init__(self, folder: Path, clock: Any, *, on: str = "") -> None:
        self.folder, self.clock = folder, clock
        self.on = on or os.environ.get("ULNFLOW_TEST_DATABASE", "sqlite")
        self.sheets = 0
        folder.mkdir(exist_ok=True)

    # --- at the keyboard ----------------------------------------------------------------------------------------

    def run(self, *args: str | Path, stdin: str | io.StringIO = "") -> Result:
        """Type a command; whatever it reads is `stdin`, a text as if it came through a pipe."""
        out, err, code = io.StringIO(), io.StringIO(), 0
        words = ["ulnflow", "--folder", str(self.folder), *map(str, args)]
        with (
            _typed(words, io.StringIO(stdin) if isinstance(stdin, str) else stdin),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                app.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return Result(code, out.getvalue(), err.getvalue())

    def do(self, *args: str | Path, stdin: str = "") -> Result:
        """Type a command that must succeed."""
        result = self.run(*args, stdin=stdin)
        assert result.code == 0, f"{' '.join(map(str, args))} ended with {result.code}: {result.said}"
        return result

    def refused(self, *args: str | Path, stdin: str = "") -> Result:
        """Type a command that must be refused, in words: exit 1 as things stand, 2 as it is typed, 4 for a file or name."""
        result = self.run(*args, stdin=stdin)
        assert result.code in {1, 2, 4}, f"{' '.join(map(str, args))} ended with {result.code}: {result.said}"
        assert "nobody foresaw" not in result.err, result.err
        return result

    def json(self, *args: str | Path, stdin: str = "") -> Any:
        """What a command answers as JSON; learners refused or findings are an answer too."""
        result = self.run(*args, "--format", "json", stdin=stdin)
        assert result.code in {0, 1}, f"{' '.join(map(str, args))} ended with {result.code}: {result.said}"
        return json.loads(result.out)

    def init(self, *, late_uln: str = "centre", ukprn: str = UKPRN) -> Centre:
        """Set the folder up."""
        if self.on == "postgresql":
            wiring.write_settings(
                self.folder, ukprn=ukprn, nation="england", late_uln=late_uln, operator="Ann Example", sender=""
            )
            self.set(f'database_url = "{fresh_url()}"')
        self.do("init", "--ukprn", ukprn, "--operator", "Ann Example", "--late-uln", late_uln)
        return self

    def set(self, line: str) -> None:
        """Put a line at the top of the settings, in place of the one that named the same key."""
        path, key = self.folder / wiring.FILE, line.split(" = ", maxsplit=1)[0]
        kept = [one for one in path.read_text("utf-8").splitlines() if one.split(" = ")[0] != key]
        path.write_text("\n".join([line, *kept, ""]), "utf-8")

    def agree(self, *, by: str = "Bea Example") -> list[Result]:
        """Have somebody else agree to everything that waits for a second person."""
        with self.typing(by):
            return [self.do("approve", one["request"]) for one in self.json("approve")]

    @contextlib.contextmanager
    def settings(self, more: str) -> Iterator[None]:
        """Let more stand at the end of the settings for a while."""
        path = self.folder / wiring.FILE
        own = path.read_bytes()
        path.write_bytes(own + more.encode())
        try:
            yield
        finally:
            path.write_bytes(own)

    @contextlib.contextmanager
    def typing(self, name: str) -> Iterator[None]:
        """Let somebody else sit at the keyboard."""
        path = self.folder / wiring.FILE
        own = path.read_bytes()
        self.set(f'operator = "{name}"')
        try:
            yield
        finally:
            path.write_bytes(own)

    def days(self, count: int) -> None:
        """Let calendar days pass."""
        self.clock.shift(timedelta(days=count))

    def to(self, day: str, time: str = "09:00") -> None:
        """Let it be a day, later than now, at a time in London."""
        self.clock.move_to(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=LONDON))

    # --- sheets -------------------------------------------------------------------------------------------------

    def sheet(self, rows: Sequence[Mapping[str, str]], name: str = "") -> Path:
        """Save a cohort sheet as CSV."""
        self.sheets += 1
        path = self.folder / (name or f"sheet-{self.sheets}.csv")
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, list(dict.fromkeys(heading for one in rows for heading in one)))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def enrol(self, *references: str, cohort: str = "NF-1", register_by: str = "", **changes: str) -> Result:
        """Take in a sheet with one complete row a reference."""
        last = ["--register-by", register_by] if register_by else []
        rows = [row(reference, **changes) for reference in references]
        return self.do("cohort", "import", self.sheet(rows), "--cohort", cohort, *last)

    # --- the LRS, played by us ----------------------------------------------------------------------------------

    def batches(self) -> list[Path]:
        """The batch files in the outbox, oldest first."""
        found = (self.folder / "outbox" / "lrs").glob("*.CSV")
        return sorted(found, key=lambda path: datetime.strptime(path.stem[-12:], "%d%m%Y%H%M").replace(tzinfo=LONDON))

    def batch(self, path: Path | None = None) -> list[dict[str, str]]:
        """The rows of a batch file of ours: the last one written, if none is named."""
        with (path or self.batches()[-1]).open(encoding="utf-8", newline="") as source:
            return list(csv.DictReader(source))

    def reply(
        self,
        answers: Mapping[str, str | tuple[str, str]],
        *,
        to: Path | None = None,
        name: str = "reply.csv",
        ukprn: str = "",
        order: Sequence[str] = (),
        more: Sequence[dict[str, str]] = (),
    ) -> Path:
        """Answer a batch file: a ULN (code RC001) or (ULN, code) by reference; who is not named gets no row.

        `order` puts rows in another order, `more` adds rows of ours that hold other values.
        """
        asked = {one["MISIdentifier"]: one for one in self.batch(to)}
        header = next(iter(asked.values()))
        rows = []
        for reference in order or [r for r in asked if r in answers]:
            answer = answers[reference]
            number, code = answer if isinstance(answer, tuple) else (answer, "RC001")
            rows.append({**asked[reference], "ULN": number, "ReturnCode": code})
        rows += [{**dict.fromkeys(header, ""), **one} for one in more]
        for place, one in enumerate(rows):
            first = place == 0
            one["FileVersion"] = "2A" if first else ""
            one["FileName"] = header["FileName"] if first else ""
            one["UKPRN"] = (ukprn or header["UKPRN"]) if first else ""
            one["LearnerRecordCount"] = str(len(rows)) if first else ""
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as target:
            writer = csv.DictWriter(target, [*header, "ReturnCode"], quoting=csv.QUOTE_ALL)
            writer.writeheader()
            writer.writerows(rows)
        return path

    def ask_lrs(self, answers: Mapping[str, str | tuple[str, str]], *, name: str = "") -> Result:
        """Submit everyone who is due, and take the answers in."""
        self.do("lrs", "submit")
        return self.run("lrs", "receive", self.reply(answers, name=name or f"reply-{len(self.batches())}.csv"))

    def files(self) -> list[Path]:
        """Every file in the outbox, drafts included."""
        return sorted(path for path in (self.folder / "outbox").rglob("*") if path.is_file())

    # --- what is known ------------------------------------------------------------------------------------------

    def standing(self, reference: str, qualification: str = "") -> Standing:
        """Where a learner's latest case stands, or the one for a qualification."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                return look.find_case(reference, qualification)
        finally:
            office.database.close()

    def state(self, reference: str, qualification: str = "") -> str:
        """The state of a learner's latest case."""
        return self.standing(reference, qualification).state

    def facts(self, reference: str, qualification: str = "") -> Mapping[str, Any]:
        """What is known of a learner's latest case."""
        return self.standing(reference, qualification).facts

    def states(self, cohort: str = "") -> Counter[str]:
        """How many cases stand in each state."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                return Counter(s.state for s in look.log.find(cohort=cohort))
        finally:
            office.database.close()

    def ulns(self, reference: str) -> list[tuple[str, str]]:
        """Every ULN a learner holds or held, oldest first, with its status."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                learner = look.find_case(reference).subject
                return [(r.uln, r.status) for r in look.learners.ulns([learner]).get(learner, ())]
        finally:
            office.database.close()

    def held(self, reference: str) -> str:
        """The ULN a learner holds; empty when none."""
        return next((number for number, status in self.ulns(reference) if status == "held"), "")

    def events(self) -> int:
        """How many events the log holds."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                return look.log.head()
        finally:
            office.database.close()

    def holds(self, text: str) -> bool:
        """Whether a text stands anywhere in the database, be it in the middle of bytes."""
        if self.on == "sqlite":
            return text.encode() in (self.folder / "ulnflow.db").read_bytes()
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                rows = [
                    str(row) for name in look.connection.tables() for row in look.connection.execute(f"TABLE {name}")
                ]
                return text in "".join(rows)
        finally:
            office.database.close()

    def change(self, sql: str) -> None:
        """What somebody with the database in hand does to it, past every command."""
        office = wiring.open_office(self.folder)
        try:
            with office.database.writing() as connection:
                connection.execute(sql)
        finally:
            office.database.close()

    def dispatches(self, *kinds: str) -> list[tuple[str, str, dict[str, int]]]:
        """(name, state, members by state) of each file in the register."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                return [(d.name, d.state, look.dispatches.counts(d.id)) for d in look.dispatches.find(kinds=kinds)]
        finally:
            office.database.close()

    def quarantined(self) -> list[str]:
        """The references of answers about nobody we sent."""
        office = wiring.open_office(self.folder)
        try:
            with office.look() as look:
                return [one["reference"] for one in look.learners.quarantined()]
        finally:
            office.database.close()

    def duties(self, reference: str) -> set[str]:
        """The open duties of a learner, by the list that people see."""
        return {duty["duty"] for duty in self.json("duty", "list") if duty["reference"] == reference}
