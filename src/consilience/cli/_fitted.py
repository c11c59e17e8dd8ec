"""What a person reads at the end of a fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consilience.cli._model import plain_table
from consilience.cli._output import console, number, safe

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["show_fit"]

_QUARANTINED = 5


def show_fit(facts: Mapping[str, Any], folder: Path) -> None:
    """Schema in short, findings, leaderboard, where the model is, and the verdict last."""
    out = console()
    target = facts["schema"]["target"]
    out.print(f"Target {safe(target['name'])!r}: {target['task']}. {safe(target['reason'])}", soft_wrap=False)
    for line in _columns(facts["schema"]["columns"]):
        out.print(line)
    for finding in facts["schema"]["findings"]:
        out.print(f"Note ({safe(finding['topic'])}): {safe(finding['column'])}: {safe(finding['message'])}")
    if facts["num_quarantined"]:
        out.print(f"Set aside, {facts['num_quarantined']:,} of {facts['num_rows']:,} rows:")
        for row in facts["quarantine"][:_QUARANTINED]:
            out.print(f"  row {row['row']}, column {safe(row['column'])!r}: {safe(row['reason'])}")
        if facts["num_quarantined"] > _QUARANTINED:
            out.print("  ...")
    out.print()
    out.print(_leaderboard(facts))
    out.print()
    cells = facts["cells"]
    out.print(
        f"{facts['num_scored']:,} rows were scored by candidates that had not learned from them. "
        f"{cells['encoded']:,} cells encoded, {cells['reused']:,} taken from the store; {facts['seconds']['total']:.1f} s."
    )
    out.print(f"The model ({safe(facts['chosen'])}) is in {safe(folder)}")
    out.print(safe(facts["fusion_gain"]["verdict"]))


def _columns(columns: list[Mapping[str, Any]]) -> list[str]:
    """One line for each kind of column in use, and one for what is left out."""
    used: dict[str, list[str]] = {}
    for column in columns:
        if column["role"] == "feature":
            used.setdefault(column["kind"], []).append(safe(column["name"]))
    lines = [f"{kind}: {_some(names)}" for kind, names in sorted(used.items())]
    lines += [f"group: {safe(column['name'])}" for column in columns if column["role"] == "group"]
    left_out = [safe(column["name"]) for column in columns if column["role"] == "ignored"]
    return [*lines, f"left out: {_some(left_out)} (why: consilience inspect)"] if left_out else lines


def _some(names: list[str], limit: int = 20) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _leaderboard(facts: Mapping[str, Any]) -> Table:
    """Best first: the headline metric with its interval, seconds, and what became of the candidate."""
    headline = facts["headline"]
    table = plain_table("candidate", headline, "95 % interval", "seconds", "", right=(headline, "95 % interval", "seconds"))
    for entry in facts["leaderboard"]:
        chosen = entry["name"] == facts["chosen"]
        found = entry["metrics"].get(headline)
        interval = f"{number(found['low'])} to {number(found['high'])}" if found else ""
        remark = "chosen" if chosen else f"stopped: {entry['stopped']}" if entry["stopped"] else ""
        table.add_row(
            safe(entry["name"]),
            number(found["value"] if found else None),
            interval,
            f"{entry['fit_seconds']:.1f}",
            remark,
            style="bold" if chosen else None,
        )
    return table
