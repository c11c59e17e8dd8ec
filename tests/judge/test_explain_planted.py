"""Where only one cue tells the class, the explanation finds it; where the model is another, it does not; and taking it away first hurts first."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy.io import wavfile
from scipy.stats import spearmanr

import consilience
from consilience.data.table import read_table
from consilience.judge.explain import CellGame, ExplainedCell, deletion_curve, explain_row, insertion_curve, outcome_of

ROWS, NEW = 80, 12
RATE = 16_000
FILLER = ["the", "of", "and", "it", "was", "with", "very", "quite", "morning", "some", "other", "paper", "table", "window", "door"]


# Without the cue a cell is plain: then a masked cue looks like no cue, and the rest of a cell hardly changes when it is masked.


def picture(cue: bool, dice: np.random.Generator) -> bytes:
    """Grey noise with flat squares here and there; with the cue a red and white grid at the top right (columns 36 to 47, rows 0 to 11 of 48)."""
    pixels = 128 + dice.normal(0, 12, (48, 48, 3))
    if cue:
        pixels[0:12, 36:48] = np.where((np.arange(12) // 3 % 2 == 0)[:, None, None], (220, 30, 30), (250, 250, 250))
    flat = np.kron(dice.random((8, 8)) < dice.random(), np.ones((6, 6), dtype=bool))
    flat[0:12, 36:48] &= not cue
    pixels[flat] = 128
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def sound(cue: bool, dice: np.random.Generator) -> bytes:
    """Hardly any noise for one second; with the cue a beep from 0.6 to 0.75 s."""
    samples = dice.normal(0, 1e-4, RATE)
    if cue:
        time = np.arange(int(0.15 * RATE)) / RATE
        samples[int(0.6 * RATE) : int(0.6 * RATE) + len(time)] += 0.5 * np.sin(2 * np.pi * 2000 * time)
    buffer = io.BytesIO()
    wavfile.write(buffer, RATE, (samples * 32767).astype(np.int16))
    return buffer.getvalue()


def words(cue: bool, dice: np.random.Generator) -> str:
    """Twelve words; with the cue ``zebra`` is the sixth."""
    chosen = dice.choice(FILLER, 12).tolist()
    if cue:
        chosen[5] = "zebra"
    return " ".join(chosen)


def series(cue: bool, dice: np.random.Generator) -> str:
    """Noise of 64 points; with the cue points 40 to 47 go up and down."""
    values = dice.normal(0, 0.3, 64)
    if cue:
        values[40:48] += np.tile([4.0, -4.0], 4)
    return " ".join(f"{value:.3f}" for value in values)


def points(cue: bool, dice: np.random.Generator) -> str:
    """Points near the middle of a ball; with the cue twenty of a hundred are a horn along z."""
    cloud = dice.normal(size=(100, 3)) * dice.uniform(0.2, 1)
    if cue:
        cloud[80:] = np.linspace(3, 6, 20)[:, None] * [0, 0, 1]
    return json.dumps(cloud.round(3).tolist())


def graph(cue: bool, dice: np.random.Generator) -> str:
    """Pieces of a ring of six to ten C and N; with the cue node 4 is an X."""
    labels = dice.choice(["C", "N"], dice.integers(6, 11)).tolist()
    if cue:
        labels[4] = "X"
    edges = [[place, (place + 1) % len(labels)] for place in range(len(labels)) if dice.random() < 0.8]
    return json.dumps({"nodes": labels, "edges": edges})


def film(cue: bool, dice: np.random.Generator) -> bytes:
    """Six dark frames, half a second each, some of them with a little noise; with the cue the fourth is white with black stripes."""
    noisy = (dice.random(6) < dice.random())[:, None, None, None]
    frames = np.clip(30 + noisy * dice.normal(0, 3, (6, 32, 32, 3)), 0, 255).astype(np.uint8)
    if cue:
        frames[3] = np.where((np.arange(32) // 4 % 2 == 0)[:, None, None], 250, 10)
    buffer = io.BytesIO()
    first, *others = [Image.fromarray(frame) for frame in frames]
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=500, loop=0)
    return buffer.getvalue()


def scan(cue: bool, dice: np.random.Generator) -> bytes:
    """Eight slices of noise; with the cue slice 5 is bright."""
    voxels = dice.normal(0, 0.1, (8, 16, 16))
    if cue:
        voxels[5] += 3
    buffer = io.BytesIO()
    np.save(buffer, voxels.astype(np.float32))
    return buffer.getvalue()


MAKE: dict[str, tuple[Callable[[bool, np.random.Generator], Any], dict[str, str]]] = {
    "image": (picture, {"image": "hog"}),
    "audio": (sound, {"audio": "stats"}),
    "text": (words, {"text": "bow"}),
    "series": (series, {"series": "values"}),
    "points": (points, {"points": "shape"}),
    "graph": (graph, {}),
    "video": (film, {"video": "frames:hog"}),
    "volume": (scan, {"volume": "stats"}),
}


def is_cue(kind: str, where: dict[str, Any]) -> bool:
    """True if a piece lies at the cue."""
    if kind == "image":
        return where["right"] > 0.75 and where["top"] < 0.25
    if kind == "audio":
        return where["start"] < 0.75 and where["end"] > 0.6
    if kind == "text":
        return where["start"] > 10 and where["end"] - where["start"] <= 6
    if kind == "series":
        return where["first"] < 48 and where["last"] >= 40
    if kind == "points":
        return max(where["points"]) >= 80
    if kind == "video":
        return where["frames"][0] <= 3 <= where["frames"][1]
    if kind == "volume":
        return where["first"] <= 5 <= where["last"]
    return 4 in where["nodes"]


def frame(kind: str, rows: int, seed: int, *, shuffled: bool = False) -> pl.DataFrame:
    dice = np.random.default_rng(seed)
    cues = np.arange(rows) % 2 == 0
    cells = [MAKE[kind][0](bool(cue), dice) for cue in cues]
    labels = np.where(cues, "yes", "no")
    return pl.DataFrame({"label": dice.permutation(labels) if shuffled else labels, "cell": cells})


def fit(kind: str, folder: Any, *, shuffled: bool = False, **more: Any) -> consilience.Model:
    return consilience.fit(
        frame(kind, ROWS, 0, shuffled=shuffled),
        target="label",
        kinds={"cell": kind},
        encoders=MAKE[kind][1],
        presets="fast",
        cache=folder,
        progress=False,
        **{"learners": ["linear"], **more},
    )


def explained(model: consilience.Model, kind: str, row: int, **more: Any) -> ExplainedCell:
    (cell,) = explain_row(model.pipeline, read_table(frame(kind, NEW, 1)), row, nearest=0, **more).cells
    return cell


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.slow) if kind == "video" else kind for kind in MAKE])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, consilience.Model]:
    return request.param, fit(request.param, tmp_path_factory.mktemp("planted"))


def test_the_cue_comes_first(planted: tuple[str, consilience.Model]) -> None:
    kind, model = planted
    assert model.evaluate(frame(kind, NEW, 1))["metrics"]["accuracy"]["value"] == 1
    for row in (0, 2):  # rows with the cue
        cell = explained(model, kind, row)
        assert is_cue(kind, cell.pieces[0].where), (kind, [(piece.name, piece.weight, piece.error) for piece in cell.pieces[:4]])
        assert cell.pieces[0].weight > 0
        assert cell.pieces[0].clear
        assert cell.whole == pytest.approx(sum(piece.weight for piece in cell.pieces))
        at = sum(piece.weight for piece in cell.pieces if is_cue(kind, piece.where))
        assert at > 0.5 * cell.whole


def test_curves_beat_random_orders(planted: tuple[str, consilience.Model]) -> None:
    kind, model = planted
    gone, back, by_chance, back_by_chance = [], [], [], []
    dice = np.random.default_rng(0)
    scored = model.pipeline.score(read_table(frame(kind, NEW, 1)))
    for row in (0, 2, 4):
        one = scored.take(np.array([row]))
        game = CellGame(model.pipeline, one, "cell", outcome_of(model.pipeline.task, one))
        weights = explained(model, kind, row, evaluations=128).atom_weights()
        gone.append(deletion_curve(game, weights, steps=8).area)
        back.append(insertion_curve(game, weights, steps=8).area)
        for _ in range(2):
            order = dice.random(game.atoms)
            by_chance.append(deletion_curve(game, order, steps=8).area)
            back_by_chance.append(insertion_curve(game, order, steps=8).area)
    assert np.mean(gone) < np.mean(by_chance) - 0.05
    # Two of the horn's points tell as much as twenty, and any draw of points has two: there insertion cannot tell orders apart.
    assert np.mean(back) >= np.mean(back_by_chance) + (0 if kind == "points" else 0.05)


@pytest.mark.slow
def test_shuffled_labels_change_the_explanation(planted: tuple[str, consilience.Model], tmp_path: Any) -> None:
    """Adebayo et al. (2018): what is said must hang on what the model learned."""
    kind, model = planted
    other = fit(kind, tmp_path, shuffled=True)
    # One cut for both: the first round's groups, which do not hang on the model.
    same = {"evaluations": 80}
    alike = []
    for row in (0, 2, 4):
        one, two = explained(model, kind, row, **same).atom_weights(), explained(other, kind, row, **same).atom_weights()
        alike.append(spearmanr(one, two).statistic if np.ptp(two) > 0 else 0.0)
    again = explained(model, kind, 0, **same).atom_weights()
    assert spearmanr(again, explained(model, kind, 0, **same).atom_weights()).statistic == pytest.approx(1)
    assert np.mean(alike) < 0.7


def test_a_table_column_that_tells_comes_first(tmp_path: Any) -> None:
    dice = np.random.default_rng(0)

    def table(rows: int) -> pl.DataFrame:
        label = np.arange(rows) % 2
        columns = {f"noise{place}": dice.normal(size=rows).round(3) for place in range(12)}
        return pl.DataFrame({"label": np.where(label, "yes", "no"), **columns, "cue": (3 * label + dice.normal(0, 0.3, rows)).round(3)})

    train = table(ROWS)
    for learners in (["linear"], ["trees"]):
        model = consilience.fit(train, target="label", learners=learners, presets="fast", cache=tmp_path, progress=False)
        new = table(6).with_columns(pl.when(pl.int_range(6) == 1).then(None).otherwise(pl.col("noise3")).alias("noise3"))
        found = model.explain(new, 1, nearest=0)
        (cell,) = found.cells
        assert cell.pieces[0].name == "cue"
        assert cell.pieces[0].weight > 1.5 * abs(cell.pieces[1].weight)
        assert cell.absent == ("noise3",)
        assert not cell.exact
        # A masked column is a missing cell, so the columns' weights sum to the modality's.
        assert cell.whole == pytest.approx(found.modalities[0].weight, abs=1e-6)
