"""Links lead somewhere, the two READMEs agree, and lists in the documents are complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consilience import __version__
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.fusion import FUSIONS
from consilience.learn.learners import LEARNERS
from consilience.tasks import TASKS

ROOT = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(ROOT).as_posix() for folder in (".", "docs", "docs/[!_]*") for path in ROOT.glob(f"{folder}/*.md"))
READMES = ["README.md", "README.zh.md"]
Blocks = Callable[[str], list[tuple[str, str]]]
Prose = Callable[[str], str]


def anchor(heading: str) -> str:
    """The name that a heading gets on the page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(text: str) -> list[tuple[int, str]]:
    return [(len(marks), words) for marks, words in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES)
def test_links(page: str, prose: Prose) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith("https://"):
            continue
        file, _, place = link.partition("#")
        target = (ROOT / page).parent / file if file else ROOT / page
        assert target.exists(), f"{page} links to {link}, which is not there"
        if place:
            assert place in {anchor(words) for _, words in headings(target.read_text(encoding="utf-8"))}, f"{page} links to {link}: no such heading"


@pytest.mark.parametrize("page", PAGES)
def test_paths_in_the_text(page: str, prose: Prose) -> None:
    for path in re.findall(r"`((?:src|tests|docs|examples)/[^`]*)`", prose(page)):
        assert "surface" in path or (ROOT / path).exists(), f"{page} names {path}, which is not there"


def test_the_readme_is_short() -> None:
    for page in READMES:
        assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) < 200


def test_both_readmes_have_the_same_parts(prose: Prose) -> None:
    english, chinese = (prose(page) for page in READMES)
    assert [level for level, _ in headings(english)] == [level for level, _ in headings(chinese)]
    for sign in (r"^- ", r"^\| "):
        assert len(re.findall(sign, english, re.MULTILINE)) == len(re.findall(sign, chinese, re.MULTILINE))
    swapped = {link: link for link in re.findall(r"\]\(([^)]+)\)", english)} | {"README.zh.md": "README.md"}
    assert set(swapped.values()) == set(re.findall(r"\]\(([^)]+)\)", chinese))


def test_both_readmes_have_the_same_blocks(blocks: Blocks) -> None:
    def bare(page: str) -> list[tuple[str, list[str]]]:
        return [(language, [re.sub(r"\s+# .*", "", line) for line in text.splitlines()]) for language, text in blocks(page)]

    assert bare("README.md") == bare("README.zh.md")


def test_both_readmes_name_the_same_code(prose: Prose) -> None:
    english, chinese = (set(re.findall(r"`([^`\n]+)`", prose(page))) for page in READMES)
    only_chinese = {"report", "--lang zh"}
    assert english ^ chinese <= only_chinese, sorted(english ^ chinese)


@pytest.mark.parametrize("page", READMES)
def test_the_table_of_methods_is_complete(page: str, prose: Prose) -> None:
    rows = [set(re.findall(r"`(\w+)`", line)) for line in prose(page).splitlines() if line.startswith("| ") and "`" in line]
    modalities = ("text", "image", "audio", "video", "series", "points", "graph", "volume", "table")
    encoders = [{key.partition("/")[2] for key in ENCODERS.files if key.startswith(f"{modality}/")} for modality in modalities]
    assert rows == [set(KINDS.files), *encoders, *(set(registry.files) for registry in (FUSIONS, TASKS, LEARNERS))]


def test_the_list_of_rooms_is_that_of_the_linter(prose: Prose, project: dict[str, Any]) -> None:
    contract = project["tool"]["importlinter"]["contracts"][0]
    text = prose("docs/architecture.md").partition("## Rooms and layers")[2].partition("## Contracts")[0]
    rooms = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in text.splitlines() if line.startswith("| `")]
    assert rooms == [layer.split(" | ") for layer in contract["layers"]]


def test_the_files_of_a_model_folder(prose: Prose) -> None:
    source = (ROOT / "src/consilience/pipeline/folder.py").read_text(encoding="utf-8")
    text = prose("docs/architecture.md").partition("## The model folder")[2].partition("## Where")[0]
    named = re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)
    written = {*re.findall(r'folder / "(\w+\.\w+)"', source), "MANIFEST.json", "weights/*.safetensors", "trees/*.txt"}
    assert set(named) == written


def test_the_newest_change_is_this_version(prose: Prose) -> None:
    newest = re.findall(r"^## \[([^\]]+)\]", prose("CHANGELOG.md"), re.MULTILINE)[0]
    assert newest in (__version__, "Unreleased")
