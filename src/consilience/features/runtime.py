"""What runs a frozen encoder: OpenVINO where it can, torch or plain numpy otherwise."""

from __future__ import annotations

import os
import platform
import sys
import threading
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from consilience.core.errors import MissingExtra, UsageError
from consilience.core.hashing import hash_json
from consilience.core.progress import Progress, Silent
from consilience.encoders import FrozenEncoder, ModuleEncoder

if TYPE_CHECKING:
    from consilience.features._openvino import Graph

__all__ = ["Compiled", "Runtime", "compile_encoder", "kept_under"]

Runtime = Literal["auto", "torch", "openvino"]
RUNTIMES = ("auto", "torch", "openvino")
NEAR = 0.999
PROBED = 4
# What tracing, converting and compiling somebody's module may raise; each of them only means that torch has to do it.
REFUSED = (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError, ImportError, OSError, MemoryError)
ATTRIBUTE = "_compiled"


class Compiled:
    """An encoder together with what runs it.

    The graph is made at the first batch, which also proves it: where its result is not close to torch's (cosine under 0.999 in any cell), torch
    runs the encoder, and the person is told. ``name`` and ``precision`` are final after ``warm`` or ``encode``.

    With a folder the graph is kept there together with its proof, which it has to pass again in each process that takes it from there.

    Args:
        encoder: The encoder.
        runtime: ``"auto"`` takes OpenVINO where the package is there and the encoder is a module.
        progress: Where to say why OpenVINO is not used.
    """

    def __init__(self, encoder: FrozenEncoder, runtime: Runtime, progress: Progress) -> None:
        self.encoder = encoder
        self.progress = progress
        self.graphs: Path | None = None
        self.name: Literal["openvino", "torch", "numpy"] = chosen(encoder, runtime)
        self.precision: Literal["f32", "bf16"] = "bf16" if self.name == "openvino" and has_bfloat16() else "f32"
        self.warmed = self.name != "openvino"
        self._graph: Graph | None = None
        self._lock = threading.Lock()

    @property
    def streams(self) -> int:
        """How many batches may run beside one another with gain."""
        return self._graph.streams if self._graph is not None else 1

    def warm(self, batch: dict[str, np.ndarray], *, beside: bool = False) -> None:
        """Makes the graph ready, unless it is; ``batch`` is an example to trace and to compare on, best of cells of different length."""
        with self._lock:
            if not self.warmed:
                self._compile(batch, beside)
                self.warmed = True

    def encode(self, batch: dict[str, np.ndarray], *, beside: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """A collated batch as tokens: values ``[B, T, D] float32`` and mask ``[B, T] bool``.

        Args:
            batch: What ``collate`` of the encoder gave.
            beside: True if others run at the same time: the batch then gets one thread and not all of them.
        """
        self.warm(batch, beside=beside)
        encoder = self.encoder
        if self._graph is None or not isinstance(encoder, ModuleEncoder):
            return encoder.encode(batch)
        values = self._graph([np.ascontiguousarray(batch[name]) for name in encoder.inputs], beside=beside)
        return values, encoder.token_mask(batch, values.shape[1])

    def _compile(self, batch: dict[str, np.ndarray], beside: bool) -> None:
        from consilience.features._graph_file import GraphFile, graph_path, read_graph, write_graph
        from consilience.features._openvino import Graph, convert_module, loose_shapes

        encoder = self.encoder
        if not isinstance(encoder, ModuleEncoder):
            return
        rows = [index % len(next(iter(batch.values()))) for index in range(PROBED)]
        probe = {name: np.ascontiguousarray(array[rows]) for name, array in batch.items()}
        inputs = [probe[name] for name in encoder.inputs]
        path: Path | None = None
        if self.graphs is not None:
            path = graph_path(self.graphs, kept_under(encoder, self.precision), loose_shapes(inputs, encoder.dynamic))
            kept = read_graph(path)
            with suppress(*REFUSED):
                if kept is not None:
                    graph = Graph.from_bytes(kept.description, kept.weights, self.precision, threads())
                    if closeness(graph(kept.inputs, beside=beside), kept.expected, kept.mask) >= NEAR:
                        self._graph = graph
                        return
        expected, mask = encoder.encode(probe)
        try:
            graph = Graph(convert_module(encoder.module, inputs, dynamic=encoder.dynamic), self.precision, threads())
            values = graph(inputs, beside=beside)
        except REFUSED as error:
            self._fall_back(f"it refused the encoder ({str(error).strip().partition(chr(10))[0][:200]})")
            return
        near = closeness(values, expected, mask)
        if near < NEAR:
            self._fall_back(f"its result differs from torch's (cosine {near:.4f})")
            return
        self._graph = graph
        if path is not None:
            description, weights = graph.to_bytes()
            write_graph(path, GraphFile(description, np.frombuffer(weights, dtype=np.uint8), inputs, expected, mask))

    def _fall_back(self, why: str) -> None:
        self.name, self.precision = "torch", "f32"
        self.progress.say(f"{type(self.encoder).__name__} runs on torch, not on OpenVINO: {why}. The result is the same, but it takes longer.")


def compile_encoder(encoder: FrozenEncoder, *, runtime: Runtime = "auto", progress: Progress | None = None, graphs: Path | None = None) -> Compiled:
    """What runs the encoder; made once per encoder and runtime, so that a second call costs nothing.

    Args:
        encoder: Any frozen encoder; one that is no ``ModuleEncoder`` runs itself.
        runtime: ``"auto"``, ``"torch"`` or ``"openvino"``.
        progress: Where to say that OpenVINO could not be used.
        graphs: The folder in which the graph is kept for other processes; None keeps none.

    Raises:
        UsageError: There is no such runtime.
        MissingExtra: ``"openvino"`` is asked for and not installed.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"There is no runtime {runtime!r}.", hint=f"There are: {', '.join(RUNTIMES)}.")
    # Kept with the encoder and not in a table here: the compiled graph then lives exactly as long as the encoder.
    made: dict[str, Compiled] = vars(encoder).setdefault(ATTRIBUTE, {})
    if runtime not in made:
        made[runtime] = Compiled(encoder, runtime, progress or Silent())
    made[runtime].progress = progress or Silent()
    made[runtime].graphs = graphs
    return made[runtime]


def kept_under(encoder: FrozenEncoder, precision: str) -> str:
    """The fingerprint under which the store keeps features: float32 is one and the same from torch and from OpenVINO."""
    return hash_json({"encoder": encoder.fingerprint(), "precision": precision})


def chosen(encoder: FrozenEncoder, runtime: Runtime) -> Literal["openvino", "torch", "numpy"]:
    if not isinstance(encoder, ModuleEncoder):
        return "numpy"
    there = find_spec("openvino") is not None
    if runtime == "openvino" and not there:
        raise MissingExtra("The runtime 'openvino'", "openvino", "runtime")
    return "openvino" if there and runtime != "torch" else "torch"


def threads() -> int:
    """As many as torch would take. Torch is not imported for that: what comes from the store or runs as a kept graph does without it."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdigit() and int(said) > 0:
        return int(said)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def has_bfloat16() -> bool:
    """True if this processor multiplies bfloat16 by itself; elsewhere it would be imitated, and slower."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def closeness(values: np.ndarray, expected: np.ndarray, mask: np.ndarray) -> float:
    """The smallest cosine between a cell's tokens from two runtimes; -1 if they cannot be compared."""
    if values.shape != expected.shape or not np.array_equal(np.isfinite(values), np.isfinite(expected)):
        return -1.0
    keep = mask[:, :, None] & np.isfinite(expected)
    a, b = (np.where(keep, array, 0).reshape(len(array), -1).astype(np.float64) for array in (values, expected))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    both_zero = (np.abs(a).max(axis=1, initial=0) == 0) & (np.abs(b).max(axis=1, initial=0) == 0)
    cosines = np.where(both_zero, 1.0, (a * b).sum(axis=1) / np.where(lengths == 0, 1.0, lengths))
    return float(cosines.min(initial=1.0))
