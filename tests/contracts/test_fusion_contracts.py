"""Every fusion keeps the contract of fusions."""

from __future__ import annotations

import pytest

from consilience.fusion import FUSIONS
from consilience.testing import check_fusion


@pytest.mark.parametrize("key", FUSIONS.keys())
def test_fusion(key: str) -> None:
    check_fusion(FUSIONS.get(key))
