"""The base of everything a person may set."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from consilience.core.errors import UsageError

__all__ = ["Settings", "parse_settings"]

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Typed settings of one method: unknown words are refused, values are checked, nothing changes later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_settings(cls: type[S], values: dict[str, Any] | None, who: str) -> S:
    """Checks ``values`` against ``cls``.

    Raises:
        UsageError: Names the setting, what was found and what there is.
    """
    try:
        return cls(**(values or {}))
    except ValidationError as error:
        first = error.errors()[0]
        word = ".".join(str(part) for part in first["loc"])
        known = ", ".join(cls.model_fields) or "none"
        raise UsageError(f"{who}: setting {word!r}: {first['msg']}.", hint=f"Settings there are: {known}.") from None
