"""The frozen features of a table, from the same encoders and store that Consilience uses; made once, before any method runs."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from _bench import Bench, Options
from consilience.core.files import cache_folder
from consilience.data.schema import build_dataset, infer_schema
from consilience.features.plan import Features
from consilience.features.slots import EncoderChoice, plan_slots
from consilience.features.store import FeatureStore

__all__ = ["Frozen", "extract_features"]

ENCODERS = {"image": "efficientnet_lite0", "text": "minilm"}


@dataclass(frozen=True)
class Frozen:
    """Vectors of all rows.

    Args:
        vectors: Column to ``[N, D]`` float32.
        present: Column to ``[N]`` bool; what stands in other rows has no meaning.
        seconds: Wall time of the encoding.
        encoded: Cells that were encoded; the others came from the store.
        reused: Cells that came from the store.
    """

    vectors: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    seconds: float
    encoded: int
    reused: int


def extract_features(bench: Bench, options: Options) -> Frozen:
    """One vector a cell of every image and text column."""
    schema = infer_schema(
        bench.table, bench.target, kinds=dict(bench.roles), ignore=[n for n in bench.table.columns if n not in (*bench.roles, bench.target)]
    )
    dataset = build_dataset(bench.table, schema, with_target=True)
    if len(dataset) != len(bench.table):
        raise SystemExit(f"{bench.name}: {len(bench.table) - len(dataset)} rows have no usable target; take them out of the table first.")
    chosen = {modality: (EncoderChoice(name=name),) for modality, name in ENCODERS.items() if bench.columns(modality)}
    began = time.monotonic()
    found = Features(plan_slots(schema, chosen)).extract(dataset, FeatureStore(options.cache or cache_folder()))
    seconds = time.monotonic() - began
    column_of = {f"{column}:{name}": column for modality, name in ENCODERS.items() for column in bench.columns(modality)}
    vectors = {column_of[name]: np.asarray(block.pooled()) for name, block in found.blocks.items()}
    present = {column_of[name]: block.present for name, block in found.blocks.items()}
    return Frozen(vectors, present, seconds, found.encoded, found.reused)
