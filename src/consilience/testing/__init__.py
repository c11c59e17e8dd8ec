"""Contract checks and fakes, for our own tests and for the author of a plugin.

``check_registry``, ``check_kind``, ``check_encoder``, ``check_fusion``, ``check_task`` and ``check_learner`` are plain functions: they return
nothing, or raise an AssertionError that says what was promised and what was found. What a method's card claims steers which promises it is held to.
A failure that is known and accepted is named with a written reason (``known={"name of the check": "why"}``); once it holds, that is an error too.

``check_interaction`` trains a fusion on a task that no sum of modalities can learn, made by ``xor_examples``.

``tiny_table``, ``fake_column``, ``fake_columns``, ``fake_task``, ``fake_target`` and ``fake_examples`` make small data of every kind in no time;
``HashingText`` and ``RandomImage`` are frozen encoders without weights.

>>> from consilience.data.kinds import KINDS
>>> from consilience.testing import check_kind, fake_column
>>> check_kind(KINDS.get("number")(), fake_column("number"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consilience.testing.encoder_checks import check_encoder
    from consilience.testing.fakes import (
        HashingText,
        RandomImage,
        fake_column,
        fake_columns,
        fake_examples,
        fake_target,
        fake_task,
        through_disk,
        tiny_table,
        xor_examples,
    )
    from consilience.testing.fusion_checks import check_fusion, check_interaction
    from consilience.testing.kind_checks import check_kind
    from consilience.testing.learner_checks import check_learner
    from consilience.testing.registry_checks import check_registry
    from consilience.testing.task_checks import check_task

__all__ = [
    "HashingText",
    "RandomImage",
    "check_encoder",
    "check_fusion",
    "check_interaction",
    "check_kind",
    "check_learner",
    "check_registry",
    "check_task",
    "fake_column",
    "fake_columns",
    "fake_examples",
    "fake_target",
    "fake_task",
    "through_disk",
    "tiny_table",
    "xor_examples",
]

# Shown lazily: who checks a kind needs no torch.
_CHECKS = {f"check_{room}": f"{room}_checks" for room in ("encoder", "fusion", "kind", "learner", "registry", "task")}
_CHECKS["check_interaction"] = "fusion_checks"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_CHECKS.get(name, 'fakes')}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
