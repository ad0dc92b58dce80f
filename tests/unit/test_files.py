"""Files at the border."""

import errno
import os
import stat
import sys

import pytest

from states.errors import FileRefused
from states.exchange import files
from states.exchange.files import decode_text, read_bytes, read_csv
from states.exchange.outbox import Outbox

posix = pytest.mark.skipif(os.name == "nt", reason="modes, pipes and links of POSIX")


def refused(call, *arguments, **named):
    with pytest.raises(FileRefused) as caught:
        call(*arguments, **named)
    assert caught.value.fix
    return caught.value


def write(data):
    return lambda target: target.write(data)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox")


def test_a_plain_file_is_read_whole(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n")
    assert read_bytes(tmp_path / "a.csv") == b"a,b\n"


def test_what_is_no_plain_file_is_refused_before_it_is_opened(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(b"x" * 11)
    assert "no such file" in refused(read_bytes, tmp_path / "gone").rule
    assert "folder" in refused(read_bytes, tmp_path).rule
    assert "empty" in refused(read_bytes, tmp_path / "empty").rule
    assert "larger" in refused(read_bytes, tmp_path / "large", limit=10).rule
    assert "NUL" in refused(read_bytes, tmp_path / "a\x00b").rule


@posix
def test_pipes_and_devices_never_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "pipe" in refused(read_bytes, tmp_path / "pipe").rule
    assert "device" in refused(read_bytes, type(tmp_path)("/dev/zero")).rule


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "a").chmod(0)
    assert "cannot be read" in refused(read_bytes, tmp_path / "a").rule


def test_utf8_is_taken_with_and_without_a_mark():
    assert decode_text("Zoë".encode(), "f") == "Zoë"
    assert decode_text("Zoë".encode("utf-8-sig"), "f") == "Zoë"


@pytest.mark.parametrize(
    ("data", "says", "line"),
    [
        ("Zoë".encode("utf-16"), "UTF-16", None),
        (b"\xfe\xff\x00a", "UTF-16", None),
        ("a".encode("utf-32"), "UTF-32", None),
        (b"a\r\nZo\xeb,1", "byte 5 ", 2),
        (b"\xef\xbb\xbfZo\xeb,1", "byte 5 ", 1),
        (b"a\nb\x00", "NUL", 2),
    ],
)
def test_other_encodings_are_refused_with_the_place(data, says, line):
    error = refused(decode_text, data, "f.csv")
    assert says in error.rule
    assert error.line == line


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_every_line_ending_is_taken_and_blank_lines_are_left_out(end):
    data = end.join(["a,b", "", '"1,5","x ""y"""', ""]).encode()
    assert read_csv(data, "f") == [(1, ["a", "b"]), (3, ["1,5", 'x "y"'])]


def test_a_row_is_known_by_the_line_it_begins_on():
    assert read_csv(b'a;b\n"1\n2";3\n4;5\n', "f", delimiter=";")[1:] == [(2, ["1\n2", "3"]), (4, ["4", "5"])]


@pytest.mark.parametrize(
    ("data", "line", "says"),
    [
        (b'a,b\n1,2\n"3,4\n5,6\n', 3, "never closed"),
        (b'a,b\n1,"2"x\n', 2, "more text"),
        (b"a,b\n1," + b"x" * 100_001, 2, "longer"),
        (b"a,b\n1," + b"x" * 200_000, 2, "longer"),
        (b"a,b\n1,2,3\n", 2, "3 cells"),
        (b"a,b\n\n1\n", 3, "1 cells"),
    ],
)
def test_broken_csv_is_refused_with_its_line(data, line, says):
    error = refused(read_csv, data, "f.csv")
    assert error.line == line
    assert says in error.rule


def test_rows_of_any_width_are_taken_when_asked_for():
    assert read_csv(b"a,b\n1,2,3\n", "f", ragged=True)[1] == (2, ["1", "2", "3"])


def test_a_draft_gets_its_name_only_when_published(outbox):
    draft = outbox.draft("a.csv", write(b"x"), folder="lrs")
    assert not draft.final.exists()
    assert [d for _, d in outbox.pending()] == [draft]
    assert draft.size == 1
    assert outbox.publish(draft) == outbox.folder / "lrs" / "a.csv"
    assert draft.final.read_bytes() == b"x"
    assert outbox.read_digest(draft.final) == draft.digest
    assert outbox.pending() == []


@posix
def test_files_can_be_read_by_their_owner_only(outbox):
    final = outbox.publish(outbox.draft("a.csv", write(b"x")))
    assert stat.S_IMODE(final.stat().st_mode) == 0o600


def test_publishing_twice_is_harmless(outbox):
    draft = outbox.draft("a.csv", write(b"x"))
    outbox.publish(draft)
    assert outbox.publish(draft) == draft.final


def test_an_existing_file_is_never_overwritten(outbox):
    draft = outbox.draft("a.csv", write(b"new"))
    draft.final.write_bytes(b"old")
    assert "there already" in refused(outbox.publish, draft).rule
    assert "there already" in refused(outbox.draft, "a.csv", write(b"new")).rule
    assert draft.final.read_bytes() == b"old"
    assert [d for _, d in outbox.pending()] == [draft]
    outbox.discard(draft)
    outbox.discard(draft)
    assert outbox.pending() == []


def test_a_draft_that_vanished_or_changed_is_not_published(outbox):
    draft = outbox.draft("a.csv", write(b"x"))
    draft.draft.write_bytes(b"y")
    assert "no longer holds" in refused(outbox.publish, draft).rule
    outbox.discard(draft)
    assert "gone" in refused(outbox.publish, draft).rule
    assert not draft.final.exists()


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), ValueError("x"), KeyboardInterrupt()]
)
def test_nothing_stays_behind_when_writing_fails(outbox, error):
    def fail(target):
        target.write(b"half")
        raise error

    with pytest.raises((FileRefused, ValueError, KeyboardInterrupt)):
        outbox.draft("a.csv", fail)
    assert outbox.pending() == []
    assert not (outbox.folder / "a.csv").exists()


@posix
def test_without_hard_links_a_file_is_still_never_overwritten(outbox, monkeypatch):
    def no_links(*arguments, **named):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    first, second = outbox.draft("a.csv", write(b"1")), outbox.draft("a.csv", write(b"2"))
    outbox.publish(first)
    refused(outbox.publish, second)
    assert first.final.read_bytes() == b"1"
    assert [d for _, d in outbox.pending()] == [second]


@posix
def test_a_rename_that_fails_leaves_the_draft_and_no_file(outbox, monkeypatch):
    def fails(*arguments, **named):
        raise OSError(errno.EIO, "Input/output error")

    draft = outbox.draft("a.csv", write(b"1"))
    monkeypatch.setattr(os, "link", fails)
    monkeypatch.setattr(type(draft.draft), "replace", fails)
    refused(outbox.publish, draft)
    assert not draft.final.exists()
    assert [d for _, d in outbox.pending()] == [draft]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc/x", "C:x", "CON", "nul.csv", "Com1.txt", "a\nb", "a\x00", "a\u202eb",
     " a", "a ", "a.", "x" * 201, "é" * 101, ".pending", "a*b"],
)  # fmt: skip
def test_unsafe_names_are_refused(outbox, name):
    refused(outbox.draft, name, write(b"x"))
    if name:
        refused(outbox.draft, "a.csv", write(b"x"), folder=name if name != "a/b" else "../b")
    assert not list(outbox.folder.rglob("*.csv")) if outbox.folder.exists() else True


@posix
def test_a_folder_that_links_out_of_the_outbox_is_refused(outbox, tmp_path):
    (tmp_path / "outside").mkdir()
    outbox.folder.mkdir()
    (outbox.folder / "lrs").symlink_to(tmp_path / "outside")
    assert "link" in refused(outbox.draft, "a.csv", write(b"x"), folder="lrs/deep").rule
    assert list((tmp_path / "outside").iterdir()) == []


@posix
def test_a_link_under_the_final_name_is_not_followed(outbox, tmp_path):
    outbox.folder.mkdir()
    (outbox.folder / "a.csv").symlink_to(tmp_path / "elsewhere")
    refused(outbox.draft, "a.csv", write(b"x"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_in_a_message_shows_no_control_character():
    assert files.shown_name("x/a\nb\x1b.csv") == "a\\x0ab\\x1b.csv"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_is_said_and_nothing_is_left(outbox):
    def to_full_disk(target):
        with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123  # as plain as can be
            full.write(b"x")

    assert "space" in refused(outbox.draft, "a.csv", to_full_disk).rule
