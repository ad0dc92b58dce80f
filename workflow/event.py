"""Event: one fact that happened, its canonical bytes and its leaf hash.

The stored bytes are the truth. They are canonical JSON: sorted keys, UTF-8, NFC texts, whole numbers, booleans;
no floats, and a key without a value is left out. The leaf hash is taken over those bytes as RFC 6962 (2013) takes
it over a log entry, and never over a re-serialisation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

import orjson

from workflow.seal.tree import leaf_hash as leaf_hash  # noqa: PLC0414 - the hash of an event's body

SCHEMA: Final = 1
OPENED: Final = "opened"
MOVED: Final = "moved"
REFUSED: Final = "refused"
NOTED: Final = "noted"
CORRECTED: Final = "corrected"
EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
LARGEST: Final = 2**53 - 1


def nothing() -> Mapping[str, Any]:
    """An empty mapping that nobody can fill."""
    return EMPTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact in the log. Times are microseconds since 1970, UTC; texts are codes, never personal values.

    `case` and `sequence` are None for facts about no case (a file prepared, a rule waived). `held` names the rules
    that held without a word, `said` what the others said. `facts` are the changes to what is known of the case,
    `opens` and `closes` the duties it begins and ends.
    """

    position: int
    origin: str
    kind: str
    occurred_at: int
    recorded_at: int
    actor: str
    command: str
    command_id: str
    product: str
    case: int | None = None
    sequence: int | None = None
    prev: str | None = None
    trigger: str | None = None
    source: str | None = None
    target: str | None = None
    route: str | None = None
    route_version: int | None = None
    route_hash: str | None = None
    rules: str | None = None
    held: tuple[str, ...] = ()
    said: tuple[Mapping[str, Any], ...] = ()
    dispatch: int | None = None
    row: int | None = None
    settles: str | None = None
    reason: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=nothing)
    facts: Mapping[str, Any] = field(default_factory=nothing)
    opens: tuple[str, ...] = ()
    closes: tuple[tuple[int, str], ...] = ()
    commitments: Mapping[str, str] = field(default_factory=nothing)
    on_behalf_of: str | None = None
    approver: str | None = None
    voids: int | None = None
    run: int | None = None
    schema: int = SCHEMA


TUPLES: Final = frozenset({"held", "said", "opens"})
MAPPINGS: Final = frozenset({"evidence", "facts", "commitments"})
SHAPED: Final = TUPLES | MAPPINGS | {"closes"}
FLAT: Final = frozenset({str, int, bool})
KNOWN: Final = frozenset(one.name for one in fields(Event))
NEEDED: Final = frozenset(one.name for one in fields(Event) if one.default is one.default_factory is MISSING)
FREE: Final = frozenset({"evidence", "facts", "commitments", "opens", "closes", "row", "reason"})
"""Keys whose values come from outside the engine."""


def canonical(value: object) -> bytes:
    """The one way a value is written as bytes; raises TypeError for what has none, such as a huge number."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def written(body: Mapping[str, Any]) -> bytes:
    """The bytes of an event; raises ValueError, naming the key, for what `verify` would not accept."""
    for name in FREE & body.keys():
        if not is_plain(body[name]):
            raise ValueError(f"{name} holds a float, a text that is not NFC, or a number beyond 53 bits")
    try:
        data = canonical(body)
    except TypeError as wrong:
        raise ValueError(f"an event of kind {body.get('kind')} holds a value that has no canonical form") from wrong
    if not data.isascii() and not unicodedata.is_normalized("NFC", data.decode()):
        raise ValueError(f"an event of kind {body.get('kind')} holds a text that is not NFC")
    return data


class Mould:
    """The bytes of events that say the same but for whose they are, where and when; made once, filled in for each.

    What it gives is, byte for byte, what `written` gives for the whole body. Raises ValueError as that does.
    """

    FILLED: Final = ("case", "occurred_at", "position", "prev", "recorded_at", "sequence")
    """What differs from event to event, in the order of the bytes."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        written({name: value for name, value in body.items() if name not in self.FILLED})
        parts = []
        for name in sorted({*body, *self.FILLED}):
            value = b'"%b"' if name == "prev" else b"%b" if name in self.FILLED else None
            parts.append(canonical(name) + b":" + (value or canonical(body[name]).replace(b"%", b"%%%%")))
        self._text = b"{" + b",".join(parts) + b"}"

    def at(self, occurred_at: int, recorded_at: int) -> bytes:
        """The bytes of events of one moment; the operator % fills in case, position, the leaf before, and sequence.

        The leaf hash of the event before in the case is written in hexadecimal.
        """
        return self._text % (b"%d", b"%d" % occurred_at, b"%d", b"%b", b"%d" % recorded_at, b"%d")


def parse(body: bytes) -> Event:
    """The event that these bytes hold; raises ValueError when they are no event of a known schema."""
    return Event(**shaped(record_of(body)))


def record_of(body: bytes) -> dict[str, Any]:
    """The keys of an event and what stands under each; raises ValueError when they are not those of a known schema."""
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict) or record.get("schema") != SCHEMA or not _are_keys(tuple(record)):
        raise ValueError("not an event of a known schema")
    return record


@lru_cache(maxsize=1_000)
def _are_keys(names: tuple[str, ...]) -> bool:
    """Whether an event may have these keys, and has all it needs; the same few sets come again and again."""
    return NEEDED <= set(names) <= KNOWN


def shaped(record: dict[str, Any]) -> dict[str, Any]:
    """A record with its lists and tables as an Event has them; raises ValueError where they are none."""
    names = SHAPED & record.keys()
    if not names:
        return record
    record = record.copy()
    for name in names:
        value = record[name]
        if type(value) is not (dict if name in MAPPINGS else list):
            raise ValueError("not an event of a known schema")
        if name == "closes":
            record[name] = _pairs(value)
        elif name in TUPLES:
            record[name] = tuple(value)
    return record


def _pairs(closes: Iterable[Any]) -> tuple[tuple[int, str], ...]:
    try:
        return tuple((int(position), str(duty)) for position, duty in closes)
    except (ValueError, TypeError) as wrong:
        raise ValueError("not an event of a known schema") from wrong


def is_canonical(body: bytes) -> bool:
    """Whether the bytes are what `canonical` gives for their own meaning: no floats, no second spelling."""
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(record, dict) and is_written_so(record, body)


def is_written_so(record: dict[str, Any], body: bytes) -> bool:
    """Whether the bytes, read already, are the canonical form of what they say."""
    kinds = set(map(type, record.values()))
    if type(None) in kinds:
        return False
    try:
        if body.isascii():  # which is NFC, and `canonical` refuses a huge number
            return not (kinds - FLAT and _holds_float(record.values())) and canonical(record) == body
        return is_plain(record) and canonical(record) == body
    except (TypeError, RecursionError):  # nested deeper than any event
        return False


def _holds_float(values: Collection[Any]) -> bool:
    """Whether there is a float among some values, or in their lists and tables."""
    if FLAT.issuperset(map(type, values)):
        return False
    for value in values:
        kind = type(value)
        if kind is float:
            return True
        if (kind is list and _holds_float(value)) or (kind is dict and _holds_float(value.values())):
            return True
    return False


def is_plain(value: object) -> bool:
    """Whether a value has a canonical form: NFC texts, whole numbers within 53 bits, booleans, lists and tables."""
    if isinstance(value, str):
        return value.isascii() or unicodedata.is_normalized("NFC", value)
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= LARGEST
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    if isinstance(value, Mapping):
        return all(isinstance(k, str) and is_plain(k) and is_plain(v) for k, v in value.items())
    return value is None
