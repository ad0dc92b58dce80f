"""The pages say what the code says."""

from hashlib import sha256

import pytest

from tests.house.pages import DOCS, PAGES, route
from workflow.diagram import text
from workflow.pack import verifier_bytes


@pytest.mark.parametrize("name", PAGES)
def test_a_page_equals_what_the_code_says(name):
    """Write it anew with: python -m tests.house.pages."""
    assert (DOCS / name).read_text("utf-8") == PAGES[name]()


def test_the_page_about_packs_names_the_verifier_as_it_is():
    """With this digest a copy of it can be compared before it is trusted."""
    assert sha256(verifier_bytes()).hexdigest() in (DOCS / "pack.md").read_text("utf-8")


def test_the_picture_in_the_readme_is_the_route():
    readme = (DOCS.parent / "README.md").read_text("utf-8")
    picture = text(route()).split("\n\n")[0].rstrip()
    assert picture in readme
