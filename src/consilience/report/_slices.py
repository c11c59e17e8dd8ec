"""Parts of the rows in which the model is worse than elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_intervals
from consilience.report._material import Judged, Material, short
from consilience.report._words import Words

__all__ = ["SliceSection", "make_slices", "slice_name"]

SHOWN = 10
LISTED = 60


@dataclass(frozen=True)
class SliceSection:
    """See the template."""

    conclusion: str
    title: str
    note: str
    plot: IntervalPlot | None
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_slices(material: Material, judged: Judged) -> SliceSection:
    """The worst slices with their intervals, and all rows beside them."""
    words, numbers, found = material.words, material.numbers, judged.slices
    metric = found["metric"]
    everything = IntervalRow(words("slices.all"), found["overall"], strong=True)
    worst: list[dict[str, Any]] = [*found["slices"][:SHOWN], *(pair for pair in found["pairs"][:2])]
    rows = [
        IntervalRow(
            short(slice_name(words, one), 60),
            one["metric"],
            note=words("number.rows", count=f"{one['rows']:,}").replace(" ", "\u00a0"),
            tag=words("slices.worse") if one["worse"] else "",
        )
        for one in worst
    ]
    return SliceSection(
        conclusion=_conclusion(material, found),
        title=words("slices.plot", metric=numbers.name(metric)),
        note=words("slices.note", looks=f"{found['looks']:,}", least=f"{found['least']:,}")
        + (" " + words("slices.cannot_tell", count=f"{found['cannot_tell']:,}") if found["cannot_tell"] else ""),
        plot=plot_intervals([everything, *rows], metric, numbers) if rows else None,
        header=(
            words("slices.slice"),
            words("column.rows"),
            numbers.name(metric),
            "95 %",
            words("slices.gap"),
            "95 %",
            "p",
            words("slices.adjusted"),
        ),
        rows=tuple(
            (
                short(slice_name(words, one), 80),
                f"{one['rows']:,}",
                numbers.metric(metric, one["metric"]["value"]),
                numbers.interval(metric, one["metric"]),
                numbers.change(metric, one["gap"]["value"]),
                words("number.to", **{end: numbers.change_number(metric, one["gap"][end]) for end in ("low", "high")}),
                _chance(one["p"]),
                _chance(one["adjusted"]),
            )
            for one in [*found["pairs"], *found["slices"]][:LISTED]
        ),
    )


def slice_name(words: Words, one: dict[str, Any]) -> str:
    """What the rows of a slice have in common, in the language of the page; names and values of the table stay as they are."""
    return words("slice.join").join(_term(words, term["key"], term["values"]) for term in one["terms"]) or str(one["name"])


def _term(words: Words, key: str, values: list[str]) -> str:
    if key == "only":
        return words("slice.only", names=words.pattern(values))
    return words(f"slice.{key}", **dict(zip(("column", "value", "other"), values, strict=False)))


def _conclusion(material: Material, found: dict[str, Any]) -> str:
    words, numbers, metric = material.words, material.numbers, found["metric"]
    if not found["looks"]:
        return words("slices.none", least=found["least"])
    if not found["worse"]:
        return words("slices.even", looks=f"{found['looks']:,}")
    first = found["slices"][0]
    return words(
        "slices.conclusion",
        worse=f"{found['worse']:,}",
        looks=f"{found['looks']:,}",
        name=short(slice_name(words, first), 80),
        value=numbers.metric(metric, first["metric"]["value"]),
        rows=f"{first['rows']:,}",
        metric=numbers.name(metric),
        overall=numbers.metric(metric, found["overall"]["value"]),
    )


def _chance(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"
