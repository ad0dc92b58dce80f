"""Files handed out: whole or not at all, under a safe name, never over one that is there."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from states.errors import FileRefused
from states.exchange.files import shown_name
from states.ports import FileDraft

NAME_LIMIT: Final = 200
PENDING: Final = ".pending"

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)


def check_name(name: str) -> None:
    """Raise FileRefused for a file or folder name that is not safe on every system, or over 200 bytes."""
    shown = shown_name(name.replace("\\", "/"))
    if not name or name != name.strip() or name.strip(".") == "" or name.endswith("."):
        raise FileRefused(shown, "the name is blank, or begins or ends wrongly", "Use letters and digits.")
    if _FORBIDDEN.search(name) or name == PENDING:
        rule = "the name holds a separator or a forbidden character"
        raise FileRefused(shown, rule, "Use letters, digits, - and _.")
    if _RESERVED.fullmatch(name):
        raise FileRefused(shown, "the name is reserved by Windows", "Choose another name.")
    if len(name.encode()) > NAME_LIMIT:
        raise FileRefused(shown[:40] + "...", f"the name is longer than {NAME_LIMIT} bytes", "Shorten it.")


class Outbox:
    """A folder where files for the outside are put: whole or not at all, never over an existing file.

    A file is first written under `.pending`, mode 0600 where the system has modes, and flushed to disk; it takes its
    final name by one step of the file system. Every name begins with `mark`. It does not promise that two drafts of
    one name both succeed: the second publish is refused.
    """

    def __init__(self, folder: Path, *, mark: str = "") -> None:
        self.folder, self.mark = folder, mark

    def draft(
        self, name: str, write: Callable[[BinaryIO], None], *, folder: str = "", token: str = "", flush: bool = True
    ) -> FileDraft:
        """Write a file below `.pending`, in the place it will take in the outbox, flushed to disk unless told not to.

        `folder` is a folder of the outbox, its parts separated by `/`; `token` tells the drafts of one command from
        those of another (letters and digits). Raises FileRefused for an unsafe name,
        a name that is taken and a disk that cannot be written; nothing stays behind then, whatever `write`
        raises.
        """
        if not name.startswith(self.mark):
            name = self.mark + name
        check_name(name)
        parts = self._parts(folder)
        final = self._inner(*parts) / name
        if os.path.lexists(final):
            raise _taken(name)
        pending = self._inner(PENDING, *self._parts(token or secrets.token_hex(8)), *parts)
        temporary = pending / name
        _remove(temporary)  # what an earlier try of the same command left
        try:
            with _open_new(temporary) as target:
                write(target)
                target.flush()
                if flush:
                    os.fsync(target.fileno())
            size = temporary.stat().st_size
            digest = self.read_digest(temporary)
        except OSError as error:
            _remove(temporary)
            self._tidy(pending)
            raise _cannot_write(name, error) from None
        except BaseException:
            _remove(temporary)
            self._tidy(pending)
            raise
        if flush:
            _sync_folder(pending)
        return FileDraft(draft=temporary, final=final, digest=digest, size=size, flush=flush)

    def publish(self, draft: FileDraft) -> Path:
        """Give a draft its final name; doing it twice is harmless.

        Raises FileRefused when another file has the name, when the draft is gone or is not what was written,
        and when the disk refuses; the file that is there and the draft both stay as they are then.
        """
        name = draft.final.name
        self._inner(*draft.final.parent.relative_to(self.folder).parts)
        if self._holds(draft.final, draft.digest):
            self.discard(draft)
            return draft.final
        if os.path.lexists(draft.final):
            raise _taken(name)
        if not self._holds(draft.draft, draft.digest):
            rule = "the draft is gone, or no longer holds what was written"
            raise FileRefused(name, rule, "Discard it and write the file again.")
        try:
            _rename_to_new(draft.draft, draft.final)
        except FileExistsError:
            raise _taken(name) from None
        except OSError as error:
            raise _cannot_write(name, error) from None
        if draft.flush:
            _sync_folder(draft.final.parent)
        self._tidy(draft.draft.parent)
        return draft.final

    def discard(self, draft: FileDraft) -> None:
        """Remove a draft that will not be published; one that is gone already is fine."""
        _remove(draft.draft)
        self._tidy(draft.draft.parent)

    def pending(self) -> list[tuple[str, FileDraft]]:
        """List (token, draft) of what nobody published or discarded, such as a power cut leaves."""
        folder = self.folder / PENDING
        found = []
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            token, *place = path.relative_to(folder).parts
            if place and path.is_file() and not path.is_symlink():
                final = self.folder.joinpath(*place)
                size = path.stat().st_size
                found.append((token, FileDraft(draft=path, final=final, digest=self.read_digest(path), size=size)))
        return found

    def _tidy(self, folder: Path) -> None:
        """Remove the folders of drafts that are empty now."""
        with suppress(OSError):  # not empty, or gone already
            while folder != self.folder / PENDING and folder.is_relative_to(self.folder / PENDING):
                folder.rmdir()
                folder = folder.parent

    def read_digest(self, path: Path) -> str:
        """Give the SHA-256 of a file, as 64 hexadecimal digits; raises FileRefused when it cannot be read."""
        try:
            with path.open("rb") as source:
                return hashlib.file_digest(source, "sha256").hexdigest()
        except OSError as error:
            rule = f"it cannot be read ({error.strerror or type(error).__name__})"
            raise FileRefused(shown_name(path), rule, "Check its permissions.") from None

    def _holds(self, path: Path, digest: str) -> bool:
        return path.is_file() and not path.is_symlink() and self.read_digest(path) == digest

    def _parts(self, folder: str) -> list[str]:
        parts = folder.split("/") if folder else []
        for part in parts:
            check_name(part)
        return parts

    def _inner(self, *parts: str) -> Path:
        """Give a folder of the outbox, made where it is missing; never one that a link leads out of it."""
        inner = self.folder.joinpath(*parts)
        try:
            inside = inner.resolve().is_relative_to(self.folder.resolve())
            if inside:
                for depth in range(len(parts) + 1):
                    self.folder.joinpath(*parts[:depth]).mkdir(mode=0o700, exist_ok=True)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise _cannot_write(shown_name(inner), error) from None
        if not inside:
            rule = "the folder is a link that leads out of the outbox"
            raise FileRefused(shown_name(inner), rule, "Remove the link.")
        return inner


def _open_new(path: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def _rename_to_new(source: Path, target: Path) -> None:
    """Rename without ever replacing; raises FileExistsError when the target is there."""
    if os.name == "nt":
        source.rename(target)  # Windows refuses an existing target by itself
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        # a file system without hard links: take the name with an empty file, then replace that one only
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            source.replace(target)
        except OSError:
            _remove(target)
            raise
    else:
        _remove(source)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows and some shares cannot open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _taken(name: str) -> FileRefused:
    return FileRefused(shown_name(name), "a file of this name is there already", "Move it away, or wait a minute.")


def _cannot_write(name: str, error: Exception) -> FileRefused:
    rule = f"it cannot be written ({getattr(error, 'strerror', None) or type(error).__name__})"
    return FileRefused(shown_name(name), rule, "Check the folder's permissions and the free space.")
