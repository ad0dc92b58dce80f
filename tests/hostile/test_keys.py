"""The key that seals the log: missing, open to others, wrong, rotated, half rotated (E7)."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.centre import DATA, Centre
from workflow.seal import keys
from workflow.seal.note import Key

TIDY = ("cohort", "import", DATA / "cohort_tidy.csv", "--cohort", "NF-1", "--funded")


@pytest.fixture
def sealed(centre: Centre) -> Centre:
    if centre.on != "sqlite":
        pytest.skip("the key is a file beside either database")
    centre.do(*TIDY)
    return centre


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
    assert len(list((sealed.folder / "seals").iterdir())) == 1


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
    (old,) = sorted((sealed.folder / "seals").iterdir())
    sealed.do("keys", "rotate")
    sealed.do("lrs", "submit")
    assert [key["ours"] for key in known(sealed)] == ["", "yes"]
    verified(sealed, "--against", old)
    handover = sorted((sealed.folder / "seals").iterdir())[1].read_text("utf-8")
    assert handover.count("\u2014 ") == 2
    assert not place(sealed, "next.pem").exists()


@pytest.mark.parametrize("where", ["keys.made", "told", "sealed"])
def test_a_rotation_cut_off_anywhere_goes_on_with_the_same_new_key(sealed, monkeypatch, where):
    from cli import sealing
    from workflow import sealing as engine

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        if where == "keys.made":
            cut.setattr(engine, "introduce", stop)
        elif where == "told":
            cut.setattr(sealing, "seal_now", stop)
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
    assert "of a longer log" in sealed.refused("audit", "seal").said
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
