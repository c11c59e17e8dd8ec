"""Consilience with no options, and the same with only the columns of the modality that was best alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

import consilience
from _bench import Bench, Options, Split
from consilience.data.table import Table

__all__ = ["learn_ours", "learn_single"]


def learn_ours(bench: Bench, split: Split, options: Options) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """``fit`` as a person calls it who knows no option."""
    return _fit(bench, split, options, bench.table.columns, "consilience")


def learn_single(bench: Bench, split: Split, options: Options, chosen: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A fit that is given the best single modality only, by the first fit's own leaderboard. ``chosen``: the facts of the first fit."""
    columns = chosen["single_columns"]
    outputs, facts = _fit(bench, split, options, [*columns, bench.target], "consilience-single")
    return outputs, {**facts, "modality": chosen["single_modality"]}


def _fit(bench: Bench, split: Split, options: Options, columns: list[str], cell: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    table = Table(bench.table.frame.select(columns), bench.table.bases, bench.table.source)
    began = time.monotonic()
    model = consilience.fit(table.take(split.pool), target=bench.target, cache=options.cache, progress=False)
    fitted = time.monotonic()
    test = Table(table.frame.drop(bench.target), bench.table.bases, bench.table.source).take(split.test)
    if bench.number:
        output = np.array(model.predict(test), dtype=np.float64)
        output[~np.isfinite(output)] = np.median(bench.truth[split.pool])
        if bench.log:
            output = output.clip(bench.truth[split.pool].min() / 10)
    else:
        output = np.zeros((len(split.test), len(bench.classes)))
        output[:, [bench.classes.index(name) for name in model.classes]] = model.predict_proba(test)
        shares = np.bincount(bench.truth[split.pool], minlength=len(bench.classes)) / len(split.pool)
        aside = ~np.isfinite(output).all(axis=1)
        output[aside] = shares
    facts = model.facts
    by_name = {entry["name"]: entry for entry in facts["leaderboard"]}
    versus = by_name.get(facts["fusion_gain"]["versus"])
    modality = versus["modalities"][0] if versus is not None else None
    told = {
        "seconds": {**facts["seconds"], "fit": round(fitted - began, 3), "predict": round(time.monotonic() - fitted, 3)},
        "cells": facts["cells"],
        "chosen": facts["chosen"],
        "modalities": model.pipeline.modalities,
        "promised": by_name[facts["chosen"]]["metrics"],
        "gain": facts["fusion_gain"],
        "single_modality": modality,
        "single_columns": sorted({column for slot in facts["encoders"] if slot["modality"] == modality for column in slot["columns"]}),
        "leaderboard": [
            {key: entry[key] for key in ("name", "loss", "fit_seconds", "stopped", "point", "weights")} for entry in facts["leaderboard"]
        ],
        "temperature": facts["temperature"],
    }
    return {cell: output}, told
