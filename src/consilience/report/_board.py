"""The leaderboard: every candidate's headline metric with its interval."""

from __future__ import annotations

from dataclasses import dataclass

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_intervals
from consilience.report._material import Material, headline_of, learner_of
from consilience.report._said_again import said_again

__all__ = ["Board", "make_board"]

SHOWN = 16
"""Candidates that are drawn; the table has all."""


@dataclass(frozen=True)
class Board:
    """See the template."""

    conclusion: str
    title: str
    order: str
    plot: IntervalPlot | None
    more: str
    stopped: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_board(material: Material) -> Board:
    """Best first, the chosen one and the best of one modality marked."""
    words, numbers, facts = material.words, material.numbers, material.facts
    metric = facts["headline"]
    scored = [entry for entry in facts["leaderboard"] if entry["metrics"]]
    single = material.best_single()
    marked = {facts["chosen"], single["name"] if single else ""}
    drawn = [entry for index, entry in enumerate(scored) if index < SHOWN or entry["name"] in marked]
    rows = [
        IntervalRow(
            learner_of(entry),
            headline_of(entry, metric),
            note=words.pattern(entry["modalities"]),
            strong=entry["name"] == facts["chosen"],
            ring=entry is single,
            tag=words("board.chosen") if entry["name"] == facts["chosen"] else words("board.single") if entry is single else "",
        )
        for entry in drawn
    ]
    stopped: dict[tuple[str, str], list[str]] = {}
    for entry in facts["leaderboard"]:
        if entry["stopped"]:
            stopped.setdefault((words.modalities(entry["modalities"]), said_again(words, entry["stopped"])), []).append(learner_of(entry))
    names = list(scored[0]["metrics"]) if scored else []
    table = tuple(
        (
            learner_of(entry),
            words.pattern(entry["modalities"]),
            *(numbers.metric(name, entry["metrics"][name]["value"]) for name in names),
            numbers.decimal(entry["loss"]),
            numbers.plain(entry["fit_seconds"]),
        )
        for entry in scored
    )
    header = ("column.candidate", "column.modalities", *(f"metric.{name}" for name in names), "column.loss", "column.seconds")
    return Board(
        conclusion=_conclusion(material),
        title=words("board.plot", metric=numbers.name(metric)),
        order=words("board.order", choose_by=numbers.name(facts["choose_by"])),
        plot=plot_intervals(rows, metric, numbers),
        more=words("board.more", count=len(scored) - len(drawn)) if len(scored) > len(drawn) else "",
        stopped=words(
            "board.stopped",
            names=words("board.stopped_and").join(
                words("board.stopped_one", name=words("join.comma").join(names), modalities=modalities, reason=reason)
                for (modalities, reason), names in stopped.items()
            ),
        )
        if stopped
        else "",
        header=tuple(words.maybe(key, key.partition(".")[2]) for key in header),
        rows=table,
    )


def _conclusion(material: Material) -> str:
    words, numbers, facts = material.words, material.numbers, material.facts
    metric, chosen, single = facts["headline"], material.chosen, material.best_single()
    found = headline_of(chosen, metric)
    scored = [entry for entry in facts["leaderboard"] if entry["metrics"]]
    said = [
        words(
            "board.only" if len(scored) == 1 else "board.conclusion",
            chosen=material.named(chosen),
            metric=numbers.name(metric),
            value=f"{numbers.name(metric)} {numbers.metric(metric, found['value'])}",
            low=numbers.metric(metric, found["low"]),
            high=numbers.metric(metric, found["high"]),
        )
    ]
    if single is not None and single is not chosen:
        said.append(words("board.against", single=material.named(single), value=numbers.metric(metric, headline_of(single, metric)["value"])))
    linear = next((entry for entry in scored if entry["learner"] == "linear" and entry["modalities"] == chosen["modalities"]), None)
    if linear is not None and linear is not chosen and linear is not single:
        said.append(words("board.linear", value=numbers.metric(metric, headline_of(linear, metric)["value"])))
    return words("join.sentences").join(said)
