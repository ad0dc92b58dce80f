"""What is typed as evidence goes into the log for good."""

import pytest
import typer

from cli.options import names_nobody


@pytest.mark.parametrize("text", ["", "WG-12345", "mail of 3 May 2026", "case 2026/77", "1000102508", "letter 12"])
def test_a_reference_is_taken(text):
    assert names_nobody(text) == text


@pytest.mark.parametrize(
    "text", ["a@example.org", "ULN 1000102504", "lives in EC1A 1BB", "EC1A 1BB", "x" * 81, "line\nbreak", "\x1b[31m"]
)
def test_what_tells_of_a_person_is_refused_without_repeating_it(text):
    with pytest.raises(typer.BadParameter) as refused:
        names_nobody(text)
    assert text not in str(refused.value)
