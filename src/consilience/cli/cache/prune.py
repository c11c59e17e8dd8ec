"""Makes the feature store smaller."""

from __future__ import annotations

from typing import Annotated

import typer

from consilience.cli._options import Cache, Json
from consilience.cli._output import console, counted, print_json, safe, work
from consilience.core.errors import UsageError

__all__ = ["command"]

PANEL, ORDER = None, 20


def command(
    older_than: Annotated[float | None, typer.Option("--older-than", metavar="DAYS", min=0, help="Remove what was last used longer ago.")] = None,
    max_size: Annotated[
        str | None, typer.Option("--max-size", metavar="SIZE", help="Remove the least recently used until this is left, such as 2GB.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Remove everything.")] = False,
    cache: Cache = None,
    json: Json = False,
) -> None:
    """Remove features from the store; what is needed again is encoded again.

    \b
    consilience cache prune --older-than 30
    consilience cache prune --max-size 2GB
    consilience cache prune --all
    """
    from consilience.cli.cache._store import open_store, parse_size, size_text

    if not everything and older_than is None and max_size is None:
        raise UsageError("Nothing says what is to go.", hint="Name --older-than DAYS, --max-size SIZE or --all.")
    if everything and (older_than is not None or max_size is not None):
        raise UsageError("--all leaves nothing for --older-than or --max-size to keep.", hint="Name either.")
    most = None if max_size is None else parse_size(max_size)
    with work(), open_store(cache) as store:
        gone, folder = store.prune(older_than_days=older_than, max_bytes=most), store.folder
    if json:
        print_json({"folder": str(folder), "items": gone.items, "bytes": gone.bytes})
        return
    if gone.items:
        console().print(f"Removed {counted(gone.items, 'cell')}, which frees {size_text(gone.bytes)} in {safe(folder)}.")
    else:
        console().print(f"Nothing had to go from {safe(folder)}.")
