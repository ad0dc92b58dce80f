"""An evidence pack: events with their proofs, the checkpoint, the keys and a verifier, signed as a whole.

The folder is filled by `Pack`, whoever made the words for people adds files to it, and `Pack.close` writes the manifest
over all of them. What the files are, and how they are checked: `workflow.verifier`, which goes into each pack.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO, Final, overload

import orjson

from workflow import verifier
from workflow.errors import StoreError
from workflow.seal import ProofRefused, checkpoint, leaf_hash, note, verify_inclusion
from workflow.seal.checkpoint import Checkpoint
from workflow.seal.note import Key, NoteRefused, Signer
from workflow.seal.proof import Plan, inclusion_plan, make
from workflow.store import excerpt
from workflow.store.connection import Connection
from workflow.store.seals import Seal, Seals

AT_ONCE: Final = 20_000
"""Events proved by one walk along the log, so that memory stays flat however many there are."""


class Plans(Sequence[Plan]):
    """The plan of each event's proof, made when it is asked for."""

    def __init__(self, positions: Sequence[int], size: int) -> None:
        self._positions, self._size = positions, size

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, place: int) -> Plan: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Plan]: ...
    def __getitem__(self, place: int | slice) -> Plan | Sequence[Plan]:
        if isinstance(place, slice):
            return Plans(self._positions[place], self._size)
        return inclusion_plan(self._positions[place] - 1, self._size)


@dataclass(slots=True)
class Pack:
    """A pack in the making, in a folder that is there and empty."""

    folder: Path
    origin: str
    rule_sets: set[str] = field(default_factory=set)
    """The rule sets that its events were judged by."""
    _told: Checkpoint | None = None
    _events: int = 0

    def fill(
        self,
        connection: Connection,
        seal: Seal,
        positions: array[int],
        known: Sequence[Key],
        key: Key,
        signer: Signer,
        done: Callable[[int], None] = lambda _events: None,
    ) -> None:
        """Write events, proofs, routes, checkpoint, keys and verifier; raises StoreError where the log does not hold.

        Positions ascend and are within the checkpoint, whose note gets the signature of the pack's key where it
        bears another's; `done` is told of events as they are written.
        """
        try:
            told, signed = checkpoint.trusted(seal.note, self.origin, known)
        except NoteRefused as wrong:
            raise StoreError(f"the checkpoint in the log cannot be trusted: {wrong}") from None
        sealed = checkpoint.parse(seal.note)
        if key not in signed:
            sealed = sealed.with_signature(note.sign(told.text, key, signer))
        routes = {""}
        with self.create(verifier.EVENTS) as events, self.create(verifier.PROOFS) as proofs:
            for position, body, proof in _proved(connection, positions, told):
                events.write(body + b"\n")
                shown = {"position": position, "proof": [one.hex() for one in proof]}
                proofs.write(orjson.dumps(shown) + b"\n")
                event = orjson.loads(body)
                done(1)
                routes.add(event.get("route_hash", ""))
                self.rule_sets.add(event.get("rules", ""))
        self.rule_sets.discard("")
        for digest, body in excerpt.definitions(connection, routes):
            self.add(f"route-{digest}.json", body)
            routes.discard(digest if hashlib.sha256(body).hexdigest() == digest else "")
        if routes - {""}:
            raise StoreError("a route is gone or not what its hash says; no pack was made. See: ulnflow audit verify")
        self.add(verifier.CHECKPOINT, str(sealed).encode())
        self.add(verifier.KEYS, "".join(f"{one}\n" for one in dict.fromkeys((*known, key))).encode())
        self.add("verify.py", verifier_bytes())
        self._told, self._events = told, len(positions)

    def create(self, name: str) -> BinaryIO:
        """A new file of the pack, to be written by its owner alone."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(self.folder / name, flags, 0o600), "wb")

    def add(self, name: str, data: bytes) -> None:
        """A small file of the pack."""
        with self.create(name) as file:
            file.write(data)

    def close(self, facts: Mapping[str, str], key: Key, signer: Signer) -> str:
        """Sign the manifest of everything that is in the folder, and have the disk keep it; returns its SHA-256."""
        if self._told is None:
            raise ValueError("a pack is filled before it is closed")
        told = {
            "origin": self.origin, "size": str(self._told.size), "root": self._told.root.hex(),
            "events": str(self._events), **facts,
        }  # fmt: skip
        lines = [verifier.HEAD, *(f"{name} {value}" for name, value in told.items())]
        for path in sorted(self.folder.iterdir()):
            with path.open("rb+") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            lines.append(f"file {digest} {path.stat().st_size} {path.name}")
        text = "\n".join(lines) + "\n"
        verifier.manifest_of(text[:-1])
        data = f"{text}\n{note.sign(text, key, signer)}".encode()
        with self.create(verifier.MANIFEST) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return hashlib.sha256(data).hexdigest()


def verifier_bytes() -> bytes:
    """The verifier as it goes into packs."""
    return files("workflow").joinpath("verifier.py").read_bytes()


def _proved(
    connection: Connection, positions: array[int], told: Checkpoint
) -> Iterator[tuple[int, bytes, Sequence[bytes]]]:
    """Each event with its proof, checked; raises StoreError for one that is not what the checkpoint was made over."""
    for start in range(0, len(positions), AT_ONCE):
        part = positions[start : start + AT_ONCE]
        try:
            proofs = make(Seals(connection).leaves(until=told.size), Plans(part, told.size))
            for (position, body), proof in zip(excerpt.bodies(connection, part), proofs, strict=True):
                verify_inclusion(position - 1, told.size, leaf_hash(body), proof, told.root)
                yield position, body, proof
        except (ProofRefused, ValueError) as wrong:
            raise StoreError(
                f"the log is not what its checkpoint says: {wrong}. No pack was made; see: ulnflow audit verify"
            ) from None
