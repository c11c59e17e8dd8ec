"""What the model costs to run: seconds, memory, size."""

from __future__ import annotations

from dataclasses import dataclass

from consilience.report._intervals import IntervalPlot, IntervalRow, plot_shares
from consilience.report._material import Judged, Material

__all__ = ["CostSection", "make_cost"]


@dataclass(frozen=True)
class CostSection:
    """See the template."""

    conclusion: str
    stages_said: str
    title: str
    plot: IntervalPlot | None
    details: tuple[tuple[str, str], ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_cost(material: Material, judged: Judged) -> CostSection | None:
    """None where it was not asked for."""
    found, words, numbers = judged.cost, material.words, material.numbers
    if found is None:
        return None
    best = max(found["throughput"], key=lambda one: one["rows_per_second"])
    most = max(found["stages"], key=lambda one: one["share"])
    said = words("cost.conclusion", warm=_time(material, found["warm"]["p50"]), rate=numbers.plain(best["rows_per_second"]), batch=best["batch"])
    stages = {one["name"]: words.maybe(f"cost.stage.{one['name']}", one["name"]) for one in found["stages"]}
    strips = [
        IntervalRow(stages[one["name"]], {"value": one["share"], "low": None, "high": None}, note=_time(material, one["seconds"]))
        for one in found["stages"]
    ]
    details = [
        (words("cost.size"), f"{found['parameters']:,}"),
        (words("cost.disk"), f"{found['disk_bytes'] / 1e6:,.1f} MB"),
        (words("cost.memory"), words("number.none") if found["peak_memory_mb"] is None else f"{found['peak_memory_mb']:,.0f} MB"),
    ]
    for name, known in (("warm", found["warm"]), ("cold", found["cold"])):
        if known is None:
            continue
        parts = ("p50", "p95", "p99")
        if known["count"] > 1:
            details.append((words(f"cost.{name}", part=" / ".join(parts)), " / ".join(_time(material, known[part]) for part in parts)))
        else:
            details.append((words("cost.cold_one") if name == "cold" else words(f"cost.{name}", part="p50"), _time(material, known["p50"])))
    details += [(words("cost.rate", batch=one["batch"]), numbers.plain(one["rows_per_second"])) for one in found["throughput"]]
    return CostSection(
        conclusion=said,
        stages_said=words("cost.stages_said", stage=stages[most["name"]], share=numbers.whole(most["share"])),
        title=words("cost.stages"),
        plot=plot_shares(strips, numbers, words("cost.share")),
        details=tuple(details),
        header=(words("cost.part"), words("cost.parameters")),
        rows=tuple(
            (one[name], f"{one['parameters']:,}") for parts, name in ((found["encoders"], "slot"), (found["members"], "name")) for one in parts
        ),
    )


def _time(material: Material, seconds: float) -> str:
    if seconds < 5e-5:
        return "0 ms"
    return f"{material.numbers.plain(1000 * seconds)} ms" if seconds < 1 else f"{material.numbers.plain(seconds)} s"
