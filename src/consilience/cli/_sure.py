"""What a command says of predictions that are withheld, of sets, and of rows unlike all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from consilience.cli._output import console, counted, number, safe

if TYPE_CHECKING:
    import polars as pl

__all__ = ["count_withheld", "say_withheld", "show_sure"]


def count_withheld(frame: pl.DataFrame) -> dict[str, int]:
    """How many predictions were withheld; nothing where none could be."""
    return {"num_abstained": int(frame["abstained"].sum())} if "abstained" in frame.columns else {}


def say_withheld(frame: pl.DataFrame, risk: float) -> str:
    """One sentence with the reasons."""
    notes = frame.filter(frame["abstained"].fill_null(False))["note"]  # a row that was set aside was neither answered nor withheld
    unlike = int(notes.str.contains("unlike the training rows.", literal=True).sum())
    said = f"Abstained from {len(notes):,} of {counted(frame.height, 'row')} to keep the risk at {risk:g}"
    return f"{said}: {len(notes) - unlike:,} not sure enough, {unlike:,} unlike the training rows." if len(notes) else f"{said}."


def show_sure(answer: Mapping[str, Any], sets: float | None) -> None:
    """The set, or the interval of that level, and how unfamiliar one example is; for a person."""
    out = console()
    if sets is not None and "set" in answer:
        inside = ", ".join(map(safe, answer["set"] or ())) or "none"
        out.print(f"{100 * sets:g} % set: {inside}")
    elif sets is not None and answer.get("low") is not None:
        out.print(f"{100 * sets:g} % interval: {number(answer['low'])} to {number(answer['high'])}")
    if answer.get("unfamiliar") is not None:
        out.print(f"unfamiliar: {number(answer['unfamiliar'])} (0 = like the training rows; flagged above 0.99)")
