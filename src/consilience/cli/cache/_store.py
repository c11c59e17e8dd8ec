"""The store that the commands of this group look into."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from consilience.core.errors import UsageError

if TYPE_CHECKING:
    from consilience.features.store import FeatureStore

__all__ = ["open_store", "parse_size", "size_text"]

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def open_store(folder: str | None) -> FeatureStore:
    """The store in a folder, or in the person's cache folder."""
    from consilience.core.files import cache_folder
    from consilience.features.store import FeatureStore

    return FeatureStore(Path(folder).expanduser() if folder else cache_folder())


def parse_size(text: str) -> int:
    """Bytes.

    Raises:
        UsageError: It is no size.

    >>> [parse_size(text) for text in ("2GB", "500 MB", "1.5GiB", "1024")]
    [2000000000, 500000000, 1610612736, 1024]
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text.lower())
    if match is None:
        raise UsageError(f"{text!r} is no size.", hint="Write it like 500MB, 2GB or 1.5GiB.")
    amount, unit, binary = match.groups()
    power = ["", "k", "m", "g", "t"].index(unit)
    return int(float(amount) * (1024**power if binary else _UNITS[unit]))


def size_text(size: float) -> str:
    """Bytes for a person.

    >>> [size_text(size) for size in (12, 2_500_000)]
    ['12 bytes', '2.5 MB']
    """
    if size < 1000:
        return f"{size:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
