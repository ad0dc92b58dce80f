"""A field as a person types it."""

from datetime import date

import pytest

from states.learner.entry import EntryRefused, field_named, read_entry

KNOWN = ("1", "2", "999")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("postcode", "ec1a1bb", "EC1A 1BB"),
        ("given_name", "  Zoe\u0308 ", "Zoë"),
        ("date_of_birth", "7/4/1988", date(1988, 4, 7)),
        ("gender", "F", "2"),
        ("ability_to_share", "yes", "1"),
        ("id_type", "2", "2"),
        ("existing_uln", "9999999999", ""),
        ("funded", "no", False),
        ("planned_end", "2027-03-01", date(2027, 3, 1)),
        ("email", "", ""),
        ("date_of_birth", "", None),
    ],
)
def test_a_value_is_read_as_it_is_meant(name, text, value):
    assert read_entry(name, text, day_first=True, id_types=KNOWN) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("postcode", "M1 1AC"), ("given_name", "=1+1"), ("date_of_birth", "31/02/1999"), ("gender", "x"),
        ("ability_to_share", "5"), ("id_type", "88"), ("existing_uln", "1000102508"), ("funded", "perhaps"),
        ("email", "nobody"), ("id_description", "x" * 256), ("cohort", "a\x1bb"),
    ],
)  # fmt: skip
def test_what_cannot_be_right_is_refused_by_field_and_without_the_value(name, text):
    with pytest.raises(EntryRefused) as refused:
        read_entry(name, text, day_first=True, id_types=KNOWN)
    assert text not in str(refused.value)


def test_a_field_goes_by_its_name_or_its_label():
    assert field_named("Date of birth") == field_named("date-of-birth") == "date_of_birth"
    with pytest.raises(EntryRefused):
        field_named("shoe size")
