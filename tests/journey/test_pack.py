"""An evidence pack made by command, and checked by a program that has nothing but Python."""

import csv
import json
import shutil
import stat
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest

from tests.fakes.packs import alone, events_of, pack_of, refused, resigned, without
from tests.unit.commands import SHEET, Centre, centre_at
from workflow import verifier


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A pack of one learner: its folder, what the command said, and the centre. It is not to be changed."""
    centre = centre_at("registered", tmp_path_factory.mktemp("packs"))
    return *pack_of(centre, "--learner", "ILM-00001", "--for", "Example Audit"), centre


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the pack to be changed, and its key."""
    folder, said, _ = made
    return shutil.copytree(folder, tmp_path / "pack"), said["key"]


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


# --- whether the log held ---------------------------------------------------------------------------------------------


def facts_of(folder: Path) -> dict[str, str]:
    """What the manifest says of a pack."""
    return verifier.manifest_of((folder / "manifest.txt").read_text("utf-8").rsplit("\n\n", 1)[0])[0]


def test_a_pack_says_that_the_whole_log_was_verified_when_and_by_what(made):
    folder, said, centre = made
    facts = facts_of(folder)
    assert (facts["holds"], "faults" in facts, said["holds"]) == ("yes", False, True)
    assert facts["verified"].endswith(f" UTC, {said['checkpoint']} events, by {events_of(folder)[-1]['product']}")
    assert f"({facts['verified']}): it holds." in (folder / "story.html").read_text("utf-8")
    assert f"whole log: it held when the centre verified it, {facts['verified']}" in alone(folder)[1]
    checked = centre.ok("audit", "check-pack", folder, "--key", said["key"], "--format", "json")
    assert json.loads(checked.out)["whole log"].startswith("it held")


def test_a_pack_of_a_log_that_does_not_hold_is_made_and_says_so_everywhere(tmp_path):
    """No answer goes to an auditor without it: on the page, signed in the manifest, and by every exit code."""
    centre = centre_at("registered", tmp_path)
    centre.write("UPDATE cases SET state='lar_updated' WHERE id=3")
    done = centre.run("audit", "pack", "--learner", "ILM-00001", "--format", "json")
    said = json.loads(done.out)
    assert (done.code, said["holds"]) == (1, False)
    assert "The log does not hold, and the pack says so: projection at case 3." in done.err
    folder = Path(said["folder"])
    facts = facts_of(folder)
    assert (facts["holds"], facts["faults"]) == ("no", "projection at case 3")
    page = (folder / "story.html").read_text("utf-8")
    assert "<strong>The log does not hold.</strong>" in page
    assert "<li>projection at case 3</li>" in page
    code, words = alone(folder, "--key", said["key"])
    assert (code, "whole log: IT DID NOT HOLD" in words, "projection at case 3" in words) == (1, True, True)
    assert "VERIFIED by" not in words
    checked = centre.run("audit", "check-pack", folder, "--key", said["key"])
    assert (checked.code, "IT DID NOT HOLD" in checked.out) == (1, True)
    assert centre.kinds().count("pack_made") == 1


def test_of_many_faults_a_pack_names_the_first_and_counts_the_others(tmp_path):
    centre = centre_at("gathered", tmp_path)
    for (name,) in centre.rows("SELECT name FROM sqlite_master WHERE type='trigger'"):
        centre.write(f"DROP TRIGGER {name}")
    centre.write("UPDATE event SET actor='Somebody Else'")
    done = centre.run("audit", "pack", "--cohort", "NF-1", "--format", "json")
    told = facts_of(Path(json.loads(done.out)["folder"]))["faults"].split("; ")
    found = len(json.loads(centre.run("audit", "verify", "--format", "json").out)["faults"])
    assert (done.code, told[0]) == (1, "guard_missing")
    assert "copy at event 1" in told
    assert len(told) == min(found, 51)


@pytest.mark.parametrize(
    "wrong", [{"holds": "maybe"}, {"holds": "no"}, {"holds": ""}, {"verified": ""}, {"faults": "leaf at event 3"}]
)
def test_a_manifest_that_does_not_say_rightly_whether_the_log_held_is_no_good_pack(copy, made, wrong):
    folder, key = copy
    resigned(folder, made[2], **wrong)
    assert "whether the log held" in refused(folder, key)


def test_a_manifest_that_hides_how_it_reads_is_none(copy):
    """A right-to-left mark would show the words in another order."""
    folder, key = copy
    text, _ = verifier.opened((folder / "manifest.txt").read_bytes(), [verifier.key_of(key)], "it")
    assert verifier.manifest_of(text)[0]["about"]
    with pytest.raises(verifier.Refused, match="a line that is not written as one"):
        verifier.manifest_of(text.replace("\nabout ", "\nabout \u202e"))


def test_a_pack_of_an_earlier_version_is_still_a_good_one(copy, made):
    folder, key = copy
    resigned(folder, made[2], holds="", verified="")
    assert any("does not say whether it held" in line for line in verifier.check(folder, [key]))
    assert alone(folder, "--key", key)[0] == 0


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
