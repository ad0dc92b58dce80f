"""An evidence pack made by command, and checked by a program that has nothing but Python."""

import csv
import json
import shutil
import stat
import subprocess
import sys
import zipfile
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from tests.unit.commands import SHEET, Centre, centre_at
from workflow import verifier


def pack_of(centre: Centre, *words: str) -> tuple[Path, dict]:
    """A pack made by command."""
    made = json.loads(centre.ok("audit", "pack", *words, "--format", "json").out)
    return Path(made["folder"]), made


@cache
def _template(folder: Path) -> tuple[Path, dict, Centre]:
    centre = centre_at("registered", folder)
    return *pack_of(centre, "--learner", "ILM-00001", "--for", "Example Audit"), centre


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pack of one learner: its folder, what the command said, and the centre. It is not to be changed."""
    return _template(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the pack to be changed, and its key."""
    folder, said, _ = made
    return shutil.copytree(folder, tmp_path / "pack"), said["key"]


def alone(folder: Path, *words: str) -> tuple[int, str]:
    """The pack's own verifier, run by a Python without any package, from its folder."""
    run = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", *words],
        cwd=folder, capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    assert "Traceback" not in run.stderr
    return run.returncode, run.stdout + run.stderr


def refused(folder: Path, key: str) -> str:
    """What the verifier says against a pack."""
    with pytest.raises((verifier.Refused, ValueError, LookupError, OSError)) as wrong:
        verifier.check(folder, [key])
    return str(wrong.value)


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_a_pack_holds_the_events_as_they_are_stored_and_their_story(made):
    folder, said, centre = made
    bodies = (folder / "events.jsonl").read_bytes().splitlines()
    stored = {bytes(b): bytes(leaf) for b, leaf in centre.rows("SELECT body, leaf FROM event")}
    assert len(bodies) == said["events"] > 5
    assert all(stored[body] == sha256(b"\0" + body).digest() for body in bodies)
    of_case = {bytes(body) for (body,) in centre.rows("SELECT body FROM event WHERE case_id = 1")}
    assert of_case <= set(bodies)
    kinds = {json.loads(body)["kind"] for body in bodies}
    assert {"key_made", "dispatch_prepared", "dispatch_received", "cohort_waived"} <= kinds
    page = (folder / "story.html").read_text("utf-8")
    assert "Learner ILM-00001" in page
    assert "Registered with ILM" in page
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page
    rows = list(csv.DictReader(StringIO((folder / "events.csv").read_text("utf-8-sig"))))
    assert [int(row["position"]) for row in rows] == [json.loads(body)["position"] for body in bodies]
    rules = json.loads((folder / "rules.json").read_text("utf-8"))
    assert rules["judged_by"] == [rules["rule_set"]]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} <= {0o600}


def test_a_pack_is_verified_by_the_key_that_was_given_and_by_nothing_else(made):
    """A pack that is only checked by itself ends with 3, never with 0."""
    folder, said, _ = made
    code, words = alone(folder, "--key", said["key"])
    assert code == 0, words
    for part in ("signed by", "each in that log at its place", "none with a gap", "does not show", "VERIFIED"):
        assert part in words
    code, words = alone(folder)
    assert code == 3
    assert "ONLY CONSISTENT" in words
    other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    assert alone(folder, f"--key={other}")[0] == 1
    assert alone(folder, "--key", "nonsense")[0] == 1
    assert alone(folder, "--what")[0] == 2
    assert alone(folder, "--key")[0] == 2
    assert alone(folder, "a", "b")[0] == 2


def test_a_pack_made_up_with_another_key_is_refused_by_the_real_one(made, tmp_path):
    """Whoever makes a whole pack up signs it with a key of their own."""
    other = Centre(tmp_path / "forged")
    other.ok("init", "--ukprn", "99990001", "--operator", "Ann Example")
    other.ok("cohort", "import", SHEET, "--cohort", "NF-1", "--funded")
    forged, said = pack_of(other, "--learner", "ILM-00001")
    assert alone(forged, "--key", said["key"])[0] == 0
    code, words = alone(forged, "--key", made[1]["key"])
    assert code == 1
    assert "not signed by a key that is trusted" in words


# --- what is changed --------------------------------------------------------------------------------------------------


def test_every_changed_byte_of_every_file_is_found(copy):
    """The digests are checked a file at a time here, the manifest whole, as `check` does both."""
    folder, key = copy
    text, _ = verifier.opened((folder / "manifest.txt").read_bytes(), [verifier.key_of(key)], "it")
    _, files = verifier.manifest_of(text)
    assert files.keys() == {path.name for path in folder.iterdir()} - {"manifest.txt"}
    for name, (digest, _) in files.items():
        data = bytearray((folder / name).read_bytes())
        for place in range(len(data)):
            data[place] ^= 1 << place % 8
            assert sha256(data).hexdigest() != digest
            data[place] ^= 1 << place % 8
        assert sha256(data).hexdigest() == digest
    keys, whole = [verifier.key_of(key)], (folder / "manifest.txt").read_bytes()
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        with pytest.raises((verifier.Refused, UnicodeDecodeError)):
            verifier.manifest_of(verifier.opened(changed, keys, "it")[0])


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_changed_byte_in_any_file_is_refused_by_the_whole_check(copy, bit):
    folder, key = copy
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for place in {0, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            refused(folder, key)
        for changed in (whole + b"\n", whole[:-1], b"", whole + whole):
            path.write_bytes(changed)
            refused(folder, key)
        path.write_bytes(whole)
    assert verifier.check(folder, [key])


def _removed(folder: Path) -> None:
    (folder / "proofs.jsonl").unlink()


def _added(folder: Path) -> None:
    (folder / "notes.txt").write_text("more")


def _renamed(folder: Path) -> None:
    (folder / "events.csv").rename(folder / "Events.csv")


def _linked(folder: Path) -> None:
    kept = shutil.move(folder / "events.csv", folder.parent / "elsewhere.csv")
    (folder / "events.csv").symlink_to(kept)


def _a_folder_inside(folder: Path) -> None:
    (folder / "more").mkdir()


def _no_manifest(folder: Path) -> None:
    (folder / "manifest.txt").unlink()


def _deep(folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(b"[" * 100_000 + b"\n")


@pytest.mark.parametrize("attack", [_removed, _added, _renamed, _linked, _a_folder_inside, _no_manifest, _deep])
def test_a_pack_with_other_files_is_refused_without_ulnflow(copy, attack):
    folder, key = copy
    attack(folder)
    code, words = alone(folder, "--key", key)
    assert code == 1
    assert "NOT VERIFIED" in words


def resigned(folder: Path, centre: Centre, **changed: str) -> None:
    """Sign a changed pack anew with the log's own key, as a thief of it would; facts of the manifest by name."""
    from workflow.pack import Pack
    from workflow.seal import checkpoint, keys

    secret = keys.read(centre.folder / "keys" / "log.pem")
    text, _ = (folder / "manifest.txt").read_text("utf-8").rsplit("\n\n", 1)
    facts, _ = verifier.manifest_of(text)
    facts |= changed
    (folder / "manifest.txt").unlink()
    told = checkpoint.parse((folder / "checkpoint.txt").read_bytes()).checkpoint
    again = Pack(folder, facts.pop("origin"), _told=told, _events=int(facts.pop("events")))
    again.close(
        {name: value for name, value in facts.items() if name not in {"size", "root"} and value},
        keys.public(secret, told.origin), secret,
    )  # fmt: skip


def without(folder: Path, line: int) -> None:
    """Take one event out of a pack, with its proof."""
    for name in ("events.jsonl", "proofs.jsonl"):
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[:line] + lines[line + 1 :]))


def events_of(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def test_a_gap_in_a_case_is_found_even_behind_a_right_signature(copy, made):
    folder, key = copy
    places = [n for n, event in enumerate(events_of(folder)) if event.get("case") == 1]
    count = made[1]["events"] - 1
    without(folder, places[2])
    resigned(folder, made[2], events=str(count))
    assert "has a gap" in refused(folder, key)


def test_a_missing_beginning_is_found_and_a_missing_end_is_not(copy, made, tmp_path):
    """That is what the pack says of itself: presence, and no gap between the first and the last."""
    folder, key = copy
    cut = shutil.copytree(folder, tmp_path / "cut")
    count = str(made[1]["events"] - 1)
    places = [n for n, event in enumerate(events_of(folder)) if event.get("case") == 1]
    without(folder, places[0])
    resigned(folder, made[2], events=count)
    assert "first events are missing" in refused(folder, key)
    without(cut, places[-1])
    resigned(cut, made[2], events=count)
    assert verifier.check(cut, [key])


def test_an_event_that_was_changed_is_found_even_behind_a_right_signature(copy, made):
    folder, key = copy
    body = (folder / "events.jsonl").read_bytes()
    (folder / "events.jsonl").write_bytes(body.replace(b"Ann Example", b"Bob Example", 1))
    resigned(folder, made[2])
    assert "not in the log of the checkpoint" in refused(folder, key)


def test_a_route_that_was_exchanged_is_found_even_behind_a_right_signature(copy, made):
    folder, key = copy
    (route,) = folder.glob("route-*.json")
    route.write_bytes(route.read_bytes() + b" ")
    resigned(folder, made[2])
    assert "route" in refused(folder, key)


def test_a_checkpoint_of_another_pack_does_not_fit(copy, made):
    folder, key = copy
    centre = made[2]
    later, _ = pack_of(centre, "--cohort", "NF-1")
    shutil.copy(later / "checkpoint.txt", folder / "checkpoint.txt")
    resigned(folder, centre, size=str(made[1]["checkpoint"]))
    refused(folder, key)


# --- what goes with making one ----------------------------------------------------------------------------------------


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
    assert centre.run("audit", "check-pack", tmp_path / "none", "--key", said["key"]).code == 1


def test_after_a_rotation_a_pack_is_verified_by_the_new_key(tmp_path):
    centre = centre_at("gathered", tmp_path)
    _, before = pack_of(centre, "--cohort", "NF-1")
    centre.ok("keys", "rotate")
    folder, said = pack_of(centre, "--cohort", "NF-1")
    assert said["key"] != before["key"]
    assert alone(folder, "--key", said["key"])[0] == 0
    assert alone(folder, "--key", before["key"])[0] == 1
