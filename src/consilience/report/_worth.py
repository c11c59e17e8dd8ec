"""What evidence is worth: each modality's share of the score, what is interaction, what a column's absence costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_changes
from consilience.report._material import Judged, Material
from consilience.report._numbers import PERCENT

__all__ = ["Worth", "make_worth"]

COLUMNS = 15
"""Columns that are drawn; the table has all."""


@dataclass(frozen=True)
class Part:
    """A plot with its sentence and its numbers."""

    title: str
    conclusion: str
    figure: str
    plot: IntervalPlot | None
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Worth:
    """See the template. ``interaction``: a sentence, empty for one modality."""

    shares: Part
    interaction: str
    columns: Part


def make_worth(material: Material, judged: Judged) -> Worth:
    """The parts of the section on evidence that follow its patterns."""
    return Worth(_shares(material, judged), _interaction(material, judged), _columns(material, judged))


def _shares(material: Material, judged: Judged) -> Part:
    words, numbers, found = material.words, material.numbers, judged.worth["shapley"]
    metric = judged.worth["metric"]
    known = found["metrics"][metric]
    values = sorted(known["modalities"].items(), key=lambda pair: -(pair[1]["value"] or 0))
    rows = [IntervalRow(words.modality(name), value, strong=(value["low"] or 0) > 0) for name, value in values]
    whole = numbers.change(metric, known["gain"]["value"])
    said = words("worth.gain", gain=whole, metric=numbers.name(metric))
    if len(values) > 1 and (known["gain"]["value"] or 0) > 0:
        name, most = values[0]
        said = words("join.sentences").join(
            [said, words("worth.most", name=words.modality(name), share=numbers.whole(most["value"] / known["gain"]["value"]))]
        )
    none = [name for name, value in values if (value["low"] or 0) <= 0]
    if none:
        said = words("join.sentences").join([said, words("worth.unsure", names=words.modalities(none))])
    return Part(
        title=words("worth.shares"),
        conclusion=said,
        figure=words("worth.shares_plot", metric=numbers.name(metric)),
        plot=plot_changes(rows, metric, numbers, _axis(material, "worth.axis_gain")),
        header=(words("column.modalities"), *(f"{numbers.name(name)} [95 %]" for name in found["metrics"])),
        rows=tuple(
            (words.modality(name), *(_between(material, one, part["modalities"][name]) for one, part in found["metrics"].items()))
            for name, _ in values
        ),
    )


def _interaction(material: Material, judged: Judged) -> str:
    words, numbers, metric = material.words, material.numbers, judged.worth["metric"]
    if judged.worth["interaction"] is None:
        return ""
    found = judged.worth["interaction"]["metrics"][metric]
    gain = found["gain"]
    if gain["value"] is None:
        return words("worth.interaction_unknown")
    key = "worth.interaction" if gain["low"] > 0 else "worth.interaction_harm" if gain["high"] < 0 else "worth.additive"
    ends = {end: numbers.change_number(metric, gain[end]) for end in ("low", "high")}
    return words(
        key,
        rows=f"{judged.worth['interaction']['rows']:,}",
        metric=numbers.name(metric),
        full=numbers.metric(metric, found["full"]),
        additive=numbers.metric(metric, found["additive"]),
        gain=numbers.change(metric, gain["value"]),
        **ends,
    )


def _columns(material: Material, judged: Judged) -> Part:
    words, numbers, metric = material.words, material.numbers, judged.worth["metric"]
    found: list[dict[str, Any]] = judged.worth["columns"]
    found = sorted(found, key=lambda one: -(one["cost"][metric]["value"] or 0.0) if one["used"] else float("inf"))
    used = [one for one in found if one["used"]]
    sure = [one for one in used if (one["cost"][metric]["low"] or 0) > 0]
    idle = [one["column"] for one in used if one not in sure]
    if sure:
        most = max(sure, key=lambda one: one["cost"][metric]["value"])
        said = words("worth.column", name=most["column"], cost=numbers.change(metric, most["cost"][metric]["value"]))
    else:
        said = words("worth.column_unsure")
    if idle and sure:
        said = words("join.sentences").join([said, words("worth.column_idle", count=len(idle), of=len(used))])
    rows = [
        IntervalRow(
            one["column"], one["cost"][metric], note=words.modality(one["modality"]) if one["modality"] != one["column"] else "", strong=one in sure
        )
        for one in used[:COLUMNS]
    ]
    return Part(
        title=words("worth.columns"),
        conclusion=said,
        figure=words("worth.columns_plot", metric=numbers.name(metric)),
        plot=plot_changes(rows, metric, numbers, _axis(material, "worth.axis_cost")),
        header=(
            words("column.column"),
            words("column.modalities"),
            words("worth.there"),
            *(f"{numbers.name(name)} [95 %]" for name in judged.worth["shapley"]["metrics"]),
        ),
        rows=tuple(
            (
                one["column"],
                words.modality(one["modality"]) if one["used"] else words("worth.unused"),
                numbers.share(one["present"]),
                *(_between(material, name, value) for name, value in one["cost"].items()),
            )
            for one in found
        ),
    )


def _axis(material: Material, key: str) -> str:
    """An axis with its unit: differences of shares are points."""
    metric = material.task.headline
    said = material.words(key, metric=material.numbers.name(metric))
    return material.words("worth.axis_points", axis=said) if metric in PERCENT else said


def _between(material: Material, metric: str, found: dict[str, float | None]) -> str:
    value, low, high = (material.numbers.change_number(metric, found[part]) for part in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
