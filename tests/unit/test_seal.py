"""The tree, its proofs, notes and checkpoints: published vectors, and everything that is not quite right refused."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from workflow.seal import (
    EMPTY_ROOT,
    Frontier,
    ProofRefused,
    checkpoint,
    leaf_hash,
    node_hash,
    note,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from workflow.seal.note import COSIGNED, Key, NoteRefused
from workflow.seal.proof import consistency_plan, inclusion_plan, make

# Leaves and roots of Certificate Transparency, as Trillian and transparency-dev/merkle publish them.
LEAVES = [
    leaf_hash(bytes.fromhex(text))
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
MANY = [leaf_hash(b"%d" % n) for n in range(300)]
ROOT_AT = [root_of(MANY[:n]) for n in range(301)]


def test_the_published_hashes():
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    assert leaf_hash(b"") != EMPTY_ROOT
    assert [root_of(LEAVES[:n]) for n in range(9)] == ROOTS


@pytest.mark.parametrize(
    ("plan", "size", "expected"),
    [
        (inclusion_plan(5, 8), 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                                   "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", ROOTS[4].hex()]),
        (inclusion_plan(2, 3), 3, [ROOTS[2].hex()]),
        (consistency_plan(6, 8), 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                                     "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", ROOTS[4].hex()]),
        (consistency_plan(1, 8), 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                                     "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                                     "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"]),
    ],
)  # fmt: skip
def test_the_published_proofs(plan, size, expected):
    assert [hash_.hex() for hash_ in make(LEAVES[:size], [plan])[0]] == expected


def reference_root(leaves):
    """The definition of RFC 6962, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(reference_root(leaves[:k]), reference_root(leaves[k:]))


def test_a_tree_that_grows_is_the_tree_of_the_definition():
    tree = Frontier()
    for n in range(301):
        assert tree.root() == ROOT_AT[n] == reference_root(MANY[:n])
        assert Frontier(tree.size, tree.peaks).root() == tree.root()
        tree.extend(MANY[n : n + 1])


SIZES = [*range(1, 34), 63, 64, 65, 100, 127, 128, 129, 200, 255, 256, 257, 299, 300]


@pytest.mark.parametrize("size", SIZES)
def test_every_inclusion_is_proved_and_nothing_else_is(size):
    dice = random.Random(size)  # noqa: S311 - which to try
    proofs = make(MANY[:size], [inclusion_plan(i, size) for i in range(size)])
    for index, proof in enumerate(proofs):
        verify_inclusion(index, size, MANY[index], proof, ROOT_AT[size])
    for index in {0, size - 1, *(dice.randrange(size) for _ in range(6))}:
        proof, leaf, root = proofs[index], MANY[index], ROOT_AT[size]
        for other in range(size):
            if other != index:
                refused(verify_inclusion, other, size, leaf, proof, root)
        for wrong in (size - 1, size + 1, size * 2, 0):
            if wrong != size and len(inclusion_plan(index, wrong) if index < wrong else []) != len(proof):
                refused(verify_inclusion, index, wrong, leaf, proof, root)
        refused(verify_inclusion, index, size, flipped(leaf, dice), proof, root)
        refused(verify_inclusion, index, size, leaf, proof, flipped(root, dice))
        for place in range(len(proof)):
            changed = [*proof[:place], flipped(proof[place], dice), *proof[place + 1 :]]
            refused(verify_inclusion, index, size, leaf, changed, root)
            refused(verify_inclusion, index, size, leaf, proof[:place] + proof[place + 1 :], root)
        for longer in ([*proof, root], [leaf, *proof], [*proof, *proof] or [leaf]):
            refused(verify_inclusion, index, size, leaf, longer, root)


@pytest.mark.parametrize("second", SIZES)
def test_every_beginning_is_proved_and_nothing_else_is(second):
    dice = random.Random(second)  # noqa: S311 - which to try
    proofs = dict(enumerate(make(MANY[:second], [consistency_plan(m, second) for m in range(1, second + 1)]), 1))
    for first, proof in proofs.items():
        verify_consistency(first, second, ROOT_AT[first], ROOT_AT[second], proof)
    for first in {1, second, *(dice.randrange(1, second + 1) for _ in range(6))}:
        proof, old, new = proofs[first], ROOT_AT[first], ROOT_AT[second]
        for other in range(second + 2):
            if other != first:
                refused(verify_consistency, other, second, old, new, proof)
        refused(verify_consistency, first, second, flipped(old, dice), new, proof)
        refused(verify_consistency, first, second, old, flipped(new, dice), proof)
        for place in range(len(proof)):
            changed = [*proof[:place], flipped(proof[place], dice), *proof[place + 1 :]]
            refused(verify_consistency, first, second, old, new, changed)
            refused(verify_consistency, first, second, old, new, proof[:place] + proof[place + 1 :])
        for longer in ([*proof, new], [old, *proof]):
            refused(verify_consistency, first, second, old, new, longer)


def refused(check, *arguments):
    with pytest.raises(ProofRefused):
        check(*arguments)


def flipped(value, dice):
    place = dice.randrange(256)
    return bytes(byte ^ (1 << place % 8 if n == place // 8 else 0) for n, byte in enumerate(value))


@pytest.mark.parametrize(
    "arguments",
    [
        (0, 0, MANY[0], [], EMPTY_ROOT), (-1, 1, MANY[0], [], MANY[0]), (True, 2, MANY[0], [MANY[1]], ROOT_AT[2]),
        (0.0, 1, MANY[0], [], MANY[0]), (0, 1, MANY[0][:31], [], MANY[0][:31]), (0, 2**63, MANY[0], [], MANY[0]),
        (0, 2, MANY[0], [MANY[1][:31]], ROOT_AT[2]), (0, 2, MANY[0], MANY[1], ROOT_AT[2]),
        (0, 2, MANY[0], [MANY[1]] * 1_000_000, ROOT_AT[2]), (0, 2, MANY[0], [MANY[1].hex()], ROOT_AT[2]),
        (0, 2, ROOT_AT[2], [], ROOT_AT[2]), (0, 1, ROOT_AT[2], [], MANY[0]),
    ],
)  # fmt: skip
def test_what_is_no_proof_at_all_is_refused(arguments):
    refused(verify_inclusion, *arguments)


def test_the_smallest_trees():
    verify_inclusion(0, 1, MANY[0], [], MANY[0])
    verify_consistency(0, 0, EMPTY_ROOT, EMPTY_ROOT, [])
    verify_consistency(3, 3, ROOT_AT[3], ROOT_AT[3], [])
    refused(verify_consistency, 0, 3, EMPTY_ROOT, ROOT_AT[3], [])
    refused(verify_consistency, 3, 3, ROOT_AT[3], ROOT_AT[4], [])
    with pytest.raises(ValueError, match="fewer leaves"):
        make(MANY[:3], [inclusion_plan(0, 9)])


def test_an_inner_node_does_not_pass_for_a_leaf():
    inner, sibling = root_of(MANY[:2]), root_of(MANY[2:4])
    refused(verify_inclusion, 0, 4, inner, [sibling], ROOT_AT[4])
    verify_inclusion(0, 2, inner, [sibling], ROOT_AT[4])  # of a tree of two it is: the size comes from the checkpoint


# --- notes ------------------------------------------------------------------------------------------------------------

EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n"
    "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()
"""Key and note of the specification (C2SP signed-note)."""

SECRET = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = SECRET.public_key().public_bytes_raw()
OURS = Key("ulnflow/99990001/test", PUBLIC)
WITNESS = Key("witness.example", PUBLIC, COSIGNED)


def sealed(size=3, origin="ulnflow/99990001/test"):
    told = checkpoint.Checkpoint(origin, size, ROOT_AT[size])
    return checkpoint.Sealed(told, note.Note(told.text, (note.sign(told.text, OURS, SECRET),)))


def test_the_example_of_the_specification():
    key = Key.parse(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    read = note.parse(EXAMPLE)
    assert str(read).encode() == EXAMPLE
    assert note.verified(read, [key]) == {key: 0}


def test_a_checkpoint_is_trusted_by_its_signature_and_a_witness_adds_when():
    made = sealed()
    both = made.with_signature(note.cosign(made.note.text, WITNESS, SECRET, 1_790_000_000))
    told, by = checkpoint.trusted(str(both).encode(), OURS.name, [OURS, WITNESS])
    assert (told.size, told.root, by) == (3, ROOT_AT[3], {OURS: 0, WITNESS: 1_790_000_000})
    assert checkpoint.trusted(str(both).encode(), OURS.name, [WITNESS])[1] == {WITNESS: 1_790_000_000}
    again = both.with_signature(note.cosign(made.note.text, WITNESS, SECRET, 1_790_000_001))
    assert len(again.note.signatures) == 2


def test_every_changed_byte_of_a_checkpoint_is_refused():
    data = str(sealed()).encode()
    for place in range(len(data)):
        for bit in (1, 32):
            changed = bytearray(data)
            changed[place] ^= bit
            with pytest.raises(NoteRefused):
                checkpoint.trusted(bytes(changed), OURS.name, [OURS])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("\n3\n", "\n03\n"), lambda text: text.replace("\n3\n", "\n-3\n"),
        lambda text: text.replace("\n3\n", "\n3\nmore\n"), lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"), lambda text: text + "\n", lambda text: "",
        lambda text: text.partition("\n\n")[0] + "\n", lambda text: text.partition("\n\n")[0] + "\n\n",
        lambda text: text + text.rpartition("\n\n")[2], lambda text: text + "\u2014 x AAAAAAAA\n" * 16,
        lambda text: text.replace("\u2014 ", "- "), lambda text: text.replace("\u2014 ulnflow", "\u2014 ulnfl+w"),
        lambda text: text.replace("/test ", "/tess "), lambda text: "x" * 2_000_000,
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(spoil):
    with pytest.raises(NoteRefused):
        checkpoint.trusted(spoil(str(sealed())).encode(), OURS.name, [OURS])


def test_a_checkpoint_of_another_log_by_another_key_or_with_a_stolen_name_is_refused():
    for data, keys in (
        (str(sealed(origin="ulnflow/99990001/other")).encode(), [OURS]),
        (str(sealed()).encode(), [Key("another", PUBLIC)]),
        (str(sealed()).encode(), [Key(OURS.name, PUBLIC, COSIGNED)]),
        (str(sealed()).encode(), []),
    ):
        with pytest.raises(NoteRefused):
            checkpoint.trusted(data, OURS.name, keys)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a+b", "a+00000000+AAAA", EXAMPLE_KEY[:-1], EXAMPLE_KEY + "=", EXAMPLE_KEY.replace("530d", "530e"),
     EXAMPLE_KEY.replace("foo", "fop"), " " + EXAMPLE_KEY, "+".join(("", *EXAMPLE_KEY.split("+")[1:]))],
)  # fmt: skip
def test_what_is_no_key_is_refused(text):
    with pytest.raises(NoteRefused):
        Key.parse(text)
