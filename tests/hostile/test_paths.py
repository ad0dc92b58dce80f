"""Rows B9 and B10: where files are read from and put to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from states.exchange import outbox
from tests.hostile.conftest import untouched
from tests.unit.commands import REPLY, SHEET, Centre


@pytest.fixture
def odd(tmp_path):
    """Paths nobody should hand in, by kind."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "locked").write_text("x")
    (tmp_path / "locked").chmod(0)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    return {
        "missing": tmp_path / "none.csv",
        "up and away": Path("../../../../etc/none"),
        "folder": tmp_path,
        "pipe": tmp_path / "pipe",
        "device": Path("/dev/zero"),
        "empty device": Path("/dev/null"),
        "broken link": tmp_path / "gone",
        "circle": tmp_path / "circle",
        "line break": tmp_path / "a\nb\x1b[2J.csv",
        "too long": tmp_path / ("x" * 300),
    }


KINDS = [
    "missing", "up and away", "folder", "pipe", "device", "empty device", "broken link", "circle", "line break",
    "too long",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_path_that_is_no_plain_file_is_refused_at_once(at, odd, kind):
    """B9: by every command that reads a file; control characters of its name are not obeyed."""
    centre = at("gathered")
    for command in (
        ("cohort", "import", odd[kind], "--cohort", "C"),
        ("lrs", "receive", odd[kind]),
        ("lrs", "check", odd[kind]),
        ("uln", "told", "--list", odd[kind], "--how", "email"),
        ("ilm", "confirm", "--file", odd[kind]),
        ("uln", "check", odd[kind]),
    ):
        result = untouched(centre, *command, code=4)
        assert "\x1b" not in result.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(at, odd, tmp_path):
    untouched(at("gathered"), "lrs", "receive", tmp_path / "locked", code=4, says=("permissions",))


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/passwd", "CON", "a\nb", "no such file", "999", ""])
def test_a_name_that_is_no_file_of_ours_is_not_found(at, name):
    """B9: the register decides, never the disk."""
    for command in (("lrs", "sent", name), ("lrs", "reject", name), ("ilm", "reject", name)):
        untouched(at("prepared"), *command, code=4, says=("in the register",))


def test_an_outbox_that_is_a_link_to_elsewhere_is_refused(at, tmp_path):
    """B9"""
    centre = at("gathered")
    away = tmp_path / "away"
    away.mkdir()
    (centre.folder / "outbox" / "lrs").symlink_to(away)
    untouched(centre, "lrs", "submit", code=4, says=("link that leads out",))
    assert list(away.iterdir()) == []


def test_an_outbox_that_is_a_file_is_refused(at):
    """B9"""
    centre = at("gathered")
    (centre.folder / "outbox" / "lrs").write_text("mine")
    untouched(centre, "lrs", "submit", code=4, says=("cannot be written",))


def test_a_file_that_is_there_is_never_written_over(at):
    """B10: batch names move on to the next free minute, numbered names are refused."""
    centre = at("ordered")
    (planned,) = centre.outbox("D*-ilm-*.csv")
    assert planned.stat().st_size
    fresh = at("told")
    fresh.ok("cohort", "waive", "NF-1", "--reason", "x")
    fresh.agree()
    taken = fresh.folder / "outbox" / "ilm" / planned.name
    taken.parent.mkdir(exist_ok=True)
    taken.write_text("mine")
    untouched(fresh, "ilm", "register", code=4, says=(planned.name, "there already"))
    assert taken.read_text() == "mine"


def test_a_batch_name_that_is_taken_moves_on(at, tmp_path):
    """B10"""
    centre = at("gathered")
    folder = centre.folder / "outbox" / "lrs"
    first = at("prepared").outbox("LRB_*.CSV")
    folder.mkdir(exist_ok=True)
    for path in first:
        (folder / path.name).write_text("mine")
    centre.ok("lrs", "submit")
    assert all((folder / path.name).read_text() == "mine" for path in first)
    assert len(centre.outbox("LRB_*.CSV")) == len(first) + 1


@pytest.mark.parametrize("place", ["write", "sync"])
def test_a_disk_that_fails_while_writing_leaves_nothing(at, monkeypatch, place):
    """B9, B10: a full disk."""
    centre = at("gathered")

    def full(*_args):
        raise OSError(28, "No space left on device")

    if place == "write":
        monkeypatch.setattr(outbox, "_open_new", full)
    else:
        monkeypatch.setattr(outbox.os, "fsync", full)
    untouched(centre, "lrs", "submit", code=4, says=("No space left on device", "free space"))


def test_a_name_that_cannot_be_given_is_given_by_the_next_command(at, monkeypatch):
    """B10: after the commit the file is whole under its pending name; nobody counts as sent meanwhile."""
    centre = at("gathered")

    def refused(*_args):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_rename_to_new", refused)
        result = centre.run("lrs", "submit")
    assert result.code == 4
    assert "Permission denied" in result.err
    assert centre.outbox("LRB_*.CSV") == []
    assert set(centre.places().values()) == {"details_gathered"}
    centre.ok("cohort", "list")
    assert len(centre.outbox("LRB_*.CSV")) == 1
    assert list((centre.folder / "outbox" / ".pending").iterdir()) == []
    assert centre.ok("audit", "verify")


@pytest.mark.parametrize("rest", [("cohort", "list"), ("lrs", "submit"), ("audit", "verify")])
def test_a_folder_that_is_none_is_named_with_the_way_out(tmp_path, rest):
    for folder in (tmp_path / "none", tmp_path):
        result = Centre(folder).run(*rest)
        assert result.code == 4
        assert "ulnflow init" in result.err
    assert list((tmp_path / "none").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"centre = [", "TOML"),
        (b"\xff\xfe", "UTF-8"),
        (b'[centre]\nukprn = "1"\n', "centre.ukprn"),
        (b'[centre]\nukprn = "99990001"\nsecret = "Zebediah"\n', "centre.secret"),
        (b'[centre]\nukprn = "99990001"\n[rules]\nZ9 = "warn"\n', "Z9"),
        (b'[centre]\nukprn = "99990001"\n[clocks]\nsubmitted_to_lrs = -1\n', "clocks"),
        (b'[centre]\nukprn = "99990001"\n[clocks]\nnowhere = 1\n', "nowhere"),
        (b'operator = "root"\n[centre]\nukprn = "99990001"\n', "operator"),
        (b"", "centre"),
    ],
)
def test_a_broken_setting_is_named_by_key_and_never_by_value(at, text, says):
    centre = at("gathered")
    (centre.folder / "ulnflow.toml").write_bytes(text)
    result = untouched(centre, "lrs", "submit", code=4, says=(says,))
    assert "Zebediah" not in result.err


@pytest.mark.parametrize("data", [b"= [", b"\xff", b"x = 1"])
@pytest.mark.parametrize(
    ("name", "place", "command"),
    [
        ("headings.toml", "gathered", ("cohort", "import", SHEET)),
        ("lrs/batch.toml", "gathered", ("lrs", "submit")),
        ("lrs/return_codes.toml", "prepared", ("lrs", "receive", REPLY)),
        ("profiles/ilm-generic.toml", "waived", ("ilm", "register")),
        ("routes/ilm.toml", "gathered", ("lrs", "submit")),
    ],
)
def test_a_broken_table_of_the_centre_is_named(at, name, place, command, data):
    centre = at("told" if place == "waived" else place)
    if place == "waived":
        centre.ok("cohort", "waive", "NF-1", "--reason", "x")
        centre.agree()
    path = centre.folder / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    untouched(centre, *command, code=4, says=(path.name,))


def test_a_database_that_is_none_is_told_so(at):
    centre = at("gathered")
    (centre.folder / "ulnflow.db").write_bytes(b"not a database" * 100)
    for suffix in ("-wal", "-shm"):
        (centre.folder / f"ulnflow.db{suffix}").unlink(missing_ok=True)
    result = centre.run("cohort", "list")
    assert result.code == 4
    assert "restore a backup" in result.err
