"""Do sets and intervals hold the truth as often as they promise, whatever is present?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_shares
from consilience.report._material import Judged, Material

__all__ = ["CoverageSection", "make_coverage"]

LISTED = 30
"""Classes in the table, those that are held most seldom."""


@dataclass(frozen=True)
class CoverageSection:
    """See the template."""

    title: str
    conclusion: str
    figure: str
    plot: IntervalPlot | None
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_coverage(material: Material, judged: Judged) -> CoverageSection | None:
    """None for a model that can promise nothing."""
    found, words, numbers = judged.coverage, material.words, material.numbers
    if found is None:
        return None
    level, what = numbers.whole(found["level"]), words(f"coverage.{found['what']}")
    overall = found["overall"]
    strips = [IntervalRow(words("coverage.all"), overall["held"], strong=True)]
    strips += [IntervalRow(words.pattern(one["modalities"]), one["held"], note=words("coverage.left")) for one in found["taken_away"]]
    # Rows without any label have nothing that a set could hold: their share is unknown.
    counted = [one for one in (overall, *found["by_pattern"], *found["taken_away"]) if one["held"]["high"] is not None]
    broken = [one for one in counted if one["broken"]]
    key = "broken" if overall in broken else "but" if broken else "kept"
    # With several labels what is counted is labels, not rows.
    end = "_label" if found["counted"] == "label" else ""
    key = f"coverage.promise_{key}{end}" if overall["rows"] else "coverage.promise_unknown"
    worst = min(broken, key=lambda one: one["held"]["value"], default=overall)
    said = words(
        key,
        level=level,
        what=what,
        held=numbers.share(overall["held"]["value"]),
        rows=f"{overall['rows']:,}",
        worst=words.pattern(worst.get("modalities", ())),
        worst_held=numbers.share(worst["held"]["value"]),
    )
    parts = [
        (words("coverage.all"), overall),
        *((words.pattern(one["modalities"]), one) for one in found["by_pattern"]),
        *sorted(found["by_class"].items(), key=lambda pair: pair[1]["held"]["value"])[:LISTED],
    ]
    return CoverageSection(
        title=words("coverage.title", level=level, what=what),
        conclusion=said,
        figure=words(f"coverage.figure{end}"),
        plot=plot_shares(strips, numbers, words(f"coverage.axis{end}"), promise=found["level"]),
        note=words("coverage.note"),
        header=tuple(words(f"coverage.{name}") for name in ("part", f"rows{end}", "held", "between", "size")),
        rows=tuple(_row(material, name, one) for name, one in parts),
    )


def _row(material: Material, name: str, one: dict[str, Any]) -> tuple[str, ...]:
    numbers = material.numbers
    ends = {end: numbers.share(one["held"][end]) for end in ("low", "high")}
    return name, f"{one['rows']:,}", numbers.share(one["held"]["value"]), material.words("number.to", **ends), numbers.plain(one["size"])
