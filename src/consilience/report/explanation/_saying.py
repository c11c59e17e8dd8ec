"""The sentences and numbers of an explanation, in the words of one language."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from consilience.judge.explain import ExplainedCell, Explanation, ModalityWeight, Piece
from consilience.report._material import short
from consilience.report._numbers import Numbers
from consilience.report._words import Words
from consilience.tasks import Task

__all__ = ["Saying"]


class Saying:
    """What is said of an explanation."""

    def __init__(self, words: Words, task: Task, explanation: Explanation) -> None:
        self.words, self.explanation, self.numbers = words, explanation, Numbers(words, task)

    @property
    def of(self) -> str:
        """What pieces speak for."""
        found = self.explanation
        return short(found.of, 40) if found.of is not None else self.words("explain.higher", target=short(found.target))

    def answer(self, value: Any) -> str:
        """A prediction or a label."""
        if isinstance(value, list | tuple | np.ndarray):
            return short(self.words("join.comma").join(map(str, value)) or self.words("examples.empty"), 120)
        return short(value, 80) if isinstance(value, str) else self.numbers.plain(float(value))

    def shown(self, value: float) -> str:
        """A probability of the class, or a number."""
        return self.numbers.share(value) if self.explanation.of is not None else self.numbers.plain(value)

    def value(self, value: Any) -> str:
        """A table cell's value."""
        if isinstance(value, list):
            return short(", ".join(map(str, value)), 40)
        return self.numbers.plain(value) if isinstance(value, float) else short("" if value is None else str(value).removesuffix("T00:00:00"), 40)

    def weight(self, weight: float) -> str:
        """With its sign; of a number that was learned as its logarithm, as a factor."""
        if self.explanation.scale == "logarithm":
            return f"× {self.numbers.plain(math.exp(min(max(weight, -50), 50)))}"
        if self.explanation.scale == "log-odds" and abs(weight) < 0.005:
            return "0.00"
        sign = "+" if weight > 0 else ""
        text = f"{weight:.2f}".replace("-", "−") if self.explanation.scale == "log-odds" else self.numbers.plain(weight)
        return f"{sign}{text}"

    def part(self, cell: ExplainedCell, piece: Piece) -> str:
        """The weight of a piece; of Grad-CAM its share of the map."""
        return self.numbers.share(piece.weight) if cell.method == "grad-cam" else self.weight(piece.weight)

    def error(self, cell: ExplainedCell, piece: Piece) -> str:
        """Give or take."""
        if cell.method != "occlusion":
            return "–"
        if cell.exact:
            return self.words("explain.exact")
        if self.explanation.scale == "logarithm":
            return f"×/÷ {self.numbers.plain(math.exp(min(2 * piece.error, 50)))}"
        return f"± {2 * piece.error:.2f}" if self.explanation.scale == "log-odds" else f"± {self.numbers.plain(2 * piece.error)}"

    def scale(self) -> str:
        """What the weights are in."""
        return self.words(f"explain.scale.{self.explanation.scale}", of=self.of)

    def verdict(self) -> str:
        """What to conclude, in two sentences."""
        found, words = self.explanation, self.words
        said = self.answer(found.prediction)
        parts = [
            words("explain.says", said=said, sure=self.numbers.share(found.probability)) if found.of else words("explain.says_number", said=said)
        ]
        if found.of is not None and found.truth is not None and self.answer(found.truth) != said:
            parts.append(words("explain.wrong", truth=self.answer(found.truth)))
        if found.of is not None and found.of != found.prediction:
            parts.append(words("explain.asked", of=self.of, shown=self.shown(found.shown)))
        strongest = max(found.modalities, key=lambda one: one.weight if found.of else abs(one.weight), default=None)
        there = [one for one in found.modalities if not one.missing]
        form = "" if found.of else "_number"
        values = {"of": self.of, "base": self.shown(found.base_shown), "shown": self.shown(found.shown)}
        if strongest is None or not there or (found.of and strongest.weight <= 0):
            parts.append(words(f"explain.rests_nothing{form}", **values))
        elif len(there) == 1:
            parts.append(words(f"explain.rests_alone{form}", name=strongest.name, **values))
        elif found.of is not None and strongest.without > 0.9 * found.shown:
            parts.append(words("explain.rests_shared", name=strongest.name, without=self.shown(strongest.without), **values))
        else:
            parts.append(words(f"explain.rests{form}", name=strongest.name, without=self.shown(strongest.without), **values))
        return words("join.sentences").join(parts)

    def facts(self) -> list[tuple[str, str]]:
        """Labels and values at the head of the page."""
        found, words = self.explanation, self.words
        made = [(words("explain.fact.prediction"), self.answer(found.prediction))]
        if found.probability is not None:
            made.append((words("explain.fact.probability"), self.numbers.share(found.probability)))
        made.append((words("explain.fact.truth"), words("explain.unknown") if found.truth is None else self.answer(found.truth)))
        made.append((words("explain.fact.base"), self.shown(found.base_shown)))
        return made

    def modality(self, one: ModalityWeight) -> tuple[str, str, str]:
        """Weight, without it, alone."""
        return self.weight(one.weight), self.shown(one.without), self.shown(one.alone)

    def modalities(self) -> str:
        """The sentence above the modalities' bars."""
        there = [one for one in self.explanation.modalities if not one.missing]
        gone = [one.name for one in self.explanation.modalities if one.missing]
        words = self.words
        ahead = [one.name for one in there if one.weight > 0]
        back = [one.name for one in there if one.weight < 0]
        parts = []
        if ahead:
            parts.append(words("explain.modalities_for", names=words.modalities(ahead), of=self.of))
        if back:
            parts.append(words("explain.modalities_against", names=words.modalities(back), of=self.of))
        if gone:
            parts.append(words("explain.modalities_missing", names=words.modalities(gone)))
        return words("join.sentences").join(parts)

    def piece(self, cell: ExplainedCell, piece: Piece) -> str:
        """What a piece is called in a sentence."""
        name = self.words.maybe(f"explain.at.{piece.name}", piece.name) if cell.unit == "patch" else piece.name
        key = f"explain.piece.{cell.unit}"
        channels = piece.where.get("channels")
        if channels is not None:
            anatomy = cell.anatomy
            many = anatomy is not None and anatomy.channels > 1
            key = "explain.piece.channel" if many else key
            return self.words(key, name=short(name, 60), channel=", ".join(str(channel + 1) for channel in channels))
        return self.words(key, name=short(name, 60))

    def place(self, cell: ExplainedCell, piece: Piece) -> str:
        """What a piece is called where all are listed: patches with their place."""
        if cell.unit != "patch":
            return self.piece(cell, piece)
        name = self.words.maybe(f"explain.at.{piece.name}", piece.name)
        sides = {side: self.numbers.whole(piece.where[side]) for side in ("left", "right", "top", "bottom")}
        return self.words("explain.patch_at", name=name, **sides)

    def cell(self, cell: ExplainedCell) -> str:
        """The sentence above a cell's picture."""
        words = self.words
        if cell.missing:
            return words("explain.cell_missing")
        if not cell.pieces:
            key = {"grad-cam": "explain.cell_no_slope", "integrated gradients": "explain.cell_no_change"}.get(cell.method)
            return cell.note if key is None else words(key, of=self.of)
        clear = [piece for piece in cell.pieces if piece.clear]
        ahead = max(clear, key=lambda piece: piece.weight, default=None)
        back = min(clear, key=lambda piece: piece.weight, default=None)
        parts = []
        if ahead is not None and ahead.weight > 0:
            parts.append(words("explain.cell_for", piece=self.piece(cell, ahead), of=self.of))
        if back is not None and back.weight < 0:
            parts.append(words("explain.cell_against", piece=self.piece(cell, back), of=self.of))
        if not parts:
            parts.append(words("explain.cell_none"))
        if cell.absent:
            parts.append(words("explain.cell_absent", names=words.both([short(name) for name in cell.absent])))
        return words("join.sentences").join(f"{part[:1].upper()}{part[1:]}" for part in parts)

    def how(self, cell: ExplainedCell) -> str:
        """How the weights of a cell were found."""
        if not cell.pieces:
            return ""
        if cell.method != "occlusion":
            whole = {"whole": self.weight(cell.whole), "evaluations": f"{cell.evaluations:,}"} if cell.method != "grad-cam" else {}
            said = self.words(f"explain.how.{cell.method}", **whole)
            start = self.words.maybe(f"explain.start.{cell.unit}", "") if whole else ""
            return self.words("join.sentences").join([said, *([start] if start else []), self.words("explain.how.slopes")])
        masked = self.words.maybe(f"explain.masked.{cell.unit}", cell.masked_by)
        key = "explain.how_exact" if cell.exact else "explain.how"
        return self.words(key, masked=masked, evaluations=f"{cell.evaluations:,}", whole=self.weight(cell.whole))

    def near(self) -> str:
        """The sentence above the alike rows."""
        found, words = self.explanation, self.words
        if not found.nearest or found.like is None:
            return ""
        values = {"rows": f"{found.like['rows']:,}", "source": short(found.like["source"], 60)}
        labels = [near.label for near in found.nearest]
        if any(label is None for label in labels):
            first = words("explain.near_unlabelled", **values)
        elif found.of is None:
            low, high = min(map(float, labels)), max(map(float, labels))
            first = words("explain.near_number", low=self.numbers.plain(low), high=self.numbers.plain(high), count=len(labels), **values)
        else:
            said = self.answer(found.prediction)
            same = sum(self.answer(label) == said for label in labels)
            first = words("explain.near", same=same, count=len(labels), said=said, **values)
        return first + (words("join.sentences") + words("explain.near_same") if found.like["same_table"] else "")
