"""The page as a whole: whole, self-contained, safe, small, and with the numbers of evaluate."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import ColumnError, UnknownName
from consilience.report import write_report
from consilience.report.page import render_report

TASKS = ["binary", "multiclass", "multilabel", "regression", "single"]
VOID = {"meta", "img", "br"}
every_task = pytest.mark.parametrize("fitted", TASKS, indirect=True)


class Outline(HTMLParser):
    """Checks that tags close in order, and keeps texts by tag, ids and links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.ids.add(found.get("id") or "")
        if (found.get("href") or "").startswith("#"):
            self.links.add(str(found["href"])[1:])
        if tag not in VOID:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    assert not found.open
    return found


@every_task
def test_a_page_is_whole_and_needs_nothing_else(fitted: Any) -> None:
    page = render_report(*fitted)
    found = outline(page)
    assert found.links <= found.ids
    assert "://" not in page
    assert not re.findall(r"""(?:src|href|action|srcset)\s*=\s*["'](?!#|data:image/)""", page)
    assert "@import" not in page
    assert "url(" not in page
    assert "script" not in found.tags
    assert "link" not in found.tags
    assert len(page) < 3_000_000


@every_task
def test_the_verdict_and_the_numbers_of_evaluate_are_in_it(fitted: Any) -> None:
    pipeline, table = fitted
    page = render_report(pipeline, table)
    assert escape(pipeline.facts["fusion_gain"]["verdict"]) in page
    found = pipeline.evaluate(table)
    for name, interval in found["metrics"].items():
        for value in interval.values():
            number = f"{100 * value:.1f}" if name in {"accuracy", "macro_f1", "micro_f1", "recall", "map", "ece"} else None
            if name in {"log_loss", "auc", "brier", "mae_log", "r2_log", "r2"}:
                number = f"{value:.3f}".replace("-", "−")
            if name in {"rmse", "mae"} and value >= 100:
                number = f"{value:,.0f}"
            assert number is None or f"{number}<" in page or f"{number}\u202f%" in page, (name, value)


@every_task
def test_without_a_table_the_page_tells_what_the_fit_knows(fitted: Any) -> None:
    pipeline, _ = fitted
    page = render_report(pipeline)
    found = outline(page)
    assert {"leaderboard", "data", "run"} <= found.ids
    assert not {"evidence", "errors", "trust", "metrics", "examples"} & found.ids
    assert found.links <= found.ids
    assert escape(pipeline.facts["fusion_gain"]["verdict"]) in page
    assert "consilience report MODEL --data TABLE" in page


@every_task
def test_each_plot_has_a_title_axis_words_and_its_numbers(fitted: Any) -> None:
    page = render_report(*fitted)
    figures = re.findall(r"<figure>.*?</figure>", page, re.DOTALL)
    assert len(figures) >= 3
    for figure in figures:
        assert re.search(r"<figcaption>[^<]{4,}</figcaption>", figure)
        assert re.search(r'class="(axis-name|axis-word|x-name)"[^>]*>[^<]{2,}<', figure)
    folded = re.findall(r"<details>.*?</details>", page, re.DOTALL)
    assert len(folded) >= len(figures)
    assert all("<td" in part for part in folded)


@every_task
@pytest.mark.parametrize("with_table", [True, False])
def test_chinese_pages_have_chinese_titles(fitted: Any, with_table: bool) -> None:
    pipeline, table = fitted
    found = outline(render_report(pipeline, table if with_table else None, language="zh"))
    titles = [text for tag in ("h2", "h3", "summary", "figcaption") for text in found.texts.get(tag, [])]
    assert len(titles) > 6
    english = [text for text in titles if not re.search("[\u4e00-\u9fff]", text)]
    assert english == []


def test_cells_and_labels_cannot_inject_markup(binary: Any, multilabel: Any) -> None:
    for fitted in (binary, multilabel):
        page = render_report(*fitted)
        assert "<script" not in page
        assert "<b>huge" not in page
    assert "&lt;script&gt;" in render_report(*binary)
    assert "&lt;b&gt;huge&lt;/b&gt;" in render_report(*multilabel)


def test_a_table_s_name_cannot_inject_markup(single: Any) -> None:
    pipeline, table = single
    page = render_report(pipeline, type(table)(table.frame, {}, "<img src=x onerror=alert(1)>.csv"))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror" in page


def test_pictures_stand_in_the_page(binary: Any) -> None:
    page = render_report(*binary)
    assert 10 <= page.count("data:image/jpeg;base64,") <= 40


def test_no_page_has_more_than_forty_pictures(binary: Any) -> None:
    pipeline, table = binary
    more = table.take(np.tile(np.arange(len(table)), 4))
    page = render_report(pipeline, more)
    assert 16 <= page.count("data:image/jpeg;base64,") <= 40
    assert page.count('<article class="card') <= 24


def test_a_broken_picture_sets_its_row_aside_with_a_reason(binary: Any) -> None:
    pipeline, table = binary
    photos = table.frame["photo"].to_list()
    photos[3] = b"no picture at all"
    page = render_report(pipeline, type(table)(table.frame.with_columns(pl.Series("photo", photos)), {}, "test.csv"))
    assert "Set aside: 1 of 30 rows of test.csv." in page
    assert "is a text, not a picture; it begins with" in page


def test_a_column_that_the_table_lacks_is_a_warning(binary: Any) -> None:
    pipeline, table = binary
    page = render_report(pipeline, type(table)(table.frame.drop("photo"), {}, "test.csv"))
    assert "test.csv lacks this column" in page
    assert "data:image" not in page


def test_the_older_page_stays_where_the_new_one_fails(single: Any, tmp_path: Path) -> None:
    pipeline, table = single
    path = tmp_path / "folder" / "report.html"
    assert write_report(pipeline, path, table) == path
    first = path.read_text(encoding="utf-8")
    with pytest.raises(ColumnError):
        write_report(pipeline, path, type(table)(table.frame.drop("label"), {}, "test.csv"))
    assert path.read_text(encoding="utf-8") == first
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_language_without_texts_is_refused(single: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="en, zh"):
        write_report(single[0], tmp_path / "report.html", None, language="tlh")


def test_the_recipe_to_repeat_the_fit_is_there(regression: Any) -> None:
    pipeline, table = regression
    assert escape(pipeline.recipe.to_yaml()) in render_report(pipeline, table)


def test_of_many_classes_those_with_most_mistakes_are_drawn() -> None:

    from consilience.data.table import Table
    from consilience.pipeline.fit import fit_pipeline
    from consilience.pipeline.recipe import make_recipe

    names = [f"class {index:02}" for index in range(34)]
    frame = pl.DataFrame({"label": names * 5, "size": [float(index % 34 // 2) for index in range(170)]})
    recipe = make_recipe({"target": "label", "task": "multiclass", "learners": ("linear",), "folds": 2})
    page = render_report(fit_pipeline(Table(frame), recipe), Table(frame, {}, "test.csv"))
    assert "the 20 classes of 34 with most mistakes among them" in page
    assert "The most confused pairs" in page
    heat = page[page.index('<svg class="heat"') :]
    assert heat[: heat.index("</svg>")].count("<rect") == 20 * 20
