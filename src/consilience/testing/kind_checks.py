"""What every kind of column has to keep, as plain functions: for our own tests and for the author of a plugin."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from consilience.data.kinds import Cells, Evidence, Kind, Parsed, Profile
from consilience.testing._same import same, same_cells
from consilience.testing._verdict import run_checks

__all__ = [
    "check_changes",
    "check_keys",
    "check_kind",
    "check_nothing_there",
    "check_order",
    "check_parse",
    "check_sniff",
    "check_thumbnails",
]

HOSTILE = ('<script>alert("x")</script>', "<img src=x onerror=alert(1)>", "\"'><svg/onload=alert(1)>", "a & b < c")
HARMLESS = frozenset({"img", "span", "b", "i", "em", "small", "br", "div", "svg", "path", "rect", "circle", "line", "g", "audio", "video"})


def check_kind(kind: Kind, column: pl.Series, base: Path | None = None, known: Mapping[str, str] | None = None) -> None:
    """Runs every check on a kind.

    Args:
        kind: The kind.
        column: Cells of this kind as read, some of them null, some of them different.
        base: Folder from which relative paths in the cells start.
        known: Name of a check to the reason why it may fail.
    """
    checks: dict[str, Callable[[], None]] = {
        "sniff": partial(check_sniff, kind, column, base),
        "parse": partial(check_parse, kind, column, base),
        "nothing_there": partial(check_nothing_there, kind),
        "order": partial(check_order, kind, column, base),
        "keys": partial(check_keys, kind, column, base),
        "thumbnails": partial(check_thumbnails, kind, column, base),
        "changes": partial(check_changes, kind, column, base),
    }
    run_checks(f"The kind {type(kind).__name__}", checks, known)


def check_sniff(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """Evidence from 0 to 1 with a reason for any column, also for one without rows or cells; the kind's own column is more likely than not."""
    own = _evidence(kind, column, base)
    assert own.score > 0.5, f"The kind gives its own column a score of {own.score} ({own.reason})."
    for other in (*_empty_columns(), pl.Series("x", [1, 2, 3]), pl.Series("x", [True, None]), pl.Series("x", ["a b", "c"]), pl.Series("x", [b"\0"])):
        _evidence(kind, other, None)


def check_parse(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """A value and a presence for every cell; a null is absent; a problem is said of absent cells only; nothing is changed; twice the same."""
    before = column.clone()
    parsed = kind.parse(column, base)
    _check_parsed(parsed, len(column))
    assert parsed.present.any(), "No cell of the kind's own column is present."
    assert not parsed.present[column.is_null().to_numpy()].any(), "A null cell is present."
    assert column.equals(before), "The column was changed in place."
    assert _alike(kind, parsed, kind.parse(column, base)), "Parsing twice gives two things."


def check_nothing_there(kind: Kind) -> None:
    """A column in which all is missing, or without rows, is parsed, and nothing in it is present or a problem."""
    for column in _empty_columns():
        parsed = kind.parse(column)
        _check_parsed(parsed, len(column))
        assert not parsed.present.any(), f"Something is present in an empty column of type {column.dtype}."
        assert not parsed.problems, f"An empty column of type {column.dtype} has problems: {parsed.problems}."


def check_order(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """Rows in another order give the same cells in that order: what is decided for the whole column does not depend on which row came first."""
    parsed = kind.parse(column, base)
    for order in (np.arange(len(column))[::-1], np.random.default_rng(0).permutation(len(column))):
        turned = kind.parse(column[order.tolist()], base)
        wanted = Parsed(parsed.values[order], parsed.present[order])
        assert _alike(kind, turned, wanted), "Another order of the rows gives other cells."
        problems = {int(order[row]): text for row, text in turned.problems.items()}
        assert problems == parsed.problems, "Another order of the rows gives other problems."


def check_keys(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """Equal content has an equal key, different content a different one; reading changes nothing and gives the same twice."""
    parsed, again = kind.parse(column, base), kind.parse(column, base)
    rows = np.flatnonzero(parsed.present).tolist()
    keys = {row: kind.key(parsed.values[row]) for row in rows}
    assert all(isinstance(key, bytes) for key in keys.values()), "A key is not bytes."
    assert all(keys[row] == kind.key(again.values[row]) for row in rows), "The same cell, parsed again, has another key."
    cells = {row: kind.read(parsed.values[row]) for row in rows}
    assert all(_equal(cells[row], kind.read(again.values[row])) for row in rows), "The same cell, read again, is another."
    for place, first in enumerate(rows):
        for second in rows[place + 1 :]:
            if keys[first] == keys[second]:
                assert _equal(cells[first], cells[second]), f"Rows {first} and {second} have one key and different content."
            elif not kind.media:  # two files can hold the same picture in different bytes
                assert not _equal(cells[first], cells[second]), f"Rows {first} and {second} have the same content and two keys."
    assert len(set(keys.values())) > 1, "All cells have the same key; give a column with different cells."
    assert same_cells(Cells("x", kind, parsed.values, parsed.present), Cells("x", kind, again.values, again.present)), "Reading changed a value."


def check_thumbnails(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """HTML that runs nothing and fetches nothing, whatever the cell says; a text's own marks are escaped."""
    parsed = kind.parse(column, base)
    for value in parsed.values[parsed.present]:
        _check_html(kind.thumbnail(value))
    hostile = kind.parse(pl.Series("x", HOSTILE))
    values = list(hostile.values[hostile.present])
    if kind.media:
        values += [Path(f"/nowhere/{text}") for text in HOSTILE]
        values += [text.encode() for text in HOSTILE]
    for value in values:
        html = kind.thumbnail(value)
        _check_html(html)
        assert "<script" not in html.lower(), f"A cell's own marks are not escaped: {html}"


def check_changes(kind: Kind, column: pl.Series, base: Path | None = None) -> None:
    """Corruptions and augmentations keep the type (corruptions also the shape), follow their generator, and change nothing in place.

    Severity 0 is the identity; severity 5 changes some cell.
    """
    parsed = kind.parse(column, base)
    cells = [kind.read(value) for value in parsed.values[parsed.present][:6]]
    for name, corrupt in kind.corruptions.items():
        for cell in cells:
            assert _equal(corrupt(cell, 0, np.random.default_rng(0)), cell), f"{name} at severity 0 changes a cell."
            for severity in range(1, 6):
                made = _change(name, partial(_severe, corrupt, severity), cell)
                assert getattr(made, "shape", None) == getattr(cell, "shape", None), f"{name} changes a cell's shape."
        worst = [corrupt(cell, 5, np.random.default_rng(1)) for cell in cells]
        assert any(not _equal(one, two) for one, two in zip(cells, worst, strict=True)), f"{name} at severity 5 changes nothing."
    for name, augment in kind.augmentations.items():
        for cell in cells:
            _change(name, augment, cell)


def _severe(corrupt: Callable[[Any, int, np.random.Generator], Any], severity: int, cell: Any, draw: np.random.Generator) -> Any:
    return corrupt(cell, severity, draw)


def _change(name: str, change: Callable[[Any, np.random.Generator], Any], cell: Any) -> Any:
    """What a change makes of a cell, after seeing that it is seeded, keeps the type and leaves the cell as it is."""
    before = copy.deepcopy(cell)
    made = change(cell, np.random.default_rng(7))
    assert _equal(cell, before), f"{name} changes the cell in place."
    assert _equal(made, change(cell, np.random.default_rng(7))), f"{name} gives two things for one seed."
    assert type(made) is type(cell), f"{name} makes a {type(made).__name__} of a {type(cell).__name__}."
    assert getattr(made, "dtype", None) == getattr(cell, "dtype", None), f"{name} changes the type of the numbers."
    return made


def _evidence(kind: Kind, column: pl.Series, base: Path | None) -> Evidence:
    before = column.clone()
    evidence = kind.sniff(Profile("x", column, base))
    assert 0 <= evidence.score <= 1, f"A score of {evidence.score} is not within 0 and 1 (type {column.dtype})."
    assert evidence.reason.strip(), f"A score of {evidence.score} has no reason (type {column.dtype})."
    assert column.equals(before), "The column was changed in place."
    return evidence


def _check_parsed(parsed: Parsed, length: int) -> None:
    assert len(parsed.values) == len(parsed.present) == length, f"{len(parsed.values)} values and {len(parsed.present)} flags for {length} cells."
    assert parsed.present.dtype == bool, f"The presence is {parsed.present.dtype}, not bool."
    assert parsed.values.dtype in (np.float64, object), f"The values are {parsed.values.dtype}, not float64 or objects."
    stale = [row for row in parsed.problems if parsed.present[row]]
    assert not stale, f"Row {stale[:1]} has a problem and is present."
    assert all(text.strip() for text in parsed.problems.values()), "A problem has no words."
    for value, there in zip(parsed.values.tolist(), parsed.present.tolist(), strict=True):
        nothing = value is None or (isinstance(value, float) and math.isnan(value))
        assert nothing != there, f"The value {value!r} stands in a cell that is {'present' if there else 'absent'}."


def _empty_columns() -> list[pl.Series]:
    return [pl.Series("x", [None] * 3, dtype=dtype) for dtype in (pl.String, pl.Null, pl.Float64)] + [pl.Series("x", [], dtype=pl.String)]


def _alike(kind: Kind, first: Parsed, second: Parsed) -> bool:
    return same_cells(Cells("x", kind, first.values, first.present), Cells("x", kind, second.values, second.present))


def _equal(first: Any, second: Any) -> bool:
    return same(first, second) if isinstance(first, np.ndarray) else type(first) is type(second) and bool(first == second)


def _check_html(html: str) -> None:
    assert isinstance(html, str), f"A thumbnail is a {type(html).__name__}, not text."
    _Page(html)


class _Page(HTMLParser):
    """Fails on anything that could run or fetch."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS, f"A thumbnail holds the tag <{tag}>."
        for name, value in attrs:
            assert not name.startswith("on"), f"A thumbnail holds the attribute {name}."
            assert name not in ("src", "href") or (value or "").startswith("data:"), f"A thumbnail fetches {value!r}."
            assert "javascript:" not in (value or "").lower(), f"A thumbnail runs {value!r}."
