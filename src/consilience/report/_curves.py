"""How learning went: the loss of rows that were learned from and of rows held out, along epochs or rounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consilience.report._axes import linear_axis
from consilience.report._lines import Line, line_of
from consilience.report._material import Material

__all__ = ["Curve", "make_curves"]

SHOWN = 6
RISEN = 0.02
"""Share of the least loss by which the last one is above it to be called risen."""


@dataclass(frozen=True)
class Curve:
    """One candidate's lines, with ticks of both axes as the template's plots take them."""

    title: str
    conclusion: str
    lines: tuple[Line, ...]
    chosen_at: float
    x_ticks: tuple[tuple[float, str, str], ...]
    y_ticks: tuple[tuple[float, str, str], ...]
    x_label: str
    y_label: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_curves(material: Material) -> tuple[Curve, ...]:
    """The parts of the chosen model first, then the best others that learned step by step."""
    facts = material.facts
    known = [entry for entry in facts["leaderboard"] if entry.get("curve")]
    known.sort(key=lambda entry: entry["name"] not in facts["members"])
    return tuple(_curve(material, entry) for entry in known[:SHOWN])


def _curve(material: Material, entry: dict[str, Any]) -> Curve:
    words, numbers, curve = material.words, material.numbers, entry["curve"]
    at, held_out, seen = curve["at"], curve["held_out"], curve["seen"]
    along = words.maybe(f"curve.{curve['along']}", curve["along"])
    least = min(range(len(at)), key=lambda place: held_out[place])
    x_axis = linear_axis(0, max(at))
    # The first steps may be far above all that matters.
    top = max(max(held_out[len(held_out) // 4 :]), max(seen[len(seen) // 4 :], default=0), held_out[0] if held_out[0] < 3 * held_out[least] else 0)
    y_axis = linear_axis(min([*held_out, *seen]), top)
    risen = held_out[-1] > held_out[least] * (1 + RISEN)
    key = "curve.risen" if risen else "curve.end" if least == len(at) - 1 else "curve.flat"
    lines = [line_of(words("curve.held_out"), [x_axis.at(x) for x in at], [y_axis.at(y) for y in held_out], 0)]
    if seen:
        lines.append(line_of(words("curve.seen"), [x_axis.at(x) for x in at], [y_axis.at(y) for y in seen], 1))
    # What each modality says by itself within the model.
    parts = curve.get("parts") or {}
    lines += [
        line_of(
            words("curve.part", modality=words.modality(name)), [x_axis.at(x) for x in at], [y_axis.at(min(y, top)) for y in losses], 3 + place % 3
        )
        for place, (name, losses) in enumerate(sorted(parts.items()))
    ]
    rows = sorted({*range(0, len(at), max(1, len(at) // 12)), least, len(at) - 1})
    return Curve(
        title=material.named(entry),
        conclusion=words(key, at=f"{at[least]:,}", along=along, least=numbers.decimal(held_out[least]), last=numbers.decimal(held_out[-1])),
        lines=tuple(lines),
        chosen_at=x_axis.at(at[least]),
        x_ticks=tuple((tick.at, tick.anchor, f"{tick.value:,.0f}" if tick.value.is_integer() else "") for tick in x_axis.ticks),
        y_ticks=tuple((tick.at, tick.anchor, numbers.plain(tick.value)) for tick in y_axis.ticks),
        x_label=along,
        y_label=words("column.loss"),
        header=(
            along,
            words("curve.held_out"),
            *([words("curve.seen")] if seen else []),
            *(words("curve.part", modality=words.modality(name)) for name in sorted(parts)),
        ),
        rows=tuple(
            (
                f"{at[row]:,}",
                *(numbers.decimal(values[row]) for values in (held_out, *([seen] if seen else []), *(parts[name] for name in sorted(parts)))),
            )
            for row in rows
        ),
    )
