"""Options of the form ``COLUMN=SOMETHING``."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from consilience.core.errors import UsageError

__all__ = ["parse_pairs"]


def parse_pairs(option: str, texts: Iterable[str], what: str, *, known: Collection[str] = (), last: bool = False) -> dict[str, str]:
    """Column to what was said of it.

    Args:
        option: The option's name, for messages.
        texts: What was given, such as ``["zip=category"]``.
        what: The word for the right side, in capitals, such as ``"KIND"``.
        known: Column names. A name may itself hold ``=``; of several ways to read a pair the first whose name is among these counts.
        last: True splits at the last ``=`` instead of the first.

    Raises:
        UsageError: There is no ``=``, nothing before it, or one column is named twice.

    >>> parse_pairs("--kind", ["zip=category"], "KIND")
    {'zip': 'category'}
    """
    pairs: dict[str, str] = {}
    for text in texts:
        places = [place for place, letter in enumerate(text) if letter == "="]
        if not places or not text[: places[0]].strip():
            raise UsageError(f"{option} {text!r} cannot be read.", hint=f"Write it as {option} COLUMN={what}.")
        split = next((place for place in places if text[:place] in known), places[-1] if last else places[0])
        name, value = text[:split], text[split + 1 :]
        if name in pairs:
            raise UsageError(f"{option} names the column {name!r} twice.", hint="Name each column once.")
        pairs[name] = value
    return pairs
