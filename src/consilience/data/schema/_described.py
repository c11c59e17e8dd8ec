"""One column under the eyes of every kind: who claims it, how it reads, what stands in it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from consilience.data.kinds import KINDS, Evidence, Kind, Parsed, Profile
from consilience.data.kinds._cells import as_text
from consilience.data.kinds._forms import Formed
from consilience.data.schema._types import Alternative, ColumnSchema

__all__ = ["Described", "alternatives", "describe", "weigh"]

MAX_EXAMPLES = 5


@dataclass
class Described:
    """A column, its kind and its cells as that kind reads them.

    ``understood`` is False where no kind claims the column at all.
    """

    profile: Profile
    kind: str
    reason: str
    confidence: float
    parsed: Parsed
    alternatives: tuple[Alternative, ...] = ()
    understood: bool = True
    forced: bool = False

    @property
    def name(self) -> str:
        return self.profile.name

    @property
    def present(self) -> int:
        """How many cells can be used."""
        return int(self.parsed.present.sum())

    @property
    def missing(self) -> int:
        """How many cells are empty."""
        return len(self.parsed.present) - self.present - len(self.parsed.problems)

    @cached_property
    def distinct(self) -> int:
        """How many different values the cells have that can be used."""
        values = self.parsed.values[self.parsed.present]
        if self.kind == "set":
            return len(set(map(tuple, values)))
        # Cells of media may be lists: their text tells them apart as well.
        return len(np.unique(values)) if values.dtype != object else len({one if isinstance(one, Hashable) else str(one) for one in values.tolist()})

    def schema(self, role: str, reason: str = "", confidence: float | None = None) -> ColumnSchema:
        """The column's entry in the schema."""
        return ColumnSchema(
            name=self.name,
            kind=self.kind,
            role=role,
            reason=reason or self.reason,
            confidence=round(self.confidence if confidence is None else confidence, 3),
            alternatives=self.alternatives,
            missing=self.missing,
            distinct=self.distinct,
            unreadable=len(self.parsed.problems),
            examples=examples(KINDS.get(self.kind)(), self.profile.column, self.parsed),
        )


def weigh(profile: Profile) -> list[tuple[str, Evidence]]:
    """Every kind's evidence, the strongest first; of equals the first by name."""
    claims = [(key, KINDS.get(key)().sniff(profile)) for key in KINDS]
    return sorted(claims, key=lambda claim: -claim[1].score)


def describe(profile: Profile, kind: str | None = None) -> Described:
    """The column as the kind with the best evidence reads it, or as ``kind`` does where a person named one."""
    claims = weigh(profile)
    if kind is None:
        key, best = claims[0]
        second = claims[1][1].score if len(claims) > 1 else 0.0
        understood = best.score > 0
        # Nobody claims an empty column: it is left out, under a kind that can hold anything.
        key = key if understood else "category"
        reason = f"{best.reason[:1].upper()}{best.reason[1:]}."
        # A close second takes up to 40 % of the confidence away.
        confidence = best.score * (0.6 + 0.4 * min(1.0, 2 * (best.score - second)))
    else:
        key, understood, confidence = kind, True, 1.0
        reason = f"A person said so. (By itself: {claims[0][0]}, {claims[0][1].reason}.)"
    parsed = KINDS.get(key)().parse(profile.column, profile.base)
    return Described(profile, key, reason, confidence, parsed, alternatives(claims, key), understood, forced=kind is not None)


def alternatives(claims: list[tuple[str, Evidence]], chosen: str) -> tuple[Alternative, ...]:
    """The other kinds that the column might have been."""
    others = ((kind, evidence) for kind, evidence in claims if kind != chosen and evidence.score > 0.05)
    return tuple(Alternative(kind=kind, score=round(evidence.score, 3), reason=evidence.reason) for kind, evidence in others)


def examples(kind: Kind, column: pl.Series, parsed: Parsed) -> tuple[str, ...]:
    """Some different cells as they were written, such that they alone show the column's form (day first, decimal comma, mark between items).

    A table that comes later is read with the form of these examples.
    """
    rows = np.flatnonzero(parsed.present)
    if column.dtype in (pl.Binary, pl.Object) or not len(rows):
        return ()
    some = column[rows[np.unique(np.linspace(0, len(rows) - 1, num=min(len(rows), 400)).astype(int))]]
    different = as_text(some).drop_nulls().unique(maintain_order=True).to_list()
    if not isinstance(kind, Formed) or column.dtype.is_numeric() or column.dtype.is_nested():
        return tuple(text if len(text) <= 80 else f"{text[:79]}…" for text in different[:MAX_EXAMPLES])
    different = [text for text in different if len(text) <= 200] or different
    if column.dtype != pl.String:
        return tuple(different[:MAX_EXAMPLES])
    form = kind.form(column)

    def shows(texts: list[str]) -> bool:
        return kind.form(pl.Series(texts, dtype=pl.String)) == form

    if shows(different[:MAX_EXAMPLES]):
        return tuple(different[:MAX_EXAMPLES])
    telling = [text for text in as_text(column[rows]).unique(maintain_order=True).head(5000) if len(text) <= 200 and shows([text])]
    for size in (5, 20):
        if telling and shows(telling[:size]):
            return tuple(telling[:size])
    for size in (10, 20, 50):
        if shows(different[:size]):
            return tuple(different[:size])
    return tuple(telling[:MAX_EXAMPLES] or different[:MAX_EXAMPLES])
