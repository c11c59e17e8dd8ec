"""What the feature store keeps."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone

from consilience.cli._options import Cache, Json
from consilience.cli._output import console, counted, print_json, safe, work

__all__ = ["command"]

PANEL, ORDER = None, 10


def command(cache: Cache = None, json: Json = False) -> None:
    """Show what is kept for each encoder: how many cells, how much space, when it was last used.

    \b
    consilience cache list
    """
    from consilience.cli._model import plain_table
    from consilience.cli.cache._store import open_store, size_text

    with work(), open_store(cache) as store:
        entries, folder = store.fingerprints(), store.folder
    if json:
        kept = [{**asdict(entry), "used": _moment(entry.used).isoformat()} for entry in entries]
        total = {"items": sum(entry.items for entry in entries), "bytes": sum(entry.bytes for entry in entries)}
        print_json({"folder": str(folder), "entries": kept, **total})
        return
    out = console()
    if not entries:
        out.print(f"Nothing is kept in {safe(folder)}.")
        return
    table = plain_table("encoder", "cells", "space", "last used", "fingerprint", right=("cells", "space"))
    table.columns[3].no_wrap = True
    for entry in entries:
        used = f"{_moment(entry.used).astimezone():%Y-%m-%d %H:%M}"
        table.add_row(safe(entry.label) or "(no name)", f"{entry.items:,}", size_text(entry.bytes), used, safe(entry.fingerprint[:12]))
    out.print(table)
    out.print()
    out.print(f"{counted(sum(entry.items for entry in entries), 'cell')}, {size_text(sum(entry.bytes for entry in entries))}, in {safe(folder)}.")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), tz=timezone.utc)
