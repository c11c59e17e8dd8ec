"""Every fusion on five sets, several seeds each: how well it does, how long it takes, and its rank.

    CONSILIENCE_DATA=FOLDER python benchmarks/fusion.py [--sets leaf sroie openmoji xor colours] [--fusions late concat ...] [--seeds 5]
        [--rows 1500] [--epochs 20]

Frozen features with the default encoders (``colours``: ``hog`` and ``bow``), the network learner with its defaults but for the most rows and
epochs that are given, nothing tuned. A seed decides
which sixth of the training rows chooses the number of epochs, the weights at the beginning and the order of rows; the rows that judge are the same
for all seeds and never seen in training. Intervals are bootstrapped over these rows, each row's value being its mean over the seeds. Finished runs
are kept in the folder ``--work`` and not repeated. Writes ``benchmarks/fusion.md`` and ``benchmarks/fusion.svg``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from consilience.core.budget import Budget
from consilience.core.files import cache_folder
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import Table, read_table
from consilience.features._examples import Examples
from consilience.features.plan import Features
from consilience.features.slots import EncoderChoice, plan_slots
from consilience.features.store import FeatureStore
from consilience.fusion import FUSIONS
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.tasks import TASKS, Task
from consilience.testing import fake_task, xor_examples

SETS = ("leaf", "sroie", "openmoji", "xor", "colours")
HERE = Path(__file__).parent
DRAWS = 1000


@dataclass(frozen=True)
class Bench:
    """Rows to learn from and rows to be judged by."""

    task: Task
    train: Examples
    target: np.ndarray
    test: Examples
    truth: np.ndarray


def load(name: str, given: argparse.Namespace) -> Bench:
    """A set by its name."""
    if name == "xor":
        return Bench(fake_task("binary"), *xor_examples(400), *xor_examples(1000, seed=1))
    if name == "colours":
        folder = given.work / "colours"
        if not (folder / "test.csv").is_file():
            example("colours").build(folder)
        hog = {"image": (EncoderChoice(name="hog"),), "text": (EncoderChoice(name="bow"),)}
        return encode(folder, ("train.csv", "test.csv"), "place", given, hog, {"words": "text"})
    if name == "openmoji":
        example("openmoji").build(given.openmoji)
        return encode(given.openmoji, ("train.csv", "test.csv"), "group", given)
    if "CONSILIENCE_DATA" not in os.environ:
        raise SystemExit(f"The set {name!r} is read from the folder that CONSILIENCE_DATA names; it names none. Leave the set out with --sets.")
    folder = Path(os.environ["CONSILIENCE_DATA"]) / name
    target = json.loads((folder / "meta.json").read_text(encoding="utf-8"))["target"]
    return encode(folder, ("train.csv", "valid.csv"), target, given)


def example(name: str) -> Any:
    """A script of the examples as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE.parent / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def encode(
    folder: Path, parts: tuple[str, str], target: str, given: argparse.Namespace, chosen: dict[str, Any] | None = None, kinds: Any = None
) -> Bench:
    """Frozen features of two tables; what is fitted is fitted on the first."""
    tables: list[Table] = [read_table(folder / part) for part in parts]
    schema = infer_schema(tables[0], target, kinds=kinds or {})
    assert schema.target is not None
    first, second = (build_dataset(table, schema, with_target=True) for table in tables)
    both = first.join(second)
    features = Features(plan_slots(schema, chosen or {}))
    extraction = features.extract(both, FeatureStore(given.cache or cache_folder()))
    examples = features.fit(both, np.arange(len(first)), 0).examples(both, extraction)
    cls: Any = TASKS.get(schema.target.task)
    task = cls(schema.target, cls.Settings())
    encoded = task.encode(both.target)
    train, test = np.sort(np.random.default_rng(0).permutation(len(first))[: given.rows]), np.arange(len(first), len(both))
    return Bench(task, examples.take(train), encoded[train], examples.take(test), encoded[test])


def run(bench: Bench, fusion: str, seed: int, epochs: int) -> dict[str, Any]:
    """Trains once: the number of epochs by a sixth of the rows, then from all of them."""
    began = time.monotonic()
    cls: Any = LEARNERS.get("network")
    settings = cls.Settings(fusion=fusion)
    training = settings.training.model_copy(update={"epochs": epochs})
    learner = cls(settings.model_copy(update={"training": training}), Situation(bench.task, seed=seed))
    order = np.random.default_rng(seed).permutation(len(bench.target))
    held, rest = np.sort(order[: len(order) // 6]), np.sort(order[len(order) // 6 :])
    split = Split(bench.train.take(rest), bench.target[rest], bench.train.take(held), bench.target[held], held)
    path = learner.path(split, Budget(None))
    losses = [float(bench.task.row_losses(split.valid_target, scores).mean()) for scores in path.scores]
    fitted = learner.fit(bench.train, bench.target, path.points[int(np.argmin(losses))], Budget(None))
    scores = fitted.predict(bench.test)
    found = {"loss": bench.task.row_losses(bench.truth, scores).round(5).tolist(), "seconds": time.monotonic() - began}
    if bench.task.target.task == "regression":
        return {**found, "residual": (scores[:, 0] - bench.truth).round(5).tolist()}
    return {**found, "right": (scores.argmax(axis=1) == bench.truth).astype(int).tolist()}


def measure(given: argparse.Namespace) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """All runs, those kept and those made now, by set and fusion."""
    kept = given.work / "fusion.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.is_file() else []
    asked = {"rows": given.rows, "epochs": given.epochs}
    runs = {(line["set"], line["fusion"], line["seed"]): line for line in lines if {key: line.get(key) for key in asked} == asked}
    for name in given.sets:
        wanted = [(name, fusion, seed) for seed in range(given.seeds) for fusion in given.fusions]
        if all(key in runs for key in wanted):
            continue
        bench = load(name, given)
        for key in wanted:
            if key not in runs:
                found_now = run(bench, *key[1:], given.epochs)
                runs[key] = {"set": name, "fusion": key[1], "seed": key[2], **asked, "truth": bench.truth.tolist(), **found_now}
                with kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(runs[key]) + "\n")
                print(f"{name} {key[1]} seed {key[2]}: loss {np.mean(runs[key]['loss']):.4f}, {runs[key]['seconds']:.0f} s", flush=True)
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for (name, fusion, seed), line in sorted(runs.items()):
        if name in given.sets and fusion in given.fusions and seed < given.seeds:
            found.setdefault((name, fusion), []).append(line)
    return found


def headline(lines: Sequence[dict[str, Any]], rows: np.ndarray) -> float:
    """Accuracy, or R2 of a number, of these rows, averaged over the seeds."""
    if "right" in lines[0]:
        return float(np.mean([np.array(line["right"])[rows].mean() for line in lines]))
    truth = np.array(lines[0]["truth"])[rows]
    spread = ((truth - truth.mean()) ** 2).sum()
    return float(np.mean([1 - (np.array(line["residual"])[rows] ** 2).sum() / spread for line in lines]))


def with_interval(lines: Sequence[dict[str, Any]], of: Any) -> str:
    """A value with its 95 % interval over the rows."""
    count, draw = len(lines[0]["loss"]), np.random.default_rng(0)
    drawn = [of(lines, draw.integers(0, count, count)) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{of(lines, np.arange(count)):.3f} [{low:.3f}, {high:.3f}]"


def mean_loss(lines: Sequence[dict[str, Any]], rows: np.ndarray) -> float:
    """Mean loss of these rows, averaged over the seeds."""
    return float(np.mean([np.array(line["loss"])[rows].mean() for line in lines]))


def ranks(found: dict[tuple[str, str], list[dict[str, Any]]], sets: Sequence[str], fusions: Sequence[str]) -> dict[str, list[np.ndarray]]:
    """Fusion to its ranks by loss, for each set an array over the seeds in which all were run; 1 is the best."""
    made: dict[str, list[np.ndarray]] = {fusion: [] for fusion in fusions}
    for name in sets:
        lines = {fusion: {line["seed"]: float(np.mean(line["loss"])) for line in found.get((name, fusion), [])} for fusion in fusions}
        seeds = sorted(set.intersection(*(set(by_seed) for by_seed in lines.values())))
        if seeds:
            losses = np.array([[lines[fusion][seed] for seed in seeds] for fusion in fusions])
            for fusion, places in zip(fusions, losses.argsort(axis=0).argsort(axis=0) + 1, strict=True):
                made[fusion].append(places)
    return made


def draw_ranks(placed: dict[str, list[np.ndarray]]) -> str:
    """Mean ranks with 95 % intervals, best first, as SVG. Sets are drawn whole: the seeds of one set are no other sets."""
    means = {name: float(np.concatenate(places).mean()) for name, places in placed.items()}
    names = sorted(placed, key=means.__getitem__)
    left, wide, line = 120, 480, 24
    draw, worst = np.random.default_rng(0), len(names)

    def across(rank: float) -> float:
        return left + (rank - 1) / max(1, worst - 1) * wide

    parts = []
    for row, name in enumerate(names):
        places = placed[name]
        chosen = draw.integers(0, len(places), (DRAWS, len(places)))
        drawn = [np.mean([draw.choice(places[at], len(places[at])).mean() for at in sets]) for sets in chosen]
        low, high = np.quantile(drawn, (0.025, 0.975))
        y, mean = 20 + row * line, means[name]
        parts.append(f'<text x="{left - 12}" y="{y + 4}" text-anchor="end">{name}</text>')
        parts.append(f'<path d="M{across(low):.1f} {y}H{across(high):.1f}" stroke="#888" stroke-width="2"/>')
        parts.append(f'<circle cx="{across(mean):.1f}" cy="{y}" r="4" fill="#1b6ca8"/>')
    bottom = 20 + len(names) * line
    ticks = [f'<text x="{across(rank):.1f}" y="{bottom + 4}" text-anchor="middle">{rank}</text>' for rank in range(1, worst + 1)]
    words = "mean rank by loss, 95 % interval over sets, and seeds within them; 1 is the best"
    label = f'<text x="{left + wide / 2}" y="{bottom + 26}" text-anchor="middle">{words}</text>'
    size = f'viewBox="0 0 {left + wide + 30} {bottom + 36}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">{"".join([*parts, *ticks, label])}</svg>\n'


def write(found: dict[tuple[str, str], list[dict[str, Any]]], given: argparse.Namespace) -> None:
    """The page and its drawing."""
    seeds = sorted({len(lines) for lines in found.values()})
    told = (
        f"Made by `benchmarks/fusion.py`; what was done is said there. At most {given.rows:,} rows of a set were learned from, for at most "
        f"{given.epochs} epochs; seeds: {' to '.join(str(count) for count in dict.fromkeys((seeds[0], seeds[-1])))}."
        if seeds
        else "Nothing was run."
    )
    text = ["# Fusions compared", "", told, ""]
    placed = {name: places for name, places in ranks(found, given.sets, given.fusions).items() if len(places)}
    if placed:
        (given.out / "fusion.svg").write_text(draw_ranks(placed), encoding="utf-8")
        text += ["![Mean ranks](fusion.svg)", ""]
    for name in given.sets:
        lines = {fusion: found[name, fusion] for fusion in given.fusions if (name, fusion) in found}
        if not lines:
            continue
        first = next(iter(lines.values()))[0]
        score, loss = ("accuracy", "log-loss") if "right" in first else ("R2", "loss (mean squared error in the learner's units)")
        text += [
            f"## {name}",
            "",
            f"{len(first['loss']):,} rows judge.",
            "",
            f"| fusion | {score} | {loss} | seconds | seeds |",
            "|---|---|---|---|---|",
        ]
        for fusion in sorted(lines, key=lambda fusion: mean_loss(lines[fusion], np.arange(len(first["loss"])))):
            runs = lines[fusion]
            seconds = np.mean([line["seconds"] for line in runs])
            text.append(f"| `{fusion}` | {with_interval(runs, headline)} | {with_interval(runs, mean_loss)} | {seconds:.0f} | {len(runs)} |")
        text.append("")
    (given.out / "fusion.md").write_text("\n".join(text), encoding="utf-8")


def main() -> None:
    """Measures what is asked for and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--fusions", nargs="+", choices=FUSIONS.keys(), default=FUSIONS.keys(), metavar="NAME")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1500, help="the most rows of a set that are learned from")
    parser.add_argument("--epochs", type=int, default=20, help="the most epochs of a training")
    parser.add_argument("--openmoji", type=Path, default=Path("demo/openmoji"), help="folder of the demo's table, built if it is not there")
    parser.add_argument("--cache", type=Path, help="folder of the feature store; by itself the user's own")
    parser.add_argument("--work", type=Path, default=Path("demo/fusion"), help="folder of finished runs")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the page")
    given = parser.parse_args()
    write(measure(given), given)


if __name__ == "__main__":
    main()
