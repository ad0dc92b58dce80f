"""Words that are typed."""

import pytest

from cli.typed import holds_password


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("postgresql://ann:s3cret@host/x", True), ("postgresql://ann@host/x?password=s3cret", True),
        ("postgresql://ann@host/x?passfile=/p", True), ("postgresql://ann@host:5432/x", False),
        ("postgresql://host:5432/x", False), ("postgresql:///x?host=/run", False), ("", False),
    ],
)  # fmt: skip
def test_a_password_is_seen_wherever_an_address_may_hold_one(address, holds):
    assert holds_password(address) is holds
