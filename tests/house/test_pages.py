"""The pages say what the code says."""

from hashlib import sha256

import pytest

from states.exchange.gate import held
from states.exchange.lrs.plug import LrsFiles
from states.exchange.lrs.reply import read_reply
from tests.house import lrs_reply
from tests.house.pages import DOCS, PAGES, route
from workflow.diagram import text
from workflow.pack import verifier_bytes


@pytest.mark.parametrize("name", PAGES)
def test_a_page_equals_what_the_code_says(name):
    """Write it anew with: python -m tests.house.pages."""
    assert (DOCS / name).read_text("utf-8") == PAGES[name]()


def test_the_reply_on_the_page_about_files_is_one_that_can_be_received():
    lrs = LrsFiles(batch=lrs_reply.BATCH, return_codes=lrs_reply.CODES, verify=lrs_reply.read("verify.toml"))
    with held(lrs_reply.example().encode(), "reply.csv") as gate:
        reply = read_reply(gate, lrs._layout, lrs._codes, lrs._verify)
    (answer,) = reply.rows
    assert (reply.ukprn, reply.batch_reference) == ("99990001", "LRB_99990001_010920260900")
    assert (answer.reference, answer.uln, answer.outcome) == ("NF-0001", "1000102504", "success")
    assert answer.echo.family_name == "Example"


def test_the_page_about_packs_names_the_verifier_as_it_is():
    """With this digest a copy of it can be compared before it is trusted."""
    assert sha256(verifier_bytes()).hexdigest() in (DOCS / "pack.md").read_text("utf-8")


def test_the_picture_in_the_readme_is_the_route():
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    picture = text(route()).split("\n\n")[0].rstrip()
    assert picture in readme
