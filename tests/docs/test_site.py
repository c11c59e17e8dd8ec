"""The site: every page can be reached, nothing that there is goes unnamed, and it builds without a warning."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from consilience.cli import app
from consilience.core import errors
from consilience.core.registry import Registry
from consilience.data.kinds import KINDS
from consilience.encoders import ENCODERS
from consilience.fusion import FUSIONS
from consilience.learn.learners import LEARNERS
from consilience.pipeline.recipe import Recipe
from consilience.tasks import TASKS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for folder in (".", "[!_]*") for path in DOCS.glob(f"{folder}/*.md"))
Prose = Callable[[str], str]


def told(*pages: str) -> str:
    """What the pages say."""
    return "\n".join((DOCS / page).read_text(encoding="utf-8") for page in pages or PAGES)


@pytest.fixture(scope="module")
def living() -> ModuleType:
    """The small extension that fills in what the program says of itself."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        spec = importlib.util.spec_from_file_location("living", DOCS / "_ext" / "living.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(DOCS / "_ext"))
    return module


def test_every_page_can_be_reached() -> None:
    index = told("index.md")
    listed = [line for tree in re.findall(r"^:::\{toctree\}\n(.*?)^:::$", index, re.MULTILINE | re.DOTALL) for line in tree.split()]
    pages = [f"{name}.md" for name in listed if "/" in name or f"{name}.md" in PAGES]
    assert sorted([*pages, "index.md"]) == PAGES
    assert len(pages) == len(set(pages))


def test_every_command_and_option_is_shown(living: ModuleType) -> None:
    text = living.commands()
    command: Any = typer.main.get_command(app)
    below = {name: [name, *(f"{name} {inner}" for inner in getattr(part, "commands", {}))] for name, part in command.commands.items()}
    for name in (name for names in below.values() for name in names):
        assert f"## `consilience {name}`\n" in text
    for option in ("--time-limit", "--class-weights", "--older-than", "--cell"):
        assert option in text
    guides = told(*(page for page in PAGES if not page.startswith("reference/")))
    for name in below:
        assert f"consilience {name}" in guides, f"No guide shows consilience {name}"


@pytest.mark.parametrize("registry", [KINDS, ENCODERS, FUSIONS, LEARNERS, TASKS], ids=lambda registry: registry.what)
def test_every_method_is_listed(registry: Registry[Any], living: ModuleType) -> None:
    table = living.MARKS[f"{registry.what}s"]()
    assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == set(registry.files)
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_the_guide_names_learners_and_fusions() -> None:
    guide = told("howto/choose.md")
    for name in [*LEARNERS.files, *FUSIONS.files]:
        assert f"`{name}`" in guide
    for key in ENCODERS.files:
        assert f"`{key.partition('/')[2]}`" in guide + told("howto/offline.md") or key.startswith("image/")


def test_every_error_is_explained() -> None:
    names = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, errors.ConsilienceError)}
    rows = set(re.findall(r"^\| `(\w+)` \|", told("howto/errors.md"), re.MULTILINE))
    assert rows == names - {"ConsilienceError"}
    assert set(re.findall(r"autoexception:: consilience\.core\.errors\.(\w+)", told("reference/errors.md"))) == names


def test_marks_are_filled_in(living: ModuleType) -> None:
    found = [mark for page in PAGES for mark in living.MARK.findall((DOCS / page).read_text(encoding="utf-8"))]
    assert sorted(found) == sorted(living.MARKS)
    assert "<!-- fusions -->" not in living.fill(told("reference/methods.md"), 1)


def test_links_out_of_the_documents_lead_to_the_repository(living: ModuleType) -> None:
    assert living.fill("[a](../src/a.py) [b](howto/b.md)") == f"[a]({living.repository()}/src/a.py) [b](howto/b.md)"
    assert living.fill("[a](../faq.md) [b](../../README.md)", 1) == f"[a](../faq.md) [b]({living.repository()}/README.md)"
    assert living.repository().startswith("https://")


def test_the_drawing_has_every_box_and_arrow(living: ModuleType) -> None:
    (flow,) = living.FLOW.findall(told("architecture.md"))
    drawn = living.draw_flow(flow)
    assert drawn.count("<rect") == len(re.findall(r"\[\"", flow))
    assert drawn.count("marker-end") == flow.count("-->")


def test_every_setting_of_a_recipe_is_told() -> None:
    text = " ".join((Recipe.__doc__ or "").split())
    for name in Recipe.model_fields:
        assert f"{name}:" in text


def test_the_number_of_dependencies(project: dict[str, Any]) -> None:
    number = len(project["project"]["dependencies"])
    assert f"The core has {number} dependencies" in told("faq.md")
    assert f"核心有 {number} 个依赖" in told("zh/faq.md")


def test_the_documents_fetch_nothing() -> None:
    for path in (DOCS / "conf.py", *(DOCS / "_static").iterdir()):
        assert not re.search(r"https?:|@import|intersphinx|cdn", path.read_text(encoding="utf-8")), path


def test_the_chinese_pages_have_the_parts_of_the_english() -> None:
    def shape(page: str) -> list[str]:
        return re.findall(r"^(#+) ", re.sub(r"^```.*?^```$", "", told(page), flags=re.MULTILINE | re.DOTALL), re.MULTILINE)

    assert shape("zh/tutorial.md") == shape("tutorial.md")
    assert shape("zh/faq.md") == shape("faq.md")
    bash = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    assert bash.findall(told("zh/tutorial.md")) == bash.findall(told("tutorial.md"))


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="the extra docs is not installed")
    paths = os.pathsep.join(os.path.abspath(entry) for entry in sys.path if entry)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(tmp_path / "trees"), str(DOCS), str(tmp_path / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 0, done.stderr
    for page in PAGES:
        assert (tmp_path / "html" / page).with_suffix(".html").is_file()
    for page in (tmp_path / "html").rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|img|iframe)[^>]*src=\"(https?:[^\"]+)\"|<link rel=\"stylesheet\"[^>]*href=\"(https?:[^\"]+)\"", page.read_text()
        )
        assert not fetched, f"{page.name} fetches {fetched}"
