"""A witness outside the centre: keeps the last checkpoint it saw, and vouches only for a log that goes on from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.centre import DATA, Centre
from workflow.seal import checkpoint, keys, note
from workflow.seal.note import COSIGNED, Key


class Outsider:
    """Somebody with a folder, no database, and the key line that the centre told."""

    def __init__(self, centre: Centre, folder: Path) -> None:
        self.centre, self.folder = centre, folder
        self.key = json.loads(centre.do("keys", "show", "--format", "json").out)[0]["key"]

    def run(self, file: Path, *more: object):
        return self.centre.run("audit", "witness", file, "--state", self.folder, "--format", "json", *more)

    def cosigned(self, file: Path, *more: object) -> dict[str, str]:
        result = self.run(file, *more)
        assert result.code == 0, result.said
        return json.loads(result.out) | {"said": result.err}

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture
def sealed(centre: Centre) -> Centre:
    centre.do("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")
    return centre


@pytest.fixture
def outsider(sealed: Centre, tmp_path: Path) -> Outsider:
    return Outsider(sealed, tmp_path / "witness")


def newest(centre: Centre) -> Path:
    return max((centre.folder / "seals").iterdir())


def proof(centre: Centre, old: Path, new: Path) -> Path:
    path = centre.folder / "proof.json"
    path.write_text(centre.do("audit", "consistency", old, new).out, "utf-8")
    return path


def test_a_first_checkpoint_is_taken_on_trust_and_a_later_one_by_proof(sealed, outsider):
    first = newest(sealed)
    taken = outsider.cosigned(first, "--key", outsider.key, "--called", "compliance.example")
    assert "on trust" in taken["said"]
    assert Key.parse(taken["witness"]).kind == COSIGNED
    sealed.do("lrs", "submit")
    second = newest(sealed)
    assert second != first
    refused = outsider.run(second)
    assert (refused.code, "give the proof" in refused.said) == (2, True)
    given = outsider.cosigned(second, "--proof", proof(sealed, outsider.folder / "last.checkpoint", second))
    assert "on trust" not in given["said"]
    told, by = checkpoint.trusted(
        Path(given["file"]).read_bytes(), sealed_origin(second), [Key.parse(outsider.key), Key.parse(given["witness"])]
    )
    assert (told.size, len(by)) == (given["events"], 2)


def sealed_origin(path: Path) -> str:
    return checkpoint.parse(path.read_bytes()).checkpoint.origin


def test_what_a_witness_signed_is_checked_by_its_key_alone(sealed, outsider):
    taken = outsider.cosigned(newest(sealed), "--key", outsider.key)
    result = sealed.run("audit", "verify", "--against", taken["file"], "--key", taken["witness"])
    assert (result.code, "cosigned" in result.out) == (0, True)
    sealed.change("UPDATE cases SET state='lar_updated' WHERE id=3")
    assert sealed.run("audit", "verify", "--against", taken["file"], "--key", taken["witness"]).code == 1


def test_repeating_changes_nothing(sealed, outsider):
    once = outsider.cosigned(newest(sealed), "--key", outsider.key)
    before = outsider.files()
    again = outsider.cosigned(newest(sealed))
    assert (again["file"], outsider.files()) == (once["file"], before)


def test_an_older_checkpoint_a_wrong_proof_and_another_history_are_shouted(sealed, outsider):
    first = newest(sealed)
    outsider.cosigned(first, "--key", outsider.key)
    sealed.do("lrs", "submit")
    second, right = newest(sealed), proof(sealed, first, newest(sealed))
    wrong = sealed.folder / "wrong.json"
    told = json.loads(right.read_text("utf-8"))
    wrong.write_text(json.dumps({**told, "proof": told["proof"][::-1]}), "utf-8")
    before = outsider.files()
    for file, more in ((second, ("--proof", wrong)), (second, ("--proof", emptied(sealed)))):
        result = outsider.run(file, *more)
        assert (result.code, "NOT COSIGNED" in result.err, "split view" in result.err) == (1, True, True)
        assert outsider.files() == before
    outsider.cosigned(second, "--proof", right)
    result = outsider.run(first)
    assert (result.code, "shorter" in result.err) == (1, True)


def emptied(centre: Centre) -> Path:
    path = centre.folder / "empty.json"
    path.write_text('{"proof": []}', "utf-8")
    return path


def test_two_histories_of_one_size_are_a_split_view(sealed, outsider):
    """As somebody with the stolen key may sign them."""
    outsider.cosigned(newest(sealed), "--key", outsider.key)
    path = newest(sealed)
    office_key = sealed.folder / "keys" / "log.pem"
    told = checkpoint.parse(path.read_bytes()).checkpoint
    forged = checkpoint.Checkpoint(told.origin, told.size, bytes(32))
    secret = keys.read(office_key)
    signed = checkpoint.Sealed(
        forged, note.Note(forged.text, (note.sign(forged.text, keys.public(secret, told.origin), secret),))
    )
    other = sealed.folder / "other.checkpoint"
    other.write_text(str(signed), "utf-8")
    result = outsider.run(other)
    assert (result.code, "different roots" in result.err) == (1, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"proof": 7}', '{"proof": ["zz"]}', '{"proof": [1]}', "\x00"])
def test_what_is_no_proof_is_refused(sealed, outsider, text):
    outsider.cosigned(newest(sealed), "--key", outsider.key)
    sealed.do("lrs", "submit")
    path = sealed.folder / "proof.json"
    path.write_text(text, "utf-8")
    result = outsider.run(newest(sealed), "--proof", path)
    assert (result.code, "proof.json" in result.err) == (4, True)


def test_a_checkpoint_of_an_unknown_key_and_a_folder_that_was_changed_are_refused(sealed, outsider):
    assert outsider.run(newest(sealed)).code == 2
    other = Key("another.example", bytes(32))
    assert outsider.run(newest(sealed), "--key", str(other)).code == 4
    taken = outsider.cosigned(newest(sealed), "--key", outsider.key)
    assert outsider.run(newest(sealed), "--key", taken["witness"]).code == 4
    (outsider.folder / "witness.pem").unlink()
    assert outsider.run(newest(sealed)).code == 4


def test_it_runs_where_there_is_no_database(sealed, outsider, tmp_path):
    file = tmp_path / "theirs.checkpoint"
    file.write_bytes(newest(sealed).read_bytes())
    (tmp_path / "elsewhere").mkdir()
    sealed.folder = tmp_path / "elsewhere"
    outsider.cosigned(file, "--key", outsider.key)
