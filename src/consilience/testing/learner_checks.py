"""What every learner has to keep, as plain functions: for our own tests and for the author of a plugin.

``check_learner`` runs on fake examples with a dense, a sparse and a sequence block, in which every pattern of presence occurs, also that of nothing.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy import sparse

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.features._examples import Block, Examples, Prepared
from consilience.learn.learners import LEARNERS, Combiner, Fitted, Learner, Situation
from consilience.learn.learners._base import CrossFit, OutOfTime, Path, Split
from consilience.learn.learners.ensemble import mix
from consilience.tasks import Task
from consilience.testing._fake_encoders import LearnedNumbers
from consilience.testing._fake_examples import fake_examples
from consilience.testing._same import close, same, through_disk
from consilience.testing._verdict import run_checks

__all__ = ["Trial", "check_combiner", "check_learner"]

RUBBISH = 1e4


@dataclass
class Trial:
    """One learner on one task, with what several checks share."""

    learner: Learner
    task: Task
    rows: int = 120

    @cached_property
    def data(self) -> tuple[Examples, np.ndarray]:
        return fake_examples(self.task, self.rows)

    @cached_property
    def fresh(self) -> tuple[Examples, np.ndarray]:
        """Rows of the same rule that nobody learned from."""
        return fake_examples(self.task, self.rows, seed=1)

    @cached_property
    def splits(self) -> list[Split]:
        examples, target = self.data
        part = np.random.default_rng(0).permutation(self.rows) % 2
        folds = [part == number for number in (0, 1)]
        return [
            Split(examples.take(np.flatnonzero(~fold)), target[~fold], examples.take(np.flatnonzero(fold)), target[fold], np.flatnonzero(fold))
            for fold in folds
        ]

    @cached_property
    def path(self) -> Path:
        return self.learner.path(self.splits[0], Budget(None))

    @cached_property
    def crossed(self) -> CrossFit:
        return self.learner.cross_fit(self.splits, self.rows, Budget(None))

    @cached_property
    def fitted(self) -> Fitted:
        return self.fit(self.data[0])

    def fit(self, examples: Examples) -> Fitted:
        return self.learner.fit(examples, self.data[1], self.crossed.point, Budget(None))


def check_learner(
    name: str,
    task: Task,
    settings: Mapping[str, Any] | None = None,
    known: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Runs every check on a learner.

    Args:
        name: Its key in the registry.
        task: What is to be learned (``fake_task`` makes one).
        settings: The learner's own, small for speed.
        known: Name of a check to the reason why it may fail.
        only: Names of the checks to run; all of them if None.
    """
    cls: Any = LEARNERS.get(name)
    card, made = LEARNERS.card(name), cls(cls.Settings(**(settings or {})), Situation(task, seed=3))
    trial = Trial(made, task)
    checks: list[Callable[[Trial], None]] = [check_choice, check_scores, check_signal, check_state]
    checks += [check_seed, check_order, check_single, check_time]
    checks += [check for claim, check in (("absence", check_absence), ("trains encoders", check_encoders)) if claim in card.claims]
    promised = {check.__name__.removeprefix("check_"): partial(check, trial) for check in [*checks, check_unchanged]}
    if isinstance(made, Combiner):
        promised = {"combiner": partial(check_combiner, made, task, card)}
    run_checks(f"The learner {name!r} on {task.target.task}", {key: check for key, check in promised.items() if only is None or key in only}, known)


def check_choice(trial: Trial) -> None:
    """A path of finite scores for every split, and one point chosen for all, that tells how to fit again; every row is scored once."""
    split = trial.splits[0]
    path = trial.path
    wanted = (len(path.points), len(split.valid), trial.task.num_outputs)
    assert path.points, "The path has no point."
    assert path.scores.shape == wanted, f"The path's scores have the shape {path.scores.shape}, promised is {wanted}."
    assert np.isfinite(path.scores).all(), "A score on the path is not finite."
    assert trial.crossed.scores.shape == (trial.rows, trial.task.num_outputs), f"The cross-fit scores have the shape {trial.crossed.scores.shape}."
    assert np.isfinite(trial.crossed.scores).all(), "A row that was in a fold has no finite score."
    assert json.loads(json.dumps(trial.crossed.point)) == trial.crossed.point, "The point chosen is not a value that JSON can hold."


def check_scores(trial: Trial) -> None:
    """Scores ``[N, K]`` float64, finite for every row, also where nothing is present and where there are no rows; vectors likewise."""
    examples, _ = trial.fresh
    for given in (examples, examples.without(examples.modalities), examples.take(np.arange(1)), examples.take(np.arange(0))):
        scores = trial.fitted.predict(given)
        assert scores.shape == (len(given), trial.task.num_outputs), f"{len(given)} rows give scores of the shape {scores.shape}."
        assert scores.dtype == np.float64, f"The scores are {scores.dtype}, promised is float64."
        assert np.isfinite(scores).all(), "A score is not finite."
        vectors = trial.fitted.embed(given)
        assert vectors.ndim == 2 and len(vectors) == len(given), f"{len(given)} rows give vectors of the shape {vectors.shape}."  # noqa: PT018
        assert np.isfinite(vectors).all(), "A vector is not finite."


def check_signal(trial: Trial) -> None:
    """An easy target is learned: the loss on new rows is at most 70 % of that of a model that knows only how the target is spread."""
    examples, target = trial.fresh
    loss = trial.task.row_losses(target, trial.fitted.predict(examples)).mean()
    crossed = trial.task.row_losses(trial.data[1], trial.crossed.scores).mean()
    constant = trial.task.row_losses(target, np.repeat(_constant(trial.task, trial.data[1]), len(target), axis=0)).mean()
    assert loss < 0.7 * constant, f"The loss on new rows is {loss:.3f}, of a constant {constant:.3f}."
    assert crossed < 0.85 * constant, f"The loss on held-out rows is {crossed:.3f}, of a constant {constant:.3f}."


def check_seed(trial: Trial) -> None:
    """The same rows and seed give the same predictions to the bit."""
    examples, _ = trial.fresh
    again = type(trial.learner)(trial.learner.settings, trial.learner.situation)
    scores = again.fit(trial.data[0], trial.data[1], trial.crossed.point, Budget(None)).predict(examples)
    assert same(trial.fitted.predict(examples), scores), "Two fits with one seed predict two things."


def check_state(trial: Trial) -> None:
    """What was learned survives a model folder to the bit."""
    examples, _ = trial.fresh
    state = through_disk(trial.fitted.state())
    restored = type(trial.learner).fitted.restore(state, trial.learner.situation)
    assert same(trial.fitted.predict(examples), restored.predict(examples)), "The restored learner predicts something else."
    assert same(trial.fitted.embed(examples), restored.embed(examples)), "The restored learner gives other vectors."


def check_order(trial: Trial) -> None:
    """Rows in another order give the same scores in that order, and a row gives in a batch what it gives alone."""
    examples, _ = trial.fresh
    scores = trial.fitted.predict(examples)
    order = np.random.default_rng(0).permutation(len(examples))
    assert close(trial.fitted.predict(examples.take(order)), scores[order]), "Another order of the rows gives other scores."
    for row in (0, 1, 2, len(examples) - 1):
        assert close(trial.fitted.predict(examples.take(np.array([row])))[0], scores[row]), f"Row {row} differs from the same row alone."


def check_unchanged(trial: Trial) -> None:
    """Neither fitting nor predicting changes the examples or the target (looked at after all that was done with them)."""
    trial.fitted.predict(trial.fresh[0])
    for seed, (examples, target) in ((0, trial.data), (1, trial.fresh)):
        before, kept = fake_examples(trial.task, trial.rows, seed)
        assert same(target, kept), "The target was changed in place."
        for block, old in zip(examples.blocks, before.blocks, strict=True):
            assert same(block.values, old.values), f"The values of the block {block.name!r} were changed in place."
            assert same(block.mask, old.mask), f"The mask of the block {block.name!r} was changed in place."


def check_single(trial: Trial) -> None:
    """One modality alone is enough, whichever it is; the others do not exist for it. A row that no fold scored has NaN for scores."""
    examples, target = trial.data
    for modality in examples.modalities:
        fitted = trial.learner.fit(examples.only([modality]), target, trial.crossed.point, Budget(None))
        assert np.isfinite(fitted.predict(trial.fresh[0].only([modality]))).all(), f"With {modality!r} alone a score is not finite."
    split = trial.splits[0].only(examples.modalities[:1])
    scores = trial.learner.cross_fit([split], trial.rows, Budget(None)).scores
    scored = np.isin(np.arange(trial.rows), split.rows)
    assert np.isfinite(scores[scored]).all(), "A row of the only fold has no finite score."
    assert np.isnan(scores[~scored]).all(), "A row that no fold scored is not NaN."


def check_time(trial: Trial) -> None:
    """Without any time left a split ends at once: with what there is, or with OutOfTime."""
    try:
        path = trial.learner.path(trial.splits[0], Budget(0.0))
    except OutOfTime:
        return
    assert path.points, "Out of time, the path has no point; OutOfTime is the word for that."
    assert np.isfinite(path.scores).all(), "Out of time, a score is not finite."


def check_absence(trial: Trial) -> None:
    """What stands in absent rows and tokens has no influence, neither on what is learned nor on what is predicted; nor has what is hidden."""
    examples, fresh = trial.data[0], trial.fresh[0]
    scores = trial.fitted.predict(fresh)
    assert same(scores, trial.fitted.predict(soil(fresh))), "What stands in absent places changes a prediction."
    assert same(scores, trial.fit(soil(examples)).predict(fresh)), "What stands in absent places changes what is learned."
    for modality in examples.modalities:
        hidden = fresh.without([modality])
        assert same(trial.fitted.predict(hidden), trial.fitted.predict(soil(hidden))), f"{modality!r} is hidden and has influence."


def check_encoders(trial: Trial) -> None:
    """An encoder that learns with the network learns: with it alone the target is learned, and its weights survive a model folder."""
    (plain, target), (other, wanted) = trial.data, trial.fresh
    encoder = LearnedNumbers()
    examples, fresh, soiled = (_with_encoder(given, encoder, rubbish) for given, rubbish in ((plain, 0.0), (other, 0.0), (other, RUBBISH)))
    fitted = trial.learner.fit(examples, target, trial.crossed.point, Budget(None))
    scores = fitted.predict(fresh)
    assert np.isfinite(scores).all(), "A score is not finite."
    assert same(scores, fitted.predict(soiled)), "What stands in absent rows changes a prediction."
    constant = np.repeat(_constant(trial.task, target), len(wanted), axis=0)
    loss, least = trial.task.row_losses(wanted, scores).mean(), trial.task.row_losses(wanted, constant).mean()
    assert loss < 0.85 * least, f"With an encoder that is learned the loss on new rows is {loss:.3f}, of a constant {least:.3f}."
    situation = replace(trial.learner.situation, encoders={"table:learned": encoder})
    restored = type(trial.learner).fitted.restore(through_disk(fitted.state()), situation)
    assert same(scores, restored.predict(fresh)), "Restored with its encoder the learner predicts something else."


def check_combiner(combiner: Combiner, task: Task, card: Card) -> None:
    """Weights above 0 that sum to 1, for candidates that there are; the mean is no worse than the best of them; their order does not matter."""
    assert "combines" in card.claims, "A combiner's card claims 'combines'."
    examples, target = fake_examples(task, 120)
    learner = LEARNERS.get("linear")
    rows = np.arange(len(target))
    candidates: dict[str, np.ndarray] = {}
    for modality in examples.modalities:
        made: Any = learner(learner.Settings(penalties=(0.1, 0.01)), Situation(task))  # type: ignore[call-arg]
        part = examples.only([modality])
        split = Split(part.take(rows[::2]), target[::2], part.take(rows[1::2]), target[1::2], rows[1::2])
        candidates[modality] = made.path(split, Budget(None)).scores[-1]
    before = copy.deepcopy(candidates)
    weights = combiner.combine(candidates, target[1::2])
    assert set(weights) <= set(candidates), f"There are weights for {sorted(set(weights) - set(candidates))}, which are no candidates."
    assert min(weights.values()) > 0, f"A weight is not above 0: {weights}."
    assert np.isclose(sum(weights.values()), 1), f"The weights sum to {sum(weights.values())}."
    losses = {name: task.row_losses(target[1::2], scores).mean() for name, scores in candidates.items()}
    mixed = task.row_losses(target[1::2], mix(candidates, weights, task)).mean()
    assert mixed <= min(losses.values()) + 1e-9, f"The mean's loss is {mixed}, that of the best candidate {min(losses.values())}."
    assert combiner.combine(dict(reversed(candidates.items())), target[1::2]) == weights, "The order of the candidates changes the weights."
    assert all(same(candidates[name], before[name]) for name in candidates), "The scores were changed in place."
    alone = combiner.combine({"one": candidates["text"]}, target[1::2])
    assert alone == {"one": 1.0}, f"A single candidate has the weights {alone}."


def soil(examples: Examples) -> Examples:
    """The same examples with NaN and large numbers, by turns, wherever nothing is present."""
    return replace(examples, blocks=tuple(replace(block, values=_soiled(block)) for block in examples.blocks))


def _soiled(block: Block) -> Any:
    if not sparse.issparse(block.values):
        values = np.array(block.values)
        values[~block.mask] = np.where(np.arange((~block.mask).sum()) % 2, np.nan, RUBBISH)[:, None]
        return values
    gone = np.flatnonzero(~block.present)
    rubbish = np.where(np.arange(len(gone)) % 2, np.nan, RUBBISH).astype(np.float32)
    return sparse.csr_matrix(block.values + sparse.csr_matrix((rubbish, (gone, gone % block.width)), shape=block.values.shape))


def _with_encoder(examples: Examples, encoder: LearnedNumbers, rubbish: float) -> Examples:
    """The dense block ``table`` alone, as the input of an encoder that is learned."""
    block = next(block for block in examples.blocks if block.modality == "table")
    numbers = np.where(block.mask[:, None], block.values, np.float32(rubbish))
    return Examples((), len(examples), (Prepared("table:learned", "table", {"numbers": numbers, "mask": block.mask[:, None]}, encoder),))


def _constant(task: Task, target: np.ndarray) -> np.ndarray:
    """``[1, K]`` the best scores of a model that sees nothing."""
    if not task.target.classes:
        return np.array([[target.mean()]])
    if target.ndim == 2:
        share = np.clip(target.mean(axis=0), 1e-3, 1 - 1e-3)
        return np.asarray(np.log(share / (1 - share)))[None]
    return np.asarray(np.log(np.bincount(target, minlength=task.num_outputs) / len(target)))[None]
