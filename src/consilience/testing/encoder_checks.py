"""What every encoder has to keep, as plain functions: for our own tests and for the author of a plugin.

``check_encoder`` runs what belongs to the encoder's sort: frozen, fitted or trained. Each failure says what was promised.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from consilience.core.errors import ConsilienceError
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.data.kinds import Cells
from consilience.encoders import Encoder, FittedEncoder, FrozenEncoder, TrainedEncoder
from consilience.testing._fitted_encoder import fitted_checks
from consilience.testing._frozen_encoder import frozen_checks
from consilience.testing._verdict import run_checks

__all__ = ["check_claims", "check_encoder", "check_fingerprint"]

SORTS: dict[str, type[Encoder]] = {"frozen": FrozenEncoder, "fitted": FittedEncoder, "trained": TrainedEncoder}


def check_encoder(
    make: Callable[[], Encoder], columns: Mapping[str, Cells], known: Mapping[str, str] | None = None, card: Card | None = None
) -> None:
    """Runs every check on an encoder.

    Args:
        make: Gives a new encoder with nothing learned; called several times.
        columns: Cells it can encode, ten rows or more, some of them absent, row 0 absent in every column (``fake_columns`` makes such).
        known: Name of a check to the reason why it may fail.
        card: Its card; the one in its module if None.

    >>> from consilience.testing.fakes import HashingText, fake_columns
    >>> check_encoder(HashingText, fake_columns("text"))
    """
    encoder = make()
    card = getattr(sys.modules[type(encoder).__module__], "CARD", None) if card is None else card
    checks: dict[str, Callable[[], None]] = {"fingerprint": partial(check_fingerprint, make)}
    if card is not None:
        checks["claims"] = partial(check_claims, encoder, card)
    if isinstance(encoder, FrozenEncoder):
        checks.update(frozen_checks(make, columns))
    elif isinstance(encoder, FittedEncoder):
        checks.update(fitted_checks(make, columns))
    else:
        # Torch is loaded only for encoders that are torch modules.
        from consilience.testing._trained_encoder import trained_checks

        checks.update(trained_checks(make, columns))
    run_checks(f"The encoder {type(encoder).__name__}", checks, known)


def check_claims(encoder: Encoder, card: Card) -> None:
    """The card claims the sort that the class has, and ``sparse`` if and only if it gives sparse rows."""
    for word, sort in SORTS.items():
        agree = (word in card.claims) == isinstance(encoder, sort)
        assert agree, f"The card's claims {card.claims} and the class, which is {'a' if isinstance(encoder, sort) else 'no'} {sort.__name__}, differ."
    assert ("sparse" in card.claims) == bool(getattr(encoder, "sparse", False)), "The card's claim 'sparse' and the class differ."


def check_fingerprint(make: Callable[[], Encoder]) -> None:
    """Two encoders made alike have one fingerprint; another setting that can be made without a network gives another one."""
    encoder = make()
    json.dumps(encoder.identity())
    mine = encoder.fingerprint()
    assert len(mine) >= 16, f"The fingerprint {mine!r} is too short to tell encoders apart."
    assert mine == encoder.fingerprint() == make().fingerprint(), "Two encoders made alike have different fingerprints."
    seen = {mine: "the settings given"}
    for name, settings in other_settings(encoder.settings):
        cls: Any = type(encoder)
        try:
            other = cls(settings, encoder.argument).fingerprint()
        except ConsilienceError:  # such as weights that are not here
            continue
        assert other not in seen, f"Another value of the setting {name!r} does not change the fingerprint (as {seen[other]})."
        seen[other] = name


def other_settings(settings: Settings) -> Iterator[tuple[str, Settings]]:
    """For each setting that is a flag, a whole number, a share or one of some words: the same settings with another value of it."""
    cls = type(settings)
    for name, field in cls.model_fields.items():
        for value in _others(getattr(settings, name), field.annotation):
            try:
                made = cls(**{**settings.model_dump(), name: value})
            except ValidationError:
                continue
            yield name, made
            break


def _others(value: Any, annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return [word for word in get_args(annotation) if word != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [other for other in (value * 2, value + 1, value - 1) if other != value]
    return [value / 2 + 0.1, value / 2] if isinstance(value, float) else []
