"""What goes with making an evidence pack: names, days, places, the event of it, and logs that give none."""

import csv
import json
import os
import shutil
import stat
import zipfile
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from tests.fakes.packs import alone, events_of, pack_of, refused, resigned, without
from tests.unit.commands import centre_at
from workflow import verifier


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pack of one learner: its folder, what the command said, and the centre."""
    centre = centre_at("registered", tmp_path_factory.mktemp("packs"))
    return *pack_of(centre, "--learner", "ILM-00001"), centre


def test_names_go_out_only_when_asked_for_and_the_log_tells_of_it(tmp_path):
    centre = centre_at("told", tmp_path)
    ((uln,),) = centre.rows("SELECT lookup FROM personal p WHERE kind='uln' AND learner=1")
    plain, _ = pack_of(centre, "--cohort", "NF-1", "--for", "Example Audit")
    assert not (plain / "names.csv").exists()
    everything = b"".join(path.read_bytes() for path in plain.iterdir())
    assert uln.encode() not in everything
    named, said = pack_of(centre, "--learner", "ILM-00001", "--with-names")
    ((reference, given, family, held),) = list(csv.reader(StringIO((named / "names.csv").read_text("utf-8-sig"))))[1:]
    assert (reference, held) == ("ILM-00001", uln)
    page = (named / "story.html").read_text("utf-8")
    assert uln in page
    assert family in page
    assert given.encode() not in (named / "events.jsonl").read_bytes()
    assert alone(named, "--key", said["key"])[0] == 0
    told = [json.loads(b) for (b,) in centre.rows("SELECT body FROM event WHERE kind IN ('pack_made', 'disclosed')")]
    assert [event["kind"] for event in told] == ["pack_made", "disclosed", "pack_made"]
    assert told[0]["evidence"]["to"] == "Example Audit"
    assert told[0]["evidence"]["cohort"] == "NF-1"
    assert (told[1]["evidence"]["case"], told[1]["evidence"]["learners"]) == (1, 1)
    for event in told:
        assert uln not in json.dumps(event)
        assert family not in json.dumps(event)
    assert told[2]["evidence"]["manifest"] == sha256((named / "manifest.txt").read_bytes()).hexdigest()
    centre.ok("audit", "verify")
    story = centre.ok("audit", "events", "--kind", "disclosed", "--format", "json")
    assert "Names and ULNs of 1 learner were given out" in story.out


def test_days_are_a_part_of_the_log_without_a_hole(tmp_path):
    centre = centre_at("gathered", tmp_path)
    folder, said = pack_of(centre, "--since", "2020-01-01")
    assert "whole yes" in (folder / "manifest.txt").read_text("utf-8")
    assert [event["position"] for event in events_of(folder)] == list(range(1, said["events"] + 1))
    without(folder, 1)
    resigned(folder, centre, events=str(said["events"] - 1))
    assert "missing" in refused(folder, said["key"])
    result = centre.run("audit", "pack", "--until", "2020-01-01")
    assert result.code == 2
    assert "nothing of that" in result.err


def test_a_case_that_begins_before_the_days_says_so(tmp_path):
    centre = centre_at("told", tmp_path)
    ((moved,),) = centre.rows("SELECT min(position) FROM event WHERE case_id=1 AND sequence=2")
    # events of one test are of one day, so the days are cut by hand: everything before is of the day before
    from array import array

    from cli import wiring
    from workflow.pack import Pack
    from workflow.seal import keys
    from workflow.store import excerpt
    from workflow.store.seals import Seals, known_keys

    office = wiring.open_office(centre.folder)
    secret = keys.read(centre.folder / "keys" / "log.pem")
    key = keys.public(secret, office.engine.origin)
    folder = tmp_path / "cut"
    folder.mkdir()
    with office.look() as look:
        seal = Seals(look.connection).last()
        assert seal is not None
        pack = Pack(folder, office.engine.origin)
        positions = excerpt.about(look.connection, array("q", [1]), moved, seal.size)
        pack.fill(look.connection, seal, positions, known_keys(look.connection), key, secret)
    for name in ("events.csv", "story.html", "rules.json"):
        pack.add(name, b"\n")
    pack.close({"about": "learner ILM-00001", "since": "2026-01-01"}, key, secret)
    office.database.close()
    assert any("begins here with its event number 2" in line for line in verifier.check(folder, [str(key)]))


def test_a_zip_holds_the_same_files(tmp_path):
    centre = centre_at("gathered", tmp_path)
    folder, said = pack_of(centre, "--cohort", "NF-1", "--zip")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(said["zip"]) as packed:
        packed.extractall(unpacked)
    assert alone(unpacked / folder.name, "--key", said["key"])[0] == 0
    assert stat.S_IMODE(Path(said["zip"]).stat().st_mode) == 0o600


def test_a_pack_is_made_whole_or_not_at_all(tmp_path):
    """B9 and B10: what cannot be written, or is there already, leaves no event and no part of a pack."""
    centre = centre_at("gathered", tmp_path)
    centre.ok("audit", "seal")
    before, size = centre.snapshot(), centre.rows("SELECT max(position) FROM event")[0][0]
    taken = tmp_path / "share"
    (taken / f"pack-{size:09}").mkdir(parents=True)
    no_folder = tmp_path / "file"
    no_folder.write_text("x")
    for place, words in ((taken, "there already"), (no_folder, "cannot be written")):
        result = centre.run("audit", "pack", "--cohort", "NF-1", "--to", place)
        assert result.code == 4
        assert words in result.said
    assert [path.name for path in taken.iterdir()] == [f"pack-{size:09}"]
    for words in (("--learner", "NOBODY"), ("--cohort", "NONE")):
        assert centre.run("audit", "pack", *words).code in {2, 4}
    for words in ((), ("--learner", "ILM-00001", "--cohort", "NF-1"), ("--since", "yesterday")):
        assert centre.run("audit", "pack", *words).code == 2
    assert centre.run("audit", "pack", "--cohort", "NF-1", "--for", "ann@example.org").code == 2
    assert centre.snapshot() == before
    assert list((centre.folder / "outbox").rglob("*pending*/*")) == []


def test_a_pack_that_cannot_take_its_name_is_told_as_not_made(tmp_path, monkeypatch):
    """B10"""
    centre = centre_at("gathered", tmp_path)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name.startswith(".pack-"):
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    result = centre.run("audit", "pack", "--learner", "ILM-00001", "--with-names")
    assert result.code == 4
    assert "was not made" in result.err
    assert list((centre.folder / "outbox" / "packs").iterdir()) == []
    assert centre.kinds()[-3:] == ["disclosed", "pack_made", "pack_not_made"]
    centre.ok("audit", "verify")


def test_words_of_a_person_are_no_markup_and_no_formula(tmp_path):
    """A15 and A17: on the page and in the list."""
    centre = centre_at("gathered", tmp_path)
    centre.ok("learner", "edit", "ILM-00001", "cohort", stdin="=1+1 <b>Bo</b>\n")
    folder, said = pack_of(centre, "--learner", "ILM-00001", "--for", "<script>alert(1)</script>")
    page = (folder / "story.html").read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>" not in page
    assert alone(folder, "--key", said["key"])[0] == 0
    rows = csv.reader(StringIO((folder / "events.csv").read_text("utf-8-sig")))
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "@", "-"}]


def test_what_a_crash_left_of_a_pack_is_removed_when_it_is_old(tmp_path):
    """A kill between the event and the name leaves a draft that its owner alone can read."""
    centre = centre_at("gathered", tmp_path)
    packs = centre.folder / "outbox" / "packs"
    old, young = packs / ".pack-000000001.aa.pending", packs / ".pack-000000001.bb.pending"
    for left in (old, young):
        left.mkdir(parents=True)
        (left / "names.csv").write_text("x")
    os.utime(old, (0, 0))
    pack_of(centre, "--cohort", "NF-1")
    assert (old.exists(), young.exists()) == (False, True)


def test_a_log_that_was_changed_gives_no_pack(tmp_path):
    centre = centre_at("gathered", tmp_path)
    centre.ok("audit", "seal")
    for (name,) in centre.rows("SELECT name FROM sqlite_master WHERE type='trigger'"):
        centre.write(f"DROP TRIGGER {name}")
    centre.write("UPDATE event SET body = CAST(replace(CAST(body AS TEXT), 'Ann', 'Bob') AS BLOB) WHERE position = 3")
    result = centre.run("audit", "pack", "--learner", "ILM-00001")
    assert result.code == 4
    assert "audit verify" in result.said
    assert centre.kinds().count("pack_made") == 0


def test_check_pack_says_what_the_verifier_says(made, tmp_path):
    folder, said, centre = made
    result = centre.ok("audit", "check-pack", folder, "--key", said["key"], "--format", "json")
    assert json.loads(result.out)["verifier here"] == sha256((folder / "verify.py").read_bytes()).hexdigest()
    assert centre.run("audit", "check-pack", folder).code == 3
    changed = shutil.copytree(folder, tmp_path / "changed")
    (changed / "verify.py").write_bytes((folder / "verify.py").read_bytes() + b"\n")
    result = centre.run("audit", "check-pack", changed, "--key", said["key"])
    assert result.code == 1
    assert "verify.py is not the file" in result.said
    result = centre.run("audit", "check-pack", tmp_path / "none", "--key", said["key"])
    assert result.code == 4
    assert "there is no folder" in result.said


def test_after_a_rotation_a_pack_is_verified_by_the_new_key(tmp_path):
    centre = centre_at("gathered", tmp_path)
    _, before = pack_of(centre, "--cohort", "NF-1")
    centre.ok("keys", "rotate")
    folder, said = pack_of(centre, "--cohort", "NF-1")
    assert said["key"] != before["key"]
    assert alone(folder, "--key", said["key"])[0] == 0
    assert alone(folder, "--key", before["key"])[0] == 1
