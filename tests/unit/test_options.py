"""What is typed as evidence goes into the log for good."""

import pytest
import typer

from cli.options import is_label, is_number, names_nobody


@pytest.mark.parametrize(
    "text", ["", "WG-12345", "mail of 3 May 2026", "case 2026/77", "1000102508", "letter 12", "WG-1000102504"]
)
def test_a_reference_is_taken(text):
    assert names_nobody(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a@example.org",
        "ULN 1000102504",
        "1000 102 504",
        "ULN:1000102504;",
        "lives in EC1A 1BB",
        "EC1A 1BB",
        "x" * 81,
        "line\nbreak",
        "\x1b[31m",
    ],
)
def test_what_tells_of_a_person_is_refused_without_repeating_it(text):
    with pytest.raises(typer.BadParameter) as refused:
        names_nobody(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("text", ["", "WG-1000102504", "1000102508", "12345678901", "OR/2026.7_1"])
def test_a_number_of_the_awarding_organisation_is_taken(text):
    assert is_number(text) == text


@pytest.mark.parametrize("text", ["1000102504", "ULN-1000102504", "100-010-2504"])
def test_a_number_that_looks_like_a_uln_is_refused_with_the_way_to_write_another(text):
    with pytest.raises(typer.BadParameter, match="with letters before it, such as WG-") as refused:
        is_number(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize("text", ["NF-1", "8605-21", "ILM L3 2nd year", "\u00c9t\u00e9 2026"])
def test_the_name_of_a_cohort_is_taken(text):
    assert is_label(text) == text


@pytest.mark.parametrize("text", ["1000102504", "Ann a@example.org", "EC1A 1BB", "x" * 129, "a\tb"])
def test_a_cohort_is_named_by_nothing_of_a_person(text):
    with pytest.raises(typer.BadParameter):
        is_label(text)
