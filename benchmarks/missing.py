"""Does missing evidence cost more than never having had it?

    CONSILIENCE_DATA=FOLDER python benchmarks/missing.py --openmoji FOLDER [--tables openmoji easyvqa] [--seeds 5] [--rows 1200] [--learners linear]

For each seed a model is fitted with all columns, and one without those of each medium. The first is then asked without the medium at prediction time;
its accuracy is to be at least that of the second, minus one point. OpenMoji has one split by families of emoji for each seed; of other tables the
rows that are learned from are drawn. Intervals are over the rows of all seeds; a row (or group) that is tested under several seeds is drawn as one.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import consilience
from _bench import Bench, Options
from _sets import load_table
from consilience.data.table import Table
from consilience.metrics import CLASSIFICATION, paired_bootstrap

MEDIA = ("image", "text")


@dataclass(frozen=True)
class Part:
    """Rows of one seed, with what the model says without a medium and what a model says that never had it."""

    rows: np.ndarray
    whole: np.ndarray
    absent: np.ndarray
    never: np.ndarray


def outputs_of(
    bench: Bench, pool: np.ndarray, test: np.ndarray, gone: Sequence[str], asked: Sequence[Sequence[str]], options: Any
) -> list[np.ndarray]:
    """Probabilities ``[N, K]`` of the test rows of a model fitted without ``gone``, once without each of ``asked``."""
    table = Table(bench.table.frame.drop(gone), bench.table.bases, bench.table.source)
    settings = {"presets": options.presets, "seed": options.seed, "learners": options.learners}
    model = consilience.fit(table.take(pool), target=bench.target, cache=options.cache, progress=False, **settings)
    found = []
    for columns in asked:
        seen = Table(table.frame.drop([bench.target, *columns]), table.bases, table.source).take(test)
        output = np.full((len(test), len(bench.classes)), 1 / len(bench.classes))
        known = model.predict_proba(seen)
        read = np.isfinite(known).all(axis=1)
        output[np.ix_(read, [bench.classes.index(name) for name in model.classes])] = known[read]
        output[np.ix_(read, [place for place, name in enumerate(bench.classes) if name not in model.classes])] = 0.0
        found.append(output)
    return found


def measure(bench: Bench, seed: int, options: Any) -> dict[str, Part]:
    """Medium to what was found under one seed; finished seeds are read from where they were kept."""
    split = bench.splits[seed % len(bench.splits)]
    pool = split.pool
    if len(bench.splits) == 1:
        pool = np.sort(np.random.default_rng(seed).permutation(pool)[: options.rows])
    name = f"{bench.name}-{options.presets}-{'+'.join(options.learners or ['all'])}-{options.rows}-{seed}-{split.print}"
    file = options.out / f"missing-{name}.npz"
    media = [medium for medium in MEDIA if bench.columns(medium)]
    if not file.exists():
        options.seed = seed
        whole, *absent = outputs_of(bench, pool, split.test, (), [(), *(bench.columns(medium) for medium in media)], options)
        kept = {"whole": whole}
        for medium, output in zip(media, absent, strict=True):
            kept[f"absent {medium}"] = output
            kept[f"never {medium}"] = outputs_of(bench, pool, split.test, bench.columns(medium), [()], options)[0]
        options.out.mkdir(parents=True, exist_ok=True)
        np.savez(file, **kept)
    kept = dict(np.load(file))
    return {medium: Part(split.test, kept["whole"], kept[f"absent {medium}"], kept[f"never {medium}"]) for medium in media}


def table_row(bench: Bench, medium: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Accuracies over the rows of all seeds, and the difference that is to be above minus one point."""
    rows = np.concatenate([part.rows for part in parts])
    whole, absent, never = (np.concatenate([getattr(part, name) for part in parts]) for name in ("whole", "absent", "never"))
    truth, accuracy = bench.truth[rows], CLASSIFICATION["accuracy"]
    values = {name: accuracy.compute(truth, output) for name, output in (("whole", whole), ("absent", absent), ("never", never))}
    gain = {
        name: paired_bootstrap(CLASSIFICATION[name], truth, absent, never, rounds=1000, groups=bench.units[rows]).as_dict()
        for name in ("accuracy", "log_loss")
    }
    by_seed = [accuracy.compute(bench.truth[part.rows], part.absent) - accuracy.compute(bench.truth[part.rows], part.never) for part in parts]
    return {"table": bench.name, "without": medium, **values, "gain": gain, "by_seed": by_seed, "holds": gain["accuracy"]["value"] >= -0.01}


def show(row: dict[str, Any]) -> None:
    """One line in Markdown."""
    gain = row["gain"]["accuracy"]
    said = f"{100 * gain['value']:+.1f} [{100 * gain['low']:+.1f}, {100 * gain['high']:+.1f}]"
    seeds = " ".join(f"{100 * value:+.1f}" for value in row["by_seed"])
    print(
        f"| {row['table']} | {row['without']} | {row['whole']:.3f} | {row['absent']:.3f} | {row['never']:.3f} | {said} | {seeds} | "
        f"{'yes' if row['holds'] else 'no'} |",
        flush=True,
    )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--tables", nargs="+", default=["openmoji", "easyvqa"])
    ask.add_argument("--openmoji", type=Path, default=Path("demo"))
    ask.add_argument("--out", type=Path, default=Path("benchmarks-out"))
    ask.add_argument("--cache", type=Path)
    ask.add_argument("--seeds", type=int, default=5)
    ask.add_argument("--rows", type=int, default=1200, help="rows to learn from, of sets with one split")
    ask.add_argument("--presets", default="fast")
    ask.add_argument("--learners", nargs="+")
    options = ask.parse_args()
    data = os.environ.get("CONSILIENCE_DATA")
    sets = Options(Path(data) if data else None, options.openmoji, options.out, options.cache, seeds=options.seeds)
    print("| table | without | all evidence | medium absent | never had it | difference, points | by seed | at least -1 |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    rows = []
    for name in options.tables:
        bench = load_table(name, sets)
        found = [measure(bench, seed, options) for seed in range(options.seeds)]
        for medium in found[0]:
            rows.append(table_row(bench, medium, [parts[medium] for parts in found]))
            show(rows[-1])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "missing.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
