"""Rows that are also among the training rows, or nearly, side by side with these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from consilience.data.kinds import KINDS
from consilience.report._examples import Example, Shown, answer_text
from consilience.report._material import Judged, Material, short

__all__ = ["TwinSection", "make_twins"]

CELLS, LISTED = 8, 500


@dataclass(frozen=True)
class Pair:
    """A row, the training row that is most like it, and in what they are alike."""

    said: str
    here: Example
    there: Example


@dataclass(frozen=True)
class TwinSection:
    """See the template."""

    conclusion: str
    note: str
    pairs: tuple[Pair, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str


def make_twins(material: Material, judged: Judged) -> TwinSection | None:
    """None where nobody said what the model had learned from."""
    found, words = judged.twins, material.words
    if found is None:
        return None
    twins = found["twins"]
    return TwinSection(
        conclusion=_conclusion(material, found),
        note=words("twins.note" if found["compared"] else "twins.note_same", training=f"{found['training_rows']:,}"),
        pairs=tuple(_pair(material, judged, twin) for twin in twins if twin["cells"] or twin["training_cells"]),
        header=tuple(words(f"twins.{name}") for name in ("row", "training_rows", "alike", "likeness", "target")),
        rows=tuple(
            (
                f"{twin['row']:,}",
                words("join.comma").join(f"{row:,}" for row in twin["training_rows"]),
                _alike(material, twin),
                f"{twin['likeness']:.2f}",
                words("twins.same" if twin["same_target"] else "twins.another"),
            )
            for twin in twins[:LISTED]
        ),
        more=words("twins.more", count=LISTED, left=f"{len(twins) - LISTED:,}") if len(twins) > LISTED else "",
    )


def _conclusion(material: Material, found: dict[str, Any]) -> str:
    words, numbers, metric = material.words, material.numbers, found["metric"]
    counts = {"rows": f"{found['rows']:,}", "count": f"{found['found']:,}", "identical": f"{found['identical']:,}"}
    if not found["found"]:
        return words("twins.none", rows=counts["rows"], training=f"{found['training_rows']:,}")
    start = words("twins.conclusion_one" if found["found"] == 1 else "twins.conclusion", **counts)
    overall, rest = found["overall"], found["without"]
    if rest is None:
        return words("join.sentences").join([start, words("twins.alone")])
    sign = material.task.metrics[metric].sign
    # The best end of the interval of the rows that are new: a score beyond it is not explained by chance.
    best = max((sign * rest[end] for end in ("low", "high") if rest[end] is not None), default=float("inf"))
    key = "twins.flatter" if overall["value"] is not None and sign * overall["value"] > best else "twins.even"
    values = {"with_them": numbers.metric(metric, overall["value"]), "without": numbers.metric(metric, rest["value"])}
    return words("join.sentences").join([start, words(key, metric=numbers.name(metric), between=numbers.interval(metric, rest), **values)])


def _alike(material: Material, twin: dict[str, Any]) -> str:
    if twin["identical"]:
        return material.words("twins.identical")
    return material.words.both([short(name) for name in twin["columns"]]) or material.words("twins.whole")


def _pair(material: Material, judged: Judged, twin: dict[str, Any]) -> Pair:
    words = material.words
    key = "twins.pair" if twin["same_target"] else "twins.pair_another"
    here = _card(material, twin, "cells", twin["target"], words("twins.here", source=judged.source, row=f"{twin['row']:,}"))
    there = _card(material, twin, "training_cells", twin["training_target"], words("twins.there", row=f"{twin['training_rows'][0]:,}"))
    return Pair(words(key, alike=_alike(material, twin)), here, there)


def _card(material: Material, twin: dict[str, Any], which: str, target: Any, row: str) -> Example:
    """The same columns in both rows, those that are alike first."""
    schema, alike = material.pipeline.schema, set(twin["columns"])
    cells: Mapping[str, str] = twin[which]
    names = sorted(dict.fromkeys((*twin["cells"], *twin["training_cells"])), key=lambda name: name not in alike)
    kinds = {column.name: column.kind for column in schema.features()}
    pictures = [name for name in names if KINDS.get(kinds[name]).media][:3]
    plain = [name for name in names if not KINDS.get(kinds[name]).media]
    return Example(
        row=row,
        said=material.words("number.none") if target is None else answer_text(material, target),
        true="",
        sure="",
        right=True,
        pictures=tuple(_shown(name, cells) for name in pictures),
        cells=tuple(_shown(name, cells) for name in plain[:CELLS]),
        more=(material.words("examples.more", count=len(plain) - CELLS),) if len(plain) > CELLS else (),
    )


def _shown(name: str, cells: Mapping[str, str]) -> Shown:
    return Shown(short(name), Markup(cells[name]) if name in cells else None)  # noqa: S704 - a kind promises safe HTML
