"""Commands in words for people, addressed to learners: a reference stands where REFERENCE stood."""

from __future__ import annotations

import re
import shlex
from typing import Final

PLACE: Final = re.compile(r"(?<!--evidence)(?<!--reference) REFERENCE\b")
"""Where a learner is named; after these two options REFERENCE is the number of a letter or a ticket."""
NAMED: Final = 5
"""Of more learners than so many a person has to say whom they mean."""


def addressed(words: str, *references: str) -> str:
    """The words with the references, as a shell takes them, in the commands; unchanged for nobody, and for many."""
    if not 0 < len(references) <= NAMED or not all(references) or "REFERENCE" not in words:
        return words
    who = " ".join(map(shlex.quote, references))
    return PLACE.sub(lambda _: f" {who}", words)
