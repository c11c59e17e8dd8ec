"""Content hashes: the identity of a cell, a file, a set of settings."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["hash_arrays", "hash_bytes", "hash_content", "hash_file", "hash_json"]


def hash_bytes(*parts: bytes) -> bytes:
    """16 bytes for the parts in order; lengths count, so that ("ab", "c") differs from ("a", "bc").

    >>> hash_bytes(b"ab", b"c") == hash_bytes(b"a", b"bc")
    False
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.digest()


def hash_content(path: Path) -> bytes:
    """``hash_bytes`` of a file's content, in pieces: a film need not fit into memory."""
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        digest.update(os.fstat(file.fileno()).st_size.to_bytes(8, "little"))
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.digest()


def hash_json(value: Any) -> str:
    """Hex hash of a JSON value; the order of keys does not matter."""
    return hash_bytes(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hex()


def hash_arrays(arrays: dict[str, np.ndarray]) -> str:
    """Hex hash of named arrays: names, types, shapes and values."""
    parts: list[bytes] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        parts += [name.encode(), str(array.dtype).encode(), str(array.shape).encode(), array.tobytes()]
    return hash_bytes(*parts).hex()


def hash_file(path: Path) -> str:
    """Hex SHA-256 of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
