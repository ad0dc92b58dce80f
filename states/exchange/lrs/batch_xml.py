"""Writes LRS files as XML, a learner at a time: UTF-8, the root alone in a namespace, elements in the schema's order.

Source: LRS schema of the 26 learner fields and web service descriptions; what is around the learners is in batch.toml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import BinaryIO

from lxml import etree

from states.exchange.lrs.layout import BatchLayout
from states.exchange.lrs.refusals import texts_of
from states.exchange.lrs.wrapper import Root
from states.ports import BatchLearner


def write_xml(
    learners: Sequence[BatchLearner], header: Mapping[str, str], target: BinaryIO, layout: BatchLayout
) -> None:
    """Write the learners of a batch that was judged before; `header` is what the file says of itself."""
    values = {name: text.format(**header) for name, text in layout.xml.written.items()}
    write_elements(target, layout, layout.xml.batch, values, (texts_of(learner, layout) for learner in learners))


def write_elements(
    target: BinaryIO,
    layout: BatchLayout,
    root: Root,
    values: Mapping[str, str],
    learners: Iterable[Mapping[str, str]],
) -> None:
    """Write a file: its root, the values before the learners, and each learner's values, named and ordered alike."""
    with etree.xmlfile(target, encoding="UTF-8") as out:
        out.write_declaration()
        with out.element(root.tag, nsmap={layout.xml.prefix: layout.xml.namespace}):
            out.write("\n")
            for name, text in values.items():
                item = etree.Element(name)
                item.text = text or None
                out.write(item)
                out.write("\n")
            pattern = None
            for texts in learners:
                pattern = _pattern(root.learner, texts) if pattern is None else pattern
                item = deepcopy(pattern)
                for place, text in enumerate(texts.values()):
                    if text:
                        item[place].text = text
                out.write(item)
                out.write("\n")


def _pattern(name: str, texts: Mapping[str, str]) -> etree._Element:
    """A learner without values: a copy is filled much faster than elements are made one by one."""
    pattern = etree.Element(name)
    for inner in texts:
        etree.SubElement(pattern, inner)
    return pattern
