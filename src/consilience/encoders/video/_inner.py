"""The image encoder that looks at single frames: asked from the registry by name, or the one that columns of pictures get."""

from __future__ import annotations

import numpy as np

from consilience.core.errors import UsageError
from consilience.core.extras import missing_packages
from consilience.core.settings import parse_settings
from consilience.data.kinds._film import Film
from consilience.encoders._base import FrozenEncoder, ModuleEncoder

__all__ = ["clock", "image_encoder", "runs_as_module", "sole_image_encoder"]


def image_encoder(name: str | None, who: str) -> FrozenEncoder:
    """A frozen image encoder.

    Args:
        name: A key without ``image/``, maybe with an argument after a colon (``hf:folder``); None for the default whose packages are installed,
            else for the one that needs none.
        who: The encoder that asks, for messages.

    Raises:
        UsageError: It is not frozen.
        UnknownName: There is no such encoder.
        MissingExtra: Its packages are not installed.
    """
    from consilience.encoders import ENCODERS

    stem, _, argument = (name or "").partition(":")
    if not stem:
        cards = {key: ENCODERS.card(key) for key in ENCODERS if key.startswith("image/")}
        found = [key for key, card in cards.items() if {"frozen", "default"} <= set(card.claims) and not missing_packages(card.extra)]
        key = (sorted(found) or [key for key, card in cards.items() if "fallback" in card.claims])[0]
    else:
        key = stem if stem.startswith("image/") else f"image/{stem}"
    cls = ENCODERS.get(key)
    encoder = cls(parse_settings(cls.Settings, {}, f"The encoder {key!r}"), argument)
    if not isinstance(encoder, FrozenEncoder):
        raise UsageError(f"The encoder {who!r} needs a frozen image encoder; {key!r} is learned.", hint="Name one that claims 'frozen', such as hog.")
    return encoder


def sole_image_encoder(argument: str, image: str | None, who: str) -> FrozenEncoder:
    """The image encoder that is named after the colon or as a setting, as ``image_encoder`` gives it.

    Raises:
        UsageError: Both are given, and differ.
    """
    if argument and image and argument != image:
        raise UsageError(
            f"The encoder {who!r} is given two image encoders: {argument!r} after the colon, and {image!r} as a setting.",
            hint="Name one of them.",
        )
    return image_encoder(argument or image, who)


def runs_as_module(encoder: FrozenEncoder) -> bool:
    """True if the encoder is a network over pixels of one size, which can be run over all frames of a batch at once."""
    return isinstance(encoder, ModuleEncoder) and len(encoder.inputs) == 1 and not encoder.dynamic


def clock(film: Film, places: np.ndarray) -> np.ndarray:
    """``[T, 2] float32``: when each frame is shown, as a share of the film, and as the logarithm of its second."""
    times = np.maximum(film.times[places].astype(np.float64), 0)
    share = times / max(film.seconds, float(film.times[-1]), 1e-6)
    return np.stack([np.clip(share, 0, 1), np.log1p(np.minimum(times, 1e6))], axis=1).astype(np.float32)
