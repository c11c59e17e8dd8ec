"""Which predictions to withhold, so that the others are wrong no more often than was asked for.

Source: Geifman and El-Yaniv (2017), selective classification with a bound that holds with high probability; Clopper and Pearson (1934).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from consilience.core.errors import UsageError
from consilience.core.seeds import generator
from consilience.core.state import State
from consilience.metrics._binomial import most

__all__ = ["SURE", "Selective"]

SURE = 0.95
"""How sure the bound is: of twenty models fitted on twenty tables, one may do worse."""

MOST = 4000
"""Held-out rows that are kept."""

_SHARES = tuple(step / 20 for step in range(1, 21))
"""Shares of answered rows that are tried, each with a twentieth of the doubt."""

_MORE = "Leave out --abstain, or fit with more rows."

_FEWEST = 20
"""Rows whose mean error has a bound."""


@dataclass(frozen=True)
class Selective:
    """How sure the model was of held-out rows, and how wrong.

    Args:
        confidence: ``[R]`` descending.
        loss: ``[R]`` 0 or 1 for classes (for lists: 1 where any class is wrong); the absolute error in the target's unit for numbers.
        bounded: True for losses of 0 and 1.
    """

    confidence: np.ndarray
    loss: np.ndarray
    bounded: bool

    @classmethod
    def of(cls, confidence: np.ndarray, loss: np.ndarray, *, bounded: bool) -> Selective:
        """From held-out rows in any order."""
        keep = np.arange(len(loss)) if len(loss) <= MOST else generator(0, "selective rows").choice(len(loss), MOST, replace=False)
        order = keep[np.argsort(-confidence[keep], kind="stable")]
        return cls(confidence[order], loss[order], bounded)

    def threshold(self, risk: float) -> float:
        """The confidence from which rows are answered: that which answers most rows, of those whose bound is at most ``risk``.

        For classes the bound is exact (binomial); for numbers it takes the mean error as normal.

        Raises:
            UsageError: No threshold keeps the risk; says what can be kept.
        """
        if not 0 < risk < (1 if self.bounded else np.inf):
            raise UsageError(
                f"A risk of {risk:g} cannot be kept: it has to be above 0{' and below 1' if self.bounded else ''}.",
                hint="Give the share of answers that may be wrong, such as 0.05."
                if self.bounded
                else "Give the mean absolute error that the answers may have, in the target's unit.",
            )
        tried = self._bounds()
        kept = [(share, at) for share, at, bound in tried if bound <= risk]
        if kept:
            return max(kept)[1]
        least, share = min(((bound, share) for share, _, bound in tried), default=(float("nan"), 0.0))
        said = f"No threshold keeps the risk at {risk:g}"
        if not np.isfinite(least):
            raise UsageError(f"{said}: {len(self.loss):,} held-out rows are too few to tell.", hint=_MORE)
        best = _upwards(least)
        if self.bounded and best >= 1:
            raise UsageError(f"{said}: of {len(self.loss):,} held-out rows so many were wrong that nothing can be promised.", hint=_MORE)
        raise UsageError(
            f"{said}: the least that {len(self.loss):,} held-out rows can promise is {best:g}, with about {share:.0%} of the rows answered.",
            hint=f"Allow --abstain {best:g} or more, or fit with more rows.",
        )

    def _bounds(self) -> list[tuple[float, float, float]]:
        """Share of the rows that are answered, the confidence from which, and the upper bound of their risk; of each that was tried."""
        doubt = (1 - SURE) / len(_SHARES)
        found = []
        for share in _SHARES:
            if (place := round(share * len(self.loss)) - 1) < 0:
                continue
            at = float(self.confidence[place])
            answered = self.loss[self.confidence >= at]
            found.append((len(answered) / len(self.loss), at, _upper(answered, doubt, self.bounded)))
        return found

    def state(self) -> State:
        return State({"confidence": self.confidence.tolist(), "loss": self.loss.tolist(), "bounded": self.bounded})

    @classmethod
    def restore(cls, state: State) -> Selective:
        """Raises ValueError for lists of different lengths."""
        confidence, loss = (np.asarray(state.config[name], dtype=np.float64) for name in ("confidence", "loss"))
        made = cls(confidence, loss, state.config["bounded"])
        if len(made.confidence) != len(made.loss):
            raise ValueError("the held-out rows in calibration.json do not fit each other")
        return made


def _upper(loss: np.ndarray, doubt: float, bounded: bool) -> float:
    """A bound of the mean loss that is too low with a chance of ``doubt``."""
    rows = len(loss)
    if bounded:
        wrong = int(loss.sum())
        return most(wrong, rows, doubt)
    if rows < _FEWEST:
        return float("inf")
    return float(loss.mean() + student.ppf(1 - doubt, rows - 1) * loss.std(ddof=1) / np.sqrt(rows))


def _upwards(value: float) -> float:
    """Two leading digits, rounded up: what is said can be asked for."""
    unit = 10.0 ** (np.floor(np.log10(value)) - 1) if value > 0 else 1.0
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.3g}")
