"""The documents, and what stands in them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Blocks = Callable[[str], list[tuple[str, str]]]
Prose = Callable[[str], str]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def blocks() -> Blocks:
    """Page to its fenced blocks: language and text."""
    return lambda page: FENCE.findall((ROOT / page).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def prose() -> Prose:
    """Page to its text without fenced blocks."""
    return lambda page: FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
