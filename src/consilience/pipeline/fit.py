"""From a table and a recipe to a fitted whole: read, encode, learn, choose, calibrate, learn again from all rows."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from consilience.core.budget import Budget
from consilience.core.errors import TargetError, UsageError
from consilience.core.hashing import hash_arrays, hash_json
from consilience.core.progress import Progress, Silent
from consilience.core.settings import parse_settings
from consilience.data.schema import Dataset, Fold, Schema, build_dataset, infer_schema
from consilience.data.schema._lookup import check_column
from consilience.data.schema._types import Finding
from consilience.data.schema.channels import channel_groups
from consilience.data.table import Table
from consilience.data.table.again import again, name_again
from consilience.features.duplicates import near_duplicates
from consilience.features.plan import Extraction, Features
from consilience.features.slots import plan_slots, raw_slots
from consilience.features.sources import find_source
from consilience.features.store import FeatureStore
from consilience.fusion import FUSIONS
from consilience.learn.calibration import Calibration
from consilience.learn.candidates import combiners, default_candidates
from consilience.learn.effort import PRESETS
from consilience.learn.election import run_election
from consilience.learn.familiar import Familiarity
from consilience.learn.leaderboard import Leaderboard
from consilience.learn.learners import LEARNERS, Fitted, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners.ensemble import FittedEnsemble
from consilience.pipeline._alone import compare_alone
from consilience.pipeline._folds import plan_rounds
from consilience.pipeline._memory import rows_within
from consilience.pipeline._whole import EndToEndPlan
from consilience.pipeline.facts import describe_fit
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.recipe import Recipe
from consilience.tasks import TASKS, Task

__all__ = ["fit_pipeline"]


_ENCODE = 0.6
"""Share of a time limit that encoding may take."""

_MOST_CLASSES = 2000
"""Every learner's work and memory grow with the classes times the rows: with 5,000 classes, weights of n-grams alone would fill 55 GB."""

KEPT_FROM = 4000
"""Rows from which what was learned end to end from four fifths of them is kept: twice the time would buy little."""

_FEWEST = 20
"""Rows without which nothing is learned when the time for encoding is over."""


def fit_pipeline(
    table: Table, recipe: Recipe, *, valid: Table | None = None, store: FeatureStore | None = None, progress: Progress | None = None
) -> Pipeline:
    """Fits a model.

    Args:
        table: Rows to learn from.
        valid: More rows. They join the others, unless the recipe says ``valid_only``: then they only choose.
        store: Where features are kept; None keeps none.

    Raises:
        DataError: The table cannot be learned from; says which column and why.
        UsageError: The recipe asks for something that cannot be.
    """
    budget, progress = Budget(recipe.time_limit), progress or Silent()
    clock = _Clock()
    _check_names(recipe)
    if recipe.valid_only and valid is None:
        raise UsageError("There are no rows that only choose.", hint="Name them with --valid, or leave out --valid-only.")
    num_rows = len(table) + (0 if valid is None else len(valid))
    kinds = {**recipe.kinds, **{name_again(column, kind): kind for column, kind in recipe.also.items()}}
    for column in recipe.also:
        check_column(column, table.columns, table.source, "column to read again")
    table, valid = again(table, recipe.also), None if valid is None else again(valid, recipe.also)
    with progress.step("Read", num_rows) as step:
        schema = infer_schema(table, recipe.target, kinds=kinds, ignore=recipe.ignore, group=recipe.group, task=recipe.task, valid=valid)
        assert schema.target is not None
        task_class = TASKS.get(schema.target.task)
        task = task_class(schema.target, parse_settings(task_class.Settings, recipe.task_settings, f"The task {schema.target.task!r}"))
        _check_size(task)
        pool = _read(table, valid, schema, recipe)
        step.advance(num_rows)
    channels = channel_groups(pool.dataset)
    features = Features(plan_slots(schema, recipe.encoders, channels))
    raw_slots(schema, recipe.encoders, recipe.train, (), channels)  # what cannot be trained is said before the work
    pool = _in_memory(pool, features, recipe, progress)
    clock.lap("read")
    extraction = features.extract(pool.dataset, store, progress, budget.share(_ENCODE))
    pool, extraction = _in_time(*_set_aside(pool, extraction), progress)
    clock.lap("encode")

    assert pool.dataset.target is not None
    target = task.encode(pool.dataset.target)
    effort = PRESETS[recipe.presets]
    checkpoints = None if store is None else store.folder / "checkpoints" / _name_of(recipe, target)
    board_folder = Path(recipe.tensorboard) if recipe.tensorboard else None
    keep = not recipe.refit or recipe.valid_only or len(target) > KEPT_FROM
    device = "cuda" if torch.cuda.is_available() else "cpu"
    groups, relatives = pool.dataset.groups, 0
    if groups is None and recipe.near_duplicates:
        blocks = list(extraction.blocks.values())
        if (source := find_source(pool.dataset, blocks, task.labels(target), recipe.seed)) is not None:
            column, groups = source
            schema = _with_source(schema, column)
            progress.say(f"{schema.findings[-1].message} (column {column!r})")
        elif (groups := near_duplicates(blocks, recipe.seed)) is not None:
            relatives = int((np.bincount(groups)[groups] > 1).sum())
            progress.say(f"{relatives:,} of {len(groups):,} rows are nearly the same as another; such rows stay on one side when rows are held out.")
    situation = Situation(
        task,
        recipe.seed,
        device,
        keep=keep,
        checkpoints=checkpoints,
        resume=recipe.resume,
        progress=progress,
        tensorboard=board_folder,
        groups=groups,
    )
    rounds = plan_rounds(pool.is_valid, task.labels(target), groups, recipe)

    def splits_of(folds: Sequence[Fold]) -> list[Split]:
        return [_split(features, pool.dataset, extraction, target, fold, recipe.seed) for fold in folds]

    splits = splits_of(rounds[0])
    train = splits[0].train
    candidates = default_candidates(
        train.modalities,
        sorted({part.modality for part in train.prepared}),
        sorted({block.modality for block in train.blocks}),
        recipe.fusion,
        effort,
        len(target),
        len(train.blocks),
        recipe.learners,
    )
    whole = EndToEndPlan(pool.dataset, schema, recipe, task, target, rounds[0], splits, channels, progress)
    if recipe.learners:
        candidates = [candidate for candidate in candidates if candidate.learner in recipe.learners]
        if not candidates and not whole.can():
            raise UsageError(f"None of the learners {', '.join(recipe.learners)} can learn from this table.", hint="Name others with --learner.")
    together = [name for name in combiners() if not recipe.learners or name in recipe.learners]
    board = run_election(candidates, splits, target, situation, budget, progress, together, effort, map(splits_of, rounds[1:]), whole)
    chosen = board[board.chosen]
    assert chosen.scores is not None
    learn_from = np.arange(len(pool.dataset)) if recipe.refit and not recipe.valid_only else rounds[0][0].train
    final, model = _refit(features, whole.raw, pool.dataset, extraction, target, learn_from, board, situation, budget, progress)
    used = {name for _, names in model.members.values() for name in names}
    present = {name: there for name, there in _presence(splits, board.scored).items() if name in used}
    calibration = Calibration.fit(chosen.scores[board.scored], target[board.scored], task, present)
    clock.lap("learn")
    if checkpoints is not None:
        shutil.rmtree(checkpoints, ignore_errors=True)  # nothing is left to go on with
    pipeline = Pipeline(recipe, schema, task, final, model, calibration, {}, store)
    slots = {slot.name for slot in pipeline.needed_features().slots}
    pipeline.familiarity = Familiarity.fit(splits, final.examples(pool.dataset, extraction).take(learn_from), slots, recipe.seed)
    pipeline.facts = describe_fit(
        board, target, situation, pool.dataset, extraction, final, calibration, clock.seconds(), _peak_memory(), len(learn_from), schema, relatives
    )

    def splits_again(seed: int) -> list[Split]:
        return splits_of(plan_rounds(pool.is_valid, task.labels(target), groups, recipe.model_copy(update={"seed": seed}))[0])

    pipeline.facts.update(compare_alone(board, pipeline.facts, target, situation, splits_again, recipe.seeds, budget, progress))
    if recipe.seeds > 1:
        clock.lap("seeds")
        pipeline.facts["seconds"] = clock.seconds()
    return pipeline


def _name_of(recipe: Recipe, target: np.ndarray) -> str:
    """The folder of a fit's checkpoints: the same for the same settings and rows, whether it goes on or begins."""
    settings = recipe.model_dump(mode="json", exclude={"resume", "time_limit", "offline", "tensorboard", "seeds"})
    return hash_json([settings, hash_arrays({"target": np.asarray(target)})])


@dataclass(frozen=True)
class _Pool:
    """Rows of both tables; ``is_valid [N]`` says which came from the second."""

    dataset: Dataset
    is_valid: np.ndarray


def _check_size(task: Task) -> None:
    """Raises TargetError where there are more classes than can be learned in a time that anybody would wait."""
    classes = len(task.target.classes)
    if classes > _MOST_CLASSES:
        raise TargetError(
            f"The target has {classes:,} classes; up to {_MOST_CLASSES:,} can be learned.",
            hint="Put rare classes together, learn a coarser column, or leave out rows of classes that hardly occur.",
            column=task.target.name,
        )


def _check_names(recipe: Recipe) -> None:
    """Names are checked before the work, not after it."""
    for name in recipe.learners:
        LEARNERS.check(name)
    if recipe.learners and all(name in combiners() for name in recipe.learners):
        raise UsageError(f"The learner {recipe.learners[0]!r} is made of others, and no other is named.", hint="Name some with --learner.")
    if recipe.fusion != "auto":
        FUSIONS.check(recipe.fusion)


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name], self.last = now - self.last, now

    def seconds(self) -> dict[str, float]:
        return {**{name: round(value, 3) for name, value in self.laps.items()}, "total": round(time.monotonic() - self.began, 3)}


def _read(table: Table, valid: Table | None, schema: Schema, recipe: Recipe) -> _Pool:
    """The usable rows of one or two tables as one data set; rows of the second are counted on from the first."""
    first = build_dataset(table, schema, with_target=True, strict=recipe.strict)
    if valid is None:
        pool = _Pool(first, np.zeros(len(first), bool))
    else:
        second = build_dataset(valid, schema, with_target=True, strict=recipe.strict)
        pool = _Pool(first.join(second), np.repeat([False, True], [len(first), len(second)]))
    if len(pool.dataset) < 2:
        raise TargetError("Fewer than two rows can be learned from.", table=table.source, hint="See the reasons with: consilience inspect")
    return pool


def _set_aside(pool: _Pool, extraction: Extraction) -> tuple[_Pool, Extraction]:
    """Without the rows whose cells cannot be decoded."""
    if not extraction.failures:
        return pool, extraction
    keep = np.array([row for row in range(len(pool.dataset)) if row not in extraction.failures], dtype=np.int64)
    if len(keep) < 2:
        column, reason = next(iter(extraction.failures.values()))
        raise TargetError(f"Fewer than two rows can be read. {reason}", column=column)
    return _Pool(pool.dataset.set_aside(extraction.failures), pool.is_valid[keep]), extraction.take(keep)


def _with_source(schema: Schema, column: str) -> Schema:
    """With a word on the column that says where rows come from."""
    said = (
        "It says where a row comes from: it tells nothing of the target, and the media tell it. Whole sources are held out, as if new ones were to "
        "come; another --group says otherwise."
    )
    return schema.model_copy(update={"findings": (*schema.findings, Finding(topic="group", column=column, message=said))})


def _in_memory(pool: _Pool, features: Features, recipe: Recipe, progress: Progress) -> _Pool:
    """As many rows as can be learned from within the limit of memory."""
    keep = rows_within(recipe.memory_limit, pool.dataset, features, recipe.seed)
    if keep is None:
        return pool
    progress.say(
        f"The model learns from {len(keep):,} of {len(pool.dataset):,} rows, drawn at random: the features of all would not fit into "
        f"{recipe.memory_limit:g} GiB. --memory-limit lets it take more."
    )
    return _Pool(pool.dataset.take(keep), pool.is_valid[keep])


def _in_time(pool: _Pool, extraction: Extraction, progress: Progress) -> tuple[_Pool, Extraction]:
    """Without the rows that were not encoded within their share of the time limit; they are a random part of all."""
    if not extraction.late:
        return pool, extraction
    keep = np.array([row for row in range(len(pool.dataset)) if row not in extraction.late], dtype=np.int64)
    if len(keep) < _FEWEST:
        raise UsageError(
            f"The time limit ended before {_FEWEST} rows were encoded ({len(keep)} of {len(pool.dataset):,} were).",
            hint="Give a longer --time-limit, or repeat the command: what was encoded is kept.",
        )
    progress.say(f"The time limit let {len(keep):,} of {len(pool.dataset):,} rows be encoded; the model learns from these.")
    return _Pool(pool.dataset.take(keep), pool.is_valid[keep]), extraction.take(keep)


def _split(features: Features, dataset: Dataset, extraction: Extraction, target: np.ndarray, fold: Fold, seed: int) -> Split:
    examples = features.fit(dataset, fold.train, seed).examples(dataset, extraction)
    return Split(examples.take(fold.train), target[fold.train], examples.take(fold.valid), target[fold.valid], fold.valid)


def _presence(splits: Sequence[Split], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Modality to ``[S]`` bool for these of the rows that the splits hold out: of all of them, or of the first."""
    splits = splits[:1] if len(rows) == len(splits[0].rows) else splits
    order = np.argsort(np.concatenate([split.rows for split in splits]))
    found = [split.valid.present() for split in splits]
    assert len(order) == len(rows)
    return {name: np.concatenate([one[name] for one in found])[order] for name in found[0]}


def _refit(
    features: Features,
    raw: Features | None,
    dataset: Dataset,
    extraction: Extraction,
    target: np.ndarray,
    rows: np.ndarray,
    board: Leaderboard,
    situation: Situation,
    budget: Budget,
    progress: Progress,
) -> tuple[Features, FittedEnsemble]:
    """The chosen candidate, or the members of the chosen ensemble, learned from all rows.

    Args:
        raw: Encoders of what was learned end to end, as they were when that was scored.
    """
    chosen = board[board.chosen]
    weights = chosen.weights or {chosen.name: 1.0}
    if raw is not None and any(LEARNERS.get(board[name].candidate.learner).fitted.whole for name in weights):
        # A model that is kept goes with the encoders that it was learned with.
        kept = all(board[name].fitted is not None for name in weights if LEARNERS.get(board[name].candidate.learner).fitted.whole)
        more = raw if kept else raw.fit(dataset, rows, situation.seed)
        final = features.fit(dataset, rows, situation.seed).beside(more)
    else:
        final = features.fit(dataset, rows, situation.seed)
    situation = replace(situation, encoders=final.trained, seeds=chosen.rounds)
    examples = final.examples(dataset, extraction).take(rows)
    members: dict[str, tuple[Fitted, tuple[str, ...]]] = {}
    with progress.step("Learn from all rows", len(weights), "models") as step:
        for name in _in_order(weights, board, budget):
            entry = board[name]
            # What is begun is finished; a member for which there is no time is left out. All rows are a quarter more than those of a fold.
            if members and budget.left() < 1.3 * entry.fit_seconds * entry.rounds:
                continue
            learner = entry.candidate.make(situation)
            seen = examples.only(entry.candidate.modalities, learner.fitted.whole)
            fitted = entry.fitted or learner.fit(seen, target[rows], entry.point, Budget(None))
            members[name] = (fitted, entry.candidate.modalities)
            step.advance()
    return final, FittedEnsemble(members, {name: weights[name] / sum(weights[kept] for kept in members) for name in members}, situation)


def _in_order(weights: dict[str, float], board: Leaderboard, budget: Budget) -> Sequence[str]:
    """The heaviest member first; where time is short, the heaviest for which there is some, or else the quickest."""
    order = sorted(weights, key=lambda name: (-weights[name], name))
    first = next((name for name in order if budget.left() > 1.3 * board[name].fit_seconds), min(order, key=lambda name: board[name].fit_seconds))
    return [first, *(name for name in order if name != first)]


def _peak_memory() -> float:
    """Most memory this process ever held, in MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
