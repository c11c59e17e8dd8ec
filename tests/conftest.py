"""What all tests share: no network, a feature store of their own, small tables."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples each time, so that a change is never blamed for somebody else's fault; CONSILIENCE_RANDOM=1 draws others and looks for such.
settings.register_profile("same", derandomize=not os.environ.get("CONSILIENCE_RANDOM"), deadline=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's feature store, and none reaches a hub."""
    monkeypatch.setenv("CONSILIENCE_CACHE", str(tmp_path_factory.getbasetemp() / "store"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that ``CONSILIENCE_DATA`` names; tests that want it are skipped where it is not set."""
    folder = os.environ.get("CONSILIENCE_DATA")
    if not folder:
        pytest.skip("CONSILIENCE_DATA names no folder of real data sets")
    return Path(folder)
