"""The checkpoints in the seals folder: what contradicts them is neither signed over nor called whole."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from tests.fakes.centre import Centre
from tests.hostile.conftest import TIDY, kept
from tests.unit import commands
from workflow.event import leaf_hash


def leave(centre: Centre, number: int) -> str:
    """An ordinary command that writes and seals; what it said."""
    return centre.do("learner", "withdraw", f"ILM-{number:05}", "--reason", "left_course").said


def sizes(centre: Centre) -> list[int]:
    return [size for (size,) in centre.rows("SELECT size FROM seal ORDER BY size")]


def faults(centre: Centre) -> list[tuple[str, str]]:
    result = centre.run("audit", "verify", "--format", "json")
    found = json.loads(result.out)["faults"]
    assert result.code == (1 if found else 0), result.said
    return [(one["kind"], one["what"]) for one in found]


def restore(centre: Centre, copy: Path) -> None:
    for path in centre.folder.glob("ulnflow.db-*"):
        path.unlink()
    shutil.copy(copy, centre.folder / "ulnflow.db")


def test_events_edited_behind_checkpoints_taken_out_are_not_signed_over(sealed):
    """The rows went and the files stayed: they say what the log said."""
    before = sealed.events()
    leave(sealed, 1)
    for (name,) in sealed.rows("SELECT name FROM sqlite_master WHERE type='trigger'"):
        sealed.write(f"DROP TRIGGER {name}")
    sealed.write(f"DELETE FROM seal WHERE size > {before}")
    ((body,),) = sealed.rows(f"SELECT body FROM event WHERE position={before + 1}")
    edited = body.replace(b"Ann", b"Bob")
    sealed.write("UPDATE event SET body=?, leaf=? WHERE position=?", edited, leaf_hash(edited), before + 1)
    assert "could not be sealed" in leave(sealed, 2)
    assert sizes(sealed)[-1] == before
    refused = sealed.run("audit", "seal")
    assert (refused.code, f"seals/{kept(sealed)[-1].name}" in refused.said) == (1, True), refused.said
    assert ("seal", True) in {(kind, kept(sealed)[-1].name in what) for kind, what in faults(sealed)}


def test_an_older_copy_put_back_is_not_sealed_when_it_has_grown_past_the_checkpoints(sealed, tmp_path):
    """Of an honest restore the later checkpoints are put aside; then it goes on."""
    shutil.copy(sealed.folder / "ulnflow.db", tmp_path / "older.db")
    leave(sealed, 1)
    leave(sealed, 8)
    first, last = kept(sealed)[-2:]
    restore(sealed, tmp_path / "older.db")
    before = sizes(sealed)
    assert f"{first.name} to {last.name} are of a longer log" in " ".join(leave(sealed, 9).split())
    for number in range(2, 7):
        said = leave(sealed, number)
        assert "could not be sealed" in said
        assert "an older copy was put back" in " ".join(said.split())
    assert sizes(sealed) == before
    assert faults(sealed)
    doctor = sealed.run("doctor", "--format", "json")
    assert (doctor.code, [one["weight"] for one in json.loads(doctor.out) if one["about"] == "seal"]) == (1, ["wrong"])
    for path in (first, last):
        path.rename(tmp_path / path.name)
    leave(sealed, 7)
    assert faults(sealed) == []
    assert sizes(sealed)[-1] == sealed.events()


def test_a_copy_under_a_larger_number_hides_no_checkpoint_behind_it(sealed, tmp_path):
    shutil.copy(sealed.folder / "ulnflow.db", tmp_path / "older.db")
    leave(sealed, 1)
    shutil.copy(kept(sealed)[-2], sealed.folder / "seals" / "999999999.checkpoint")
    restore(sealed, tmp_path / "older.db")
    before = sizes(sealed)
    assert "could not be sealed" in leave(sealed, 2)
    assert sizes(sealed) == before


def test_a_checkpoint_that_comes_back_later_is_held_against_the_log_too(sealed, tmp_path):
    """Not the newest alone."""
    shutil.copy(sealed.folder / "ulnflow.db", tmp_path / "older.db")
    leave(sealed, 1)
    aside = tmp_path / kept(sealed)[-1].name
    kept(sealed)[-1].rename(aside)
    restore(sealed, tmp_path / "older.db")
    for number in (2, 3):
        leave(sealed, number)
    assert faults(sealed) == []
    other = sealed.folder / "seals" / f"{int(aside.stem):012}.checkpoint"
    shutil.copy(aside, other)
    ((kind, what),) = faults(sealed)
    assert (kind, other.name in what) == ("seal", True)


def test_what_is_no_checkpoint_stops_no_seal_and_is_told(sealed):
    seals = sealed.folder / "seals"
    (seals / "999999999.checkpoint").write_bytes(b"x")
    (seals / "000000900.checkpoint").mkdir()
    (seals / "٩٩٩٩٩٩٩٩.checkpoint").write_bytes(b"x")
    if hasattr(os, "mkfifo"):
        os.mkfifo(seals / "000000901.checkpoint")
    assert "could not be sealed" not in leave(sealed, 1)
    sealed.ok("audit", "seal")
    ((kind, what),) = faults(sealed)
    assert (kind, what.startswith("seals/999999999.checkpoint is no checkpoint")) == ("checkpoint", True)
    assert "put the file aside; the log keeps its own" in what
    doctor = json.loads(sealed.run("doctor", "--format", "json").out)
    assert what in [one["message"] for one in doctor if one["weight"] == "wrong"]


def test_two_logs_in_one_folder_are_told_apart(sealed, tmp_path):
    other = commands.Centre(tmp_path / "other")
    other.ok("init", "--ukprn", "99990002", "--operator", "Bo Example", "--late-uln", "centre")
    settings = other.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + f"\n[seal]\nfolder = '{sealed.folder / 'seals'}'\n", "utf-8")
    said = other.do(*TIDY).said
    assert "is of another log" in " ".join(said.split())
    assert "under [seal] in ulnflow.toml" in " ".join(said.split())
