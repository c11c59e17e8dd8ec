"""Every kind keeps the contract of kinds, and the checks can fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.data.kinds import KINDS, Evidence, Kind, Parsed, Profile
from consilience.testing import check_kind, fake_column


@pytest.mark.parametrize("key", KINDS.keys())
def test_kind(key: str) -> None:
    check_kind(KINDS.get(key)(), fake_column(key))


def test_pictures_in_files(tmp_path: Path) -> None:
    column = fake_column("image", rows=10, folder=tmp_path)
    check_kind(KINDS.get("image")(), column, tmp_path)
    names = pl.Series("x", [cell and Path(cell).name for cell in column])
    check_kind(KINDS.get("image")(), names, tmp_path)


@pytest.mark.parametrize(
    ("key", "cells"),
    [
        ("number", [*(f"1.{place},5 kg" for place in range(234, 254)), "7 kg", None, "n/a", "12,5", "x", "inf"]),
        ("number", [1, None, 3]),
        ("category", ["Y", "no", "TRUE", " ", "1", "off", None]),
        ("date", ["03/04/2018", "25/04/2018", "soon", None, "2018-04-25", "2 Jan 1970"]),
        ("set", ["a|b", "b", None, "c| a", "a|b|c", "", "c|b"]),
        ("set", ['["a", "b"]', "[]", None, '["b"]', '["a"]']),
        ("text", ["a sentence of several words", None, "", "NA", "a second one, which is longer", "中文句子"] * 2),
    ],
)
def test_columns_as_they_come(key: str, cells: list[Any]) -> None:
    check_kind(KINDS.get(key)(), pl.Series("x", cells))


def test_codes_that_went_through_floats() -> None:
    known = {"sniff": "Few whole numbers are more likely amounts; a person has to say that they are codes."}
    check_kind(KINDS.get("category")(), pl.Series("x", ["3.0", "3", "4", None, "3.0", "4", "3"] * 3), known=known)


class Letters(Kind):
    """A kind that is right; subclasses break one promise each."""

    corruptions = {"shout": lambda cell, severity, draw: cell.upper() if severity else cell}

    def sniff(self, profile: Profile) -> Evidence:
        return Evidence(0.9, "letters")

    def parse(self, column: pl.Series, base: Path | None = None) -> Parsed:
        cells = column.cast(pl.String, strict=False).to_list() if column.dtype != pl.Binary else [None] * len(column)
        values = np.empty(len(cells), dtype=object)
        values[:] = cells
        return Parsed(values, np.array([cell is not None for cell in cells], dtype=bool))

    def thumbnail(self, value: Any) -> str:
        import html

        return html.escape(value)


COLUMN = pl.Series("x", ["b", "a", None, "c", "a"])


def broken(**changes: Any) -> Kind:
    return type("Broken", (Letters,), changes)()


def first_is_missing(self: Any, column: pl.Series, base: Path | None = None) -> Parsed:
    parsed = Letters.parse(self, column)
    parsed.present[:1], parsed.values[:1] = False, None
    return parsed


def problem_everywhere(self: Any, column: pl.Series, base: Path | None = None) -> Parsed:
    return Parsed(Letters.parse(self, column).values, Letters.parse(self, column).present, {1: "odd"})


def stays_there(self: Any, column: pl.Series, base: Path | None = None) -> Parsed:
    parsed = Letters.parse(self, column)
    parsed.values[~parsed.present] = "nothing"
    return parsed


def test_a_right_kind_passes() -> None:
    check_kind(Letters(), COLUMN)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sniff": lambda self, profile: Evidence(1.5, "x")}, "not within 0 and 1"),
        ({"sniff": lambda self, profile: Evidence(0.9, "")}, "no reason"),
        ({"sniff": lambda self, profile: Evidence(0.1, "x")}, "own column"),
        ({"parse": first_is_missing}, "Another order"),
        ({"parse": problem_everywhere}, "has a problem and is present"),
        ({"parse": stays_there}, "stands in a cell that is absent"),
        ({"key": lambda self, value: b"same"}, "one key and different content"),
        ({"key": lambda self, value: str(id(object())).encode() + np.random.default_rng().bytes(4)}, "another key"),
        ({"thumbnail": lambda self, value: value}, "<script>"),
        ({"thumbnail": lambda self, value: f"<a href='http://x'>{len(value)}</a>"}, "<a>"),
        ({"thumbnail": lambda self, value: "<img src='http://x/y.png'>"}, "fetches"),
        ({"thumbnail": lambda self, value: "<span onclick='x()'>a</span>"}, "onclick"),
        ({"corruptions": {"odd": lambda cell, severity, draw: cell[::-1] + "!"}}, "severity 0"),
        ({"corruptions": {"odd": lambda cell, severity, draw: cell}}, "severity 5 changes nothing"),
        ({"corruptions": {"odd": lambda cell, severity, draw: cell + str(np.random.default_rng().random()) if severity else cell}}, "two things"),
        ({"corruptions": {"odd": lambda cell, severity, draw: list(cell) if severity else cell}}, "makes a list of a str"),
    ],
)
def test_the_checks_can_fail(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check_kind(broken(**changes), COLUMN)
