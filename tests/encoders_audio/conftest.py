"""Cells of short sounds whose pitch and rhythm tell the class."""

from __future__ import annotations

import pytest

from consilience.data.kinds import KINDS, Cells
from consilience.testing._fake_audio import fake_audio_column

pytest.importorskip("soundfile")
pytest.importorskip("soxr")


@pytest.fixture(scope="session")
def audio_cells() -> dict[str, Cells]:
    kind = KINDS.get("audio")()
    parsed = kind.parse(fake_audio_column())
    return {"sound": Cells("sound", kind, parsed.values, parsed.present)}
