"""The markdown that the benchmark prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from _paired import Judged
from consilience.metrics import Interval, Metric

__all__ = ["page"]

CELLS = (
    "consilience",
    "consilience-single",
    "handmade:lin",
    "handmade:lgb",
    "handmade:tabm",
    "handmade:avg",
    "tfidf",
    "tutorial",
    "autogluon",
    "known",
)


def page(tables: Sequence[Judged]) -> str:
    """All tables of results, one below the other."""
    tables = [table for table in tables if table.facts]
    parts = [
        "### Accuracy (numbers: R2)",
        _scores(tables, lambda table: table.bench.headline),
        "### Log-loss (numbers: mean absolute error); less is better",
        _scores(tables, lambda table: table.bench.second),
        "### Consilience against the best hand-made cell (by its own test score) and against its own best single modality",
        _differences(tables),
        _means(tables),
        "### Each modality alone, by hand",
        _modalities(tables),
        "### Calibration error",
        _calibration(tables),
        "### Seconds of learning a split, mean; encoding apart",
        _seconds(tables),
        "### What was chosen, and what it promised",
        _promises(tables),
    ]
    return "\n\n".join(parts) + "\n"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _name(table: Judged, metric: Metric) -> str:
    done = max((len(splits) for splits in table.facts.values()), default=0)
    return f"{table.bench.name} ({metric.name}; {done} x {len(table.bench.splits[0].test)} rows)"


def _scores(tables: Sequence[Judged], metric_of: Callable[[Judged], Metric]) -> str:
    cells = [cell for cell in CELLS if any(table.shared([cell]) for table in tables)]
    rows = []
    for table in tables:
        metric = metric_of(table)
        rows.append([_name(table, metric), *(_score(table, cell, metric) for cell in cells)])
    return _grid(["table", *cells], rows)


def _score(table: Judged, cell: str, metric: Metric) -> str:
    """The value; where splits are still missing it says so, since it cannot be compared with its neighbours then."""
    done, all_splits = len(table.shared([cell])), max((len(splits) for splits in table.facts.values()), default=0)
    if not done:
        return "-"
    return _interval(table.value(cell, metric)) + (f" (only {done} of {all_splits} splits)" if done < all_splits else "")


def _differences(tables: Sequence[Judged]) -> str:
    rows = []
    for table in tables:
        best, ours = table.best_handmade(), table.shared(["consilience"])
        if not ours:
            continue
        cells = ["-", "-", "-"]
        if best is not None:
            cells = [
                best.partition(":")[2],
                *(_interval(table.difference("consilience", best, m), sign=True) for m in (table.bench.headline, table.bench.second)),
            ]
        alone = "-"
        if table.shared(["consilience-single"]):
            alone = _interval(table.difference("consilience", "consilience-single", table.bench.headline), sign=True)
        rows.append([table.bench.name, *cells, alone])
    return _grid(["table", "best hand-made", "consilience minus it", "less loss than it by", "consilience minus single"], rows)


def _means(tables: Sequence[Judged]) -> str:
    by_hand, alone = [], []
    for table in tables:
        if (best := table.best_handmade()) is not None and table.shared(["consilience", best]):
            by_hand.append(table.difference("consilience", best, table.bench.headline))
        if table.shared(["consilience", "consilience-single"]):
            alone.append(table.difference("consilience", "consilience-single", table.bench.headline))
    lines = []
    for what, found in (("the best hand-made cell", by_hand), ("the best single modality", alone)):
        if found:
            mean, below = 100 * np.mean([x.value for x in found]), sum(x.high < 0 for x in found)
            regret = 100 * np.mean([max(0.0, -x.value) for x in found])
            lines.append(
                f"Mean over {len(found)} tables of Consilience minus {what}: {mean:+.2f} points (accuracy, or R2 in hundredths); "
                f"mean of what was lost where it lost (regret): {regret:.2f}; tables whose interval lies wholly below zero: {below}."
            )
    return "\n".join(lines)


def _modalities(tables: Sequence[Judged]) -> str:
    names = ("image", "text", "table")
    rows = []
    for table in tables:
        cells = [f"handmade:lin:{name}" for name in names]
        if any(table.shared([cell]) for cell in cells):
            rows.append([table.bench.name, *(_interval(table.value(cell, table.bench.headline)) if table.shared([cell]) else "-" for cell in cells)])
    return _grid(["table", *names], rows)


def _calibration(tables: Sequence[Judged]) -> str:
    rows = []
    for table in tables:
        cells = [cell for cell in ("consilience", "handmade:lin", "handmade:avg") if table.shared([cell])]
        found = {cell: table.calibration(cell) for cell in cells}
        if any(interval is not None for interval in found.values()):
            rows.append([table.bench.name, *(_interval(found.get(cell)) for cell in ("consilience", "handmade:lin", "handmade:avg"))])
    return _grid(["table", "consilience", "handmade:lin", "handmade:avg"], rows)


def _seconds(tables: Sequence[Judged]) -> str:
    methods = [m for m in ("consilience", "consilience-single", "handmade", "tfidf", "tutorial", "autogluon") if any(m in t.facts for t in tables)]
    rows = []
    for table in tables:
        cells = []
        for method in methods:
            known = [facts["seconds"] for facts in table.facts.get(method, {}).values()]
            learned = [seconds["learn"] for seconds in known if isinstance(seconds, dict) and "learn" in seconds]
            cells.append(f"{np.mean(learned):.1f}" if learned else "-")
        cells.append(_encoding(table))
        rows.append([table.bench.name, *cells])
    return _grid(["table", *methods, "encoding"], rows)


def _encoding(table: Judged) -> str:
    found = table.encoding
    if not found:
        return "-"
    return f"{found['seconds']:.1f} s for {found['encoded']:,} cells ({found['reused']:,} were there)"


def _promises(tables: Sequence[Judged]) -> str:
    rows = []
    for table in tables:
        metric = table.bench.headline
        for split, facts in table.facts.get("consilience", {}).items():
            promised = facts["promised"].get(metric.name, {}) if isinstance(facts["promised"], dict) else {}
            here = next(s for s in table.bench.splits if s.name == split)
            measured = metric.compute(table.bench.truth[here.test], table.outputs["consilience"][split])
            value = promised.get("value")
            gain = facts["gain"]
            against = gain["versus"] if isinstance(gain, dict) else None
            rows.append(
                [table.bench.name, split, str(facts["chosen"]), "-" if value is None else f"{value:.3f}", f"{measured:.3f}", str(against or "-")]
            )
    return _grid(["table", "split", "chosen", "promised", "measured", "best single"], rows)


def _interval(found: Interval | None, *, sign: bool = False) -> str:
    if found is None or not np.isfinite(found.value):
        return "-"
    return f"{found.value:{'+' if sign else ''}.3f} [{found.low:{'+' if sign else ''}.3f}, {found.high:{'+' if sign else ''}.3f}]"
