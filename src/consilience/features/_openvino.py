"""A torch module as an OpenVINO graph on the CPU. Nothing here touches a network: OpenVINO's own usage reports are kept from being sent."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Graph", "convert_module", "load_openvino"]

IMPORTING = threading.Lock()
MOST_STREAMS = 16  # each has memory of its own for what is between the layers


def load_openvino() -> Any:
    """The package, imported without its reports: it would send one at import and one at every conversion."""
    with IMPORTING:
        if "openvino" not in sys.modules and "openvino_telemetry" not in sys.modules:
            sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # openvino then takes its own silent stand-in
            try:
                importlib.import_module("openvino.tools.ovc")
            finally:
                del sys.modules["openvino_telemetry"]
        return importlib.import_module("openvino")


class Graph:
    """A model of OpenVINO, ready to run from many threads.

    There are two ways to run it: alone, when one batch gets all threads and is done soonest; and beside others, when as many batches as there are
    threads run at once on one thread each, which takes less in all. The values are the same. Each way is compiled when it is first used.

    Args:
        model: From ``convert_module`` or ``from_bytes``; one output.
        precision: ``"f32"`` or ``"bf16"``.
        threads: How many it may use.
    """

    def __init__(self, model: Any, precision: str, threads: int) -> None:
        self.model, self.precision, self.threads = model, precision, max(1, threads)
        self.streams = min(self.threads, MOST_STREAMS)
        self._requests: dict[int, SimpleQueue[Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, arrays: Sequence[np.ndarray], *, beside: bool = False) -> np.ndarray:
        """Values ``[B, T, D] float32`` of C-contiguous input arrays.

        Raises:
            RuntimeError: OpenVINO cannot compile or run it.
        """
        requests = self._ready(self.streams if beside else 1)
        request = requests.get()
        try:
            (values,) = request.infer(list(arrays), share_inputs=True, share_outputs=True).values()
            return np.array(values, dtype=np.float32)
        finally:
            requests.put(request)

    def to_bytes(self) -> tuple[bytes, bytes]:
        """The model's description and its weights, for ``from_bytes``."""
        with tempfile.TemporaryDirectory() as folder:
            description, weights = Path(folder, "model.xml"), Path(folder, "model.bin")
            load_openvino().serialize(self.model, str(description), str(weights))
            return description.read_bytes(), weights.read_bytes()

    @classmethod
    def from_bytes(cls, description: bytes, weights: np.ndarray, precision: str, threads: int) -> Graph:
        """What ``to_bytes`` gave.

        Raises:
            RuntimeError: It is no such thing.
        """
        openvino = load_openvino()
        return cls(openvino.Core().read_model(description, openvino.Tensor(weights)), precision, threads)

    def _ready(self, streams: int) -> SimpleQueue[Any]:
        with self._lock:
            if streams not in self._requests:
                hint = "LATENCY" if streams == 1 else "THROUGHPUT"
                options = {"PERFORMANCE_HINT": hint, "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": self.threads}
                compiled = load_openvino().Core().compile_model(self.model, "CPU", {**options, "INFERENCE_PRECISION_HINT": self.precision})
                requests: SimpleQueue[Any] = SimpleQueue()
                for _ in range(streams):
                    requests.put(compiled.create_infer_request())
                self._requests[streams] = requests
            return self._requests[streams]


def convert_module(module: nn.Module, example: Sequence[np.ndarray], *, dynamic: bool) -> Any:
    """A model of OpenVINO from a module that gives one tensor.

    Args:
        module: In eval mode; takes the tensors of ``example``, gives one tensor.
        example: Inputs of at least two cells, so that no axis of length 1 is taken for a constant.
        dynamic: True if axis 1 of the inputs changes too.

    Raises:
        RuntimeError: OpenVINO cannot convert it (among other errors: the module runs inside).
    """
    import torch

    openvino = load_openvino()
    try:
        with silence(), torch.inference_mode():
            inputs = tuple(torch.from_numpy(array) for array in example)
            # Traced here and not by OpenVINO: its check by tracing again takes longer than all the rest, and the caller compares results anyway.
            traced = torch.jit.trace(module, inputs, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            model = openvino.convert_model(traced, example_input=inputs)
    except failures(openvino) as error:
        raise RuntimeError(str(error)) from error
    model.reshape({port: openvino.PartialShape(shape) for port, shape in zip(model.inputs, loose_shapes(example, dynamic), strict=True)})
    return model


def loose_shapes(example: Sequence[np.ndarray], dynamic: bool) -> list[list[int]]:
    """The shapes that a graph takes, -1 for an axis of any length."""
    loose = 2 if dynamic else 1
    return [[-1] * min(loose, array.ndim) + list(array.shape[loose:]) for array in example]


def failures(openvino: Any) -> tuple[type[Exception], ...]:
    """The errors of OpenVINO and of tracing, which have no common root."""
    import torch

    names = ("GeneralFailure", "InitializationFailure", "NotImplementedFailure", "OpConversionFailure", "OpValidationFailure")
    return (torch.jit.Error, importlib.import_module("openvino.tools.ovc.error").Error, *(getattr(openvino.frontend, name) for name in names))


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Keeps the noise of tracing, and reports of usage, from coming out."""
    stand_in = importlib.import_module("openvino.tools.ovc.telemetry_stub")
    reporters = [importlib.import_module(f"openvino.tools.ovc.{name}") for name in ("telemetry_utils", "convert_impl")]
    before = [getattr(reporter, "tm", None) for reporter in reporters]
    for reporter in reporters:
        setattr(reporter, "tm", stand_in)  # noqa: B010  # where somebody else imported openvino before us
    level = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        for reporter, module in zip(reporters, before, strict=True):
            setattr(reporter, "tm", module)  # noqa: B010
