"""Does pretraining without labels help where few rows have one?

    CONSILIENCE_DATA=FOLDER python benchmarks/pretraining.py [--sets japanesevowels shapes3d] [--seeds 8] [--objectives masked] [--share 0.1]

Of the rows that train.csv and valid.csv have, half are kept for the test, anew for each seed. The other half is there without labels; a tenth of each
class in it has some. All methods see the same labelled rows:

scratch   the network and a linear layer, learned from the labelled rows alone
random    the network's vectors before any training, under logistic regression
frozen    its vectors after the pretraining, under logistic regression
tuned     the pretrained network and a linear layer, both learned on from the labelled rows
ready     the frozen encoder that a fit takes by itself, under logistic regression

What is printed are mean accuracies, and paired differences with 95 % intervals (Student's t) over the seeds. Seeds deal the same rows anew:
the intervals say how far the deal matters, and are too narrow for other tables.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import polars as pl
import torch
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

from consilience.core.budget import Budget
from consilience.core.seeds import generator
from consilience.core.settings import parse_settings
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._joined import joined
from consilience.encoders import ENCODERS, FrozenEncoder, TrainedEncoder
from consilience.encoders._own import inner_encoder
from consilience.features.slots import default_encoders, learned_encoders
from consilience.learn.training.loop import TrainingSettings, one_thread, seeded, train
from consilience.learn.training.pretraining import Rows, pretrain
from consilience.pipeline.pretrain import TRAINING

SETS = {
    "japanesevowels": ("series", tuple(f"ch{number}" for number in range(12)), "label"),
    "basicmotions": ("series", tuple(f"ch{number}" for number in range(6)), "label"),
    "shapes3d": ("points", ("points",), "shape"),
    "fsdd": ("audio", ("audio",), "digit"),
    "leaf": ("image", ("image",), "species"),
    "mutag": ("graph", ("graph",), "label"),
    "easyvqa": ("image", ("image",), "answer"),
}
SMALL = {"image": {"size": 32, "channels": 32}, "audio": {"channels": 8}}
"""Settings that make many seeds bearable on two cores."""
METHODS = ("scratch", "random", "frozen", "tuned", "ready")
LEARNING = TrainingSettings(epochs=80, batch_size=32, learning_rate=2e-3, schedule="cosine", patience=80, average=2.0)


def read(folder: Path, name: str) -> tuple[str, Cells, np.ndarray]:
    """Modality, the cells of train and valid, and their classes."""
    modality, columns, target = SETS[name]
    frame = pl.concat([pl.read_csv(folder / name / f"{part}.csv", infer_schema=False) for part in ("train", "valid")])
    if name == "easyvqa":
        frame = frame.filter(pl.col("question").str.contains("shape") & pl.col("answer").is_in(["circle", "rectangle", "triangle"]))
        frame = frame.unique("image", keep="first", maintain_order=True)
    kind = KINDS.get(modality)()
    parts = []
    for column in columns:
        parsed = kind.parse(frame[column], folder / name)
        parts.append(Cells(column, kind, parsed.values, parsed.present))
    return modality, parts[0] if len(parts) == 1 else joined("all", parts), np.unique(frame[target].to_numpy(), return_inverse=True)[1]


def ready_vectors(modality: str, cells: Cells) -> np.ndarray:
    """What the frozen encoders give that a fit takes by itself, one beside the other."""
    found = []
    for choice in default_encoders(modality):
        cls = ENCODERS.get(f"{modality}/{choice.name}")
        encoder = cls(parse_settings(cls.Settings, choice.settings, choice.name))
        if isinstance(encoder, FrozenEncoder):
            items = [encoder.prepare(cells.read(row)) for row in range(len(cells))]
            batches = [encoder.encode(encoder.collate(items[start : start + 64]))[0] for start in range(0, len(items), 64)]
            found.append(np.concatenate([batch.mean(axis=1) for batch in batches]))
    return np.concatenate(found, axis=1)


def vectors(network: nn.Module, arrays: dict[str, np.ndarray]) -> np.ndarray:
    network.eval()
    with torch.no_grad():
        parts = torch.split(torch.arange(len(arrays["mask"])), 128)
        return np.concatenate([network(cut(arrays, rows.numpy())).pooled().numpy() for rows in parts])


def cut(arrays: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array[rows]) for name, array in arrays.items()}


def linear(features: np.ndarray, target: np.ndarray, learn: np.ndarray, test: np.ndarray) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.1)).fit(features[learn], target[learn])
    return float((model.predict(features[test]) == target[test]).mean())


class Classifier(nn.Module):
    """A network and one linear layer."""

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network, self.head = network, nn.Linear(int(network.width), classes)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        scores: Tensor = self.head(self.network(batch).pooled())
        return scores


def learned(network: nn.Module, arrays: dict[str, np.ndarray], target: np.ndarray, learn: np.ndarray, test: np.ndarray, seed: int) -> float:
    with seeded(seed):
        model = Classifier(network, int(target.max()) + 1)
        wanted = torch.from_numpy(target)

        def loss_of(model: nn.Module, rows: Tensor) -> Tensor:
            at = torch.from_numpy(learn)[rows]
            return nn.functional.cross_entropy(model(cut(arrays, at.numpy())), wanted[at])

        train(model, len(learn), loss_of, LEARNING, Budget(None), lambda epoch, averaged: True)
    with torch.no_grad():
        return float((model(cut(arrays, test)).argmax(dim=1).numpy() == target[test]).mean())


def deal(target: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labelled rows, all rows of the pool, and rows of the test."""
    order = generator(seed, "pretraining", "split").permutation(len(target))
    pool, test = order[: len(order) // 2], order[len(order) // 2 :]
    some = [pool[target[pool] == code] for code in range(int(target.max()) + 1)]
    return np.concatenate([rows[: max(2, round(share * len(rows)))] for rows in some]), pool, test


def trial(
    encoder: TrainedEncoder, cells: Cells, target: np.ndarray, ready: np.ndarray, objective: str, share: float, seed: int, epochs: int
) -> dict[str, float]:
    """Accuracy of each method."""
    learn, pool, test = deal(target, share, seed)
    encoder.fit({cells.name: cells.take(pool)}, seed)
    arrays = encoder.prepare({cells.name: cells})
    held = max(2, len(pool) // 10)
    numbers = np.arange(len(cells))
    both = [Rows(({name: array[rows] for name, array in arrays.items()},), (numbers[rows],)) for rows in (pool[held:], pool[:held])]
    found = pretrain([encoder], both[0], both[1], objective, TRAINING.model_copy(update={"epochs": epochs}), Budget(None), seed=seed)  # type: ignore[arg-type]
    networks = []
    for _ in range(3):
        with seeded(seed):
            networks.append(encoder.build())
    frozen, scratch, random = networks
    frozen.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in found.weights[0].items()})
    return {
        "scratch": learned(scratch, arrays, target, learn, test, seed),
        "random": linear(vectors(random, arrays), target, learn, test),
        "frozen": linear(vectors(frozen, arrays), target, learn, test),
        "tuned": learned(frozen, arrays, target, learn, test, seed),
        "ready": linear(ready, target, learn, test),
        "share of the baseline's loss": found.reached["loss"] / found.baseline["loss"],
    }


def interval(differences: np.ndarray) -> str:
    mean = float(differences.mean())
    half = float(student.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else np.nan
    return f"{mean:+.3f} [{mean - half:+.3f}, {mean + half:+.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["japanesevowels"])
    parser.add_argument("--objectives", nargs="+", default=["masked"])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=TRAINING.epochs, help="Of the pretraining, at most.")
    parser.add_argument("--share", type=float, default=0.1, help="Share of the pool that has labels.")
    chosen = parser.parse_args()
    folder = Path(os.environ["CONSILIENCE_DATA"])
    for name in chosen.sets:
        modality, cells, target = read(folder, name)
        ready = ready_vectors(modality, cells)
        for objective in chosen.objectives:
            began, rows = time.monotonic(), []
            for seed in range(chosen.seeds):
                encoder = inner_encoder(f"{modality}/{learned_encoders(modality)[0]}", SMALL.get(modality, {}))
                with one_thread():
                    rows.append(trial(encoder, cells, target, ready, objective, chosen.share, seed, chosen.epochs))
                print(f"{name}, {objective}, seed {seed}: {' '.join(f'{key} {value:.3f}' for key, value in rows[-1].items())}", flush=True)
            made = {key: np.array([row[key] for row in rows]) for key in rows[0]}
            labels = len(deal(target, chosen.share, 0)[0])
            print(f"\n{name}: {len(target)} rows, {labels} with labels, {objective}, {len(rows)} seeds, {time.monotonic() - began:.0f} s")
            for method in METHODS:
                others = [other for other in ("scratch", "random", "ready") if other != method]
                against = "   ".join(f"to {other} {interval(made[method] - made[other])}" for other in others)
                print(f"  {method:<8} {made[method].mean():.3f}   {against}")
            print()


if __name__ == "__main__":
    main()
