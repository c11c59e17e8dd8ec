"""What the JSON files of a model folder hold, checked: checksums say that a file is as it was written, not that somebody wrote sense."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["CalibrationFile", "FactsFile", "LearnedFile", "check_file"]


class _Written(BaseModel):
    """Keys that must be there, of these types; others may be there too."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class _Member(_Written):
    name: str
    learner: str
    modalities: list[str]
    weight: float


class LearnedFile(_Written):
    """``learned.json``."""

    members: list[_Member]
    parts: dict[str, dict[str, Any]]


class _Spread(_Written):
    names: list[str]
    centre: float
    deviation: float
    weights: list[float]


class _Conformal(_Written):
    names: list[str]
    patterns: list[list[str]]
    kind: str
    pattern_of: list[int]
    classes: list[int]
    odd: list[float]
    mass: list[float]


class _Selective(_Written):
    confidence: list[float]
    loss: list[float]
    bounded: bool


class CalibrationFile(_Written):
    """``calibration.json``."""

    temperature: float
    doubt: float
    residuals: list[float]
    spread: _Spread | None
    conformal: _Conformal | None = None
    selective: _Selective | None = None


class _Interval(_Written):
    value: float | None
    low: float | None
    high: float | None


class _Curve(_Written):
    along: str
    at: list[int]
    held_out: list[float]
    seen: list[float]
    parts: dict[str, list[float]] = {}


class _Portrait(_Written):
    rows: int
    present: int
    of: str
    counts: list[int] = []
    names: list[str] = []
    edges: list[float] = []
    median: float = 0.0


class _Entry(_Written):
    name: str
    learner: str
    modalities: list[str]
    metrics: dict[str, _Interval]
    loss: float | None
    fit_seconds: float
    stopped: str | None
    curve: _Curve | None


class _Gain(_Written):
    metric: str
    value: float
    low: float
    high: float
    versus: str | None
    verdict: str
    seeds: int = 1
    by_seed: list[float] = []


class _Alone(_Written):
    modality: str
    candidate: str
    score: float | None
    gain: _Interval
    seeds: int


class _Slot(_Written):
    slot: str
    encoder: str
    modality: str
    columns: list[str]
    weights: str | None


class _Aside(_Written):
    row: int
    column: str
    reason: str


class FactsFile(_Written):
    """``leaderboard.json``."""

    leaderboard: list[_Entry]
    chosen: str
    members: dict[str, float]
    fusion_gain: _Gain
    task: str
    headline: str
    choose_by: str
    seconds: dict[str, float]
    peak_memory_mb: float
    encoders: list[_Slot]
    cells: dict[str, int]
    temperature: float
    num_rows: int
    num_learned: int
    num_scored: int
    num_quarantined: int
    num_near_duplicates: int
    quarantine: list[_Aside]
    portraits: dict[str, _Portrait]
    alone: list[_Alone] = []


def check_file(like: type[_Written], value: Any) -> Any:
    """The value as it came, after it was checked.

    Raises:
        ValueError: Names the key and what is wrong with it.
    """
    try:
        like.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}") from None
    return value
