"""The page in a browser, where there is one: no error, no request, nothing wider than the window."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from consilience.report import write_report

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome", "chrome") if (found := shutil.which(name))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium")]
QUIET = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync"
WIDTH = "<script>document.title = document.documentElement.scrollWidth + ' of ' + window.innerWidth</script>"


def visit(page: Path, folder: Path, *options: str) -> tuple[str, str, set[str]]:
    """The page as the browser built it, what it wrote to its console, and the addresses that were asked for."""
    log = folder / "net.json"
    command = [str(BROWSER), *QUIET.split(), f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr"]
    done = subprocess.run([*command, *options, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=120, check=False)
    addresses = set(re.findall(r'"url":\s*"([^"]+)"', log.read_text(encoding="utf-8", errors="replace"))) if log.exists() else set()
    console = "\n".join(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
    return done.stdout, console, {address for address in addresses if address.startswith(("http", "ws", "ftp")) and "google" not in address}


@pytest.fixture(params=["binary", "regression"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    pipeline, table = request.getfixturevalue(request.param)
    return write_report(pipeline, tmp_path / "report.html", table)


@pytest.mark.parametrize("size", ["1280,900", "500,900"])
@pytest.mark.parametrize("dark", [False, True])
def test_it_loads_without_error_or_request(page: Path, tmp_path: Path, size: str, dark: bool) -> None:
    options = [f"--window-size={size}", *(["--force-dark-mode"] if dark else [])]
    built, console, addresses = visit(page, tmp_path, *options)
    assert 'id="leaderboard"' in built
    assert console == ""
    assert addresses == set()


@pytest.mark.parametrize("width", [1280, 500])
def test_nothing_is_wider_than_the_window(page: Path, tmp_path: Path, width: int) -> None:
    # The page forbids scripts; a copy without that rule measures itself.
    text = re.sub(r"<meta http-equiv=.*?>", "", page.read_text(encoding="utf-8")).replace("</body>", f"{WIDTH}</body>")
    copy = tmp_path / "copy.html"
    copy.write_text(text, encoding="utf-8")
    built, _, _ = visit(copy, tmp_path, f"--window-size={width},900")
    found = re.search(r"<title>(\d+) of (\d+)</title>", built)
    assert found is not None
    assert int(found[1]) <= int(found[2])


def test_an_error_and_a_request_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>missing()</script>', encoding="utf-8")
    _, console, addresses = visit(page, tmp_path)
    assert "missing is not defined" in console
    assert any("127.0.0.1:9" in address for address in addresses)


def test_a_script_in_the_page_does_not_run(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("</body>", "<script>document.title = 'it ran'</script></body>")
    page.write_text(text, encoding="utf-8")
    built, console, _ = visit(page, tmp_path)
    assert "it ran</title>" not in built
    assert "Content Security Policy" in console
