"""What is left of what the model knows when its evidence gets worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._axes import linear_axis
from consilience.report._intervals import IntervalPlot, IntervalRow, plot_shares
from consilience.report._lines import Line, line_of
from consilience.report._material import Judged, Material

__all__ = ["RobustSection", "make_robust"]

DRAWN = 3
"""Families whose curves are drawn: the worst."""

MISSING = "missing"


@dataclass(frozen=True)
class Damage:
    """One modality: curves of the worst families, and what each family leaves."""

    title: str
    conclusion: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str, str], ...]
    y_ticks: tuple[tuple[float, str, str], ...]
    x_label: str
    y_label: str
    left: str
    plot: IntervalPlot | None
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class RobustSection:
    """See the template."""

    conclusion: str
    note: str
    parts: tuple[Damage, ...]


def make_robust(material: Material, judged: Judged) -> RobustSection | None:
    """None where it was not asked for."""
    found, words, numbers = judged.robustness, material.words, material.numbers
    if found is None:
        return None
    worst = [
        (family["area"]["value"], modality, name)
        for modality, part in found["modalities"].items()
        for name, family in part["families"].items()
        if name != MISSING and family["area"]["value"] is not None
    ]
    if worst:
        area, modality, name = min(worst)
        said = words("robust.conclusion", family=_named(material, name), modality=words.modality(modality), area=numbers.whole(area))
    else:
        said = words("robust.unknown")
    parts = tuple(_damage(material, found, modality, part) for modality, part in found["modalities"].items() if part["families"])
    return RobustSection(said, words("robust.note", rows=_rows(material, found)), parts)


def _damage(material: Material, found: dict[str, Any], modality: str, part: dict[str, Any]) -> Damage:
    words, numbers, metric = material.words, material.numbers, found["headline"]
    modality = words.modality(modality)
    families: dict[str, Any] = part["families"]
    known = {name: one["area"]["value"] for name, one in families.items() if name != MISSING and one["area"]["value"] is not None}
    order = sorted(families, key=lambda name: (name == MISSING, known.get(name, 2.0)))
    drawn = [name for name in order if name != MISSING][:DRAWN]
    values = [point["metrics"][metric]["value"] for name in drawn for point in families[name]["points"]]
    floor, clean, without = (one[metric]["value"] for one in (found["chance"], found["clean"], part["without"]))
    heights = [value for value in (*values, floor, clean, without) if value is not None]
    # A line along the edge of the plot would not be seen.
    above = max(heights) + 0.04 * (max(heights) - min(heights))
    x_axis, y_axis = linear_axis(0, 5, 5), linear_axis(min(heights), above, most=material.task.metrics[metric].high)
    lines = []
    for style, name in enumerate(drawn):
        points = [(0, clean), *((point["severity"], point["metrics"][metric]["value"]) for point in families[name]["points"] if point["severity"])]
        there = [(x_axis.at(at), y_axis.at(value)) for at, value in points if value is not None]
        lines.append(line_of(_named(material, name), [x for x, _ in there], [y for _, y in there], style))
    for style, (key, value) in enumerate((("robust.without", without), ("robust.chance", floor)), start=3):
        if value is not None:
            lines.append(line_of(words(key), [0, 100], [y_axis.at(value)] * 2, style))
    said = words("robust.area_unknown", modality=modality)
    if known and part["area"] is not None:
        name = min(known, key=lambda each: known[each])
        said = words(
            "robust.area", left=numbers.whole(part["area"]), modality=modality, family=_named(material, name), worst=numbers.whole(known[name])
        )
    strips = [IntervalRow(_named(material, name), families[name]["area"], ring=name == MISSING) for name in order]
    return Damage(
        title=modality,
        conclusion=said,
        lines=tuple(lines),
        x_ticks=tuple((tick.at, tick.anchor, f"{tick.value:.0f}") for tick in x_axis.ticks if tick.value.is_integer()),
        y_ticks=tuple((tick.at, tick.anchor, numbers.tick(metric, tick.value)) for tick in y_axis.ticks),
        x_label=words("robust.severity"),
        y_label=words("robust.plot", metric=numbers.name(metric), modality=modality),
        left=words("robust.left_plot"),
        plot=plot_shares(strips, numbers, words("robust.left_axis")),
        header=tuple(words(f"robust.{name}") for name in ("family", "left", "between", "at_worst", "ece", "burden")),
        rows=tuple(_row(material, metric, name, families[name]) for name in order),
    )


def _rows(material: Material, found: dict[str, Any]) -> str:
    """How many rows were damaged, and of how many."""
    rows, every = f"{found['rows']:,}", f"{found['num_rows']:,}"
    return material.words("robust.rows_all" if rows == every else "robust.rows_drawn", rows=rows, every=every)


def _row(material: Material, metric: str, name: str, family: dict[str, Any]) -> tuple[str, ...]:
    numbers, last = material.numbers, family["points"][-1]["metrics"]
    burden = family["worse_than_without"]
    ends = {end: numbers.share(family["area"][end]) for end in ("low", "high")}
    return (
        _named(material, name),
        numbers.share(family["area"]["value"]),
        material.words("number.to", **ends),
        numbers.metric(metric, last[metric]["value"]),
        numbers.metric("ece", last["ece"]["value"]) if "ece" in last else material.words("number.none"),
        material.words("number.none") if burden is None else f"{burden}",
    )


def _named(material: Material, family: str) -> str:
    """A family of damage in words; those of plugins by their own name."""
    return material.words.maybe(f"damage.{family.rpartition('.')[2]}", family.replace("_", " "))
