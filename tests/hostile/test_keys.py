"""The key that seals the log: missing, open to others, wrong, rotated, half rotated (E7)."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.centre import Centre
from tests.hostile.conftest import TIDY, kept
from workflow.seal import keys
from workflow.seal.note import Key, Note, sign


def place(centre: Centre, name: str = "log.pem") -> Path:
    return centre.folder / "keys" / name


def known(centre: Centre) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(centre.do("keys", "show", "--format", "json").out)
    return found


def verified(centre: Centre, *more: object) -> None:
    told = json.loads(centre.do("audit", "verify", "--format", "json", *more).out)
    assert (told["holds"], told["unsealed"]) == (True, 0)


def test_a_centre_never_meets_its_key(sealed):
    assert os.name == "nt" or place(sealed).stat().st_mode & 0o777 == 0o600
    assert [key["ours"] for key in known(sealed)] == ["yes"]
    verified(sealed)
    assert [int(path.stem) for path in kept(sealed)] == [1, sealed.events()]


def test_the_key_and_the_first_seal_are_there_as_soon_as_the_log_is(centre):
    """Written together, so that a log that names a key and keeps no checkpoint is known to have lost it."""
    assert centre.rows("SELECT kind, position FROM event") == [("key_made", 1)]
    assert centre.rows("SELECT size FROM seal") == [(1,)]
    assert [int(path.stem) for path in kept(centre)] == [1]


def faults(centre: Centre) -> list[tuple[str, int, str]]:
    result = centre.run("audit", "verify", "--format", "json")
    found = json.loads(result.out)["faults"]
    assert result.code == (1 if found else 0)
    return [(one["kind"], one["position"], one["what"]) for one in found]


def test_a_log_whose_checkpoints_were_all_taken_out_is_found_and_not_sealed_anew(centre):
    """The table and the folder were emptied both; what was written since stands, and goes unsigned."""
    centre.do(*TIDY)
    shutil.rmtree(centre.folder / "seals")
    centre.write("DELETE FROM seal")
    ((kind, position, words),) = faults(centre)
    assert (kind, position, "every checkpoint was taken out of the log" in words) == ("seal", 1, True)
    done = centre.run("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    assert (done.code, "could not be sealed" in done.said, "was taken out" in done.said) == (0, True, True), done.said
    refused = centre.run("audit", "seal")
    assert (refused.code, "every checkpoint was taken out" in refused.said) == (1, True), refused.said
    assert centre.rows("SELECT count(*) FROM seal") == [(0,)]
    asked = centre.run("audit", "ask", "Q10", "--format", "json")
    assert (asked.code, json.loads(asked.out)["log"]["holds"]) == (1, False)


def test_checkpoints_taken_out_of_the_log_alone_are_missed_by_those_in_the_folder(centre):
    centre.do(*TIDY)
    size = centre.events()
    centre.write(f"DELETE FROM seal WHERE size={size}")
    ((kind, position, words),) = faults(centre)
    assert (kind, position, "is not kept in it: it was taken out" in words) == ("seal", size, True)
    centre.write("DELETE FROM seal")
    assert [(kind, position) for kind, position, _ in faults(centre)] == [("seal", 1), ("seal", 1), ("seal", size)]


def test_an_answer_to_an_auditor_is_held_against_the_newest_checkpoint_too(sealed, tmp_path):
    """An older copy that was put back holds by itself."""
    shutil.copy(sealed.folder / "ulnflow.db", tmp_path / "older.db")
    asked = json.loads(sealed.do("audit", "ask", "Q10", "--format", "json").out)
    assert asked["log"]["verified"].startswith("it holds; held against seals/0000")
    sealed.do("learner", "withdraw", "ILM-00002", "ILM-00003", "--reason", "left_course")
    for path in sealed.folder.glob("ulnflow.db-*"):
        path.unlink()
    shutil.copy(tmp_path / "older.db", sealed.folder / "ulnflow.db")
    again = sealed.run("audit", "ask", "Q2", "--format", "json")
    assert (again.code, json.loads(again.out)["log"]["holds"]) == (1, False)


def test_an_altered_log_is_not_sealed_on_demand(sealed):
    before = sealed.rows("SELECT count(*) FROM seal")
    for (name,) in sealed.rows("SELECT name FROM sqlite_master WHERE type='trigger'"):
        sealed.write(f"DROP TRIGGER {name}")
    sealed.write("UPDATE event SET body=CAST(replace(CAST(body AS TEXT), 'Ann', 'Bob') AS BLOB) WHERE position=4")
    refused = sealed.run("audit", "seal")
    assert (refused.code, "Not sealed: event 4: leaf differs" in refused.said) == (1, True), refused.said
    assert sealed.rows("SELECT count(*) FROM seal") == before


def test_checkpoints_go_to_the_folder_that_was_chosen_whoever_makes_them(sealed):
    settings = sealed.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[seal]\nfolder = "share"\n', "utf-8")
    sealed.do("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    sealed.do("audit", "ask", "Q2")
    sealed.do("audit", "seal")
    sealed.do("keys", "rotate")
    assert [path.name for path in kept(sealed)] == ["000000001.checkpoint", kept(sealed)[-1].name]
    assert len(list((sealed.folder / "share").iterdir())) == 3


def broken(path: Path) -> None:
    path.write_bytes(b"no key")


def of_another_kind(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    data = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Path.unlink, "restore it, or: ulnflow keys new"),
        (lambda path: path.chmod(0o644), "chmod 600 keys/log.pem"),
        (broken, "holds no key of ours"),
        (of_another_kind, "holds no key of ours"),
    ],
    ids=["missing", "open to others", "broken", "of another kind"],
)
def test_a_key_that_cannot_be_used_stops_the_seal_and_says_what_to_do(sealed, spoil, says):
    """What was done stands, and the next seal, with the key put right, covers it."""
    path = place(sealed)
    data, mode = path.read_bytes(), path.stat().st_mode
    spoil(path)
    done = sealed.run("lrs", "submit")
    assert (done.code, says in done.said, "could not be sealed" in done.said) == (0, True, True), done.said
    refused = sealed.run("audit", "seal")
    assert (refused.code, says in refused.said) == (4, True)
    told = json.loads(sealed.do("audit", "verify", "--format", "json").out)
    assert (told["holds"], told["unsealed"] > 0) == (True, True)
    path.write_bytes(data)
    path.chmod(mode)
    sealed.do("audit", "seal")
    verified(sealed)


def test_a_key_of_somebody_else_in_its_place_is_refused(sealed):
    before = sealed.events()
    path = place(sealed)
    path.unlink()
    keys.make(path)
    refused = sealed.run("audit", "seal")
    assert (refused.code, "not the key this log knows" in refused.said) == (4, True), refused.said
    assert sealed.events() == before
    sealed.do("keys", "new")
    verified(sealed)


def test_a_lost_key_is_replaced_and_the_log_tells_of_it(sealed):
    assert sealed.run("keys", "new").code == 2
    place(sealed).unlink()
    sealed.do("keys", "new")
    assert [key["ours"] for key in known(sealed)] == ["", "yes"]
    verified(sealed)


def test_a_rotation_is_signed_by_both_and_old_checkpoints_stay_good(sealed):
    *_, old = kept(sealed)
    sealed.do("keys", "rotate")
    sealed.do("lrs", "submit")
    assert [key["ours"] for key in known(sealed)] == ["", "yes"]
    verified(sealed, "--against", old)
    handover = kept(sealed)[2].read_text("utf-8")
    assert handover.count("\u2014 ") == 2
    assert not place(sealed, "next.pem").exists()


@pytest.mark.parametrize("where", ["keys.made", "told", "sealed", "written"])
def test_a_rotation_cut_off_anywhere_goes_on_with_the_same_new_key(sealed, monkeypatch, where):
    from cli import sealing
    from workflow import sealing as engine

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        if where == "keys.made":
            cut.setattr(engine, "introduce", stop)
        elif where == "told":
            cut.setattr(engine, "seal", stop)
        elif where == "sealed":
            cut.setattr(sealing, "written", stop)
        else:
            real = Path.replace
            cut.setattr(Path, "replace", lambda path, to: stop() if path.name == "next.pem" else real(path, to))
        assert sealed.run("keys", "rotate").code == 130
    new = str(keys.public(keys.read(place(sealed, "next.pem")), Key.parse(known(sealed)[0]["key"]).name))
    sealed.do("lrs", "submit")
    verified(sealed)
    sealed.do("keys", "rotate")
    assert [(key["key"] == new, key["ours"]) for key in known(sealed)] == [(False, ""), (True, "yes")]
    sealed.do("lrs", "sent", next((sealed.folder / "outbox" / "lrs").iterdir()).name)
    verified(sealed)


def seal_findings(centre: Centre) -> list[tuple[str, str]]:
    found = json.loads(centre.run("doctor", "--format", "json").out)
    return [(one["weight"], one["message"]) for one in found if one["about"] == "seal"]


def test_the_doctor_says_how_far_the_log_is_sealed_and_whether_its_key_is_safe(sealed):
    assert seal_findings(sealed) == [("ok", f"all {sealed.events()} events are sealed")]
    place(sealed).chmod(0o644)
    sealed.do("lrs", "submit")
    wrong, note = seal_findings(sealed)
    assert wrong == ("wrong", "keys/log.pem can be read by others")
    assert (note[0], "not sealed yet" in note[1]) == ("note", True)


def test_no_second_history_is_signed_beside_the_checkpoint_of_a_longer_log(sealed, tmp_path):
    """An older copy put back would seal itself over what was cut off, and then seem to hold."""
    shutil.copy(sealed.folder / "ulnflow.db", tmp_path / "older.db")
    sealed.do("learner", "withdraw", "ILM-00002", "ILM-00003", "ILM-00004", "--reason", "left_course")
    later = max((sealed.folder / "seals").iterdir())
    for path in sealed.folder.glob("ulnflow.db-*"):
        path.unlink()
    shutil.copy(tmp_path / "older.db", sealed.folder / "ulnflow.db")
    done = sealed.run("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    assert (done.code, "could not be sealed" in done.said, "of a longer log" in done.said) == (0, True, True)
    refused = sealed.refused("audit", "seal").said
    assert "the log is shorter than the checkpoint" in refused
    assert "after an honest restore" in refused
    assert sealed.run("audit", "verify").code == 1
    later.rename(tmp_path / later.name)
    sealed.do("audit", "seal")
    verified(sealed)
    assert sealed.run("audit", "verify", "--against", tmp_path / later.name).code == 1


def test_a_key_that_was_given_judges_the_folders_own_checkpoint_too(sealed):
    line = str(keys.public(Ed25519PrivateKey.generate(), json.loads(
        sealed.do("audit", "verify", "--format", "json").out)["origin"]))  # fmt: skip
    assert sealed.run("audit", "verify", "--key", line).code == 1
    verified(sealed, "--key", known(sealed)[0]["key"])


def test_a_key_file_that_a_crash_left_empty_is_put_aside_for_a_new_one(sealed):
    """Whichever of the two it is, the advice ends somewhere."""
    place(sealed).write_bytes(b"")
    assert "holds no key of ours" in sealed.refused("audit", "seal").said
    sealed.do("keys", "new")
    verified(sealed)
    place(sealed, "next.pem").write_bytes(b"")
    place(sealed, "next.pem").chmod(0o600)
    sealed.do("keys", "rotate")
    verified(sealed)
    assert [key["ours"] for key in known(sealed)] == ["", "", "yes"]
    aside = sorted(path.name.partition("-aside-")[0] for path in (sealed.folder / "keys").iterdir())
    assert aside == ["log", "log.pem", "next"]


def test_a_key_that_was_exchanged_signs_no_more(sealed):
    """Not by mistake, and not by whoever kept a copy."""
    old = place(sealed).read_bytes()
    sealed.do("keys", "rotate")
    size = sealed.events()
    place(sealed).write_bytes(old)
    done = sealed.run("learner", "withdraw", "ILM-00001", "--reason", "left_course")
    assert (done.code, "was exchanged for another and signs no more" in done.said) == (0, True), done.said
    origin = sealed.rows("SELECT note FROM seal")[0][0].decode().splitlines()[0]
    secret = keys.read(place(sealed))
    text, key = f"{origin}\n{size + 1}\n{base64.b64encode(bytes(32)).decode()}\n", keys.public(secret, origin)
    sealed.write(
        "INSERT INTO seal VALUES (?,?,?,?,0)",
        size + 1,
        bytes(32),
        b"",
        str(Note(text, (sign(text, key, secret),))).encode(),
    )
    said = [words for kind, _, words in faults(sealed) if kind == "checkpoint"]
    assert any("no known key has signed this" in words for words in said)
    sealed.write("DELETE FROM seal WHERE size=?", size + 1)
    sealed.do("keys", "new")
    verified(sealed)


def test_whoever_may_not_make_a_key_gets_none_by_init(sealed):
    settings = sealed.folder / "ulnflow.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[people]\n"Ann Example" = ["operator"]\n', "utf-8")
    place(sealed).unlink()
    sealed.do("status")
    before = sealed.events()
    refused = sealed.run("init", ULNFLOW_OPERATOR="Zed Stranger")
    assert (refused.code, "Zed Stranger is not among the people" in refused.said) == (4, True), refused.said
    assert not place(sealed).exists()
    known_ones = sealed.rows("SELECT count(*) FROM event WHERE kind='key_made'")
    assert known_ones == [(1,)]
    assert sealed.rows("SELECT kind FROM event WHERE position > ?", before) == [("denied",)]
    mine = sealed.run("init")
    assert (mine.code, "restore it, or: ulnflow keys new" in mine.said) == (4, True), mine.said
    assert not place(sealed).exists()


def test_looks_behind_the_last_checkpoint_are_told_as_that_and_alarm_nobody(sealed):
    """They change nothing, so nothing seals them before the next command that does."""
    assert "not sealed" not in sealed.do("audit", "verify").err
    sealed.do("learner", "show", "ILM-00001")
    one = sealed.do("audit", "verify").err
    assert "The last event, a look, is not sealed yet: the next command that changes something seals it." in one
    assert "ulnflow audit seal" in one
    sealed.do("audit", "ask", "refusals")
    more = sealed.do("audit", "verify").err
    assert "The last 2 events (2 looks) are not sealed yet" in more
    assert "cut off" not in more
    assert seal_findings(sealed)[-1][1].startswith("The last 2 events (2 looks)")
    sealed.do("learner", "edit", "ILM-00001", "given_name", stdin="Rob\n")
    assert "not sealed" not in sealed.do("audit", "verify").err
    place(sealed).chmod(0o644)
    sealed.do("learner", "edit", "ILM-00001", "given_name", stdin="Robin\n")
    sealed.do("learner", "show", "ILM-00001")
    assert "(1 look) are not sealed yet" in sealed.do("audit", "verify").err
    assert "nobody can see whether some were cut off there" in sealed.do("audit", "verify").err
