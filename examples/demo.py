"""The demo: drawings, names in two languages and colours of 1,898 emoji -> the group each belongs to.

Offline; two and a half to three and a half minutes on two slow cores.

make demo
"""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import consilience
import openmoji
from consilience.data.table import read_table
from consilience.judge.worth.patterns import score_patterns

FOLDER = Path("demo")


def main() -> None:
    """Builds the table, fits, evaluates, writes a report, and says what each kind of evidence brings."""
    console = Console()
    began = time.monotonic()
    data = FOLDER / "openmoji"
    with console.status("Draw the pictures (once)"):
        parts = openmoji.build(data)
    console.print(f"The table is in {data}: " + ", ".join(f"{rows:,} rows {part}" for part, rows in parts.items()) + ".")

    # A guard for slow machines: candidates that come late are then stopped, and the leaderboard says so.
    model = consilience.fit(data / "train.csv", target="group", valid=data / "valid.csv", time_limit=140)
    model.save(FOLDER / "model")
    report = model.report(FOLDER / "report.html", data=data / "test.csv")

    scored = model.pipeline.score(read_table(data / "test.csv"), with_target=True)
    shown = Table(title=f"Test: {parts['test']} emoji of families that training never saw, 95 % intervals", title_justify="left")
    for heading, justify in (("evidence", "left"), ("accuracy", "right"), ("log-loss", "right")):
        shown.add_column(heading, justify=justify)  # type: ignore[arg-type]
    patterns = [pattern for pattern in score_patterns(model.pipeline, scored) if len(pattern["modalities"]) in (1, len(model.pipeline.modalities))]
    for pattern in sorted(patterns, key=lambda pattern: pattern["metrics"]["accuracy"]["value"]):
        name = "all fused" if len(pattern["modalities"]) > 1 else f"{pattern['modalities'][0]} alone"
        accuracy, loss = pattern["metrics"]["accuracy"], pattern["metrics"]["log_loss"]
        row = (name, *(f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]" for metric in (accuracy, loss)))
        shown.add_row(*row, style="bold" if name == "all fused" else "")
    console.print(shown)
    console.print(f"{model.verdict} (on the rows for training, held out in turn)")
    console.print(f"The model is in {FOLDER / 'model'}. The report is in {report}. It took {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
