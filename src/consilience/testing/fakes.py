"""Small stand-ins for what is large: tables, cells, encoders, tasks and examples, made in milliseconds from a seed."""

from __future__ import annotations

from consilience.testing._fake_encoders import HashingText, RandomImage
from consilience.testing._fake_examples import fake_examples, fake_target, fake_task
from consilience.testing._fake_table import fake_column, fake_columns, tiny_table
from consilience.testing._same import through_disk
from consilience.testing._xor import xor_examples

__all__ = [
    "HashingText",
    "RandomImage",
    "fake_column",
    "fake_columns",
    "fake_examples",
    "fake_target",
    "fake_task",
    "through_disk",
    "tiny_table",
    "xor_examples",
]
