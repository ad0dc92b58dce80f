"""The names people work under: how it is told that two of them mean the same person."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

UNSEEN: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters and marks that show nothing (Default_Ignorable_Code_Point, Unicode 15.0, 2022) and are no formats."""


@lru_cache(maxsize=1_000)
def told_apart(name: str) -> str:
    """A name as it is compared with others: equal for names that only look different.

    Case, width and composition of letters (NFKC), blanks, and what shows nothing make no difference. Letters of other
    alphabets that look alike do.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    seen = "".join(" " if c.isspace() else c for c in UNSEEN.sub("", folded) if c.isspace() or c.isprintable())
    return " ".join(seen.split())
