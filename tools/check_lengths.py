"""No source file over 500 lines; the median under 120."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

LONGEST, MEDIAN = 500, 120


def main() -> int:
    """1 if a bound is broken."""
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in sorted(Path("src").rglob("*.py"))}
    long = [f"{path}: {lines} lines" for path, lines in lengths.items() if lines > LONGEST]
    median = statistics.median(lengths.values())
    for line in long:
        sys.stderr.write(f"{line}, more than {LONGEST}\n")
    if median > MEDIAN:
        sys.stderr.write(f"The median file has {median:.0f} lines, more than {MEDIAN}.\n")
    return int(bool(long) or median > MEDIAN)


if __name__ == "__main__":
    sys.exit(main())
