"""What is refused of an XML file before a parser sees it: a DOCTYPE, another encoding, and text without an end."""

from __future__ import annotations

import re
from typing import Final

from states.errors import FileRefused
from states.exchange.gate import Gate

DOCTYPE: Final = b"<!DOCTYPE"
ENCODINGS: Final = frozenset({"utf-8", "us-ascii"})
RUN_LIMIT: Final = 1_000_000
"""Bytes from one < to the next at the most: one value with its element, many times over."""

_DECLARED: Final = re.compile(rb"""encoding\s*=\s*["']([^"']*)["']""")
_SAVE: Final = "Save it as UTF-8, or download it again."


class XmlGate:
    """Hands a file on to a parser part by part, until it has `ended`; raises FileRefused."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._tail, self._run = gate, b"", 0
        self.ended = False
        self._check_encoding(gate.head)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        part = self._gate.read1(size)
        self.ended = not part
        seen = self._tail + part
        if DOCTYPE in seen:
            rule = "it holds a DOCTYPE, which no LRS file needs and which may do harm"
            raise FileRefused(self._gate.name, rule, "Remove it, or download the file again.")
        self._tail = seen[1 - len(DOCTYPE) :]
        last = part.rfind(b"<")
        self._run = self._run + len(part) if last < 0 else len(part) - last
        if max(self._run, part.find(b"<")) > RUN_LIMIT:
            rule = f"a value or an element is longer than {RUN_LIMIT:,} bytes"
            raise FileRefused(self._gate.name, rule, "Download the file again.")
        return part

    def _check_encoding(self, head: bytes) -> None:
        head = head.removeprefix(b"\xef\xbb\xbf")
        if not head.startswith(b"<?xml"):
            return
        declaration, ended, _ = head.partition(b"?>")
        if not ended:
            raise FileRefused(self._gate.name, "its XML declaration has no end", "Download the file again.", line=1)
        declared = _DECLARED.search(declaration)
        if declared and declared[1].decode("latin-1").casefold() not in ENCODINGS:
            raise FileRefused(self._gate.name, "it is declared to be in another encoding than UTF-8", _SAVE, line=1)
