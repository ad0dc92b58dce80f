"""Reads an LRS file in XML, a learner at a time: no DOCTYPE, no entity but the five of XML, nothing from elsewhere.

What was read is cleared, so that a large file takes no more memory than a small one. Elements are the layout's, in its
order; those without a value may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from lxml import etree

from states.errors import FileRefused
from states.exchange.files import FIELD_LIMIT
from states.exchange.gate import Gate
from states.exchange.lrs.layout import HEADER_VALUES, BatchLayout
from states.exchange.lrs.record import AGAIN, Flaw, Head, Record, Report, check_count, check_values
from states.exchange.lrs.wrapper import VerifyTable
from states.exchange.lrs.xml_gate import XmlGate

LAST_LINE: Final = 65_535
"""The last line an element is known to stand on; it is counted no further."""
MANY: Final = 4
"""Times the elements the layout knows that one learner may have before the file is refused."""
LEARNER: Final = 2
"""The depth of a learner, and of a value of the file."""
SHORT: Final = 100
"""Characters of a value that needs no second look."""


def read_xml_records(
    gate: Gate, layout: BatchLayout, verify: VerifyTable | None, head: Head, report: Report
) -> Iterator[Record]:
    """The learners of a batch, a reply, or an answer to verified ULNs; fills `head`.

    Reports elements that are not the layout's or not in its order, attributes, namespaces, and header values that
    cannot be right. Raises FileRefused for what is no XML, no LRS file, too large or too deep.
    """
    head.form = "xml"
    return _Reader(gate, layout, verify, head, report).records()


class _Reader:
    """One file on its way through the parser."""

    def __init__(self, gate: Gate, layout: BatchLayout, verify: VerifyTable | None, head: Head, report: Report) -> None:
        self._gate, self._layout, self._head, self._report = gate, layout, head, report
        self._verify, self._source = verify, XmlGate(gate)
        self._roots = {
            root.tag: root for root in (layout.xml.batch, layout.xml.reply, *(verify.roots if verify else ()))
        }
        self._allowed = {tag[1:].partition("}")[0] for tag in self._roots} | layout.xml.harmless
        self._values = {layout.header_name(value): value for value in HEADER_VALUES}
        self._root = layout.xml.batch
        self._names: Sequence[str] = ()
        self._places: Mapping[str, int] = {}
        self._header: dict[str, str] = {}
        self._header_lines: dict[str, int | None] = {}

    def records(self) -> Iterator[Record]:
        """The learners; whatever the parser complains of becomes FileRefused."""
        source = self._source
        parser = etree.iterparse(
            source, events=("start", "end", "start-ns"), resolve_entities=False, no_network=True, load_dtd=False,
            huge_tree=False, remove_comments=True, remove_pis=True, collect_ids=False,
        )  # fmt: skip
        try:
            yield from self._walk(parser)
        except etree.XMLSyntaxError as wrong:
            raise self._broken(wrong) from None
        self._finish()

    def _walk(self, parser: Any) -> Iterator[Record]:
        depth = elements = inside = 0
        limits = self._layout.limits
        for event, item in parser:
            if event == "start-ns":
                self._check_namespace(item[1])
            elif event == "start":
                depth, elements = depth + 1, elements + 1
                if depth > limits["depth"]:
                    raise self._refused(f"its elements are more than {limits['depth']} deep")
                if elements > limits["elements"]:
                    raise self._refused(f"it has more than {limits['elements']:,} elements")
                inside = inside + 1 if depth > LEARNER else 0
                if inside > MANY * (len(self._names) + MANY):
                    raise self._refused("one learner has far more elements than the LRS knows")
                if depth == 1:
                    self._begin(item)
            else:
                if depth == LEARNER:
                    record = self._end_of(item)
                    item.clear(keep_tail=True)
                    while item.getprevious() is not None:
                        del item.getparent()[0]
                    if record is not None:
                        yield record
                elif depth == 1 and len(item) and _stray(item[-1].tail):
                    self._flaw("text", "there is text between the elements", item)
                depth -= 1

    def _begin(self, item: Any) -> None:
        root = self._roots.get(item.tag)
        if root is None:
            names = {one.tag.partition("}")[2] for one in self._roots.values()}
            rule = "its root is no LRS batch, reply or answer to verified ULNs"
            if item.tag.partition("}")[2] in names or item.tag in names:
                rule = "its root has not the namespace of the LRS"
            raise self._refused(rule, _line(item))
        self._root, self._head.kind = root, root.kind
        layout = self._layout
        own = [column.name for column in layout.learner_columns]
        if root.kind == "reply":
            self._names = [*own, layout.return_code_heading]
        else:
            self._names = self._verify.fields if self._verify and root.kind == "verify" else own
        self._places = {name: place for place, name in enumerate(self._names)}
        self._check_attributes(item)

    def _end_of(self, item: Any) -> Record | None:
        """A value of the file, or a learner."""
        earlier = item.getprevious()
        if _stray(item.getparent().text if earlier is None else earlier.tail):
            self._flaw("text", "there is text between the elements", item)
        if item.tag == self._root.learner:
            if not self._head.rows:
                self._take_header()
            self._head.rows += 1
            return self._record(item)
        self._check_attributes(item)
        name = item.tag
        if name not in self._root.header and name not in self._root.also:
            self._flaw("element", "there is an element that is not the LRS's, or has a namespace", item)
        elif self._head.rows:
            self._flaw("order", "the element stands after a learner", item, name)
        elif name in self._header:
            self._flaw("twice", "the element stands twice", item, name)
        else:
            place = self._place(self._root.header, name)
            if place is not None and any((self._place(self._root.header, n) or 0) > place for n in self._header):
                self._flaw("order", "the element is not in its place", item, name)
            self._header[name] = self._text(item, name)
            self._header_lines[name] = _line(item)
        return None

    @staticmethod
    def _place(names: Sequence[str], name: str) -> int | None:
        return names.index(name) if name in names else None

    def _take_header(self) -> None:
        head, root = self._head, self._root
        head.values = {self._values[name]: text for name, text in self._header.items() if name in self._values}
        if root.response:
            head.response = self._header.get(root.response, "").strip()
        for name, kind in root.counts.items():
            text = self._header.get(name, "").strip()
            if text.isascii() and text.isdigit() and len(text) < len("1000000"):
                head.counts[kind] = int(text)
            elif text:
                self._report(Flaw("count", "the value is no number", AGAIN, name, self._header_lines[name]))
        line = next((self._header_lines[name] for name in self._header if name in self._values), None)
        check_values(head, self._layout, self._report, line)

    def _finish(self) -> None:
        if not self._head.rows:
            self._take_header()
        line = self._header_lines.get(self._layout.header_name("count"))
        check_count(self._head, self._layout, self._report, line)
        missing = [name for name in self._root.header if name not in self._header] if self._root.kind == "batch" else []
        for name in missing:
            self._report(Flaw("element", "the element is missing before the first learner", AGAIN, name))

    def _record(self, item: Any) -> Record:
        row, line = self._head.rows, _line(item)
        texts: dict[str, str] = {}
        linked: list[str] = []
        flags: list[str] = []
        merged, last = self._layout.merged, -1
        flag = self._verify.flag if self._verify else ""
        places = self._places
        self._check_attributes(item)
        if _stray(item.text):
            self._flaw("text", "there is text between the elements", item)
        for child in item:
            name, text = child.tag, child.text
            if child.attrib:
                self._check_attributes(child)
            if (tail := child.tail) and _stray(tail):
                self._flaw("text", "there is text between the elements", child)
            place = places.get(name)
            if place is None:
                if self._root.kind == "reply" and name == merged["linked"]:
                    linked += self._numbers(child)
                elif self._root.kind != "reply" or name != merged["substituted"]:
                    self._flaw("element", "there is an element that is not the LRS's, or has a namespace", child)
                continue
            if name == flag and self._root.kind == "verify":
                flags.append(text or "")
            elif name in texts:
                self._flaw("twice", "the element stands twice", child, name)
                continue
            if place < last:
                self._flaw("order", "the element is not in its place", child, name)
            else:
                last = place
            texts[name] = self._text(child, name) if text is None or len(text) > SHORT or len(child) else text
        return Record(row, line, texts, tuple(linked), tuple(flags))

    def _numbers(self, item: Any) -> list[str]:
        """Older numbers, each in an element of its own or as one text."""
        found = "".join(item.itertext()) if len(item) == 0 else " ".join(child.text or "" for child in item)
        return found.replace(",", " ").replace(";", " ").split()

    def _text(self, item: Any, name: str) -> str:
        if len(item):
            self._flaw("element", "the value holds elements", item, name)
        text = item.text or ""
        if len(text) > FIELD_LIMIT:
            raise self._refused(f"a value is longer than {FIELD_LIMIT:,} characters", _line(item))
        return text

    def _check_attributes(self, item: Any) -> None:
        for name in item.keys():  # noqa: SIM118 - an element is no mapping: without keys it gives its children
            if name[:1] != "{" or name[1:].partition("}")[0] not in self._layout.xml.harmless:
                self._flaw("attribute", "an element has an attribute, which the LRS's never have", item)
                return

    def _check_namespace(self, uri: str) -> None:
        if uri not in self._allowed:
            raise self._refused("it declares a namespace that is not the LRS's")

    def _flaw(self, rule: str, message: str, item: Any, column: str = "") -> None:
        row = self._head.rows or None
        self._report(
            Flaw(
                rule,
                message,
                "Elements, their order and namespaces must be the LRS's. " + AGAIN,
                column,
                _line(item),
                row,
            )
        )

    def _refused(self, rule: str, line: int | None = None) -> FileRefused:
        return FileRefused(
            self._gate.name, rule, "Give a file as the LRS lays it out, or download it again.", line=line
        )

    def _broken(self, wrong: etree.XMLSyntaxError) -> FileRefused:
        line = wrong.lineno or None
        if self._source.ended and line is not None:  # an entity nobody declared is told at the end, and of no line
            rule = "the XML ends too early"
        elif "depth" in (wrong.msg or ""):
            rule = f"its elements are more than {self._layout.limits['depth']} deep"
        else:
            rule = "it is not well-formed XML"
        return FileRefused(self._gate.name, rule, "Download the file again.", line=line)


def _line(item: Any) -> int | None:
    line: int | None = item.sourceline
    return line if line is not None and line < LAST_LINE else None


def _stray(text: str | None) -> bool:
    return bool(text and text.strip(" \t\r\n"))
