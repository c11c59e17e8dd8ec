"""The page of an explained row: everything drawn, nothing fetched, nothing that the data could break."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.data.kinds._film import Film
from consilience.data.kinds._graph import Graph
from consilience.data.kinds._signal import Signal
from consilience.data.kinds._sound import Sound
from consilience.data.kinds._volume import Volume
from consilience.data.table import read_table
from consilience.judge.explain import ExplainedCell, Explanation, Piece, explain_row
from consilience.judge.explain._anatomies import ANATOMIES
from consilience.pipeline.fitted import Pipeline
from consilience.report import write_explanation
from consilience.report._words import CATALOGUES
from consilience.report.explanation import render_explanation

from .conftest import mixed_frame

dice = np.random.default_rng(0)
DECODED: dict[str, Any] = {
    "audio": Sound(dice.normal(0, 0.1, 8000).astype(np.float32)),
    "video": Film(dice.integers(0, 256, (6, 16, 16, 3), dtype=np.uint8), np.arange(6, dtype=np.float32), 6.0),
    "volume": Volume(dice.normal(size=(6, 9, 9)).astype(np.float32)),
    "series": Signal(dice.normal(size=(40, 2)).astype(np.float32)),
    "points": dice.normal(size=(60, 3)).astype(np.float32),
    "graph": Graph(5, np.array([[0, 1], [1, 2], [3, 4]]), np.array(["<b>", "N", "C", "C", ""], dtype=object)),
    "text": '<script>alert(1)</script> & "quotes" {{ 7 * 7 }}',
}


class Balanced(HTMLParser):
    """Raises where a tag is closed that is not open."""

    EMPTY = frozenset({"meta", "img", "br", "input", "link", "hr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(page: str) -> list[str]:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "http" not in page.replace("http-equiv", "")
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower()
    return parser.seen


def cell_of(kind: str) -> ExplainedCell:
    anatomy = ANATOMIES[kind](DECODED[kind], np.random.default_rng(0))
    groups = anatomy.divide(np.arange(anatomy.atoms), 6)
    pieces = [Piece(anatomy.place(group)[0], float(2 - number), 0.1, anatomy.place(group)[1], group) for number, group in enumerate(groups)]
    return ExplainedCell(kind, kind, False, anatomy.unit, anatomy.filled, 1.0, tuple(pieces), False, 64, anatomy=anatomy)


@pytest.fixture(scope="module")
def found(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    frame = mixed_frame(tmp_path_factory.mktemp("page"), 12, 4).drop_nulls()
    return explain_row(pipeline, read_table(frame), 0, evaluations=40, nearest=3)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_of_a_real_row(pipeline: Pipeline, found: Explanation, language: str) -> None:
    seen = checked(render_explanation(pipeline, found, language=language))
    assert seen.count("mark") >= 1
    assert seen.count("article") == 3
    assert seen.count("section") == 1 + len(found.cells) + 2


@pytest.mark.parametrize("kind", list(DECODED))
def test_every_kind_is_drawn(pipeline: Pipeline, found: Explanation, kind: str) -> None:
    page = render_explanation(pipeline, Explanation(**{**vars(found), "cells": (cell_of(kind),), "nearest": ()}))
    seen = checked(page)
    assert "script" not in seen
    if kind == "text":
        assert "{{ 7 * 7 }}" in re.sub(r"<[^>]+>", "", page)
    else:
        assert {"audio": "rect", "series": "rect", "points": "circle", "graph": "circle"}.get(kind, "img") in seen
    # The side is told by more than colour: a sign, or a place above or below a line.
    assert 'class="for' in page
    assert 'class="against' in page


def test_what_is_missing_is_said(pipeline: Pipeline, found: Explanation) -> None:
    page = render_explanation(pipeline, Explanation(**{**vars(found), "cells": (ExplainedCell("picture", "image", True),), "nearest": ()}))
    assert "This cell is missing" in page
    checked(page)


def test_columns_of_strange_names_are_safe(pipeline: Pipeline, found: Explanation, tmp_path: Any) -> None:
    strange = Explanation(**{**vars(found), "target": "<img src=x onerror=1>", "source": "a&b.csv"})
    out = write_explanation(pipeline, strange, tmp_path / "why.html")
    page = out.read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "a&amp;b.csv" in page


def test_both_languages_say_the_same_things() -> None:
    mine = [{key: set(re.findall(r"{(\w+)}", text)) for key, text in texts.items() if key.startswith("explain.")} for texts in CATALOGUES.values()]
    assert mine[0] == mine[1]
    assert len(mine[0]) > 80


def test_a_missing_modality_has_no_bar(pipeline: Pipeline, tmp_path: Any) -> None:
    frame = mixed_frame(tmp_path, 12, 4).drop_nulls()[:1].with_columns(pl.lit(None, pl.String).alias("picture"))
    gone = explain_row(pipeline, read_table(frame), 0, evaluations=16)
    page = render_explanation(pipeline, gone)
    checked(page)
    assert "Missing in this row: image." in page
