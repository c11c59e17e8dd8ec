"""No network: what ``--offline`` promises is enforced, not hoped for."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from consilience.core.errors import OfflineError

__all__ = ["go_offline", "is_offline"]

_WORDS = ("CONSILIENCE_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def is_offline() -> bool:
    """True where the environment says that nothing may be fetched."""
    return any(os.environ.get(word, "").lower() in {"1", "true", "yes", "on"} for word in _WORDS)


@contextmanager
def go_offline(wanted: bool = True) -> Iterator[None]:
    """Inside the block every attempt to reach another machine raises OfflineError.

    >>> with go_offline():
    ...     is_offline()
    True
    """
    if not wanted:
        yield
        return
    before = {word: os.environ.get(word) for word in _WORDS}
    os.environ.update(dict.fromkeys(_WORDS, "1"))
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any, /) -> None:
        if self.family == getattr(socket, "AF_UNIX", None):
            return connect(self, address)
        raise OfflineError(f"Something wanted to reach {address!r}, and --offline forbids it.", hint="Name a local folder, or leave out --offline.")

    socket.socket.connect = refuse  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        socket.socket.connect = connect  # type: ignore[method-assign]
        for word, value in before.items():
            if value is None:
                os.environ.pop(word, None)
            else:
                os.environ[word] = value
