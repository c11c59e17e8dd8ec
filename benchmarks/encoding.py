"""How near encoding runs to the limit of the machine: pictures and texts, without a GPU.

    python benchmarks/encoding.py [--only overhead loader runtimes second cold] [--repeats 5]

Needs the extra ``weights``; ONNX Runtime is measured where it can be imported with ``onnx`` and ``onnxscript``. All data are made here.
What is compared runs in turns (A B A B ...) in one process, and medians are printed: other work on the machine then strikes all alike.
CPU seconds are those of all threads of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from consilience.core.hashing import hash_bytes
from consilience.core.progress import Silent
from consilience.data.kinds import KINDS, Cells
from consilience.encoders import ENCODERS, ModuleEncoder
from consilience.features._batches import batches
from consilience.features.extract import Extracted, Reader, extract
from consilience.features.runtime import has_bfloat16
from consilience.features.store import FeatureStore

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SIDES = ((400, 300), (480, 640), (1024, 768), (1600, 1200), (800, 1200), (1280, 720))
WORDS = ["the", "small", "red", "house", "by", "river", "was", "sold", "again", "after", "winter", "because", "nobody", "wanted", "old", "mills"]


def draw(width: int, height: int, seed: int) -> Image.Image:
    """Something with large and small structure, as a photograph has."""
    random, whole = np.random.default_rng(seed), np.zeros((height, width, 3), dtype=np.float32)
    for grain, strength in ((4, 60), (12, 40), (40, 25), (120, 14)):
        shape = (max(2, grain * height // max(width, height)), max(2, grain * width // max(width, height)))
        for channel in range(3):
            part = Image.fromarray(random.normal(0, strength, shape).astype(np.float32))
            whole[..., channel] += np.asarray(part.resize((width, height), Image.Resampling.BICUBIC))
    return Image.fromarray(np.clip(whole + 128 + random.normal(0, 6, whole.shape), 0, 255).astype(np.uint8))


def photographs(folder: Path, count: int) -> list[Path]:
    """JPEG files of 400 to 1,600 pixels."""
    paths = [folder / f"{index}.jpg" for index in range(count)]
    for index, path in enumerate(paths):
        draw(*SIDES[index % len(SIDES)], seed=index).save(path, quality=90)
    return paths


def drawings(folder: Path, count: int) -> list[Path]:
    """PNG files of 224 x 224 pixels."""
    paths = [folder / f"{index}.png" for index in range(count)]
    for index, path in enumerate(paths):
        draw(224, 224, seed=10_000 + index).save(path)
    return paths


def sentences(count: int) -> list[str]:
    """Sentences of 3 to 60 words, most of them short."""
    random = np.random.default_rng(0)
    lengths = np.clip(np.exp(random.normal(2.6, 0.6, count)), 3, 60).astype(int)
    return [" ".join(random.choice(WORDS, length)) + f" {index}" for index, length in enumerate(lengths)]


def column(kind: str, values: Sequence[Any]) -> Cells:
    cells = np.empty(len(values), dtype=object)
    cells[:] = list(values)
    return Cells(kind, KINDS.get(kind)(), cells, np.ones(len(values), dtype=bool))


def encoder_of(key: str) -> ModuleEncoder:
    cls = ENCODERS.get(key)
    return cls(cls.Settings())  # type: ignore[return-value]


def encode(cells: Cells, encoder: ModuleEncoder, store: FeatureStore | None = None) -> Extracted:
    return extract(cells, encoder, store, progress=Silent(), label="")


def wall(job: Callable[[], Any]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def cpu(job: Callable[[], Any]) -> float:
    began = time.process_time()
    job()
    return time.process_time() - began


def idle() -> float:
    """Seconds that the cores had nothing to do since the machine began; not known everywhere."""
    try:
        words = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    except OSError:
        return float("nan")
    return (int(words[4]) + int(words[5])) / float(os.sysconf("SC_CLK_TCK"))


def lost(job: Callable[[], Any]) -> tuple[float, float]:
    """Wall time of the job, and what it would be without other work on the machine: (its CPU seconds + idle seconds) / cores."""
    before = idle()
    used = 0.0

    def counted() -> None:
        nonlocal used
        used = cpu(job)

    seconds = wall(counted)
    return seconds, min(seconds, (used + idle() - before) / CORES)


def in_turns(jobs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[Any]]:
    """Each job's figures; all jobs once, then all again."""
    found: dict[str, list[Any]] = {name: [] for name in jobs}
    for _ in range(repeats):
        for name, job in jobs.items():
            found[name].append(job())
    return found


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


class Bare:
    """A module as an OpenVINO graph and nothing around it."""

    def __init__(self, encoder: ModuleEncoder, example: dict[str, np.ndarray], streams: int, precision: str = "f32") -> None:
        import torch

        from consilience.features._openvino import load_openvino

        self.openvino = load_openvino()
        inputs = tuple(torch.from_numpy(np.concatenate([example[name]] * 2)[:2]) for name in encoder.inputs)
        with torch.inference_mode():
            traced = torch.jit.trace(encoder.module, inputs, strict=False, check_trace=False)  # type: ignore[no-untyped-call]
            graph = self.openvino.convert_model(traced, example_input=inputs)
        loose = 2 if encoder.dynamic else 1
        shapes = [self.openvino.PartialShape([-1] * loose + list(part.shape[loose:])) for part in inputs]
        graph.reshape(dict(zip(graph.inputs, shapes, strict=True)))
        hint = {"PERFORMANCE_HINT": "THROUGHPUT" if streams > 1 else "LATENCY", "NUM_STREAMS": streams, "INFERENCE_NUM_THREADS": CORES}
        compiled = self.openvino.Core().compile_model(graph, "CPU", {**hint, "INFERENCE_PRECISION_HINT": precision})
        self.inputs, self.streams = encoder.inputs, streams
        self.queue, self.one = self.openvino.AsyncInferQueue(compiled, streams), compiled.create_infer_request()

    def run(self, batches: Sequence[dict[str, np.ndarray]]) -> np.ndarray:
        """The last batch's values."""
        for batch in batches[:-1] if self.streams > 1 else ():
            self.queue.start_async([batch[name] for name in self.inputs], share_inputs=True)
        for batch in batches if self.streams == 1 else batches[-1:]:
            values = next(iter(self.one.infer([batch[name] for name in self.inputs], share_inputs=True).values()))
        self.queue.wait_all()
        return np.array(values)


def prepared(cells: Cells, encoder: ModuleEncoder) -> list[dict[str, np.ndarray]]:
    """The batches that ``extract`` makes."""
    read = Reader(cells, encoder)
    order = sorted(range(len(cells)), key=lambda row: hash_bytes(cells.key(row)))
    items: Iterator[Any] = ((hash_bytes(cells.key(row)), read(row)) for row in order)
    return [encoder.collate([item for _, item in batch]) for batch in batches(items, encoder)]


def overhead(pictures: Sequence[Path], drawn: Sequence[Path], texts: Sequence[str], repeats: int) -> None:
    """Wall time of ``extract`` over (CPU of the bare forward + CPU of bare decoding) / cores."""
    rows = []
    for name, kind, key, values in (
        ("JPEG of 400 to 1,600 px", "image", "image/efficientnet_lite0", pictures),
        ("PNG of 224 px", "image", "image/efficientnet_lite0", drawn),
        ("texts of 3 to 60 words", "text", "text/minilm", texts),
    ):
        cells, encoder = column(kind, values), encoder_of(key)
        ready = prepared(cells, encoder)
        read, bare = Reader(cells, encoder), Bare(encoder, ready[0], CORES)
        whole = (lambda path: np.asarray(Image.open(path).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC))) if kind == "image" else None
        encode(cells, encoder), bare.run(ready)
        jobs = {
            "ours": lambda cells=cells, encoder=encoder: lost(lambda: encode(cells, encoder)),
            "forward": lambda bare=bare, ready=ready: cpu(lambda: bare.run(ready)),
            "decode": lambda read=read, cells=cells: cpu(lambda: [read(row) for row in range(len(cells))]),
        }
        if whole is not None:
            jobs["whole"] = lambda whole=whole, values=values: cpu(lambda: [whole(path) for path in values])
        found = in_turns(jobs, repeats)
        found["alone"] = [alone for _, alone in found["ours"]]
        found["ours"] = [seconds for seconds, _ in found["ours"]]
        ratios = {
            name: [seconds * CORES / sum(parts) for seconds, *parts in zip(found[name], found["forward"], found["decode"], strict=True)]
            for name in ("ours", "alone")
        }
        middle = {job: statistics.median(times) for job, times in found.items()}
        shown = [f"{middle[job]:.2f}" if job in middle else "-" for job in ("ours", "forward", "decode", "whole")]
        spans = [f"{statistics.median(them):.2f} ({min(them):.2f} to {max(them):.2f})" for them in ratios.values()]
        loose = middle["alone"] * CORES / (middle["forward"] + middle.get("whole", middle["decode"]))
        rows.append([name, str(len(cells)), *shown, spans[0], f"**{spans[1]}**", f"{loose:.2f}"])
    head = ["cells", "number", "`extract`, wall s", "forward, CPU s", "decode as we do, CPU s", "decode whole, CPU s"]
    head += ["ratio as measured", "others' work taken out", "the same, to whole"]
    table(f"Wall time over (CPU of bare forward + CPU of bare decoding) / {CORES} cores", head, rows)


def loader_seconds(paths: Sequence[Path], backbone: Any) -> float:
    """The loop that one finds in tutorials: a Dataset, a DataLoader with two workers, batches of 32, channels last."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Pictures(Dataset[Any]):
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> Any:
            pixels = np.asarray(Image.open(paths[index]).convert("RGB").resize((224, 224), Image.Resampling.BICUBIC))
            return (torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32)) - 127) / 128

    began = time.perf_counter()
    with torch.inference_mode():
        out = [backbone(batch.to(memory_format=torch.channels_last)).numpy() for batch in DataLoader(Pictures(), batch_size=32, num_workers=2)]
    assert sum(len(part) for part in out) == len(paths)
    return time.perf_counter() - began


def loader(drawn: Sequence[Path], repeats: int) -> None:
    """Pictures a second against a DataLoader."""
    cells, encoder = column("image", drawn), encoder_of("image/efficientnet_lite0")
    backbone = encoder.module.backbone
    encode(cells, encoder)
    found = in_turns({"ours": lambda: wall(lambda: encode(cells, encoder)), "loader": lambda: loader_seconds(drawn, backbone)}, repeats)
    ratios = [theirs / ours for ours, theirs in zip(found["ours"], found["loader"], strict=True)]
    rates = [f"{len(drawn) / statistics.median(found[name]):.0f}" for name in ("ours", "loader")]
    shown = [*rates, f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f} to {max(ratios):.1f})", "yes" if has_bfloat16() else "no"]
    table("Pictures of 224 px a second", ["`extract`", "PyTorch in a DataLoader", "times", "bfloat16"], [shown])


def runtimes(drawn: Sequence[Path], texts: Sequence[str], repeats: int) -> None:
    """ONNX Runtime, OpenVINO and torch on the same batches."""
    rows = []
    for key, kind, values, size in (("image/efficientnet_lite0", "image", drawn, 32), ("text/minilm", "text", texts, 64)):
        cells, encoder = column(kind, values), encoder_of(key)
        read = Reader(cells, encoder)
        items = sorted((read(row) for row in range(len(cells))), key=encoder.length)
        middle = items[len(items) // 2 - size // 2 : len(items) // 2 + size // 2]
        ready = [encoder.collate(middle)] * 4
        runs: dict[str, Callable[[Any], Any]] = {"PyTorch float32": lambda them, encoder=encoder: [encoder.encode(one)[0] for one in them][-1]}
        onnx = onnx_session(encoder, ready[0])
        if onnx is not None:
            runs["ONNX Runtime float32"] = onnx
        runs["OpenVINO float32, one stream"] = Bare(encoder, ready[0], 1).run
        runs[f"OpenVINO float32, {CORES} streams"] = Bare(encoder, ready[0], CORES).run
        if has_bfloat16():
            runs[f"OpenVINO bfloat16, {CORES} streams"] = Bare(encoder, ready[0], CORES, "bf16").run
        expected = encoder.encode(ready[0])[0].reshape(size, -1)
        cosines = {}
        for name, run in runs.items():
            values_ = run(ready).reshape(size, -1)
            cosines[name] = ((values_ * expected).sum(1) / np.linalg.norm(values_, axis=1) / np.linalg.norm(expected, axis=1)).min()
        found = in_turns({name: lambda run=run, ready=ready: wall(lambda: run(ready)) for name, run in runs.items()}, repeats)
        single = [encoder.collate(middle[:1])]
        alone = in_turns({name: lambda run=run, single=single: wall(lambda: run(single)) for name, run in runs.items()}, 3 * repeats)
        for name, times in found.items():
            rate = len(ready) * size / statistics.median(times)
            rows.append([key, name, f"{rate:.0f}", f"{1000 * statistics.median(alone[name]):.1f}", f"{cosines[name]:.6f}"])
    table("Runtimes: batches of 32 pictures, of 64 texts", ["encoder", "runtime", "a second", "one item, ms", "cosine to float32"], rows)
    if find_spec("onnxruntime") is None:
        print("\nONNX Runtime is not installed, and was not measured.")


def onnx_session(encoder: ModuleEncoder, example: dict[str, np.ndarray]) -> Callable[[Any], Any] | None:
    if not all(find_spec(name) for name in ("onnxruntime", "onnx", "onnxscript")):
        return None
    import onnxruntime
    import torch

    inputs = tuple(torch.from_numpy(example[name]) for name in encoder.inputs)
    loose = {0: torch.export.Dim("batch", min=1, max=4096), **({1: torch.export.Dim("length", min=1, max=512)} if encoder.dynamic else {})}
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        shapes = tuple(loose for _ in inputs)
        torch.onnx.export(encoder.module, inputs, f"{folder}/x.onnx", dynamo=True, dynamic_shapes=shapes, external_data=False, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = CORES
        session = onnxruntime.InferenceSession(f"{folder}/x.onnx", options, providers=["CPUExecutionProvider"])
    names = [port.name for port in session.get_inputs()]
    return lambda them: [session.run(None, {name: one[own] for name, own in zip(names, encoder.inputs, strict=True)})[0] for one in them][-1]


CASES = (("image", "image/efficientnet_lite0"), ("text", "text/minilm"))


def again(folder: Path) -> dict[str, Any]:
    """In a process of its own: what encoding costs where the store has all, or, where it is empty, until the first cells are there."""
    import torch  # noqa: F401  # every fit imports it; its time is not that of encoding

    out: dict[str, Any] = {}
    for kind, key in CASES:
        pictures = sorted(folder.glob("*.png"))
        values = pictures if kind == "image" else sentences(len(pictures))
        cells = column(kind, values)
        began, used = time.perf_counter(), time.process_time()
        with FeatureStore(folder / "store") as store:
            made = encode(cells, encoder_of(key), store)
        out[kind] = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
        out[kind] |= {"forwards": made.forwards, "encoded": made.encoded, "cells": len(cells)}
        out[kind]["reading"] = wall(lambda cells=cells: [hash_bytes(cells.key(row)) for row in range(len(cells))])
    return out


def process(folder: Path) -> dict[str, Any]:
    said = subprocess.run([sys.executable, __file__, "--again", str(folder)], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(said.splitlines()[-1]))


def second(folder: Path, repeats: int) -> None:
    """A second run in a new process."""
    first = process(folder)
    runs = [process(folder) for _ in range(repeats)]
    rows, total, base = [], 0.0, 0.0
    for kind, _ in CASES:
        seconds = statistics.median(run[kind]["seconds"] for run in runs)
        reading = statistics.median(run[kind]["reading"] for run in runs)
        counts = [str(first[kind]["forwards"]), str(max(run[kind]["forwards"] for run in runs))]
        total, base = total + seconds, base + reading
        rows.append([kind, str(first[kind]["cells"]), *counts, f"{1000 * seconds:.0f}", f"{1000 * reading:.0f}", f"{seconds / reading:.1f}"])
    rows.append(["both", "", "", "", f"{1000 * total:.0f}", f"{1000 * base:.0f}", f"**{total / base:.1f}**"])
    head = ["cells", "number", "forwards, first run", "forwards, second run", "second run, ms", "reading + hashing in one thread, ms", "times"]
    table("Second run, in a new process, all kept", head, rows)


def cold(folder: Path, repeats: int) -> None:
    """The first batch in a new process, with and without the kept graph."""
    seen: dict[str, list[dict[str, Any]]] = {"new": [], "kept": []}
    few = folder / "few"
    few.mkdir()
    for path in sorted(folder.glob("*.png"))[:4]:
        (few / path.name).write_bytes(path.read_bytes())
    for _ in range(repeats):
        for name in ("new", "kept"):
            if name == "new":
                subprocess.run(["rm", "-rf", str(few / "store")], check=True)
            for part in ("data.mdb", "lock.mdb"):
                (few / "store" / part).unlink(missing_ok=True)
            seen[name].append(process(few))
    rows = []
    for kind, key in CASES:
        shown = [f"{statistics.median(run[kind][what] for run in seen[name]):.2f}" for name in ("new", "kept") for what in ("seconds", "cpu")]
        rows.append([key, str(seen["new"][0][kind]["encoded"]), *shown])
    table("Cold start", ["encoder", "cells", "graph made, s", "CPU s", "graph kept, s", "CPU s"], rows)


def main() -> None:
    """Runs the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=("overhead", "loader", "runtimes", "second", "cold"))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cells", type=int, default=192, help="pictures of each sort; four times as many texts")
    parser.add_argument("--again", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.again is not None:
        print(json.dumps(again(asked.again)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn, texts = drawings(folder, asked.cells), sentences(4 * asked.cells)
        if "overhead" in asked.only:
            overhead(photographs(folder, asked.cells), drawn, texts, asked.repeats)
        if "loader" in asked.only:
            loader(drawn, asked.repeats)
        if "runtimes" in asked.only:
            runtimes(drawn, texts, asked.repeats)
        if "second" in asked.only:
            drawings(folder, 4 * asked.cells)
            second(folder, asked.repeats)
        if "cold" in asked.only:
            cold(folder, asked.repeats)


if __name__ == "__main__":
    main()
