"""A torch module as an OpenVINO graph on the CPU. Nothing here touches a network: OpenVINO's own usage reports are kept from being sent."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn

__all__ = ["compile_module", "load_openvino"]

IMPORTING = threading.Lock()


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


def compile_module(
    module: nn.Module, example: Sequence[np.ndarray], *, dynamic: bool, precision: str, threads: int
) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """A function from input arrays to values ``[B, T, D] float32``, one call at a time.

    Args:
        module: In eval mode; takes the tensors of ``example``, gives one tensor.
        example: Inputs of at least two cells, so that no axis of length 1 is taken for a constant.
        dynamic: True if axis 1 of the inputs changes too.
        precision: ``"f32"`` or ``"bf16"``.
        threads: How many the graph may use.

    Raises:
        RuntimeError: OpenVINO cannot convert or compile it (among other errors: the module runs inside).
    """
    import torch

    openvino = load_openvino()
    try:
        with silence(), torch.inference_mode():
            inputs = tuple(torch.from_numpy(array) for array in example)
            # Traced here and not by OpenVINO: its check by tracing again takes longer than all the rest, and the caller compares results anyway.
            traced = torch.jit.trace(module, inputs, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            graph = openvino.convert_model(traced, example_input=inputs)
    except failures(openvino) as error:
        raise RuntimeError(str(error)) from error
    shapes = {}
    for port, array in zip(graph.inputs, example, strict=True):
        loose = 2 if dynamic else 1
        shapes[port] = openvino.PartialShape([-1] * min(loose, array.ndim) + list(array.shape[loose:]))
    graph.reshape(shapes)
    compiled = openvino.Core().compile_model(
        graph,
        "CPU",
        {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": threads},
    )
    request = compiled.create_infer_request()
    busy = threading.Lock()

    def run(arrays: Sequence[np.ndarray]) -> np.ndarray:
        with busy:
            (values,) = request.infer(list(arrays)).values()
            return np.array(values, dtype=np.float32)

    return run


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
