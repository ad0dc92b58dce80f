"""The stored bytes are the truth: one spelling for every event, and any edit shows in the leaf."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.event import SCHEMA, Event, Mould, canonical, is_canonical, leaf_hash, parse, written

WHOLE: dict[str, Any] = {
    "schema": SCHEMA, "position": 7, "origin": "o", "kind": "moved", "occurred_at": 1, "recorded_at": 2,
    "actor": "Ada", "command": "c", "command_id": "x", "product": "p 1", "case": 3, "sequence": 2, "prev": "ab",
    "trigger": "lend", "source": "requested", "target": "lent", "route": "loan", "route_version": 1,
    "route_hash": "h", "rules": "r", "held": ["L0.1"],
    "said": [{"rule": "L1.2", "held": True, "code": "c", "message": "m"}], "dispatch": 4, "row": 5,
    "settles": "answered", "reason": "why", "evidence": {"digest": "d"}, "facts": {"torn": True},
    "opens": ["send_letter"], "closes": [[1, "block_card"]], "commitments": {"uln": "mac"},
    "on_behalf_of": "Bo", "approver": "Cy", "voids": 6, "run": 8,
}  # fmt: skip
BODY = canonical(WHOLE)
NAMED = {
    "schema version": "schema", "log origin": "origin", "position": "position", "case": "case",
    "sequence": "sequence", "prev": "prev", "occurred_at": "occurred_at", "recorded_at": "recorded_at",
    "actor": "actor", "command": "command", "product version": "product", "kind": "kind", "trigger": "trigger",
    "source": "source", "target": "target", "route version": "route_version", "rule-set version": "rules",
    "verdicts held": "held", "verdicts said": "said", "dispatch": "dispatch", "row": "row", "reason code": "reason",
    "commitments": "commitments", "command id": "command_id", "on-behalf-of": "on_behalf_of",
    "approver": "approver", "position it voids": "voids", "bulk run": "run", "route hash": "route_hash",
}  # fmt: skip
"""What the log promises to say -> its place in an event."""
TEXT = st.text(st.characters(exclude_categories=("Cs",))).map(lambda text: unicodedata.normalize("NFC", text))
PLAIN = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def test_everything_the_log_promises_to_say_has_a_place() -> None:
    assert set(NAMED.values()) <= {field.name for field in fields(Event)}


def test_an_event_has_every_field_of_this_file_and_no_other() -> None:
    assert {field.name for field in fields(Event)} == set(WHOLE)


def test_canonical_bytes_have_sorted_keys_and_no_blanks() -> None:
    assert canonical({"b": [1, True, None], "a": "ż"}) == '{"a":"ż","b":[1,true,null]}'.encode()


def test_the_leaf_is_sha256_over_a_zero_byte_and_the_body() -> None:
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert leaf_hash(b"") == hashlib.sha256(b"\x00").digest()


def test_parsing_gives_back_every_field() -> None:
    event = parse(BODY)
    assert canonical({key: value for key, value in asdict(event).items() if value is not None}) == BODY
    assert event.closes == ((1, "block_card"),)


@given(st.dictionaries(TEXT, PLAIN, max_size=4), TEXT)
def test_whatever_plain_facts_an_event_holds_its_bytes_are_canonical(facts: dict[str, Any], reason: str) -> None:
    body = written({**WHOLE, "facts": facts, "reason": reason})
    assert is_canonical(body)
    assert parse(body).facts == facts


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_any_edited_byte_changes_the_leaf(place: int, change: int) -> None:
    edited = bytearray(BODY)
    edited[place] ^= change
    assert leaf_hash(bytes(edited)) != leaf_hash(BODY)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":9007199254740992}',
        b'{"a":99999999999999999999999}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        '{"a":"Zoe\u0308"}'.encode(),
        '{"Zoe\u0308":1}'.encode(),
        b'{"a":"\\u00e9"}',
        b'{"a":1} ',
        b' {"a":1}',
        b'{"a": 1}',
        b'{"a":null}',
        b'{"a":"\xff"}',
        b"[1]",
        b"",
        b'{"a":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"a":' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
)
def test_a_second_spelling_is_not_canonical(body: bytes) -> None:
    assert not is_canonical(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b'{"schema":1}', canonical({**WHOLE, "schema": 2}),
    canonical({**WHOLE, "colour": "red"}), canonical({**WHOLE, "held": 5}), canonical({**WHOLE, "facts": 7}),
    canonical({**WHOLE, "facts": [["subject", 1]]}), canonical({**WHOLE, "opens": "ab"}),
    canonical({**WHOLE, "closes": [1]}), canonical({**WHOLE, "closes": [[[], "x"]]}),
    canonical({**WHOLE, "closes": [[1, "x", 2]]})])  # fmt: skip
def test_bytes_that_are_no_event_are_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match="not an event of a known schema"):
        parse(body)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("facts", {"weight": 1.5}),
        ("facts", {"deep": [{"weight": 1.5}]}),
        ("evidence", {"size": 2**53}),
        ("evidence", {"name": "Zoe\u0308"}),
        ("evidence", {1: "a"}),
        ("commitments", {"uln": b"bytes"}),
        ("reason", "Zoe\u0308"),
        ("actor", "Zoe\u0308"),
        ("row", 2**53),
        ("case", 2**60),
    ],
)
def test_what_verify_would_not_accept_is_never_written(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"holds"):
        written({**WHOLE, key: value})


@given(st.dictionaries(st.sampled_from(["evidence", "facts", "reason", "actor", "run"]), PLAIN, max_size=5), st.data())
def test_a_mould_gives_byte_for_byte_what_is_written_by_itself(said: dict[str, Any], data: st.DataObject) -> None:
    """Bulk and single events are the same bytes."""
    numbers = st.integers(0, 2**53 - 1)
    case, occurred_at, position, recorded_at, sequence = (data.draw(numbers) for _ in range(5))
    prev = data.draw(st.binary(min_size=32, max_size=32))
    body = {"kind": "moved", "origin": "100% ours %d", **said}
    whole = {
        **body, "case": case, "occurred_at": occurred_at, "position": position, "prev": prev.hex(),
        "recorded_at": recorded_at, "sequence": sequence,
    }  # fmt: skip
    assert Mould({**body, "case": 9}).at(occurred_at, recorded_at) % (
        case,
        position,
        prev.hex().encode(),
        sequence,
    ) == written(whole)


@pytest.mark.parametrize(
    ("key", "value"), [("facts", {"weight": 1.5}), ("reason", "Zoe\u0308"), ("evidence", {"n": 2**53})]
)
def test_a_mould_refuses_what_is_never_written(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"holds|canonical"):
        Mould({"kind": "moved", key: value})
