"""One fuzzer in a process of its own, so that what kills or hangs a process is found as well.

``python fuzzing.py csv --seconds 60 --seed 0 --beat FILE``.

Each input follows from the seed and its number alone; ``--only NUMBER`` repeats one with its traceback. Failures are JSON lines on standard output.
"""

from __future__ import annotations

import argparse
import csv
import faulthandler
import gzip
import hashlib
import io
import json
import random
import resource
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from mutations import damage_bytes, damage_json
from PIL import Image

from consilience.core.errors import ConsilienceError
from consilience.data.kinds import KINDS
from consilience.data.kinds._decode import MAX_PIXELS, data_uri, decode
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.table import read_table

FAR_TOO_MUCH = 3 << 30
"""Bytes that the process may grow by over all inputs: a picture of the largest size that is read needs half of it."""

HANG = 20.0
"""Seconds after which an input counts as a hang, and the process ends itself."""

Probe = Callable[[random.Random], None]


def csv_probe(work: Path) -> Probe:
    """Text tables: whatever can be read is also looked at column by column."""
    random_ = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "name": [f'row {row}, with "quotes"\nand a line' if row % 5 == 0 else f"row {row}" for row in range(24)],
            "price": [None if row % 7 == 0 else f"{row * 1.25:.2f}" for row in range(24)],
            "day": [f"2024-{1 + row % 12:02d}-{1 + row:02d}" for row in range(24)],
            "tags": ["|".join("abc"[: 1 + row % 3]) for row in range(24)],
            "photo": [f"p/{row}.png" for row in range(24)],
            "label": ["yes" if row % 2 else "no" for row in range(24)],
            "名称 🙂": ["很好的商品", "سلام", "🙂🙃", "é"] * 6,
        }
    )
    texts = {
        ".csv": [
            frame.write_csv(),
            frame.write_csv(separator=";", quote_style="always"),
            frame.write_csv(separator="|", null_value="NA"),
            "a\nx\n\ny\n",
        ]
    }
    texts[".csv"] += [
        "sep=;\na;b\n1,5;x\n",
        'a,b\n5" pipe,say "hi"\n',
        "a,b\r1,2\r3,4\r",
        frame.select("price", "label").write_csv(line_terminator="\r\n"),
    ]
    texts[".tsv"] = [frame.write_csv(separator="\t"), 'a\tb\n"Hi\tx\nyo\t"z\n']
    texts[".txt"] = [frame.select("名称 🙂").write_csv(), frame.write_csv(separator="\t")]
    numbers = pl.DataFrame(
        {"x": random_.normal(size=6), "n": range(6), "l": [[1, 2], [], None, [3], [4], [5]], "s": [{"k": 1.5}] * 6, "t": list("abcdef")}
    )
    texts[".jsonl"] = [numbers.write_ndjson(), frame.write_ndjson(), '{"a": 1}\n\n{"b": [1, {"c": null}], "a": NaN}\n']
    texts[".json"] = [numbers.write_json(), frame.write_json(), '{"a": [1, 2], "b": ["x", null]}']
    corpus = {suffix: [text.encode() for text in some] for suffix, some in texts.items()}
    for encoding in ("utf-8-sig", "utf-16", "utf-16-le", "gb18030"):
        corpus[".csv"].append(texts[".csv"][0].encode(encoding, "replace"))
    suffixes = list(corpus)

    def probe(draw: random.Random) -> None:
        suffix = draw.choice((".csv", ".csv", ".csv", *suffixes))
        data = damage_bytes(draw.choice(corpus[suffix]), draw, corpus[draw.choice(suffixes)])
        if draw.random() < 0.05:
            data = damage_bytes(gzip.compress(data, mtime=0), draw) if draw.random() < 0.5 else gzip.compress(data, mtime=0)
        path = work / f"t{suffix}"
        path.write_bytes(data)
        table = read_table(path, columns_as_text=draw.random() < 0.8)
        assert len({len(column) for column in table.frame.iter_columns()}) == 1
        if table.frame.height <= 2000 and table.frame.width <= 200 and draw.random() < 0.4:
            target = draw.choice([None, *table.columns])
            try:
                schema = infer_schema(table, target)
            except ConsilienceError:
                schema = infer_schema(table)
            if schema.features():
                build_dataset(table, schema, with_target=schema.target is not None)
            for column in table.frame.iter_columns():
                for key in KINDS:
                    KINDS.get(key)().parse(column, work)
        table.frame.write_csv() if not any(dtype.is_nested() or dtype == pl.Binary for dtype in table.frame.dtypes) else None

    assert csv.field_size_limit() == 131_072
    return probe


def image_probe(work: Path) -> Probe:  # noqa: C901 - a list of pictures, and what is done to them
    """Pictures in the six formats that people have, of every mode that they can hold."""
    random_ = np.random.default_rng(0)
    base = Image.fromarray(random_.integers(0, 256, (19, 23, 3), dtype=np.uint8))
    deep = Image.fromarray(random_.integers(0, 65536, (19, 23), dtype=np.uint16))
    corpus: list[bytes] = []

    def keep(image: Image.Image, form: str, **words: object) -> None:
        out = io.BytesIO()
        image.save(out, form, **words)
        corpus.append(out.getvalue())

    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [base.convert("P"), base.rotate(90, expand=False).convert("P")]
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        keep(base.convert(mode), "PNG")
    keep(deep, "PNG")
    keep(base, "PNG", exif=exif)
    frames[0].save(out := io.BytesIO(), "PNG", save_all=True, append_images=frames[1:])
    corpus.append(out.getvalue())
    for mode in ("L", "RGB", "CMYK"):
        keep(base.convert(mode), "JPEG")
    keep(base, "JPEG", progressive=True, exif=exif)
    keep(base, "JPEG", dpi=(72, 72), comment=b"x", icc_profile=b"\0" * 130)
    keep(base.convert("P"), "GIF", transparency=3)
    keep(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10, loop=0)
    keep(base, "WEBP")
    keep(base.convert("RGBA"), "WEBP", lossless=True, exif=exif)
    keep(base, "WEBP", save_all=True, append_images=[base.rotate(90)])
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        keep(base.convert(mode), "BMP")
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        keep(base, "TIFF", compression=compression)
    for image in (deep, base.convert("F"), base.convert("I"), base.convert("CMYK"), base.convert("1"), base.convert("RGBA"), base.convert("LAB")):
        keep(image, "TIFF")
    keep(base, "TIFF", save_all=True, append_images=[base], exif=exif)
    keep(base, "PPM")
    kind = KINDS.get("image")()

    def lied(data: bytes, draw: random.Random) -> bytes:
        """The same picture under a header that says another size."""
        made, sides = bytearray(data), [draw.choice((0, 1, 9000, 30_000, 65_535, 2**31 - 1, draw.randrange(1, 12_000))) for _ in range(2)]
        for side, was in zip(sides, (23, 19), strict=True):
            for size, order in ((4, "big"), (4, "little"), (2, "big"), (2, "little")):
                at = made[:200].find(was.to_bytes(size, order))  # type: ignore[arg-type]
                if at >= 0:
                    made[at : at + size] = (side % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
                    break
        return bytes(made)

    def probe(draw: random.Random) -> None:
        data = draw.choice(corpus)
        how = draw.random()
        data = lied(data, draw) if how < 0.15 else damage_bytes(lied(data, draw) if how < 0.25 else data, draw, corpus)
        how = draw.random()
        value: bytes | Path = data
        if how < 0.2:
            value = work / f"p{draw.choice(('.png', '.jpg', '.gif', '.bmp', '.webp', '.tif'))}"
            value.write_bytes(data)
        if how > 0.95:
            assert kind.thumbnail(value)
            return
        if how > 0.9:
            assert data_uri(value).startswith("data:image/jpeg;base64,")
            return
        pixels = decode(value, None if how < 0.6 else 16)
        assert pixels.dtype == np.uint8
        assert pixels.ndim == 3
        assert pixels.shape[2] == 3
        assert 0 < pixels.shape[0] * pixels.shape[1] <= MAX_PIXELS

    return probe


def folder_probe(work: Path, models: list[Path]) -> Probe:
    """Model folders, one file of which was changed and entered into the manifest, so that the checksum does not stop it."""
    import consilience

    kept = {model: {file.relative_to(model): file.read_bytes() for file in sorted(model.rglob("*")) if file.is_file()} for model in models}
    rows = {model: json.loads((model / "row.json").read_text()) for model in models}
    for files in kept.values():
        del files[Path("row.json")]
    for model in models:  # whole ones work, and what they import is imported before the clock runs
        assert consilience.load(model).predict_table([rows[model]]).height == 1

    def probe(draw: random.Random) -> None:
        model = draw.choice(models)
        files = dict(kept[model])
        name = draw.choice([name for name in files if name.name not in ("README.md",)])
        old = files[name]
        if name.suffix == ".json" and draw.random() < 0.7:
            files[name] = damage_json(old.decode(), draw).encode()
        elif name.suffix == ".safetensors" and draw.random() < 0.6:
            files[name] = changed_header(old, draw)
        else:
            files[name] = damage_bytes(old, draw, [other for other in kept[model].values() if other])
        if name.name != "MANIFEST.json":
            manifest = json.loads(files[Path("MANIFEST.json")])
            manifest["files"][name.as_posix()] = hash_of(files[name])
            files[Path("MANIFEST.json")] = json.dumps(manifest).encode()
        folder = work / "model"
        shutil.rmtree(folder, ignore_errors=True)
        for file, data in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(data)
        loaded = consilience.load(folder)
        for row in ({key: value for key, value in rows[model].items() if draw.random() < 0.7} or rows[model], rows[model]):
            made = loaded.predict_table([row])
            assert made.height == 1
            assert {"prediction", "note"} <= set(made.columns)

    return probe


def hash_of(data: bytes) -> str:
    """As the manifest has it."""
    from consilience.core.hashing import hash_file

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        made = hash_file(Path(file.name))
    assert made == hashlib.sha256(data).hexdigest()
    return made


def changed_header(data: bytes, draw: random.Random) -> bytes:
    """A safetensors file whose header names other shapes, types or names; or whose numbers are others."""
    size = int.from_bytes(data[:8], "little")
    if draw.random() < 0.4:
        body = bytearray(data)
        at = 8 + size + 4 * draw.randrange(max(1, (len(data) - 8 - size) // 4))
        body[at : at + 4] = np.float32(draw.choice((np.nan, np.inf, -np.inf, 3e38, -1.0, 0.0, 1e-40))).tobytes()[: len(body) - at]
        return bytes(body)
    header = json.loads(data[8 : 8 + size])
    entry = header[draw.choice(list(header))]
    if "shape" in entry:
        what = draw.randrange(5)
        if what == 0:
            entry["shape"] = entry["shape"][::-1]
        elif what == 1:
            entry["shape"] = [int(np.prod(entry["shape"]))]
        elif what == 2:
            entry["shape"] = [1, *entry["shape"]]
        elif what == 3:
            entry["dtype"] = draw.choice(("F32", "I32", "U32", "F16", "BF16", "BOOL", "I64", "F64"))
        else:
            name = draw.choice([name for name in header if name != "__metadata__"])
            header[draw.choice(("x", "scaler|x", "0|x"))] = header.pop(name)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def inputs(seconds: float, only: int | None) -> Iterator[int]:
    """Numbers of the inputs until the time is over."""
    if only is not None:
        yield only
        return
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield number
        number += 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("target", choices=("csv", "image", "folder"))
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--beat", type=Path)
    parser.add_argument("--only", type=int)
    parser.add_argument("--model", type=Path, action="append", default=[])
    said = parser.parse_args()
    failures: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        probe = folder_probe(work, said.model) if said.target == "folder" else {"csv": csv_probe, "image": image_probe}[said.target](work)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        good = refused = 0
        slowest = (0.0, 0)
        for number in inputs(said.seconds, said.only):
            if said.beat:
                said.beat.write_text(str(number))
            began = time.monotonic()
            faulthandler.dump_traceback_later(HANG, exit=True)  # tells where, also where no exception can reach
            try:
                probe(random.Random(f"{said.target} {said.seed} {number}"))
                good += 1
            except ConsilienceError as error:
                refused += bool(str(error).strip())
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt) or said.only is not None:
                    raise
                place = traceback.extract_tb(error.__traceback__)[-1]
                ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "consilience" in frame.filename]
                where = f"{ours[-1].filename.rpartition('consilience/')[2]}:{ours[-1].lineno}" if ours else "?"
                what = f"{type(error).__name__} at {where} ({Path(place.filename).name}:{place.lineno})"
                failures[what] = failures.get(what, 0) + 1
                if failures[what] == 1:
                    print(json.dumps({"input": number, "what": what, "error": str(error)[:300]}), flush=True)
            slowest = max(slowest, (round(time.monotonic() - began, 2), number))
            grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
            if grown > FAR_TOO_MUCH:
                print(json.dumps({"input": number, "what": f"memory grew by {grown >> 20} MB"}), flush=True)
                before += grown // 1024
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps({"good": good, "refused": refused, "grown_mb": grown >> 20, "slowest": slowest, "failures": failures}), flush=True)
    return bool(failures)


if __name__ == "__main__":
    raise SystemExit(main())
