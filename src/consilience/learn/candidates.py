"""Who stands for election: every learner on all evidence, the cheap ones on each modality alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from consilience.core.settings import parse_settings
from consilience.fusion import FUSIONS
from consilience.learn.effort import PRESETS, Effort
from consilience.learn.learners import LEARNERS, Combiner, Learner, Situation

__all__ = ["Candidate", "combiners", "default_candidates"]

_COSTS = ("low", "medium", "high")

_SMALL = 1000
"""Rows from which a preset's limit on fusions no longer holds."""


@dataclass(frozen=True)
class Candidate:
    """A learner, its settings, and the modalities it sees."""

    name: str
    learner: str
    modalities: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict, hash=False)

    def make(self, situation: Situation) -> Learner:
        """The learner, ready to fit."""
        cls: Any = LEARNERS.get(self.learner)
        return cls(parse_settings(cls.Settings, self.settings, f"The learner {self.learner!r}"), situation)  # type: ignore[no-any-return]


def default_candidates(
    modalities: Sequence[str],
    trained: Sequence[str],
    with_features: Sequence[str],
    fusion: str = "auto",
    effort: Effort = PRESETS["balanced"],
    num_rows: int = _SMALL,
) -> list[Candidate]:
    """The candidates of a fit, cheap ones first.

    Args:
        modalities: All of them.
        trained: Those with an encoder that a network must train.
        with_features: Those with frozen or fitted features, which every learner can use.
        fusion: A name, or ``auto`` for all.
        effort: How much is tried.
        num_rows: Rows to learn from.
    """
    everything, featured = tuple(sorted(modalities)), tuple(sorted(with_features))
    made: list[Candidate] = []

    def add(learner: str, names: tuple[str, ...], suffix: str = "", **settings: Any) -> None:
        candidate = Candidate(f"{learner}{suffix}:{'+'.join(names)}", learner, names, settings)
        if candidate.name not in {other.name for other in made}:
            made.append(candidate)

    single = [(name,) for name in featured]
    learners = [
        name for name in LEARNERS if issubclass(LEARNERS.get(name), Learner) and not {"trains encoders", "end to end"} & {*LEARNERS.card(name).claims}
    ]
    for learner in sorted(learners, key=lambda name: _COSTS.index(LEARNERS.card(name).cost)):
        if featured and LEARNERS.card(learner).cost in effort.costs:
            add(learner, featured)
        # A table alone is learned in no time, and often tells the most.
        for names in single:
            if LEARNERS.card(learner).cost == "low" or (names == ("table",) and "tables" in LEARNERS.card(learner).claims):
                add(learner, names)
    if featured and LEARNERS.card("network").cost not in effort.costs:
        return made
    # A network of one modality has nothing to fuse: its fusion makes no difference.
    for name in sorted(trained):
        add("network", (name,), fusion="concat")
    # The plain ones first: where they cannot win on these features, the others are not tried.
    fusions = [fusion] if fusion != "auto" else sorted(FUSIONS, key=_plainness)[: effort.fusions if num_rows < _SMALL else None]
    if len(everything) == 1:
        add("network", everything, fusion=fusions[0])
    else:
        for name in fusions:
            add("network", everything, suffix=f"-{name}", fusion=name)
    return made


def _plainness(fusion: str) -> tuple[bool, int, str]:
    card = FUSIONS.card(fusion)
    return "interaction" in card.claims, _COSTS.index(card.cost), fusion


def combiners() -> list[str]:
    """Names of the learners that are made of other candidates."""
    return [name for name in LEARNERS if issubclass(LEARNERS.get(name), Combiner)]
