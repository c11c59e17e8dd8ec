"""A fusion that says that it finds interaction learns the exclusive or of two modalities; one that does not say so stays at chance."""

from __future__ import annotations

import pytest

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion import FUSIONS
from consilience.fusion._base import Fusion
from consilience.testing import check_interaction

SLOW = {"attention", "bottleneck", "latents", "mult"}


@pytest.mark.parametrize("key", [pytest.param(key, marks=pytest.mark.slow) if key in SLOW else key for key in FUSIONS.keys()])  # noqa: SIM118
def test_interaction(key: str) -> None:
    check_interaction(FUSIONS.get(key))


class Mean(Fusion):
    """A plugin without a file in the registry: the mean, under the perceptron that every fusion gets unless it is additive."""

    def fuse(self, vectors, present):  # type: ignore[no-untyped-def]
        return vectors.mean(dim=1), None


class Sum(Mean):
    additive = True


def test_a_plugin_is_checked_and_the_registry_is_as_before() -> None:
    before = list(FUSIONS.plugins)
    check_interaction(Sum, Settings(), Card("the mean", "none"), rows=240)
    with pytest.raises(AssertionError, match=r"claim 'interaction' it has to be 95 %"):
        check_interaction(Sum, Settings(), Card("the mean", "none", claims=("interaction",)), rows=240)
    assert list(FUSIONS.plugins) == before


def test_a_perceptron_after_a_sum_brings_interaction_back() -> None:
    """Why an additive fusion has a linear head: without one its card would not be true."""
    with pytest.raises(AssertionError, match="does not claim"):
        check_interaction(Mean, Settings(), Card("the mean", "none"), rows=240)
