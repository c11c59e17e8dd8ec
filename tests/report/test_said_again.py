"""Reasons and warnings that a model holds in English are said again in Chinese."""

from __future__ import annotations

import re
import string

import polars as pl
import pytest

from consilience.data.kinds import KINDS
from consilience.data.schema import infer_schema
from consilience.data.table import Table
from consilience.report._chinese_reasons import CHINESE_REASONS
from consilience.report._said_again import said_again
from consilience.report._words import words_for

CHINESE = re.compile("[\u4e00-\u9fff]")


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_no_sentence_loses_what_it_tells() -> None:
    for english, chinese in CHINESE_REASONS.items():
        assert gaps(chinese) <= gaps(english), english
        assert gaps(english) - gaps(chinese) <= {"where", "found"}, english
        assert english.isascii()


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        (
            "100% of the filled cells are names of picture files; of 3 that were looked for 2 are there.",
            "100% 的非空单元格是图片文件名；查找了 3 个，存在 2 个。",
        ),
        ("A person said so. (By itself: number, the cells are 0 and 1.)", "由人指定。（自动判断：数值，单元格是 0 和 1。）"),
        (
            "It holds the target itself in 97% of the rows. Leave it out if it is not known before the target is.",
            "它在 97% 的行中就是目标本身。若在目标之前无从得知，请去掉它。",
        ),
        ("2 of its kind were clearly behind", "同类中有 2 个明显落后"),
        ("others that see the same alone were far behind", "只看同一种证据的其他候选已远远落后"),
        ("The cells are lists: 3 different items, 31 cells with more than one.", "单元格是列表：共 3 种项目，31 个单元格多于一项。"),
        ("A person said that the target is of the kind category.", "由人指定目标的类型：类别。"),
        ("A person said so.", "由人指定。"),
        ("Row 3: not a number; " * 400, "Row 3: not a number; " * 400),
        ("Nobody has said this.", "Nobody has said this."),
    ],
)
def test_sentences(english: str, chinese: str) -> None:
    assert said_again(words_for("zh"), english) == chinese
    assert said_again(words_for("en"), english) == english


def test_every_reason_and_warning_of_a_mixed_table_is_chinese() -> None:
    rows = 60
    frame = pl.DataFrame(
        {
            "label": ["yes", "no"] * (rows // 2),
            "copy": ["yes", "no"] * (rows // 2),
            "row_id": list(range(rows)),
            "size": [place * 0.37 for place in range(rows)],
            "weight": [f"{place * 0.5} kg" for place in range(rows)],
            "colour": ["red", "green", "blue"] * (rows // 3),
            "again": ["red", "green", "blue"] * (rows // 3),
            "when": [f"2024-05-{1 + place % 28:02}" for place in range(rows)],
            "tags": ["a|b", "a", "b|c"] * (rows // 3),
            "words": [f"the {place} quick brown foxes jump over dogs" for place in range(rows)],
            "wave": [", ".join(str((place + step) % 7) for step in range(40)) for place in range(rows)],
            "photo": [f"{place}.png" for place in range(rows)],
            "same": ["x"] * rows,
            "empty": [None] * rows,
            "some": [None if place % 2 else float(place) for place in range(rows)],
        },
        schema_overrides={"empty": pl.String},
    )
    schema = infer_schema(Table(frame, {}, "train.csv"), "label")
    words = words_for("zh")
    said = [column.reason for column in schema.columns] + [found.message for found in schema.findings]
    left = [text for text in said if not CHINESE.search(said_again(words, text))]
    assert left == []
    assert {"leak", "constant", "duplicate", "identifier", "unreadable"} <= {found.topic for found in schema.findings}


def test_every_kind_and_topic_has_a_name() -> None:
    for language in ("en", "zh"):
        texts = words_for(language).texts
        assert {f"kind.{kind}" for kind in KINDS} == {key for key in texts if key.startswith("kind.")}
        assert {f"modality.{KINDS.get(kind).modality}" for kind in KINDS} == {key for key in texts if key.startswith("modality.")}
