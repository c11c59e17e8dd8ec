"""How a long training goes, while it goes: a curve beside its bar, and TensorBoard's files where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from consilience.core.errors import MissingExtra
from consilience.learn.learners._base import Situation

__all__ = ["History", "spark", "watch"]

BLOCKS = "▁▂▃▄▅▆▇█"
SHOWN = 24


class History(Protocol):
    """What the epochs gave so far: mean losses of held-out rows and of learned ones, and by each modality alone."""

    losses: list[float]
    seen: list[float]
    parts: dict[str, list[float]]


@contextmanager
def watch(situation: Situation, name: str, epochs: int, history: History) -> Iterator[Callable[[int, bool], bool]]:
    """Inside the block a training is shown; what it gives is called after each epoch and hands on whether to go on.

    Raises:
        MissingExtra: TensorBoard's files are wanted and it is not installed.
    """
    writer = writer_of(situation, name)
    try:
        with situation.progress.step(f"Train {name}", epochs, "epochs") as step:

            def seen(epoch: int, going: bool) -> bool:
                step.advance()
                if history.losses:
                    step.note(f"held out {history.losses[-1]:.3f} {spark(history.losses)}")
                if writer is not None:
                    for label, value in values_of(history).items():
                        writer.add_scalar(label, value, epoch)
                return going

            yield seen
    finally:
        if writer is not None:
            writer.close()


def spark(values: Sequence[float]) -> str:
    """The last values as blocks of different height.

    >>> spark([3.0, 2.0, 1.0])
    '█▄▁'
    """
    last = values[-SHOWN:]
    low, high = min(last), max(last)
    return "".join(BLOCKS[int((value - low) / ((high - low) or 1.0) * (len(BLOCKS) - 1))] for value in last)


def values_of(history: History) -> Mapping[str, float]:
    found = {"loss/held out": history.losses[-1:], "loss/learned": history.seen[-1:]}
    found |= {f"loss/{modality} alone": losses[-1:] for modality, losses in history.parts.items()}
    return {name: values[0] for name, values in found.items() if values}


def writer_of(situation: Situation, name: str) -> Any:
    """TensorBoard's writer for one training, or None."""
    if situation.tensorboard is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("--tensorboard", "tensorboard", "tensorboard") from None
    return SummaryWriter(str(situation.tensorboard / name.replace(" ", "-")))
