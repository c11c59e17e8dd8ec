"""What every task has to keep, as plain functions: for our own tests and for the author of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from consilience.tasks import Task
from consilience.testing._fake_examples import fake_target, fake_task
from consilience.testing._same import same
from consilience.testing._verdict import run_checks

__all__ = ["METRICS", "check_balance", "check_loss", "check_metrics", "check_output", "check_round_trip", "check_task"]

_CLASSES = frozenset({"accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "log_loss", "auc", "ece"})
_NUMBERS = frozenset({"rmse", "mae", "r2", "median_ae"})
METRICS = {
    "binary": _CLASSES,
    "multiclass": _CLASSES,
    "multilabel": frozenset({"micro_f1", "macro_f1", "map", "hamming"}),
    "regression": _NUMBERS,
    "regression in log space": _NUMBERS | {"mae_log", "r2_log"},
}
"""Task to the metrics that every answer of ``evaluate`` holds."""


def check_task(name: str, known: Mapping[str, str] | None = None) -> None:
    """Runs every check on a task, with few and many classes, or on numbers as they are and as logarithms.

    Args:
        name: Its key in the registry.
        known: Name of a check, such as ``"output (2 classes)"``, to the reason why it may fail.

    >>> check_task("regression")
    """
    cases: dict[str, Callable[..., Task]]
    if name == "regression":
        cases = {"plain": partial(fake_task, name), "log": partial(fake_task, name, log=True)}
    else:
        counts = {"binary": (2,), "multilabel": (1, 4)}.get(name, (3, 7))
        cases = {f"{count} classes": partial(fake_task, name, count) for count in counts}
    checks: dict[str, Callable[[], None]] = {}
    for case, make in cases.items():
        task = make()
        target = fake_target(task, 42)
        for check in (check_round_trip, check_output, check_loss, check_metrics):
            checks[f"{check.__name__.removeprefix('check_')} ({case})"] = partial(check, task, target)
        if "focal" in type(task.settings).model_fields:
            checks[f"balance ({case})"] = partial(check_balance, make, target)
    run_checks(f"The task {name!r}", checks, known)


def check_round_trip(task: Task, target: np.ndarray) -> None:
    """Target -> encoded -> perfect scores -> output -> decoded is the target again; nothing is changed in place."""
    before = target.copy()
    encoded = task.encode(target)
    assert len(encoded) == len(target), f"{len(target)} rows are encoded as {len(encoded)}."
    assert np.isfinite(encoded.astype(np.float64)).all(), "An encoded target is not finite."
    scores = perfect(task, encoded)
    kept = scores.copy()
    decoded = task.decode(task.output(scores))
    given, wanted = decoded["prediction"], before.tolist()
    assert len(given) == len(wanted), f"{len(wanted)} rows are decoded as {len(given)}."
    if task.target.classes:
        plain = [sorted(cell) if isinstance(cell, list) else cell for cell in wanted]
        assert given == plain, "Perfect scores do not give the target back."
        assert all(0 <= sure <= 1 for sure in decoded["probability"]), "A probability of a prediction is not within 0 and 1."
        assert np.mean(decoded["probability"]) > 0.99, "Perfect scores are not nearly certain."
    else:
        assert np.allclose(given, wanted), "Perfect scores do not give the target back."
    assert list(target) == list(before), "The target was changed in place."
    assert same(scores, kept), "The scores were changed in place."
    codes = task.labels(encoded)
    assert codes.dtype == np.int64 and codes.shape == (len(target),), f"The codes to stratify by are {codes.dtype} {codes.shape}."  # noqa: PT018
    assert len(task.encode(target[:0])) == 0, "No rows are not encoded as no rows."


def check_output(task: Task, target: np.ndarray) -> None:
    """Probabilities within 0 and 1 that sum to 1 where there is one class a row; numbers that are finite, and above 0 where logarithms are learned.

    Also for scores far out.
    """
    draw = np.random.default_rng(0)
    for size in (0.0, 1.0, 50.0, 1e6):
        scores = size * draw.normal(size=(len(target), task.num_outputs))
        output = task.output(scores)
        assert len(output) == len(target), f"{len(target)} rows of scores give {len(output)} rows."
        assert np.isfinite(output).all(), f"Scores of about {size:g} give something that is not finite."
        if task.target.classes:
            assert output.shape == scores.shape, f"Probabilities of the shape {output.shape} from scores of the shape {scores.shape}."
            assert output.min() >= 0 and output.max() <= 1, "A probability is not within 0 and 1."  # noqa: PT018
            assert one_each(task) is False or np.allclose(output.sum(axis=1), 1), "The probabilities of a row do not sum to 1."
        else:
            assert output.shape == (len(target),), f"Numbers of the shape {output.shape}."
            assert not task.target.log or output.min() > 0, f"A model of logarithms predicts {output.min()}."
        decoded = task.decode(output)
        assert all(len(column) == len(target) for column in decoded.values()), "A decoded column has another length."
    assert len(task.decode(task.output(np.zeros((0, task.num_outputs))))["prediction"]) == 0, "No rows do not give no predictions."


def check_loss(task: Task, target: np.ndarray) -> None:
    """A finite number with a gradient; less for better scores; for classes the mean of ``row_losses``, which candidates are compared by."""
    encoded = task.encode(target)
    goal = torch.from_numpy(encoded)
    goal = goal if goal.dtype == torch.int64 else goal.float()
    good = perfect(task, encoded)
    noise = np.random.default_rng(0).normal(size=good.shape)
    values = []
    for scores in (good, good + 20 * noise, noise * 3):
        tensor = torch.from_numpy(scores).float().requires_grad_()
        loss = task.loss(tensor, goal, None)
        assert loss.ndim == 0 and bool(loss.isfinite()), f"The loss is {loss}, not one finite number."  # noqa: PT018
        loss.backward()  # type: ignore[no-untyped-call]
        assert tensor.grad is not None and bool(tensor.grad.isfinite().all()), "The loss has no finite gradient."  # noqa: PT018
        rows = task.row_losses(encoded, scores)
        assert rows.shape == (len(target),), f"The losses of {len(target)} rows have the shape {rows.shape}."
        assert np.isfinite(rows).all(), "The loss of a row is not finite."
        both = (float(loss.detach()), float(rows.mean()))
        assert not task.target.classes or np.isclose(*both, rtol=1e-4, atol=1e-6), f"The loss is {both[0]}, the mean over rows {both[1]}."
        values.append(both)
    best, *others = np.array(values)
    assert all((best < other).all() for other in others), f"Perfect scores do not have the least loss: {values}."


def check_metrics(task: Task, target: np.ndarray) -> None:
    """The metrics that are promised, each with an interval around its value and within its bounds; the best value for perfect scores."""
    encoded = task.encode(target)
    name = f"{task.target.task} in log space" if task.target.log else task.target.task
    missing = METRICS.get(name, frozenset()) - set(task.metrics)
    assert not missing, f"The metrics {sorted(missing)} are promised and not there."
    assert task.choose_by in task.metrics, f"Candidates are chosen by {task.choose_by!r}, which is no metric of the task."
    assert task.headline in task.metrics, f"The headline {task.headline!r} is no metric of the task."
    good = perfect(task, encoded)
    poor = good[::-1] + np.random.default_rng(0).normal(size=good.shape)
    found = {case: task.evaluate(encoded, task.output(scores), seed=1) for case, scores in (("perfect", good), ("poor", poor))}
    for metric in task.metrics.values():
        for interval in (found["perfect"][metric.name], found["poor"][metric.name]):
            if np.isnan(interval.value):  # such as the share of variance of a constant
                continue
            assert interval.low <= interval.value <= interval.high, f"{metric.name} is not within its interval: {interval}."
            assert metric.low <= interval.low and interval.high <= metric.high, f"{metric.name} leaves its bounds: {interval}."  # noqa: PT018
        better = metric.sign * (found["perfect"][metric.name].value - found["poor"][metric.name].value)
        assert not better < 0, f"{metric.name} is worse for perfect scores."
    again = task.evaluate(encoded, task.output(poor), seed=1)
    assert repr(again) == repr(found["poor"]), "The same seed gives other intervals."
    by_class = task.by_class(encoded, task.output(good))
    assert set(by_class) == set(task.target.classes), f"by_class knows {sorted(by_class)}, the classes are {sorted(task.target.classes)}."


def check_balance(make: Callable[..., Task], target: np.ndarray) -> None:
    """Focal loss says less of rows that are sure; ``balanced`` makes each class count the same; without them nothing is weighted."""
    plain, focal, balanced = make(), make(focal=2.0), make(class_weights="balanced")
    encoded = plain.encode(target)
    goal = torch.from_numpy(encoded)
    assert plain.class_weights(encoded) is None, "Classes are weighted though nobody asked."
    sure = torch.from_numpy(perfect(plain, encoded) * 0.2).float().requires_grad_()
    hard = -sure.detach()
    ratio = [float(focal.loss(scores, goal, None) / plain.loss(scores, goal, None)) for scores in (sure.detach(), hard)]
    assert 0 < ratio[0] < ratio[1] <= 1.0001, f"Focal loss over plain loss is {ratio[0]} for sure rows and {ratio[1]} for wrong ones."
    focal.loss(sure, goal, None).backward()  # type: ignore[no-untyped-call]
    assert sure.grad is not None and bool(sure.grad.isfinite().all()), "The focal loss has no finite gradient."  # noqa: PT018
    far = torch.from_numpy(perfect(plain, encoded) * 10).float().requires_grad_()
    focal.loss(far, goal, None).backward()  # type: ignore[no-untyped-call]
    assert far.grad is not None and bool(far.grad.isfinite().all()), "The focal loss of very sure rows has no finite gradient."  # noqa: PT018
    one = one_each(plain)
    rare = np.arange(len(encoded)) if not one else np.flatnonzero((encoded != 0) | (np.cumsum(encoded == 0) <= 1))  # class 0 keeps one row
    weights = balanced.class_weights(encoded[rare])
    assert weights is not None and weights.shape == (plain.num_outputs,), "Balanced classes have no weight for each class."  # noqa: PT018
    assert weights.dtype == np.float32 and np.isfinite(weights).all() and weights.min() >= 0, f"The class weights are {weights}."  # noqa: PT018
    if one:
        counted = weights * np.bincount(encoded[rare], minlength=plain.num_outputs)
        assert np.allclose(counted, counted[0]), f"Balanced classes count {counted} in the loss."
    scores = torch.from_numpy(np.random.default_rng(0).normal(size=(len(rare), plain.num_outputs))).float()
    for task in (balanced, make(class_weights="balanced", focal=1.0)):
        value = task.loss(scores, goal[torch.from_numpy(rare)], torch.from_numpy(weights))
        assert bool(value.isfinite()), "The weighted loss is not finite."
        bare = task.loss(scores, goal[torch.from_numpy(rare)], None)
        assert np.ptp(weights) == 0 or not torch.isclose(value, bare), "Class weights do not change the loss."


def one_each(task: Task) -> bool:
    """True where a row has exactly one class."""
    return task.encode(np.array([task.target.classes[0]], dtype=object)).ndim == 1 if task.target.task != "multilabel" else False


def perfect(task: Task, encoded: np.ndarray) -> np.ndarray:
    """Scores ``[N, K]`` that say the encoded target with certainty."""
    if not task.target.classes:
        return np.asarray(encoded, dtype=np.float64).reshape(-1, 1)
    sure: Any = encoded if encoded.ndim == 2 else np.eye(task.num_outputs)[encoded]
    return np.asarray(20.0 * (2.0 * sure - 1))
