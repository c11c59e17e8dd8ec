"""Kernels of blocks of features, of their pairs, added up, and one of all blocks together; absent evidence adds nothing.

Source: Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, chapters 4 and 5; Duvenaud et al. (2011), additive Gaussian processes,
whose second order the pairs are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from scipy import linalg, optimize

from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._reduce import Reducer

__all__ = ["JITTER", "Compared", "Hyper", "Inputs", "Rows", "kernel", "learn", "num_logs", "unlikelihood"]

_FARTHEST = 5.0
"""Norm, in units of the usual one, to which a row's block is cut: a linear kernel lets one outlier outvote all else."""

_USUAL = 0.3
"""Variance of each part of the kernel before anything is known, as a share of the target's; the noise is the same."""

_WIDE = 2.0
"""Deviation of the prior of each logarithm around its usual value."""

_FAR = 9.0
"""The farthest that a logarithm goes from there."""

_NONE = -40.0
"""Logarithm of a variance that is none."""

_HOPELESS = 1e12
"""Stands for the loss where the kernel's matrix is singular."""

_STEPS = 30

_FLAG = 3
"""Values of a flag: yes, no, and 0 for its mean where the cell is missing."""

_SAME = 0.8
"""Correlation from which two numbers side by side share a kernel."""

_APART = 16
"""Numbers of a block that have a kernel each; more of them share one, for each kernel has five parameters to be chosen."""

JITTER = 1e-6
"""Added to each variance, so that two equal rows do not make the matrix singular."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows as numbers, ready to be compared.

    Args:
        values: ``[N, R]`` float64; zeros where absent.
        present: ``[N, B]`` float64: 1 where the group is there.
        groups: ``[B]`` places of each group among the R numbers.
    """

    values: np.ndarray
    present: np.ndarray
    groups: list[list[int]]

    @cached_property
    def parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """``[B]`` of each group's numbers ``[N, D]`` and their squared norms ``[N]``."""
        made = [np.ascontiguousarray(self.values[:, at]) for at in self.groups]
        return [(part, (part**2).sum(axis=1)) for part in made]

    def take(self, rows: np.ndarray | slice) -> Rows:
        """Some of them."""
        return Rows(self.values[rows], self.present[rows], self.groups)

    def only(self, places: Sequence[int]) -> Rows:
        """All of them with some of the groups."""
        return Rows(self.values, self.present[:, places], [self.groups[place] for place in places])


class Inputs:
    """Groups of features, centred, of norm about 1, and zero where absent.

    A group is the principal components of a wide block; of a narrow one, such as a table's, each number is a group of its own, and all flags
    together are one.

    Args:
        reducer: To few components of each block.
        groups: ``[B]`` places of each group among the R components.
        mean: ``[R]`` of the rows that have the block.
        factor: ``[B]`` one by the group's usual norm.
    """

    def __init__(self, reducer: Reducer, groups: list[list[int]], mean: np.ndarray, factor: np.ndarray) -> None:
        self.reducer, self.groups, self.mean, self.factor = reducer, groups, mean, factor

    @classmethod
    def fit(cls, train: Examples, components: int, seed: int, memo: dict[str, Any] | None = None) -> Inputs:
        """Learned from training rows; ``memo`` shares the principal components with other candidates on the same rows."""
        # Directions in one piece, as they are when they are read from a file: a product with a slice differs in the last bit.
        parts = {
            name: (modality, mean, None if found is None else np.ascontiguousarray(found))
            for name, (modality, mean, found) in Reducer.fit(train, components, seed, memo).parts.items()
        }
        reducer = Reducer(parts)
        values = reducer.transform(train).astype(np.float64)
        seen = ~np.isnan(values)
        mean = np.where(seen, values, 0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
        centred = np.where(seen, values - mean, 0)
        groups, end = [], 0
        for _, block_mean, directions in parts.values():
            start, end = end, end + (len(block_mean) if directions is None else directions.shape[1])
            groups += [list(range(start, end))] if directions is not None else _numbers_apart(centred[:, start:end], start)
        norms = [np.sqrt((centred[:, at] ** 2).sum() / max(1, int(seen[:, at[0]].sum()))) for at in groups]
        return cls(reducer, groups, mean, np.array([1 / norm if norm > 0 else 0.0 for norm in norms]))

    def transform(self, examples: Examples) -> Rows:
        """The rows as numbers."""
        values = self.reducer.transform(examples).astype(np.float64)
        present = ~np.isnan(values[:, [at[0] for at in self.groups]])
        values = np.nan_to_num(values - self.mean)
        owner = self._owners
        values *= (self.factor * present)[:, owner]
        norm = np.sqrt(np.square(values) @ (owner[:, None] == np.arange(len(self.groups))))
        values *= np.minimum(1, _FARTHEST / np.maximum(norm, _FARTHEST))[:, owner]
        return Rows(values, present.astype(np.float64), self.groups)

    @cached_property
    def _owners(self) -> np.ndarray:
        """``[R]`` the group of each number."""
        owners = np.zeros(len(self.mean), dtype=np.int64)
        for place, at in enumerate(self.groups):
            owners[at] = place
        return owners

    def places(self, modalities: Collection[str]) -> list[int]:
        """The groups that belong to these modalities."""
        owners = self.reducer.columns()
        return [place for place, at in enumerate(self.groups) if owners[at[0]] in modalities]

    def state(self) -> State:
        return State.pack({"reducer": self.reducer.state(), "scale": State({}, {"mean": self.mean, "factor": self.factor})}, {"groups": self.groups})

    @classmethod
    def restore(cls, state: State) -> Inputs:
        scale = state.part("scale").arrays
        made = cls(Reducer.restore(state.part("reducer")), state.config["groups"], scale["mean"], scale["factor"])
        width = made.reducer.width
        if made.mean.shape != (width,) or made.factor.shape != (len(made.groups),) or sorted(chain.from_iterable(made.groups)) != list(range(width)):
            raise ValueError("the kernels and their features do not belong together")
        return made


def _numbers_apart(values: np.ndarray, start: int) -> list[list[int]]:
    """Places of each number, neighbours that say the same (a number and its logarithm) together, and of all flags together."""
    apart: list[list[int]] = []
    for place, column in enumerate(values.T):
        if len(np.unique(column)) <= _FLAG:
            continue
        last = apart[-1][-1] if apart else place
        if last == place - 1 and abs(np.corrcoef(values[:, last], column)[0, 1]) > _SAME:
            apart[-1].append(place)
        else:
            apart.append([place])
    apart = apart if len(apart) <= _APART else []
    numbers = set(chain.from_iterable(apart))
    rest = [place for place in range(values.shape[1]) if place not in numbers]
    return [[start + place for place in group] for group in [*apart, rest] if group]


@dataclass(frozen=True)
class Hyper:
    """What the marginal likelihood chooses; variances are shares of the target's.

    Args:
        near: ``[B]`` variance of the part in which rows that are near in this block are alike.
        length: ``[B]`` squared distance at which they cease to be.
        straight: ``[B]`` variance of the linear part.
        paired: ``[B]`` the same where it is multiplied with those of other blocks: what only two of them together tell.
        reach: ``[B]`` the same as ``length`` for the part in which rows are alike that are near in all blocks.
        joint: Variance of that part.
        noise: Variance of what no evidence tells.
    """

    near: np.ndarray
    length: np.ndarray
    straight: np.ndarray
    paired: np.ndarray
    reach: np.ndarray
    joint: float
    noise: float

    @property
    def in_pairs(self) -> bool:
        """Whether pairs of blocks count at all."""
        return bool((self.paired > np.exp(_NONE / 2)).any())

    @classmethod
    def of(cls, logs: np.ndarray) -> Hyper:
        """From ``[5 B + 2]`` logarithms: of each of these in turn."""
        values = np.exp(logs)
        near, length, straight, paired, reach = values[:-2].reshape(5, -1)
        return cls(near, length, straight, paired, reach, float(values[-2]), float(values[-1]))


def num_logs(groups: int) -> int:
    """Parameters of the kernels of this many groups."""
    return 5 * groups + 2


@dataclass(frozen=True)
class Compared:
    """N rows against M rows, block by block.

    Args:
        products, squares: ``[B]`` of ``[N, M]``: inner products and squared distances, 0 where either row lacks the block.
        both: ``[B]`` of ``[N, M]``: 1 where both rows have the block.
        alike: ``[N, M]``: 1 where the same blocks are there.
    """

    products: list[np.ndarray]
    squares: list[np.ndarray]
    both: list[np.ndarray]
    alike: np.ndarray

    @classmethod
    def of(cls, left: Rows, right: Rows) -> Compared:
        products, squares, both = [], [], []
        alike = np.ones((len(left.values), len(right.values)))
        for place, ((one, norm), (other, other_norm)) in enumerate(zip(left.parts, right.parts, strict=True)):
            there = np.outer(left.present[:, place], right.present[:, place])
            product = one @ other.T
            products.append(product * there)
            squares.append(np.maximum(norm[:, None] + other_norm[None, :] - 2 * product, 0) * there)
            both.append(there)
            alike *= left.present[:, [place]] == right.present[:, place]
        return cls(products, squares, both, alike)

    def parts(self, hyper: Hyper) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray], np.ndarray]:
        """The kernels of each block, near and straight, what it brings into pairs if there are any, and the joint one."""
        near = [
            a * np.exp(-square / (2 * length)) * both
            for a, length, square, both in zip(hyper.near, hyper.length, self.squares, self.both, strict=True)
        ]
        straight = [c * product for c, product in zip(hyper.straight, self.products, strict=True)]
        paired = [d * product for d, product in zip(hyper.paired, self.products, strict=True)] if hyper.in_pairs else []
        away = sum((square / (2 * length) for square, length in zip(self.squares, hyper.reach, strict=True)), np.zeros_like(self.alike))
        return near, straight, paired, hyper.joint * np.exp(-away) * self.alike


def kernel(hyper: Hyper, left: Rows, right: Rows) -> np.ndarray:
    """``[N, M]``: a constant, for each block that both rows have ``near exp(-d^2 / (2 length)) + straight <x, x'>``, the pairs, and the joint part.

    A pair of blocks adds the product of their ``paired <x, x'>``; all pairs together are half of what the square of the sum has more than the sum
    of the squares. The joint part is ``joint exp(-sum of d^2 / (2 reach))`` for two rows that have the same blocks, and 0 for others. The same as
    the sum of ``Compared.parts``, with few matrices in memory.
    """
    total = np.ones((len(left.values), len(right.values)))
    joint, part = np.zeros_like(total), np.empty_like(total)
    products = np.zeros((2, *total.shape)) if hyper.in_pairs else None  # their sum, and that of their squares
    for place, ((one, norm), (other, other_norm)) in enumerate(zip(left.parts, right.parts, strict=True)):
        mine, theirs = left.present[:, place], right.present[:, place]
        there = None if mine.all() and theirs.all() else np.outer(mine, theirs)
        np.matmul(one, other.T, out=part)  # zeros where absent
        total += hyper.straight[place] * part
        if products is not None:
            product = hyper.paired[place] * part
            products[0] += product
            products[1] += product * product
        part *= -2.0
        part += norm[:, None]
        part += other_norm
        np.maximum(part, 0, out=part)
        if there is not None:
            part *= there
        joint -= part / (2 * hyper.reach[place])
        part /= -2 * hyper.length[place]
        np.exp(part, out=part)
        part *= hyper.near[place]
        total += part if there is None else part * there
    if products is not None:
        total += (products[0] ** 2 - products[1]) / 2
    np.exp(joint, out=joint)
    joint *= hyper.joint
    if not (left.present.all() and right.present.all()):
        joint *= (left.present[:, None, :] == right.present[None, :, :]).all(axis=2)
    total += joint
    return total


def learn(rows: Rows, target: np.ndarray, weights: np.ndarray, pairs: bool = False) -> list[float]:
    """Logarithms (see ``Hyper.of``) of the largest posterior: marginal likelihood of all outputs together, with a wide prior on each logarithm.

    Args:
        rows: To learn from.
        target: ``[N, K]`` with mean 0 and a mean square of 1.
        weights: ``[N]`` how much each row counts; its noise is divided by it.
        pairs: Whether what two blocks tell together is looked for.
    """
    compared, blocks = Compared.of(rows, rows), len(rows.groups)
    # All pairs together have the variance that each other part has.
    paired = np.log(np.sqrt(2 * _USUAL / (blocks * (blocks - 1)))) if pairs and blocks > 1 else _NONE
    each = [np.log(_USUAL), 0.0, np.log(_USUAL), paired, 0.0]
    usual = np.concatenate([np.repeat(each, blocks), np.log([_USUAL, _USUAL])])

    if not len(target):
        return list(usual.tolist())

    def loss_of(logs: np.ndarray) -> tuple[float, np.ndarray]:
        away = (logs - usual) / _WIDE
        value, slopes = unlikelihood(logs, compared, target, weights)
        return value + 0.5 * float((away**2).sum()), slopes + away / _WIDE

    bounds = [(low - _FAR, low + _FAR) if low > _NONE else (low, low) for low in usual]
    found = optimize.minimize(loss_of, usual, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
    return list(found.x.tolist())


def unlikelihood(logs: np.ndarray, compared: Compared, target: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Negative logarithm of the marginal likelihood, but for a constant, and its derivative by each of ``logs``."""
    hyper, outputs = Hyper.of(logs), target.shape[1]
    near, straight, paired, joint = compared.parts(hyper)
    pairs = sum(paired)
    of_pairs = (pairs * pairs - sum(part * part for part in paired)) / 2 if paired else 0.0
    noise = hyper.noise / weights
    try:
        factor = linalg.cho_factor(1.0 + sum(near) + sum(straight) + of_pairs + joint + np.diag(noise + JITTER), lower=True)
    except linalg.LinAlgError:
        return _HOPELESS, np.zeros_like(logs)
    solved = linalg.cho_solve(factor, target)
    slope = outputs * linalg.cho_solve(factor, np.eye(len(target))) - solved @ solved.T  # twice the derivative by each cell of the kernel
    value = 0.5 * float((target * solved).sum()) + outputs * float(np.log(np.diag(factor[0])).sum())
    slopes = [
        *((slope * part).sum() for part in near),
        *((slope * part * square).sum() / (2 * length) for part, square, length in zip(near, compared.squares, hyper.length, strict=True)),
        *((slope * part).sum() for part in straight),
        *((slope * part * (pairs - part)).sum() for part in paired),
        *(0.0 for _ in near[len(paired) :]),
        *((slope * joint * square).sum() / (2 * length) for square, length in zip(compared.squares, hyper.reach, strict=True)),
        (slope * joint).sum(),
        (np.diag(slope) * noise).sum(),
    ]
    return value, 0.5 * np.array(slopes)
