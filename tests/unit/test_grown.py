"""The tree over a log as it is read: the same in this process, in a second one, and where the second one fails."""

from __future__ import annotations

import subprocess
import sys
from array import array
from hashlib import sha256

import pytest

from workflow.seal import grown as module
from workflow.seal.grown import NO_LEAF, Grown, growing
from workflow.seal.tree import EMPTY_ROOT, root_of

LEAVES = [sha256(str(n).encode()).digest() for n in range(10_000)]
SIZES = [0, 1, 2, 5, 4_095, 4_096, 4_097, 8_191, 9_999, 10_000, 10_001, 7]


@pytest.fixture
def beside(monkeypatch):
    """However short the log and however small the machine."""
    monkeypatch.setattr(module, "LONG", 0)
    monkeypatch.setattr(module, "_processors", lambda: 2)


def roots(leaves=LEAVES, sizes=SIZES, again=None, step=64):
    with growing(sizes, len(leaves), again or pytest.fail) as them:
        for at in range(0, len(leaves), step):
            them.take(leaves[at : at + step])
        return type(them), them.end()


def check(found, leaves=LEAVES):
    assert (found.size, found.root) == (len(leaves), root_of(leaves))
    for size in SIZES:
        assert found.at(size) == (root_of(leaves[:size]) if 0 < size <= len(leaves) else None)
    assert found.at(6) is None


@pytest.mark.parametrize("step", [1, 64, 5_000])
def test_a_tree_says_its_roots_at_the_sizes_asked_for(step):
    kind, found = roots(step=step)
    assert kind is Grown
    check(found)


def test_a_second_process_says_the_same(beside):
    kind, found = roots()
    assert kind is module.Beside
    check(found)


def test_an_empty_log_has_the_empty_root(beside):
    assert roots([], [])[1].root == EMPTY_ROOT
    assert Grown(array("q")).end().root == EMPTY_ROOT


def test_what_is_no_hash_is_a_leaf_that_fits_nothing(beside):
    odd = [*LEAVES[:5], "text", b"short", None, 7, *LEAVES[5:9]]
    put = [leaf if leaf in LEAVES else NO_LEAF for leaf in odd]
    assert roots(odd, [6])[1] == roots(put, [6])[1]


@pytest.mark.parametrize("program", ["import sys; sys.exit(1)", "import sys; sys.stdin.buffer.read(200_000)",
                                     "import sys; sys.stdin.buffer.read(); print('x' * 32)", "import no_such_thing"])  # fmt: skip
def test_a_second_process_that_fails_costs_a_second_reading_and_nothing_else(beside, monkeypatch, program):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    monkeypatch.setattr(module, "_started", lambda: subprocess.Popen([sys.executable, "-c", program], **pipes))
    check(roots(again=lambda: iter(LEAVES))[1])


@pytest.mark.parametrize("where", ["", "/no/such/python"])
def test_where_no_second_process_can_be_started_there_is_none(beside, monkeypatch, where):
    monkeypatch.setattr(sys, "executable", where)
    kind, found = roots()
    assert kind is Grown
    check(found)


def test_a_second_process_ends_with_the_first_use_of_it(beside):
    with growing([], 1, pytest.fail) as them:
        them.take(LEAVES[:10])
        process = them._process
    assert process.returncode is not None
