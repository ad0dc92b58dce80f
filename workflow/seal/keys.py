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


def read(path: Path, fix: str = "restore it, or make another: ulnflow keys new") -> Ed25519PrivateKey:
    """The key in a file; raises StoreError, with the fix, for one that is not there, open to others, or none."""
    name = f"{path.parent.name}/{path.name}"
    try:
        if os.name != "nt" and stat.S_IMODE(path.stat().st_mode) & OPEN_TO_OTHERS:
            raise StoreError(f"{name} can be read by others: chmod 600 {name}; if they may have, exchange the key")
        data = path.read_bytes()[:LONGEST]
    except FileNotFoundError:
        raise StoreError(f"{name} is not there; {fix}") from None
    except OSError:
        raise StoreError(f"{name} cannot be read") from None
    try:
        secret = load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        secret = None
    if not isinstance(secret, Ed25519PrivateKey):
        raise StoreError(f"{name} holds no key of ours; {fix}")
    return secret


def public(secret: Ed25519PrivateKey, name: str, kind: int = ED25519) -> Key:
    """The public half under a name."""
    return Key(name, secret.public_key().public_bytes_raw(), kind)
