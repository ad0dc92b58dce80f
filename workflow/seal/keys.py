"""A private key in a file of its owner alone, and the public key that goes with it."""

from __future__ import annotations

import secrets
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from workflow import small_file
from workflow.errors import StoreError
from workflow.seal.note import ED25519, Key


def make(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it for its owner alone, whole or not at all; raises FileExistsError."""
    secret = Ed25519PrivateKey.generate()
    small_file.write(path, secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return secret


class NoKey(StoreError):
    """A file holds no key of ours."""


def taken(path: Path) -> Ed25519PrivateKey:
    """The key in a file, made where there is none; what holds none is put aside. Raises StoreError, FileExistsError."""
    try:
        return read(path) if path.exists() else make(path)
    except NoKey:
        put_aside(path)
        return make(path)


def put_aside(path: Path) -> None:
    """Keep a file under another name beside its own."""
    path.replace(path.with_name(f"{path.stem}-aside-{secrets.token_hex(4)}{path.suffix}"))


def read(path: Path, fix: str = "restore it, or make another: ulnflow keys new") -> Ed25519PrivateKey:
    """The key in a file; raises StoreError, with the fix, for one that is not there or open to others, and NoKey."""
    data = small_file.read(path, fix)
    try:
        secret = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        secret = None
    if not isinstance(secret, Ed25519PrivateKey):
        raise NoKey(f"{path.parent.name}/{path.name} holds no key of ours; {fix}")
    return secret


def public(secret: Ed25519PrivateKey, name: str, kind: int = ED25519) -> Key:
    """The public half under a name."""
    return Key(name, secret.public_key().public_bytes_raw(), kind)
