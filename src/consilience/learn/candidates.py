"""Who stands for election: every learner on all evidence, the cheap ones on each modality alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from consilience.core.settings import parse_settings
from consilience.fusion import FUSIONS
from consilience.learn.effort import PRESETS, Effort
from consilience.learn.learners import LEARNERS, Combiner, Learner, Situation

__all__ = ["SMALL", "Candidate", "combiners", "default_candidates"]

_COSTS = ("low", "medium", "high")

SMALL = 1000
"""Rows from which a preset's limit on fusions no longer holds: all are tried, most of them shortly."""

_MANY = 4000
"""Rows from which fusions of high cost are tried without being named: they have the most to learn, and take ten times as long."""

_FEW = 2000
"""Rows up to which learners for few rows are tried."""


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
    num_rows: int = SMALL,
    num_blocks: int = 0,
    named: Collection[str] = (),
) -> list[Candidate]:
    """The candidates of a fit, cheap ones first.

    Args:
        modalities: All of them.
        trained: Those with an encoder that a network must train.
        with_features: Those with frozen or fitted features, which every learner can use.
        fusion: A name, or ``auto`` for all.
        effort: How much is tried.
        num_rows: Rows to learn from.
        num_blocks: Blocks of features; a learner that makes a model of each encoder's has nothing to add up where there is one.
        named: Learners that a person asked for: they stand whatever they cost, and however many rows there are.
    """
    everything, featured = tuple(sorted(modalities)), tuple(sorted(with_features))
    made: list[Candidate] = []

    def add(learner: str, names: tuple[str, ...], suffix: str = "", **settings: Any) -> None:
        candidate = Candidate(f"{learner}{suffix}:{'+'.join(names)}", learner, names, settings)
        if candidate.name not in {other.name for other in made}:
            made.append(candidate)

    single, on_products = [(name,) for name in featured], list[str]()
    learners = [
        name for name in LEARNERS if issubclass(LEARNERS.get(name), Learner) and not {"trains encoders", "end to end"} & {*LEARNERS.card(name).claims}
    ]
    for learner in sorted(learners, key=lambda name: _COSTS.index(LEARNERS.card(name).cost)):
        claims = {*LEARNERS.card(learner).claims}
        if "few rows" in claims and num_rows > _FEW and learner not in named:
            continue
        afforded = LEARNERS.card(learner).cost in effort.costs or learner in named
        if featured and afforded and (num_blocks > 1 or "several encoders" not in claims):
            add(learner, featured)
        # What is quick also learns from each modality alone: fusing is worth it only if it beats that. A table alone is quick for all.
        quick = LEARNERS.card(learner).cost == "low" or (afforded and "few rows" in claims)
        for names in single:
            if quick or (names == ("table",) and "tables" in claims):
                add(learner, names)
        if len(featured) > 1 and afforded and "products" in claims:
            on_products.append(learner)
    # Where only a combination tells the target, a sum of modalities is at chance; the same learner on products is not. Elsewhere they are
    # no gain, which is seen soonest beside the best of the others.
    for learner in on_products:
        cls: Any = LEARNERS.get(learner)
        add(learner, featured, suffix="-products", **cls.on_products)
    if featured and LEARNERS.card("network").cost not in effort.costs and "network" not in named:
        return made
    # A network of one modality has nothing to fuse: its fusion makes no difference.
    for name in sorted(trained):
        add("network", (name,), fusion="concat")
    fusions = [fusion] if fusion != "auto" else _fusions(effort, num_rows)
    if len(everything) == 1:
        add("network", everything, fusion=fusions[0])
    else:
        for name in fusions:
            add("network", everything, suffix=f"-{name}", fusion=name)
    return made


def _fusions(effort: Effort, num_rows: int) -> list[str]:
    """The plain ones first, where they cannot win on these features the others are not tried; with and without interaction in turn."""
    ordered = sorted(FUSIONS, key=lambda name: (_COSTS.index(FUSIONS.card(name).cost), name))
    alone = [name for name in ordered if "interaction" not in FUSIONS.card(name).claims]
    together = [name for name in ordered if name not in alone]
    turns = [name for pair in zip_longest(alone, together) for name in pair if name is not None]
    if num_rows < SMALL:
        return turns[: effort.fusions]
    return [name for name in turns if FUSIONS.card(name).cost != "high" or num_rows >= _MANY or effort.fusions >= len(turns)]


def combiners() -> list[str]:
    """Names of the learners that are made of other candidates."""
    return [name for name in LEARNERS if issubclass(LEARNERS.get(name), Combiner)]
