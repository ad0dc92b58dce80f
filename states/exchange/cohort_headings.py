"""Which column of a cohort sheet means what: by the table of headings, and by what a person said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz, process

from states.errors import FileRefused, NotPossible
from states.exchange.cells import Cell
from states.exchange.cohort_values import ROW_LABELS, word_key
from states.exchange.mappings import Mappings, key_of
from states.learner import checks
from states.learner.details import LABELS
from workflow.errors import DefinitionError

RESULT_HEADINGS: Final = ("Result", "How to fix")
LEAVE_OUT: Final = frozenset({"", "-"})

_SEARCHED_ROWS = 50
_NAMING = frozenset({"given_name", "family_name", "date_of_birth"})
_SHOWN_HEADINGS = 12
_LIKE = 75
"""How alike two headings are, of 100, for one to be suggested as the other."""

Rows = Sequence[tuple[int, list[Cell]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The row of headings: its place among the rows looked at, its number, and what its columns mean."""

    at: int
    row: int
    cells: Sequence[Cell]
    columns: Mapping[int, str]
    told: Mapping[str, str]
    left_out: tuple[str, ...]
    remembered: bool

    @property
    def key(self) -> str:
        """The name of this set of headings."""
        return _key(self.cells)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The headings that mean nothing here and were not left out either."""
        return tuple(
            heading(cell)
            for c, cell in enumerate(self.cells)
            if filled(cell)
            and c not in self.columns
            and heading(cell) not in RESULT_HEADINGS
            and heading(cell) not in self.left_out
        )


class Headings:
    """The headings that are understood, by field, and those a person explained before.

    Raises DefinitionError for a heading under two fields.
    """

    def __init__(self, known: Mapping[str, Sequence[str]], memory: Mappings | None) -> None:
        self._known, self._memory = known, memory
        pairs = [(word_key(alias), field, alias) for field, listed in known.items() for alias in listed]
        self._fields = {key: field for key, field, _ in pairs}
        self._aliases = {key: alias for key, _, alias in pairs}
        twice = [
            f"the heading {alias} stands under two fields" for key, fld, alias in pairs if self._fields[key] != fld
        ]
        if twice:
            raise DefinitionError("headings.toml", twice)

    def find(self, file: str, rows: Rows, *, row: int | None, said: Mapping[str, str], forget: bool) -> Header:
        """Find the row of headings, or take the one that was named; raises FileRefused and NotPossible.

        `said` is heading -> field, or empty to leave the column out. Titles may stand above the headings.
        """
        own = {word_key(heading(name)): self._field_named(field) for name, field in said.items()}
        if "" in own:
            raise NotPossible('--map takes "Heading=field", with a heading of the sheet')
        kept = {} if forget or self._memory is None else self._memory.all()
        looked_at = rows[:_SEARCHED_ROWS]
        if row is not None:
            looked_at = [(number, cells) for number, cells in rows if number == row]
            if not looked_at:
                raise FileRefused(file, f"it has no row {row} near its beginning", "Correct --header-row.")
        best, best_hits, meaning = -1, frozenset[str](), own
        for at, (_, cells) in enumerate(looked_at):
            before = kept.get(_key(cells), {}) if kept else {}
            fields = {**{word_key(name): field for name, field in before.items()}, **own}
            hits = frozenset(found for cell in cells if (found := self._field_of(cell, fields)))
            if len(hits) > len(best_hits):
                best, best_hits, meaning = at, hits, fields
        self._check_found(file, looked_at, best, best_hits, meaning)
        number, cells = looked_at[best]
        self._check_said(said, cells)
        known = kept.get(_key(cells), {})
        return self._header(file, rows.index((number, cells)), number, cells, meaning, remembered=bool(known))

    def likely(self, header: Header) -> dict[str, tuple[str, str]]:
        """What an unknown heading may mean: heading -> (field, the nearest heading that is understood)."""
        taken = set(header.columns.values())
        choices = {key: key for key, field in self._fields.items() if field not in taken}
        found = {}
        for name in header.unknown:
            nearest = process.extractOne(word_key(name), choices, scorer=fuzz.ratio, score_cutoff=_LIKE)
            if nearest is not None:
                found[name] = (self._fields[nearest[0]], self._aliases[nearest[0]])
        return found

    def remember(self, header: Header) -> bool:
        """Keep what a person said of these headings; whether that changed anything."""
        if self._memory is None or not (header.told or header.left_out):
            return False
        return self._memory.keep(header.key, {**header.told, **dict.fromkeys(header.left_out, "")})

    def forget(self, rows: Rows) -> bool:
        """Drop what was kept of the headings of a sheet, wherever they stand; whether there was anything."""
        if self._memory is None:
            return False
        known = self._memory.all().keys() & {_key(cells) for _, cells in rows[:_SEARCHED_ROWS]}
        for key in known:
            self._memory.forget(key)
        return bool(known)

    def _field_named(self, name: str) -> str:
        """The field a person means by a name: the field's own, its label, or a heading that is understood."""
        if name.strip() in LEAVE_OUT:
            return ""
        key = word_key(name)
        labels = {word_key(label_of(field)): field for field in self._known}
        found = {word_key(field): field for field in self._known}.get(key) or labels.get(key) or self._fields.get(key)
        if not found:
            raise NotPossible(f"--map knows no such field; the fields are {', '.join(self._known)}, or - to leave out")
        return found

    def _field_of(self, cell: Cell, told: Mapping[str, str]) -> str:
        key = word_key(heading(cell)) if filled(cell) else ""
        if key in told:
            return told[key]
        return self._fields.get(key, "") if isinstance(cell, str) else ""

    def _check_found(self, file: str, rows: Rows, best: int, hits: frozenset[str], told: Mapping[str, str]) -> None:
        understood = "; ".join(f"{label_of(field)}: {', '.join(self._known[field][:4])}" for field in self._known)
        if len(hits & _NAMING) < len(_NAMING) - 1:
            # only understood headings are named: in a sheet without headings the rest is people
            found = ", ".join(sorted(label_of(field) for field in hits)) or "none"
            rule = f"no row of headings was found (understood in the likeliest row: {found})"
            fix = (
                "Put headings above the table, or say what they mean with --map and where they are with --header-row. "
                f"Understood among others are {understood}."
            )
            raise FileRefused(file, rule, fix)
        line, cells = rows[best]
        plain = {self._field_of(cell, {}) for cell in cells}
        if len(plain & _NAMING) < len(_NAMING) - 1 and any(map(_is_value, cells)):
            rule = "the row that was taken for headings holds dates, postcodes or addresses"
            raise FileRefused(file, rule, "Put a row of headings above the first learner.", line=line)
        if "reference" not in hits:
            unknown = [heading(c) for c in cells if filled(c) and not self._field_of(c, told)][:_SHOWN_HEADINGS]
            rule = "there is no column with the learner reference"
            if unknown:
                rule += f" (not understood: {', '.join(unknown)})"
            fix = (
                "Add the centre's own key of each learner under the heading Learner reference, or name its column with "
                '--map "Heading=reference"; understood too: ' + ", ".join(self._known["reference"][1:8]) + "."
            )
            raise FileRefused(file, rule, fix, line=line)

    def _check_said(self, said: Mapping[str, str], cells: Sequence[Cell]) -> None:
        there = {word_key(heading(cell)) for cell in cells if filled(cell)}
        for name in said:
            if word_key(heading(name)) not in there:
                shown = ", ".join(heading(cell) for cell in cells if filled(cell))
                raise NotPossible(f"--map: no column is headed {heading(name)}; the sheet has: {shown}")

    def _header(
        self, file: str, at: int, row: int, cells: Sequence[Cell], told: Mapping[str, str], *, remembered: bool
    ) -> Header:
        """The meaning of each column; two columns for one field are refused unless a person said which."""
        columns: dict[int, str] = {}
        first: dict[str, str] = {}
        said = {c: key for c, cell in enumerate(cells) if filled(cell) and (key := word_key(heading(cell))) in told}
        claimed = {told[key] for key in said.values()}
        for c, cell in enumerate(cells):
            field = self._field_of(cell, told)
            if not field or (c not in said and field in claimed):
                continue
            if field in first:
                rule = f"two columns are understood as {label_of(field)}: {first[field]} and {heading(cell)}"
                fix = 'Rename or remove one of them, or leave one out with --map "Heading=-".'
                raise FileRefused(file, rule, fix, line=row)
            first[field] = heading(cell)
            columns[c] = field
        return Header(
            at=at,
            row=row,
            cells=cells,
            columns=columns,
            told={heading(cells[c]): told[key] for c, key in said.items() if told[key]},
            left_out=tuple(heading(cells[c]) for c, key in said.items() if not told[key]),
            remembered=remembered,
        )


def filled(cell: Cell) -> bool:
    """Whether a cell holds anything but blanks."""
    return cell is not None and not (isinstance(cell, str) and not cell.strip())


def heading(cell: Cell) -> str:
    """A heading as written, blanks and control characters made single spaces, 60 characters at most."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(cell)).split())[:60]


def _is_value(cell: Cell) -> bool:
    """Whether a cell holds what stands below headings: a number, a day, a postcode, an address."""
    if not isinstance(cell, str):
        return cell is not None
    text = checks.clean_name(cell)
    return "@" in text or checks.postcode_fault(text) is None or checks.read_date(text, True)[0] is not None


def label_of(field: str) -> str:
    """The words a person reads for a field."""
    return LABELS.get(field) or ROW_LABELS[field]


def _key(cells: Iterable[Cell]) -> str:
    own = {word_key(name) for name in RESULT_HEADINGS}
    return key_of({word_key(str(cell)) for cell in cells if filled(cell)} - own)
