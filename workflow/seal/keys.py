"""A private key in a file of its owner alone, and the public key that goes with it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from workflow.errors import StoreError
from workflow.seal.note import ED25519, Key

OPEN_TO_OTHERS: Final = 0o077
LONGEST: Final = 10_000


def make(path: Path) -> Ed25519PrivateKey:
    """Make a key and write it for its owner alone, whole or not at all; raises FileExistsError."""
    secret = Ed25519PrivateKey.generate()
    data = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return secret


def read(path: Path) -> Ed25519PrivateKey:
    """The key in a file; raises StoreError for one that is not there, can be read by others, or is none."""
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & OPEN_TO_OTHERS:
            raise StoreError(f"{path.name} can be read by others; if that was never so for long: chmod 600 {path.name}")
        data = path.read_bytes()[:LONGEST]
    except FileNotFoundError:
        raise StoreError(f"{path.name} is not there; restore it, or make another: ulnflow keys new") from None
    except OSError:
        raise StoreError(f"{path.name} cannot be read") from None
    try:
        secret = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        secret = None
    if not isinstance(secret, Ed25519PrivateKey):
        raise StoreError(f"{path.name} holds no key of ours; restore it, or make another: ulnflow keys new")
    return secret


def public(secret: Ed25519PrivateKey, name: str, kind: int = ED25519) -> Key:
    """The public half under a name."""
    return Key(name, secret.public_key().public_bytes_raw(), kind)
