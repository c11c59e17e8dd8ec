"""What each modality brings: the same rows with evidence taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_intervals
from consilience.report._material import Judged, Material

__all__ = ["Evidence", "make_evidence"]

DRAWN_UP_TO = 4
"""Modalities up to which all patterns are drawn; beyond: all, leave-one-outs, singles and none."""


@dataclass(frozen=True)
class Evidence:
    """See the template."""

    conclusion: str
    title: str
    note: str
    plot: IntervalPlot | None
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_evidence(material: Material, judged: Judged) -> Evidence:
    """The score for every pattern of present modalities, and what each one's absence costs."""
    words, numbers = material.words, material.numbers
    metric, everything = material.facts["headline"], material.pipeline.modalities
    drawn = {len(everything), len(everything) - 1, 1, 0}
    plot_rows, table = [], []
    for pattern in judged.worth["patterns"]:
        names = pattern["modalities"]
        label = words.pattern(names)
        whole = len(names) == len(everything)
        if len(everything) <= DRAWN_UP_TO or len(names) in drawn:
            plot_rows.append(
                IntervalRow(label, pattern["metrics"][metric], strong=whole, tag=words("evidence.all") if whole and len(names) > 1 else "")
            )
        cost = pattern["cost"]
        table.append(
            (
                label,
                numbers.metric(metric, pattern["metrics"][metric]["value"]),
                numbers.interval(metric, pattern["metrics"][metric]),
                words("number.none") if whole else numbers.change(metric, cost["value"]),
                "" if whole else words("number.to", **{end: numbers.change_number(metric, cost[end]) for end in ("low", "high")}),
                f"{pattern['rows']:,}",
            )
        )
    return Evidence(
        conclusion=_conclusion(material, judged),
        title=words("evidence.plot", metric=numbers.name(metric)),
        note=words("evidence.note", rows=f"{judged.worth['rows']:,}"),
        plot=plot_intervals(plot_rows, metric, numbers),
        header=(words("column.present"), numbers.name(metric), "95 %", words("column.cost"), "95 %", words("column.rows")),
        rows=tuple(table),
    )


def _conclusion(material: Material, judged: Judged) -> str:
    words, numbers, metric = material.words, material.numbers, material.facts["headline"]
    everything = material.pipeline.modalities
    by_names = {tuple(pattern["modalities"]): pattern for pattern in judged.worth["patterns"]}

    def value(pattern: dict[str, Any]) -> str:
        return f"{numbers.name(metric)} {numbers.metric(metric, pattern['metrics'][metric]['value'])}"

    unused = [name for name in judged.scored.examples.modalities if name not in everything]
    rest = [words("evidence.unused", names=words.modalities(unused))] if unused else []
    if len(everything) == 1:
        one = words("evidence.one", name=words.modality(everything[0]), value=value(by_names[tuple(everything)]), nothing=value(by_names[()]))
        return words("join.sentences").join([one, *rest])
    said = [words("evidence.conclusion", value=value(by_names[tuple(everything)]))]
    gone = {name: by_names[tuple(other for other in everything if other != name)]["cost"] for name in everything}
    sure = {name: cost for name, cost in gone.items() if (cost["low"] or 0) > 0}
    if sure:
        name = max(sure, key=lambda each: sure[each]["value"])
        ends = {end: numbers.change_number(metric, sure[name][end]) for end in ("low", "high")}
        said.append(words("evidence.most", name=words.modality(name), amount=numbers.change(metric, sure[name]["value"]), **ends))
    else:
        said.append(words("evidence.unsure"))
    sign = material.task.metrics[metric].sign
    alone = {name: by_names[(name,)]["metrics"][metric]["value"] for name in everything}
    known = {name: sign * found for name, found in alone.items() if found is not None}
    if known:
        best = max(known, key=lambda each: known[each])
        said.append(words("evidence.alone", name=words.modality(best), value=numbers.metric(metric, alone[best])))
    return words("join.sentences").join([*said, *rest])
