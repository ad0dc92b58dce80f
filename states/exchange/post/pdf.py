"""Letters as PDF, a page each; needs reportlab, which the extra `letters` brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Flowable, PageBreak, SimpleDocTemplate, Spacer, Table
from reportlab.platypus import Paragraph as Flowing

from states.errors import FileRefused
from states.exchange.post.templates import Letter

FONTS: Final = Path(reportlab.__file__).parent / "fonts"
PLAIN, BOLD = "Vera", "VeraBd"
"""Bitstream Vera, which reportlab brings; it has the letters of Western Europe."""

TEXT: Final = ParagraphStyle("text", fontName=PLAIN, fontSize=11, leading=16, spaceAfter=8)
HEADING: Final = ParagraphStyle("heading", parent=TEXT, fontName=BOLD, fontSize=15, leading=20, spaceAfter=12)
APART: Final = ParagraphStyle("apart", parent=TEXT, fontSize=18, leading=24, spaceBefore=10, spaceAfter=18)
RIGHT: Final = ParagraphStyle("right", parent=TEXT, alignment=2)
MARGIN: Final = 25 * mm


def write_letters(letters: Sequence[Letter], centre: str, day: str, target: BinaryIO) -> None:
    """Write letters as one PDF, A4; raises FileRefused, naming the letter, for characters its font does not have."""
    fonts = [TTFont(name, str(FONTS / f"{name}.ttf")) for name in (PLAIN, BOLD)]
    known = set.intersection(*(set(font.face.charToGlyph) for font in fonts))
    for font in fonts:
        pdfmetrics.registerFont(font)
    story: list[Flowable] = []
    for letter in letters:
        texts = (centre, letter.reference, letter.subject, *(p.text for p in letter.paragraphs))
        if any(ord(c) not in known for text in texts for c in text if not c.isspace()):
            rule = f"the letter to {letter.reference} has a character the PDF's font cannot show"
            raise FileRefused("letters.pdf", rule, "Write HTML instead: --letters html.")
        if story:
            story.append(PageBreak())
        story += _page(letter, centre, day)
    document = SimpleDocTemplate(
        target, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title="Letters to learners", author="", invariant=1,
    )  # fmt: skip
    document.build(story)


def _page(letter: Letter, centre: str, day: str) -> list[Flowable]:
    head = [[_flowing(centre, TEXT), _flowing(f"{day}\nOur reference: {letter.reference}", RIGHT)]]
    return [
        Table(head, colWidths=["50%", "50%"]),
        Spacer(0, 15 * mm),
        _flowing(letter.subject, HEADING),
        *(_flowing(p.text, APART if p.apart else TEXT) for p in letter.paragraphs),
    ]


def _flowing(text: str, style: ParagraphStyle) -> Flowing:
    return Flowing(escape(text).replace("\n", "<br/>"), style)
