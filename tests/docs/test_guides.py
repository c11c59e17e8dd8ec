"""The tutorial and the how-to pages do what they say: their commands and Python blocks run, in order, on a small table."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from consilience.cli import app

ROOT = Path(__file__).parents[2]
GUIDES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/howto/*.md"))
BLOCK = re.compile(r"^(<!-- not run: [^\n]+ -->\n)?```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEAD = ("id", "photo", "review", "price", "shop", "patient", "refund", "label")


def steps(page: str) -> list[tuple[str, str]]:
    """The blocks of a page that are to be run: language and text."""
    return [(language, text) for aside, language, text in BLOCK.findall((ROOT / page).read_text(encoding="utf-8")) if not aside]


def write(path: Path, head: tuple[str, ...], rows: list[list[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *rows])


def parcel(row: int) -> list[Any]:
    """One row of the guides' table; words and price tell the label, now and then a cell is missing."""
    back = row % 2
    words = (
        f"{('it works well and pleases', 'it broke and was sent back')[back]}, number {row * 37 % 101} of {row * 53 % 211} in {row * 29 % 97} boxes"
    )
    photo = f"pics/{row % 3}.png" if row % 5 else ""
    shop = ("north", "web", "south")[row % 3]
    return [f"r{row}", photo, words if row % 7 else "", 20 + 8 * back + row % 6, shop, f"p{row // 2}", row % 4, ("keep", "return")[back]]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader of the guides stands: all tables that they name."""
    (tmp_path / "pics").mkdir()
    for place, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (32, 32), colour).save(tmp_path / "pics" / f"{place}.png")
    (tmp_path / "pics" / "bad.png").write_bytes((tmp_path / "pics" / "0.png").read_bytes()[:60])
    rows = [parcel(row) for row in range(160)]
    for name, part in (("train", rows[:80]), ("valid", rows[80:120]), ("test", rows[120:])):
        write(tmp_path / f"{name}.csv", HEAD, part)
    write(tmp_path / "new.csv", HEAD[:-1], [row[:-1] for row in rows[120:]])
    broken = [
        [*row[:1], "pics/bad.png", *row[2:]] if place == 3 else [*row[:3], "abc", *row[4:]] if place == 4 else row for place, row in enumerate(rows)
    ]
    write(tmp_path / "broken.csv", HEAD, broken[:80])
    write(tmp_path / "prices.csv", ("id", "weight"), [[row[0], 1 + place % 9] for place, row in enumerate(rows)])
    for end, part in (("", rows[:80]), ("_test", rows[120:])):
        write(tmp_path / f"images{end}.csv", ("image_path",), [[row[1]] for row in part])
        write(tmp_path / f"texts{end}.csv", ("text", "label"), [[row[2], row[7]] for row in part])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSILIENCE_OFFLINE", "1")
    return tmp_path


def quick(words: list[str]) -> list[str]:
    """The same fit with little to try: what a page shows is the way, not the search."""
    if words[0] != "fit" or "--recipe" in words:
        return words
    if not {"--learner", "--presets"} & set(words):
        words = [*words, "--learner", "linear"]
    if "network" in words:
        words = [*words, "--no-refit"]
    return words if "--encoder" in words else [*words, "--encoder", "image=hog", "--encoder", "text=bow"]


def play(page: str) -> list[str]:
    """Runs the page's blocks in order; gives the commands that ran."""
    space: dict[str, Any] = {"__name__": "a_reader"}
    done = []
    for language, text in steps(page):
        if language == "python":
            exec(compile(text, page, "exec"), space)
            continue
        for line in text.splitlines():
            if not line.startswith("consilience "):
                continue
            words = quick(shlex.split(line, comments=True)[1:])
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 0, f"{page}: {line}\n{result.stdout[-500:]}\n{result.stderr[-1500:]}\n{result.exception!r}"
            done.append(line)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in GUIDES if not page.endswith(("errors.md", "missing.md"))])
def test_guide(page: str, shop: Path) -> None:
    assert play(page) or page.endswith("extend.md")


def test_the_guide_on_missing_evidence(shop: Path) -> None:
    assert len(play("docs/howto/missing.md")) == 4
    assert (shop / "report.html").is_file()
    with open(shop / "preds.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 40


def test_the_guide_on_errors(shop: Path) -> None:
    play("docs/howto/errors.md")
    with open(shop / "preds.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 80
    assert [place for place, row in enumerate(rows) if not row["prediction"]] == [3]
    assert rows[3]["note"]
    assert "abc" in rows[4]["note"]
    page = (ROOT / "docs/howto/errors.md").read_text(encoding="utf-8")
    said = CliRunner().invoke(app, ["fit", "broken.csv", "--target", "label", "--strict"]).stderr.strip()
    assert said in page


@pytest.mark.parametrize(
    "line",
    [
        "consilience fit tran.csv --target label",
        "consilience inspect train.csv --target lable",
        "consilience fit train.csv --target label --fusion atention",
        "consilience cache prune --max-size ten",
    ],
)
def test_messages_in_the_table_of_errors_are_real(line: str, shop: Path) -> None:
    said = CliRunner().invoke(app, shlex.split(line)[1:]).stderr
    shown = re.findall(r"^\| `\w+` \| [^|]+ \| (.+) \|$", (ROOT / "docs/howto/errors.md").read_text(encoding="utf-8"), re.MULTILINE)
    beginning = said.removeprefix("Error: ").strip()[:60]
    assert any(text.startswith(beginning) for text in shown), said


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CONSILIENCE_OFFLINE", "1")
    monkeypatch.setattr(sys.modules[__name__], "quick", lambda words: words)
    assert len(play("docs/tutorial.md")) == 9
    with open("preds.csv", encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 100


def test_the_worked_fusion_is_listed_by_its_entry_point(tmp_path: Path) -> None:
    page = (ROOT / "docs/howto/extend.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert '"consilience.fusions"' in toml
    assert '"maximum" = "my_package.maximum:Maximum"' in toml
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").write_text("")
    (tmp_path / "my_package" / "maximum.py").write_text(steps("docs/howto/extend.md")[0][1], encoding="utf-8")
    about = tmp_path / "my_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[consilience.fusions]\nmaximum = my_package.maximum:Maximum\n")
    paths = os.pathsep.join([str(tmp_path), *(os.path.abspath(entry) for entry in sys.path if entry)])
    command = [sys.executable, "-m", "consilience", "list", "fusions"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"})
    assert any(line.startswith("maximum ") and "Boureau" in line for line in done.stdout.splitlines())
