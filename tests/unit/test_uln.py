"""The Unique Learner Number: its shape and its check digit."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.learner import uln

VECTORS = Path(__file__).parent.parent / "data" / "uln_vectors.csv"


def vectors():
    with VECTORS.open(encoding="utf-8", newline="") as source:
        return [(row["value"], row["expected"] == "valid") for row in csv.DictReader(source)]


@pytest.mark.parametrize(("value", "valid"), vectors())
def test_every_published_value_is_judged_as_listed(value, valid):
    assert (uln.fault(value) is None) is valid
    assert uln.judge(value)[0] is valid


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "empty"),
        ("1000102504", None),
        ("1000102508", "check_digit"),
        ("1000000000", None),
        ("1000000063", "no_such_number"),
        ("9999999999", "placeholder"),
        ("0123456789", "leading_zero"),
        ("123456789", "not_ten_digits"),
        ("10001 2504", "not_ten_digits"),
        ("1000102504 ", "not_ten_digits"),
        ("1000102504\n", "not_ten_digits"),
        ("1_000102504", "not_ten_digits"),
        ("1.000102504E+09", "not_ten_digits"),
        ("١٠٠٠١٠٢٥٠٤", "not_ten_digits"),
        ("１０００１０２５０４", "not_ten_digits"),
    ],
)
def test_each_fault_has_its_own_code(value, code):
    assert uln.fault(value) == code


def test_the_screen_is_told_which_digit_the_last_one_would_be():
    valid, reason = uln.judge("1000102508")
    assert not valid
    assert "would be 4" in reason
    assert "1000102508" not in reason


def test_outer_blanks_are_ignored_and_that_is_said():
    assert uln.judge(" 1000102504 ") == (True, "The ULN is valid. Blanks around the ULN were ignored.")


@pytest.mark.parametrize("cell", [1000102504, 1000102504.0])
def test_a_whole_number_of_a_spreadsheet_is_taken_with_a_note(cell):
    text, note = uln.number_from_cell(cell)
    assert text == "1000102504"
    assert note


@pytest.mark.parametrize("cell", [True, 1000102504.5, 1e300, float("nan"), float("inf"), -1000102504.0, object()])
def test_any_other_cell_is_refused(cell):
    assert uln.fault(uln.number_from_cell(cell)[0]) == "not_ten_digits"


@given(st.integers(min_value=100_000_000, max_value=999_999_999).map(str))
def test_one_digit_at_most_completes_nine_others(nine):
    """Weights 10 to 1 on all ten digits leave remainder 10 (lrs.md, section 2)."""
    fits = [
        d for d in range(10) if sum(int(c) * w for c, w in zip(f"{nine}{d}", range(10, 0, -1), strict=True)) % 11 == 10
    ]
    expected = uln.expected_check_digit(nine)
    assert fits == ([] if expected is None else [expected])


@given(st.integers(min_value=1_000_000_000, max_value=9_999_999_998).map(str), st.integers(0, 9), st.integers(1, 9))
def test_a_change_of_one_digit_never_goes_unseen(number, place, step):
    digit = uln.expected_check_digit(number[:9])
    if digit is None:
        return
    good = f"{number[:9]}{digit}"
    if good == uln.PLACEHOLDER:
        return
    bad = good[:place] + str((int(good[place]) + step) % 10) + good[place + 1 :]
    assert uln.fault(good) is None
    assert uln.fault(bad) is not None


@given(st.text())
def test_any_text_is_judged_without_an_error(text):
    valid, reason = uln.judge(text)
    assert reason
    assert valid is (uln.fault(text.strip(" \u00a0")) is None)
