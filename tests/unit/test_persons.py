"""Names that only look different are one person's; names that differ are two."""

from __future__ import annotations

import unicodedata

import pytest

from cli.people import may
from states.persons import told_apart

ZOE = "Zo\u00eb O'Brien-\u0141\u0119cki"
SAME = [
    ZOE.upper(),
    ZOE.lower(),
    f"  {ZOE.replace(' ', '   ')}\t",
    unicodedata.normalize("NFD", ZOE),
    ZOE.replace("Z", "\uff3a").replace("B", "\uff22"),
    ZOE.replace(" ", "\u00a0"),
    ZOE.replace(" ", "\u3000"),
    ZOE.replace("B", "\u200bB"),
    ZOE.replace("B", "B\u034f"),
    ZOE.replace("B", "B\ufe0f"),
    ZOE.replace("B", "\U0001d401"),
]


@pytest.mark.parametrize("name", SAME)
def test_names_that_only_look_different_are_one(name):
    assert told_apart(name) == told_apart(ZOE)
    assert may({name: ["operator"]}, ZOE, "work")


@pytest.mark.parametrize(
    ("one", "other"), [("Ann Example", "Anne Example"), ("Zoe", "Zo\u00eb"), ("Ann", "\u0410nn"), ("Al Bo", "Albo")]
)
def test_names_that_differ_are_two(one, other):
    assert told_apart(one) != told_apart(other)
    assert not may({one: ["operator"]}, other, "work")


def test_sharp_s_and_ligatures_fold_to_what_they_stand_for():
    assert told_apart("Wei\u00df") == told_apart("WEISS")
    assert told_apart("\ufb01nn") == told_apart("Finn")
