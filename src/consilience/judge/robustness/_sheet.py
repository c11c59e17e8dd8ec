"""One page that shows an example cell under each family and severity, to see with one's own eyes what was tried."""

from __future__ import annotations

from html import escape

import numpy as np

from consilience.core.errors import CellError
from consilience.data.kinds import Cells
from consilience.data.schema import Dataset
from consilience.judge.robustness._plan import SEVERITIES, Trial

__all__ = ["contact_sheet"]

LINES = 6
"""Rows of the table that are shown of a table column."""

STYLE = """
:root { --paper: #fbfaf7; --ink: #1d1b18; --soft: #5f5b53; --line: #e5e1d8; --accent: #0c6b66; }
@media (prefers-color-scheme: dark) { :root { --paper: #171614; --ink: #ece8df; --soft: #b0aa9d; --line: #35322c; --accent: #6fc9bf; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 40px 24px; background: var(--paper); color: var(--ink);
  font: 14px/1.45 -apple-system, "Segoe UI", Roboto, Arial, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
h1 { font-size: 22px; font-weight: 600; margin: 0 0 8px; } h2 { font-size: 17px; font-weight: 600; margin: 36px 0 8px; color: var(--accent); }
p { color: var(--soft); margin: 0 0 8px; max-width: 60em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; min-width: 900px; }
th, td { text-align: left; vertical-align: top; padding: 8px 10px 8px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { font-weight: 400; color: var(--soft); } tbody th { font-weight: 500; }
img, svg { max-width: 100%; height: auto; display: block; border-radius: 4px; }
tbody th { position: sticky; left: 0; background: var(--paper); }
td small, th small { color: var(--soft); font-weight: 400; }
"""


def contact_sheet(trials: list[Trial], dataset: Dataset, *, seed: int = 0) -> str:
    """A self-contained HTML page, light and dark: a line per family, a column per severity from 0 (as it is) to 5.

    Args:
        trials: What is tried, see ``plan_trials``.
        dataset: Rows to take the examples from: for each column the first cell that can be read.
    """
    sections = []
    for modality in dict.fromkeys(trial.modality for trial in trials):
        lines = "".join(_line(trial, dataset, seed) for trial in trials if trial.modality == modality)
        heads = "".join(f"<th>{severity}{' (as it is)' if severity == 0 else ''}</th>" for severity in range(SEVERITIES + 1))
        table = f"<table><thead><tr><th>damage</th>{heads}</tr></thead><tbody>{lines}</tbody></table>"
        sections.append(f'<h2>{escape(modality)}</h2><div class="scroll">{table}</div>')
    title = "What the evidence looks like under each damage"
    said = "One example per family; of a table column some cells, those first that change. Severity grows to the right; "
    said += "what is drawn at random is drawn alike for all severities of a family."
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>{title}</h1><p>{said}</p>{"".join(sections)}</body></html>\n'


def _line(trial: Trial, dataset: Dataset, seed: int) -> str:
    """One family, on the first column in which it can be shown."""
    name = trial.columns[0]
    cells = dataset.cells[name]
    shown = [*range(SEVERITIES + 1)]
    there = np.flatnonzero(cells.present)
    if not len(there):
        drawn = ["no cell is present"] * len(shown)
    elif trial.modality == "table":
        rows = _telling(trial, dataset, seed)
        drawn = [_values(trial, dataset, seed, severity, rows) for severity in shown]
    else:
        drawn = _decoded(trial, dataset.take(_example(cells, there)), seed)
    tds = "".join(f"<td>{one}</td>" for one in drawn)
    return f"<tr><th>{escape(trial.family)}<br><small>{escape(name)}</small></th>{tds}</tr>"


def _example(cells: Cells, there: np.ndarray) -> np.ndarray:
    """The first cell that can be read; of texts, the longest of the first hundred."""
    if not cells.kind.media:
        return np.array([max(there[:100].tolist(), key=lambda row: len(str(cells.values[row])))])
    for row in there.tolist():
        try:
            cells.read(row)
        except CellError:
            continue
        return np.array([row])
    return there[:1]


def _decoded(trial: Trial, one: Dataset, seed: int) -> list[str]:
    """A single cell under each severity."""
    several = one.take(np.zeros(SEVERITIES + 1, dtype=np.int64))
    cells = trial.damaged(several, 1, np.arange(SEVERITIES + 1), seed)[trial.columns[0]]
    drawn = []
    for row in range(len(cells)):
        try:
            drawn.append(cells.kind.draw(cells.read(row)))
        except CellError as error:
            drawn.append(escape(error.what))
    return drawn


def _telling(trial: Trial, dataset: Dataset, seed: int) -> list[int]:
    """Rows to show of a table column: the first that the worst damage changes, filled up with the first that have a cell."""
    before = dataset.cells[trial.columns[0]]
    after = trial.damaged(dataset, len(dataset), np.array([SEVERITIES]), seed)[trial.columns[0]]
    there = np.flatnonzero(before.present).tolist()
    changed = [row for row in there if not after.present[row] or str(after.values[row]) != str(before.values[row])]
    return sorted(list(dict.fromkeys([*changed[: LINES - 2], *there]))[:LINES])


def _values(trial: Trial, dataset: Dataset, seed: int, severity: int, rows: list[int]) -> str:
    """Some cells of a table column."""
    cells = trial.damaged(dataset, len(dataset), np.array([severity]), seed)[trial.columns[0]]
    lines = [cells.kind.thumbnail(cells.values[row]) if cells.present[row] else "<small>absent</small>" for row in rows]
    return "<br>".join(lines)
