"""Small files written whole, whoever else writes the same one at the same time."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from workflow import small_file


def full(_handle: int) -> None:
    raise OSError(28, "no space")


def test_several_who_write_the_same_file_at_once_all_succeed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two commands do that seal the same log at the same size."""
    together, on_disk = Barrier(4), os.fsync

    def meet(handle: int) -> None:
        on_disk(handle)
        together.wait(10)

    monkeypatch.setattr("workflow.small_file.os.fsync", meet)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(small_file.replace, tmp_path / "a.checkpoint", b"the same") for _ in range(4)]:
            done.result()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.checkpoint", b"the same")]


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.checkpoint"
    path.write_bytes(b"before")
    monkeypatch.setattr("workflow.small_file.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        small_file.replace(path, b"after")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a.checkpoint", b"before")]


@pytest.mark.parametrize("links", [True, False], ids=["with links", "without"])
def test_a_new_file_is_there_whole_or_not_and_never_over_another(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:  # as on a memory stick

        def none(*_: object) -> None:
            raise PermissionError(1, "not permitted")

        monkeypatch.setattr("workflow.small_file.os.link", none)
    path = tmp_path / "log.pem"
    with monkeypatch.context() as disk:
        disk.setattr("workflow.small_file.os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            small_file.write(path, b"a key")
    assert list(tmp_path.iterdir()) == []
    small_file.write(path, b"a key")
    with pytest.raises(FileExistsError):
        small_file.write(path, b"another")
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("log.pem", b"a key")]
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
