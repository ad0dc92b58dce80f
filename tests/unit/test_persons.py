"""Names that only look different are one person's; names that differ are two."""

from __future__ import annotations

import unicodedata

import pytest

from cli.people import may
from states.persons import fits, told_apart

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
    *(ZOE.replace("'", sign) for sign in "\u2019\u2018\u02bc\u00b4`\u2032\uff07"),
    *(ZOE.replace("-", sign) for sign in "\u2010\u2011\u2012\u2013\u2212\uff0d"),
]
IGNORED = [
    0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010),
    *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0,
    *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000),
]  # fmt: skip
"""Default_Ignorable_Code_Point (Unicode 15.0, 2022)."""

BLANKS = [0x2800, 0x1D159, 0x16FE4, 0x13441, 0x13442, 0xFFFC]
"""Others that show nothing."""


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


@pytest.mark.parametrize("signs", [IGNORED, BLANKS])
def test_what_shows_nothing_makes_nobody_another_and_stands_in_no_name(signs):
    for code in signs:
        name = f"Ann{chr(code)} Example"
        assert (told_apart(name), fits(name)) == ("ann example", False), hex(code)


@pytest.mark.parametrize(
    "name",
    [ZOE, "Ann Example", "J. Smith", "O\u2019Neill", "Jean\u2010Luc", "j_smith2", "\u0930\u093e\u092e", "X\u0301"],
)
def test_a_name_consists_of_letters_and_what_stands_between_them(name):
    assert fits(name)


@pytest.mark.parametrize(
    "name", ["", "42", "Ann\t", "\u0301Ann", "Ann \u0301", "Ann (away)", "a@b", "Ann \u00a9", "A\u2028n"]
)
def test_what_is_no_name_is_none(name):
    assert not fits(name)


def test_sharp_s_and_ligatures_fold_to_what_they_stand_for():
    assert told_apart("Wei\u00df") == told_apart("WEISS")
    assert told_apart("\ufb01nn") == told_apart("Finn")
