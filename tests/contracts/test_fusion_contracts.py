"""Every fusion keeps the contract of fusions."""

from __future__ import annotations

import pytest

from consilience.fusion import FUSIONS
from consilience.testing import check_fusion

KNOWN = {
    "attention": dict.fromkeys(
        [f"no_rows ({count} modalities)" for count in (1, 2, 3, 8)],
        "The attention layer lets torch work out the width of a head, which it cannot for a batch without rows.",
    )
}


@pytest.mark.parametrize("key", FUSIONS.keys())
def test_fusion(key: str) -> None:
    check_fusion(FUSIONS.get(key), known=KNOWN.get(key))
