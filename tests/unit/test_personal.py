"""What tells of a person is found in a text and masked; numbers of other kinds stay."""

import pytest

from states.learner.personal import found, masked, unrepeated


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, "a ULN") for text in (
            "1000102504", "Bo Example 1000102504", "(1000102504)", "1000 102 504", "10001-02504", "ULN-1000102504",
            "uln1000102504", "\uff11\uff10\uff10\uff10\uff11\uff10\uff12\uff15\uff10\uff14",
            "\u0661\u0660\u0660\u0660\u0661\u0660\u0662\u0665\u0660\u0664",
        )),
        *((text, "an e-mail address") for text in ("a.b@example.org", "to <a@b.co.uk>")),
        *((text, "a postcode") for text in ("EC1A 1BB", "of ec1a  1bb.", "EC1A\u00a01BB", "BFPO 12")),
        *((text, "") for text in (
            "", "1000102508", "9999999999", "11000102504", "WG-1000102504", "WG1000102504", "R1@8605-21", "a@b",
            "NF-1 2AB", "L3 2nd year", "ZZ99 9ZZ", "mail of 2026-11-27 10:30",
        )),
    ],
)  # fmt: skip
def test_what_tells_of_a_person_is_found(text, kind):
    assert found(text) == kind


def test_masking_leaves_the_rest():
    said = masked("no 1000102504, no a@example.org, no EC1A 1BB; 1000102508, WG-1000102504, f1000102504a, ZZ99 9ZZ")
    assert said == (
        "no (a number, not repeated here), no (an e-mail address, not repeated here), "
        "no (a postcode, not repeated here); 1000102508, WG-1000102504, f1000102504a, ZZ99 9ZZ"
    )


@pytest.mark.parametrize("typed", ["1000102508", "100 010 2508", "x10001025041"])
def test_of_what_names_nothing_no_long_number_is_repeated(typed):
    assert "not repeated" in unrepeated(typed)
    assert "102" not in unrepeated(typed)
