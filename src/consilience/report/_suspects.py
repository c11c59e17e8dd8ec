"""Rows whose label is likely a mistake, with their cells."""

from __future__ import annotations

from dataclasses import dataclass

from consilience.report._examples import Example, shown_row
from consilience.report._material import Judged, Material

__all__ = ["SuspectSection", "make_suspects"]

SHOWN = 8


@dataclass(frozen=True)
class SuspectSection:
    """See the template."""

    conclusion: str
    note: str
    cards: tuple[Example, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def make_suspects(material: Material, judged: Judged) -> SuspectSection:
    """The clearest contradictions as cards, all of them in a table."""
    words, numbers, found = material.words, material.numbers, judged.suspects
    suspects = found["suspects"]
    places = {int(row): place for place, row in enumerate(judged.scored.dataset.rows.tolist())}
    if not suspects:
        said = words("labels.none", rows=f"{found['rows']:,}")
    elif found["by_chance"] is not None:  # a right number in a hundred is outside: that is no likely mistake
        chance = numbers.plain(found["by_chance"])
        said = words("labels.numbers", count=f"{len(suspects):,}", rows=f"{found['rows']:,}", chance=chance, every=f"{found['all_evidence']:,}")
    else:
        key = "labels.conclusion_one" if len(suspects) == 1 else "labels.conclusion"
        said = words(key, count=f"{len(suspects):,}", rows=f"{found['rows']:,}", every=f"{found['all_evidence']:,}")
    cards = []
    for one in suspects[:SHOWN]:
        sure = "" if one["suggested_probability"] is None else numbers.share(one["suggested_probability"])
        cards.append(shown_row(material, judged, places[one["row"]], one["suggested"], sure, right=False))
    return SuspectSection(
        conclusion=said,
        note=words("labels.note"),
        cards=tuple(cards),
        header=tuple(
            words(f"labels.{name}") for name in ("row", "given", "suggested", "given_probability", "suggested_probability", "against", "for")
        ),
        rows=tuple(
            (
                f"{one['row']:,}",
                _said(material, one["given"]),
                _said(material, one["suggested"]),
                numbers.share(one["given_probability"]),
                numbers.share(one["suggested_probability"]),
                words.modalities(one["against"]) or words("number.none"),
                words.modalities(one["for"]) or words("number.none"),
            )
            for one in suspects
        ),
    )


def _said(material: Material, value: object) -> str:
    if isinstance(value, list | tuple):
        return material.words("join.comma").join(map(str, value)) or material.words("examples.empty")
    return value if isinstance(value, str) else material.numbers.plain(float(str(value)))
