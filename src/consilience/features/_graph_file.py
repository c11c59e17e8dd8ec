"""A converted graph on disk, with the proof that it does what torch does. The next process needs neither torch's module nor the conversion."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from consilience.core.files import new_file
from consilience.core.hashing import hash_json
from consilience.encoders._file_hash import is_trusted

__all__ = ["GraphFile", "graph_path", "read_graph", "write_graph"]

DIGEST = 32
SUFFIX = ".graph"


@dataclass(frozen=True)
class GraphFile:
    """What the file holds.

    Args:
        description: The graph, as OpenVINO writes it.
        weights: Its constants, ``[bytes] uint8``.
        inputs: A small batch.
        expected: What torch gave for it, ``[B, T, D] float32``.
        mask: Which of that counts, ``[B, T] bool``.
    """

    description: bytes
    weights: np.ndarray
    inputs: list[np.ndarray]
    expected: np.ndarray
    mask: np.ndarray


def graph_path(folder: Path, fingerprint: str, shapes: Sequence[Sequence[int]]) -> Path:
    """Where the graph of an encoder lies: its name says all that the graph depends on.

    Args:
        folder: Of all graphs.
        fingerprint: Of the encoder and its precision.
        shapes: Of the inputs, -1 for an axis of any length.
    """
    made_by = {package: version(package) for package in ("openvino", "torch")}
    return folder / f"{fingerprint}-{hash_json({'shapes': shapes, 'versions': made_by})[:16]}{SUFFIX}"


def write_graph(path: Path, graph: GraphFile) -> None:
    """Keeps it; where that is not possible the next process converts again, which is not worth a word."""
    tensors = {"description": np.frombuffer(graph.description, dtype=np.uint8), "weights": graph.weights, "expected": graph.expected}
    tensors |= {"mask": graph.mask} | {f"input {index}": array for index, array in enumerate(graph.inputs)}
    body = save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    with suppress(OSError):
        if path.exists() and hasattr(os, "geteuid") and path.stat().st_uid != os.geteuid():  # whose it is may go on using it
            return
        with new_file(path) as beside, open(beside, "wb") as file:
            file.write(hashlib.blake2b(body, digest_size=DIGEST).digest())
            file.write(body)


def read_graph(path: Path) -> GraphFile | None:
    """What was kept; None where there is nothing, where somebody else wrote it, and where it is damaged."""
    try:
        if not is_trusted(path):
            return None
        with open(path, "rb") as file:
            digest, body = file.read(DIGEST), file.read()
    except OSError:
        return None
    if digest != hashlib.blake2b(body, digest_size=DIGEST).digest():
        return None
    try:
        tensors = load(body)
        inputs = [tensors[f"input {index}"] for index in range(len(tensors) - 4)]
        return GraphFile(tensors["description"].tobytes(), tensors["weights"], inputs, tensors["expected"], tensors["mask"])
    except (SafetensorError, KeyError, ValueError):
        return None
