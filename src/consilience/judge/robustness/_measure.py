"""The same rows scored again and again, each time with more damage in one modality's cells."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from consilience.core.files import new_file
from consilience.core.progress import Progress, Silent
from consilience.core.seeds import generator
from consilience.data.kinds import Cells
from consilience.data.table import Table
from consilience.features._examples import Block, Examples, Prepared
from consilience.judge.altered import rescore
from consilience.judge.answers import answers_of
from consilience.judge.robustness._curves import Curve, Part, Point, Robustness, area_between
from consilience.judge.robustness._plan import SEVERITIES, Trial, plan_trials
from consilience.judge.robustness._sheet import contact_sheet
from consilience.metrics import Interval, Metric
from consilience.metrics._resample import between, draws, on_resamples
from consilience.metrics.bootstrap import bootstrap, paired_bootstrap
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["ROWS", "measure_robustness"]

ROWS = 150
"""Rows of the sample, if not all are wanted."""

ROUNDS = 200
AT_ONCE, MEMORY = 1000, 2**28
"""Damaged rows that are encoded and scored together, and the bytes that their features may take."""

GONE = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Probability that a modality is dropped, by severity."""


def measure_robustness(
    pipeline: Pipeline,
    table: Table,
    *,
    full: bool = False,
    modalities: Sequence[str] = (),
    families: Collection[str] = (),
    sheet: str | Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Robustness:
    """Curves over five severities for each modality that the model uses and each family of damage, and for the modality being absent.

    Args:
        pipeline: The model.
        table: Rows with their target that the model has not learned from.
        full: False scores a sample of 150 rows, drawn by the seed.
        modalities: Which to damage; none is all.
        families: Which damage, or ``all``; none is one family of each sort. See ``consilience.data.kinds`` and ``_columns``.
        sheet: File of a page that shows an example of each, see ``contact_sheet``; written before anything is measured.
        progress: Counts families.

    Raises:
        UsageError: The model has no such modality or family.
        ColumnError: The table lacks the target.
        DataError: No row can be scored.
    """
    began, progress = time.monotonic(), progress or Silent()
    some = table if full or len(table) <= ROWS else table.take(np.sort(generator(seed, "robustness").permutation(len(table))[:ROWS]))
    scored = pipeline.score(some, with_target=True, progress=progress)
    bench = Bench(pipeline, scored, seed)
    trials = plan_trials(pipeline, scored.dataset, modalities, families)
    if sheet is not None:
        with new_file(Path(sheet)) as beside:
            beside.write_text(contact_sheet(trials, scored.dataset, seed=seed), encoding="utf-8")
    wanted = list(dict.fromkeys(modalities or pipeline.modalities))
    parts = []
    with progress.step("Damage", len(trials) + len(wanted), "families") as step:
        for modality in wanted:
            curves, skipped, other = [], {}, bench.without(modality)
            for trial in (trial for trial in trials if trial.modality == modality):
                outputs, moved = bench.outputs(trial)
                if moved:
                    curves.append(bench.curve(trial.family, trial.columns, outputs, other))
                else:
                    skipped[trial.family] = "It changes no cell here."
                step.advance()
            curves.append(bench.curve("missing", (), bench.dropped(modality), other, GONE))
            parts.append(Part(modality, bench.measure(other), bench.best_single(modality), tuple(curves), skipped))
            step.advance()
    clean, chance = bench.measure(scored.output), bench.measure(bench.chance)
    return Robustness(
        len(scored.dataset), len(table), seed, pipeline.task.headline, clean, chance, tuple(parts), bench.note, time.monotonic() - began
    )


class Bench:
    """The rows, their truth, and the scores that all curves are held against."""

    def __init__(self, pipeline: Pipeline, scored: Scored, seed: int) -> None:
        self.pipeline, self.scored, self.seed = pipeline, scored, seed
        self.task = pipeline.task
        self.truth, self.groups = self.task.truth(answers_of(pipeline, scored)), scored.dataset.groups
        self.headline: Metric = self.task.metrics[self.task.headline]
        wanted = (self.task.headline, self.task.choose_by, "ece")
        self.metrics = {name: self.task.metrics[name] for name in dict.fromkeys(wanted) if name in self.task.metrics}
        self.chance = pipeline.without(scored, pipeline.modalities).output
        skill = paired_bootstrap(self.headline, self.truth, scored.output, self.chance, rounds=ROUNDS, seed=seed, groups=self.groups)
        self.note = "" if skill.low > 0 else "On these rows the model is not clearly better than when it is told nothing, so there is no area."

    def left(self, examples: Examples) -> np.ndarray:
        return self.pipeline.scored(self.scored.dataset, examples).output

    def measure(self, output: np.ndarray) -> dict[str, Interval]:
        return bootstrap(self.metrics, self.truth, output, rounds=ROUNDS, seed=self.seed, groups=self.groups)

    def without(self, modality: str) -> np.ndarray:
        return self.pipeline.without(self.scored, [modality]).output

    def best_single(self, modality: str) -> tuple[str, Mapping[str, Interval]] | None:
        """The best of the other modalities when it is all that the model is given."""
        names = self.pipeline.modalities
        found = {name: self.pipeline.without(self.scored, [other for other in names if other != name]).output for name in names if name != modality}
        if not found:
            return None
        best = max(found, key=lambda name: self.headline.sign * self.headline.compute(self.truth, found[name]))
        return best, self.measure(found[best])

    def outputs(self, trial: Trial) -> tuple[list[np.ndarray], bool]:
        """The output under each severity, and whether any cell was changed. Several severities are encoded in one go."""
        rows = len(self.scored.dataset)
        together = max(1, min(AT_ONCE, self.scored.examples.rows_within(MEMORY)) // rows)
        found: list[np.ndarray] = []
        moved = False
        for first in range(1, SEVERITIES + 1, together):
            severities = np.arange(first, min(first + together, SEVERITIES + 1))
            several = self.scored.take(np.tile(np.arange(rows), len(severities)))
            cells = trial.damaged(several.dataset, rows, severities, self.seed)
            moved = moved or any(differ(several.dataset.cells[name], made) for name, made in cells.items())
            if not moved:
                found += [self.scored.output] * len(severities)
                continue
            found += np.split(rescore(self.pipeline, several, cells).output, len(severities))
        return found, moved

    def dropped(self, modality: str) -> list[np.ndarray]:
        """The output when the modality is absent in ever more rows."""
        draws = generator(self.seed, "missing", modality).random(len(self.scored.dataset))
        return [self.left(absent_in(self.scored.examples, modality, draws < share)) for share in GONE]

    def curve(self, family: str, columns: tuple[str, ...], outputs: Sequence[np.ndarray], other: np.ndarray, shares: Sequence[float] = ()) -> Curve:
        """The points of a family whose outputs by severity are these."""
        points = []
        for place, output in enumerate(outputs):
            against = paired_bootstrap(self.headline, self.truth, output, other, rounds=ROUNDS, seed=self.seed, groups=self.groups)
            points.append(Point(place + 1, shares[place] if shares else None, self.measure(output), against))
        worse = next((point.severity for point in points if point.against_without.high < 0), None)
        return Curve(family, columns, tuple(points), self.area(outputs), worse)

    def area(self, outputs: Sequence[np.ndarray]) -> Interval:
        """The area with its interval: clean, chance and all severities on the same resamples."""
        if self.note:
            return Interval(float("nan"), float("nan"), float("nan"))
        every = (self.scored.output, self.chance, *outputs)
        clean, chance, *values = (self.headline.compute(self.truth, output) for output in every)
        scorers = [on_resamples(self.headline, self.truth, output) for output in every]
        resampled = []
        for weights in draws(len(self.truth), ROUNDS, self.seed, self.groups):
            one, two, *others = (scorer(weights) for scorer in scorers)
            kept = self.headline.sign * (one - two) > 0  # a resample that leaves no skill has no area
            resampled.append(area_between(one[kept], two[kept], [other[kept] for other in others]))
        return between(float(area_between(clean, chance, values)), np.concatenate(resampled), 0.95)


def differ(before: Cells, after: Cells) -> bool:
    """Whether a cell is another than before; changed media count as changed, since nobody has looked at them yet."""
    if before.kind.media or not np.array_equal(before.present, after.present):
        return True
    return any(before.key(row) != after.key(row) for row in np.flatnonzero(before.present).tolist())


def absent_in(examples: Examples, modality: str, gone: np.ndarray) -> Examples:
    """The same rows, the modality absent in those of ``gone`` (``[N]`` bool)."""

    def hidden(mask: np.ndarray) -> np.ndarray:
        return np.asarray(mask & ~(gone if mask.ndim == 1 else gone[:, None]))

    def in_block(block: Block) -> Block:
        return replace(block, mask=hidden(block.mask)) if block.modality == modality else block

    def in_part(part: Prepared) -> Prepared:
        return replace(part, arrays={**part.arrays, "mask": hidden(part.arrays["mask"])}) if part.modality == modality else part

    parts: Iterator[tuple[Prepared, ...]] = (tuple(map(in_part, several)) for several in (examples.prepared, examples.raw))
    return Examples(tuple(map(in_block, examples.blocks)), len(examples), *parts)
