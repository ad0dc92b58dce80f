"""Row E3 among many: pages split, rows changed and freed for years, and not one byte of who was erased is left."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import pytest

from states.erasing import Entry
from states.errors import FileRefused
from states.exchange.erasures import ErasureFile, SheetShelves
from states.learner import erasure
from states.learner.details import Details
from states.learner.repository import LINEAGE, Learners
from states.learner.uln import expected_check_digit
from tests.fakes.loan import fresh_database
from workflow.store.database import Database
from workflow.store.schema import ENGINE

MANY, ERASED, AT_ONCE = 3_000, 150, 500


def number_of(one: int) -> str:
    """A ULN of a learner's own."""
    first = 100_000_000 + 31 * one
    while (digit := expected_check_digit(str(first))) is None:
        first += 1
    return f"{first}{digit}"


def filled(database: Database, dice: random.Random) -> dict[int, list[str]]:
    """Learners by number with every value they ever had, in an order that splits the pages of every index."""
    values: dict[int, list[str]] = {}
    pool = iter(dice.sample(range(10**7), MANY))
    for start in range(0, MANY, AT_ONCE):
        some = [
            Details(
                given_name=f"Gq{dice.randrange(10**9):09}", family_name=f"Fq{dice.randrange(10**9):09}",
                date_of_birth=date(1990, 1, 1), postcode="CV4 9EE", email=f"eq{dice.randrange(10**9):09}@example.org",
            )
            for _ in range(AT_ONCE)
        ]  # fmt: skip
        with database.writing() as connection:
            learners = Learners(connection)
            numbers = learners.add([(f"R{start + n}", dice.randbytes(32)) for n in range(AT_ONCE)], 1)
            learners.add_details([(n, 1, one) for n, one in zip(numbers, some, strict=True)])
            for number in dice.sample(numbers, AT_ONCE):
                learners.hold_uln(number, number_of(next(pool)), 1)
        with database.writing() as connection:
            learners = Learners(connection)
            changed = dice.sample(numbers, AT_ONCE // 3)
            new = {n: f"Hq{dice.randrange(10**9):09}" for n in changed}
            learners.add_details([(n, 2, some[n - numbers[0]].with_changes({"family_name": new[n]})) for n in changed])
            for number in changed:
                learners.remark(number, f"words about {new[number]}", number)
                learners.keep_candidates(number, [(number_of(2 * 10**7 + number), some[number - numbers[0]])])
        with database.writing() as connection:
            forgotten = set(dice.sample(changed, len(changed) // 2))
            Learners(connection).forget_candidates(forgotten)
        for number, one in zip(numbers, some, strict=True):
            values[number] = [one.family_name, one.email]
            values[number] += [new[number]] if number in new else []
            values[number] += [number_of(2 * 10**7 + number)] if number in set(changed) - forgotten else []
    with database.reading() as connection:
        for number, records in Learners(connection).ulns(list(values)).items():
            values[number] += [one.uln for one in records]
    return values


def test_no_byte_of_an_erased_learner_is_left_in_the_file(tmp_path: Path):
    """Pages that were split hold copies of rows that `secure_delete` does not know of; the file is written anew then."""
    dice = random.Random(11)  # noqa: S311 - the same learners every time
    database = fresh_database(tmp_path / "many.db", (ENGINE, LINEAGE))
    values = filled(database, dice)
    gone = dice.sample(sorted(values), ERASED)
    keys: dict[int, bytes] = {}
    traces: list[bytes] = []
    for number in gone:
        with database.writing() as connection:
            keys |= erasure.keys(connection, [number])
            traces += [*erasure.traces(connection, number), keys[number]]
            ulns, _ = erasure.names_of(connection, number)
            rows = erasure.destroy(connection, number, f"R{number - 1}", ulns)
            assert rows["details"] >= 1
    assert database.scrub(("personal", "learner"), traces)
    database.close()
    data = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("many.db*"))).lower()
    assert [n for n in gone if any(value.lower().encode() in data for value in values[n])] == []
    data = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("many.db*")))
    assert [n for n in gone if keys[n] in data] == []
    others = [n for n in values if n not in set(gone)]
    assert all(values[n][0].encode() in data for n in others)


def test_a_reader_who_holds_the_write_ahead_log_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("workflow.store.sqlite.PRAGMAS", ("PRAGMA busy_timeout=50", "PRAGMA journal_mode=WAL"))
    database, other = fresh_database(tmp_path / "one.db"), Database(tmp_path / "one.db")
    with other.reading() as reader:
        reader.execute("SELECT count(*) FROM meta").fetchone()
        with database.writing() as connection:
            connection.execute("INSERT INTO meta VALUES ('a', 'b')")
        assert not database.scrub(("personal",))
    assert database.scrub(("personal",))
    database.close()
    other.close()


ENTRY = Entry(7, "ab" * 32, 12, "request", "ulnflow/1/a")


def test_the_register_outlives_a_line_that_was_cut_off(tmp_path: Path):
    """A power cut leaves half a line: it is no entry, and the next one stands by itself."""
    register = ErasureFile(tmp_path / "erased.register")
    assert register.read() == []
    register.add([ENTRY])
    with (tmp_path / "erased.register").open("ab") as target:
        target.write(b'{"basis":"requ')
    assert register.read() == [ENTRY]
    second = Entry(8, "cd" * 32, 20, "request", "ulnflow/1/a")
    register.add([second])
    assert register.read() == [ENTRY, second]
    assert (tmp_path / "erased.register").stat().st_mode & 0o777 == 0o600


def test_a_register_that_cannot_be_written_refuses_the_erasure(tmp_path: Path):
    (tmp_path / "erased.register").mkdir()
    with pytest.raises(FileRefused, match="Nothing was erased"):
        ErasureFile(tmp_path / "erased.register").add([ENTRY])


def test_sheets_are_looked_through_by_whole_words(tmp_path: Path):
    for name, text in {
        "a.csv": "R1,O'Brien", "b.csv": "R12,O'Brien", "c.csv": "R1,Smith", "d.csv": "x,1000000043", "e.csv": "x,91000000043",
        "f.xlsx": "no workbook",
    }.items():  # fmt: skip
        (tmp_path / name).write_text(text)
    shelves = SheetShelves()
    found = shelves.sheets(tmp_path, "R1", {"O'Brien"}, {"1000000043"})
    assert [path.name for path in found] == ["a.csv", "d.csv", "f.xlsx"]
    outside = tmp_path.parent / "outside.csv"
    outside.write_text("x")
    (tmp_path / "link.csv").symlink_to(outside)
    assert shelves.remove([*found, tmp_path / "gone.csv", tmp_path / "link.csv"], tmp_path) == 3
    assert outside.exists()
