"""Rows are printed while they come, and look as if they had come together."""

from __future__ import annotations

import pytest

from cli.options import Form
from cli.render import Counted, show, show_each

ROWS = [{"no": n, "what": f"=line {n}\x1b", "more": {"a": [n, "x\ny"]}} for n in range(1, 6)]


@pytest.mark.parametrize("form", [Form.json, Form.ndjson, Form.csv])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_rows_that_come_one_by_one_are_printed_as_all_at_once(capsys, monkeypatch, form, count):
    monkeypatch.setattr("cli.render.PAGE", 2)
    show(ROWS[:count], form, columns=["no", "what", "more"])
    whole = capsys.readouterr().out
    assert show_each(iter(ROWS[:count]), form, columns=["no", "what", "more"]) == count
    assert capsys.readouterr().out == whole


def test_a_long_table_is_laid_out_page_by_page(capsys, monkeypatch):
    monkeypatch.setattr("cli.render.PAGE", 2)
    assert show_each(iter(ROWS), Form.table, columns=["no", "what"]) == 5
    told = capsys.readouterr().out
    assert told.count("no   what") == 3
    assert "\x1b" not in told


@pytest.mark.parametrize("form", [Form.json, Form.ndjson, Form.csv])
def test_the_first_page_is_printed_before_the_last_row_is_read(capsys, monkeypatch, form):
    monkeypatch.setattr("cli.render.PAGE", 1)
    printed = []

    def rows():
        for row in ROWS:
            printed.append("line 1" in capsys.readouterr().out)
            yield row

    show_each(rows(), form)
    assert any(printed)


def test_what_was_shown_is_counted_when_the_reader_goes_away():
    seen = Counted(iter(ROWS))
    for _ in seen:
        break
    assert (seen.begun, seen.number) == (True, 1)
    assert not Counted(iter(())).begun
