"""Which classes or labels are found, and which are not."""

from __future__ import annotations

from dataclasses import dataclass

from consilience.report._material import Judged, Material, short

__all__ = ["ByClass", "make_by_class"]

SHOWN = 200
DRAWN = 40


@dataclass(frozen=True)
class ByClass:
    """See the template. ``bars`` are name, F1 in per cent, F1 as text, rows."""

    conclusion: str
    title: str
    axis_label: str
    bars: tuple[tuple[str, float, str, str], ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str


def make_by_class(material: Material, judged: Judged) -> ByClass | None:
    """Best first; None for numbers."""
    words, numbers, found = material.words, material.numbers, judged.evaluated["by_class"]
    if not found:
        return None
    met = sorted((name for name in found if found[name]["support"]), key=lambda name: (-found[name]["f1"], name))
    most = sorted(found, key=lambda name: (-found[name]["support"], name))[:SHOWN]
    labels = material.task.target.task == "multilabel"
    texts = {"best_f1": "", "worst_f1": "", "best": "", "worst": "", "support": ""}
    if met:
        texts = {
            "best": short(met[0], 60),
            "best_f1": numbers.share(found[met[0]]["f1"]),
            "worst": short(met[-1], 60),
            "worst_f1": numbers.share(found[met[-1]]["f1"]),
            "support": f"{found[met[-1]]['support']:,}",
        }
    key = "label.none" if not met else "label.conclusion_one" if len(met) == 1 else "label.conclusion" if labels else "metrics.by_class_conclusion"
    return ByClass(
        conclusion=words(key, **texts),
        title=words("label.plot") if labels else words("metrics.by_class"),
        axis_label=words("label.axis"),
        bars=tuple(
            (
                short(name, 28),
                round(100 * found[name]["f1"], 2),
                numbers.share(found[name]["f1"]),
                words("number.rows", count=f"{found[name]['support']:,}"),
            )
            for name in met[:DRAWN]
        ),
        header=tuple(words(f"column.{name}") for name in ("label" if labels else "class", "precision", "recall", "f1", "support")),
        rows=tuple(
            (short(name, 60), *(numbers.share(found[name][part]) for part in ("precision", "recall", "f1")), f"{found[name]['support']:,}")
            for name in most
        ),
        more=words("metrics.more", count=SHOWN, left=len(found) - SHOWN) if len(found) > SHOWN else "",
    )
