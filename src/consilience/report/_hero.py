"""The top of the page: what is predicted, the verdict, the headline metric and what was promised of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_intervals
from consilience.report._material import Material, headline_of, short

__all__ = ["Hero", "make_hero", "verdict"]


@dataclass(frozen=True)
class Hero:
    """See the template."""

    title: str
    task: str
    verdict: str
    metric: str
    value: str
    interval: str
    where: str
    plain: str
    promise: str
    plot: IntervalPlot | None
    facts: tuple[tuple[str, str, str], ...]


def make_hero(material: Material) -> Hero:
    """The verdict first, then the number a person reads first."""
    words, numbers, facts, judged = material.words, material.numbers, material.facts, material.judged
    metric = facts["headline"]
    promised = headline_of(material.chosen, metric)
    found = promised if judged is None else judged.evaluated["metrics"][metric]
    scored = facts["num_scored"]
    where = words("hero.no_table", rows=f"{scored:,}")
    rows = [IntervalRow(words("hero.promised", rows=f"{scored:,}"), promised, ring=True)]
    if judged is not None:
        where = words("hero.on_table", rows=f"{len(judged.scored.dataset):,}", source=judged.source)
        rows.insert(0, IntervalRow(where, found, strong=True))
    log_error = metric == "mae_log" and found["value"] is not None
    return Hero(
        title=words("hero.target", target=material.task.target.name),
        task=describe_task(material),
        verdict=verdict(material),
        metric=numbers.name(metric),
        value=numbers.metric(metric, found["value"]),
        interval=numbers.interval(metric, found),
        where=where,
        plain=words("hero.factor", factor=numbers.plain(math.exp(min(50.0, found["value"] or 0.0)))) if log_error else "",
        promise=words("hero.only_training") if judged is None else _promise(material, promised, found),
        plot=plot_intervals(rows, metric, numbers) if judged is not None else None,
        facts=_facts(material),
    )


def verdict(material: Material) -> str:
    """The fit's own sentence; in other languages the same said again from its numbers."""
    words, numbers, gain = material.words, material.numbers, material.facts["fusion_gain"]
    if words.language == "en":
        return str(gain["verdict"])
    if gain["versus"] is None:
        return words("verdict.one", alone=words.modalities(material.chosen["modalities"]))
    sure = "worth" if gain["low"] > 0 else "not_worth" if gain["high"] < 0 else "better" if gain["value"] >= 0 else "worse"
    metric = gain["metric"]
    return words(
        f"verdict.{sure}",
        metric=numbers.name(metric),
        amount=numbers.change(metric, abs(gain["value"])),
        low=numbers.change_number(metric, gain["low"]),
        high=numbers.change_number(metric, gain["high"]),
        alone=words.modality(material.entry(gain["versus"])["modalities"][0]),
    )


def describe_task(material: Material) -> str:
    """What sort of answer is wanted."""
    target = material.task.target
    key = f"task.{target.task}_log" if target.log else f"task.{target.task}"
    return material.words(key, count=len(target.classes), classes=material.words.both([short(name) for name in target.classes[:2]]))


def _promise(material: Material, promised: dict[str, float | None], found: dict[str, float | None]) -> str:
    value, low, high = promised["value"], found["low"], found["high"]
    if value is None or low is None or high is None or material.judged is None:
        return ""
    metric = material.facts["headline"]
    greater = material.task.metrics[metric].greater_is_better
    key = "kept" if low <= value <= high else "below" if (value > high) == greater else "above"
    return material.words(f"hero.{key}", promised=material.numbers.metric(metric, value), source=material.judged.source)


def _facts(material: Material) -> tuple[tuple[str, str, str], ...]:
    words, facts = material.words, material.facts
    aside = [f"{facts['num_quarantined']:,} / {facts['num_rows']:,} {words('data.training')}"] if facts["num_quarantined"] else []
    if material.judged is not None and material.judged.evaluated["num_quarantined"]:
        evaluated = material.judged.evaluated
        aside.append(f"{evaluated['num_quarantined']:,} / {evaluated['num_rows']:,} {material.judged.source}")
    return (
        (words("hero.rows"), f"{facts['num_learned']:,}", ""),
        (words("hero.aside"), " · ".join(aside) or words("hero.aside_none"), ""),
        (words("hero.evidence"), words.modalities(material.pipeline.modalities), ""),
        (words("hero.chosen"), str(facts["chosen"]).partition(":")[0], ""),
    )
