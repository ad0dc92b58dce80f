"""Signed notes as C2SP lays them down (signed-note, 2023; tlog-cosignature, 2024), with Ed25519 keys.

A note is text that ends with a newline, an empty line, and signature lines. A key is known by its name and the first
four bytes of a hash over name, kind and key, so that a line of another key is passed over and never taken for ours.
"""

from __future__ import annotations

import base64
import binascii
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

ED25519: Final = 0x01
COSIGNED: Final = 0x04
"""The kind of a witness's key: what it signs says when, too."""

DASH: Final = "\u2014 "
SIGNATURES: Final = 16
"""More signature lines than these are refused."""

LONGEST: Final = 1_000_000
_ID, _STAMP, _SIGNATURE, _PUBLIC = 4, 8, 64, 32


class NoteRefused(ValueError):
    """The note, its key or its signature is not as it should be."""


class Unsigned(NoteRefused):
    """No key that is known has signed the note; what it says is as it may be."""


class Signer(Protocol):
    """A private key."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes of signature."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A public key with its name; `kind` is 1 for the log's own and 4 for a witness's."""

    name: str
    public: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """The four bytes that a signature line names it by."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """The key that a line such as `name+hash+key` says; raises NoteRefused."""
        name, _, rest = text.partition("+")
        shown, _, encoded = rest.partition("+")
        raw = decoded(encoded)
        if not is_name(name) or len(raw) != 1 + _PUBLIC or raw[0] not in {ED25519, COSIGNED}:
            raise NoteRefused("this is no public key: it is written name+hash+key, for Ed25519")
        key = cls(name, raw[1:], raw[0])
        if shown != key.id.hex():
            raise NoteRefused("the key does not belong to its name: a letter of it was changed")
        return key


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: whose it says it is, and what follows the four bytes of the key."""

    name: str
    key_id: bytes
    data: bytes

    def __str__(self) -> str:
        return f"{DASH}{self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signature lines, as they were read; nothing is checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


def is_name(text: str) -> bool:
    """Whether a key may bear this name: not empty, no blank of any alphabet, no plus."""
    return bool(text) and "+" not in text and not any(c.isspace() or unicodedata.category(c) == "Cc" for c in text)


def parse(data: bytes) -> Note:
    """Read a note; raises NoteRefused for anything that is not exactly one."""
    if len(data) > LONGEST:
        raise NoteRefused("the note is too long")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteRefused("the note is not UTF-8") from None
    if any(unicodedata.category(c) == "Cc" and c != "\n" for c in whole):
        raise NoteRefused("the note holds a control character, perhaps from another kind of line end")
    text, parting, lines = whole.rpartition("\n\n")
    if not parting or not lines.endswith("\n"):
        raise NoteRefused("the note has no signature lines behind an empty line, or its last line does not end")
    found = lines[:-1].split("\n")
    if len(found) > SIGNATURES:
        raise NoteRefused(f"the note has more than {SIGNATURES} signatures")
    return Note(text + "\n", tuple(map(_signature, found)))


def sign(text: str, key: Key, signer: Signer) -> Signature:
    """Sign a note's text with the log's own key."""
    return Signature(key.name, key.id, signer.sign(text.encode()))


def cosign(text: str, key: Key, signer: Signer, seconds: int) -> Signature:
    """Sign a note's text as a witness, at a time in seconds since 1970."""
    return Signature(key.name, key.id, seconds.to_bytes(_STAMP, "big") + signer.sign(_cosigned(text, seconds)))


def verified(note: Note, keys: Iterable[Key]) -> dict[Key, int]:
    """The known keys that signed a note, each with when it says it did (0 for the log's own, which say nothing).

    Lines of keys that are not known are passed over. Raises NoteRefused for a line of a known key that is wrong or
    stands twice, and when no known key has signed.
    """
    known = {(key.name, key.id): key for key in keys}
    found: dict[Key, int] = {}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        if key in found:
            raise NoteRefused(f"{key.name} stands among the signatures twice")
        found[key] = _checked(note.text, line, key)
    if not found:
        raise Unsigned("no known key has signed this")
    return found


def _checked(text: str, line: Signature, key: Key) -> int:
    seconds, data, signed = 0, line.data, text.encode()
    if key.kind == COSIGNED and len(data) == _STAMP + _SIGNATURE:
        seconds, data = int.from_bytes(data[:_STAMP], "big"), data[_STAMP:]
        signed = _cosigned(text, seconds)
    if len(data) != _SIGNATURE or not is_signed(key.public, data, signed):
        raise NoteRefused(f"the signature of {key.name} is wrong: the text was changed after it, or it is forged")
    return seconds


def is_signed(public: bytes, signature: bytes, data: bytes) -> bool:
    """Whether an Ed25519 signature is right."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to import; few commands look at one
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(DASH).partition(" ")
    raw = decoded(encoded)
    if not line.startswith(DASH) or not is_name(name) or len(raw) <= _ID:
        raise NoteRefused("a signature line is not written as one")
    return Signature(name, raw[:_ID], raw[_ID:])


def decoded(text: str) -> bytes:
    """Base64 as it is written here and in no other way; nothing for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
