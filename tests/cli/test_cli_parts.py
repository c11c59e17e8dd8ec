"""The small parts: pairs, sizes, JSON, text for a terminal."""

from __future__ import annotations

import datetime
import io
import json
import math
import os
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.cli._output import check_place, number, print_json, safe
from consilience.cli._pairs import parse_pairs
from consilience.cli.cache._store import parse_size
from consilience.core.errors import UsageError

NAMES = st.text(st.characters(exclude_characters="=", exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(NAMES, st.text())
def test_pairs_keep_what_stands_behind_the_first_sign(name, value):
    assert parse_pairs("--cell", [f"{name}={value}"], "VALUE") == {name: value}


@given(st.text(min_size=1).filter(lambda text: text.partition("=")[0].strip()), st.text(st.characters(exclude_characters="=")))
def test_kinds_split_at_the_last_sign(name, kind):
    assert parse_pairs("--kind", [f"{name}={kind}"], "KIND", last=True) == {name: kind}


def test_a_known_column_may_hold_the_sign():
    assert parse_pairs("--cell", ["a=b=c"], "VALUE", known=["a=b"]) == {"a=b": "c"}
    assert parse_pairs("--cell", ["a=b=c"], "VALUE", known=["a", "a=b"]) == {"a": "b=c"}


@pytest.mark.parametrize("texts", [["zip"], ["=category"], [""], [" =x"], ["zip=a", "zip=b"]])
def test_bad_pairs_are_explained(texts):
    with pytest.raises(UsageError, match="--kind"):
        parse_pairs("--kind", texts, "KIND")


@pytest.mark.parametrize("text", ["", "big", "2XB", "-1GB", "1,5GB"])
def test_bad_sizes_are_explained(text):
    with pytest.raises(UsageError, match="no size"):
        parse_size(text)


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), ("2g", 2 * 10**9), ("1KiB", 1024), ("0", 0), ("0.5 MB", 500_000)])
def test_sizes(text, size):
    assert parse_size(text) == size


def test_json_has_no_nan_and_no_foreign_types(capsys):
    print_json(
        {
            "a": math.nan,
            "b": [np.float32("inf"), np.int64(3), np.array([1.0, np.nan])],
            "c": b"x",
            "d": datetime.date(2026, 1, 2),
            5: {"中": (1, None, True)},
        }
    )
    assert json.loads(capsys.readouterr().out) == {
        "a": None,
        "b": [None, 3, [1.0, None]],
        "c": "eA==",
        "d": "2026-01-02",
        "5": {"中": [1, None, True]},
    }


def test_json_is_utf8_whatever_the_terminal_is(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_json({"a": "中", "b": "\udc80"})
    assert json.loads(raw.getvalue().decode("utf-8")) == {"a": "中", "b": "\udc80"}
    assert raw.getvalue().count(b"\n") == 1


@given(st.text())
def test_safe_text_is_one_printable_line(text):
    assert safe(text).isprintable()
    assert len(safe(text).splitlines()) <= 1


def test_safe_text_keeps_chinese_and_brackets():
    assert safe("中文 [bold]x[/bold]") == "中文 [bold]x[/bold]"


def test_numbers_that_are_none_or_nan_are_a_dash():
    assert [number(None), number(math.nan), number(5), number(-0.5), number(1234.6)] == ["-", "-", "5", "-0.500", "1,235"]


def test_a_place_below_a_file_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is no folder"):
        check_place(tmp_path / "file" / "model")
    check_place(tmp_path / "new" / "deep" / "model")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_protected_place_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="write-protected"):
        check_place(tmp_path / "model")
