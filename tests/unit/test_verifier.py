"""The verifier of a pack by itself: published vectors, and notes and proofs that are not as they should be."""

import pytest

from workflow import verifier
from workflow.seal import leaf_hash, root_of
from workflow.seal.proof import inclusion_plan, make

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
"""RFC 8032 (2017), 7.1: public key, message, signature."""

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_signatures_of_rfc_8032_are_right_and_no_other(public, message, signature):
    key, data, signed = bytes.fromhex(public), bytes.fromhex(message), bytes.fromhex(signature)
    assert verifier.is_signed(key, signed, data)
    assert not verifier.is_signed(key, signed, data + b"x")
    for place in range(64):
        assert not verifier.is_signed(key, signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :], data)
    assert not verifier.is_signed(key, signed[:63], data)


def test_a_signature_in_its_second_spelling_is_none():
    """S and S + L would both fit the equation; only the smaller one is a signature (RFC 8032, 5.1.7)."""
    key, data, signed = (bytes.fromhex(one) for one in RFC_8032[0])
    twice = int.from_bytes(signed[32:], "little") + verifier.ORDER
    assert not verifier.is_signed(key, signed[:32] + twice.to_bytes(32, "little"), data)


@pytest.mark.parametrize("raw", [b"\xff" * 32, (2).to_bytes(32, "little"), (verifier.P + 1).to_bytes(32, "little")])
def test_bytes_that_are_no_point_are_no_key(raw):
    assert verifier.point(raw) is None
    assert not verifier.is_signed(raw, b"\0" * 64, b"")


def test_a_key_is_read_only_as_it_is_written():
    """The example key of C2SP signed-note (2023)."""
    name, named, public = verifier.key_of(EXAMPLE_KEY)
    assert (name, named.hex(), len(public)) == ("example.com/foo", "530d903a", 32)
    for wrong in (
        "",
        "example.com/foo",
        EXAMPLE_KEY[:-1] + "l",
        EXAMPLE_KEY.replace("530d", "530e"),
        EXAMPLE_KEY + "=",
    ):
        with pytest.raises(verifier.Refused):
            verifier.key_of(wrong)


def test_proofs_show_the_place_and_no_other():
    leaves = [leaf_hash(bytes([n])) for n in range(13)]
    for size in range(1, 14):
        root = root_of(leaves[:size])
        for index in range(size):
            (proof,) = make(leaves[:size], [inclusion_plan(index, size)])
            verifier.check_inclusion(index, size, leaves[index], proof, root)
            for other in (
                (index + 1, size, leaves[index], proof, root),
                (index, size, leaves[index - 1] if size > 1 else b"\0" * 32, proof, root),
                (index, size, leaves[index], [*proof, root], root),
                (index, size, leaves[index], [*proof[:-1], b"\0" * 31], root),
            ):
                with pytest.raises(verifier.Refused):
                    verifier.check_inclusion(*other)
            if proof:
                with pytest.raises(verifier.Refused):
                    verifier.check_inclusion(index, size, leaves[index], proof[:-1], root)
