"""The drawing of one explained cell: words, picture, curve, frames, points or graph, with what speaks for and against marked."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from consilience.judge.explain import ExplainedCell
from consilience.report.explanation._lanes import Lane, series_lanes, sound_lane, ticks_of
from consilience.report.explanation._saying import Saying
from consilience.report.explanation._shapes import Shape, cloud, network

__all__ = ["Figure", "figure_of"]

FOR, AGAINST = (0, 90, 181), (220, 90, 0)
"""Blue and orange, told apart by all common kinds of colour blindness (Okabe and Ito, 2008)."""

WIDEST = 560
FRAME = 132
MARKED = 3
PALE = 0.06
"""How much of its colour is left to a patch that is not clear."""
WORDS = 3000
"""Words that are drawn."""


@dataclass(frozen=True)
class Figure:
    """What the template draws, by ``kind``: words, picture, lanes, frames or shapes; the others' fields are empty."""

    kind: str
    words: tuple[tuple[str, str, float, str], ...] = ()
    plain: str = ""
    heat: str = ""
    marks: tuple[dict[str, Any], ...] = ()
    size: tuple[int, int] = (0, 0)
    lanes: tuple[Lane, ...] = ()
    ticks: tuple[tuple[float, str, str], ...] = ()
    axis: str = ""
    frames: tuple[tuple[str, str, str, str], ...] = ()
    shapes: tuple[Shape, ...] = ()


def figure_of(cell: ExplainedCell, say: Saying) -> Figure | None:
    """The drawing; None where there is nothing to draw, or bars tell it."""
    if cell.missing or not cell.pieces or cell.anatomy is None:
        return None
    draw = {
        "text": _words,
        "image": _picture,
        "audio": _sound,
        "series": _series,
        "video": _film,
        "volume": _scan,
        "points": _points,
        "graph": _graph,
    }.get(cell.kind)
    return None if draw is None else draw(cell, say)


def _most(cell: ExplainedCell) -> float:
    return max((abs(piece.weight) for piece in cell.pieces), default=0.0) or 1.0


def _side(weight: float) -> str:
    return "for" if weight >= 0 else "against"


def _words(cell: ExplainedCell, say: Saying) -> Figure:
    most, anatomy = _most(cell), cell.anatomy
    pieces = sorted(cell.pieces, key=lambda piece: piece.where["start"])[:WORDS]
    made: list[tuple[str, str, float, str]] = []
    done = 0
    for piece in pieces:
        start, end = piece.where["start"], piece.where["end"]
        made.append((anatomy.decoded[done:start], "", 0.0, ""))
        strength = abs(piece.weight) / most
        side = _side(piece.weight) if strength >= 0.08 and piece.clear else ""
        made.append((anatomy.decoded[start:end], side, round(strength, 3), say.part(cell, piece)))
        done = end
    made.append((anatomy.decoded[done:] if len(pieces) == len(cell.pieces) else " …", "", 0.0, ""))
    return Figure("words", words=tuple(part for part in made if part[0]))


def _picture(cell: ExplainedCell, say: Saying) -> Figure:
    anatomy, most = cell.anatomy, _most(cell)
    height, width = anatomy.decoded.shape[:2]
    scale = min(1.0, WIDEST / width, WIDEST / height) if max(height, width) >= 200 else 200 / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Image.fromarray(anatomy.decoded).resize(size, Image.Resampling.BILINEAR if scale < 1 else Image.Resampling.NEAREST)
    # Density: a patch that is four times as large and weighs the same is drawn a quarter as strong.
    grid = (cell.atom_weights() * _firm(cell)).reshape(anatomy.rows, anatomy.columns)
    top = float(np.abs(cell.atom_weights()).max()) or 1.0
    strength = np.asarray(Image.fromarray((grid / top).astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    grey = np.asarray(picture.convert("L"), dtype=np.float32)[:, :, None].repeat(3, axis=2)
    grey = np.float32(110) + grey * np.float32((255 - 110) / 255)
    colour = np.where(strength[:, :, None] >= 0, np.array(FOR, dtype=np.float32), np.array(AGAINST, dtype=np.float32))
    share = np.sqrt(np.abs(strength))[:, :, None] * 0.85
    heat = Image.fromarray(np.clip(grey * (1 - share) + colour * share, 0, 255).astype(np.uint8))
    marks = []
    for number, piece in enumerate([piece for piece in cell.pieces if piece.clear][:MARKED], 1):
        where = piece.where
        marks.append(
            {
                "x": 100 * where["left"],
                "y": 100 * where["top"],
                "width": 100 * (where["right"] - where["left"]),
                "height": 100 * (where["bottom"] - where["top"]),
                "side": _side(piece.weight),
                "number": number,
                "sign": "+" if piece.weight > 0 else "−",
                "text": say.part(cell, piece),
                "strength": abs(piece.weight) / most,
            }
        )
    return Figure("picture", plain=_uri(picture), heat=_uri(heat), marks=tuple(marks), size=size)


def _firm(cell: ExplainedCell) -> np.ndarray:
    """``[A]`` 1 where the piece is clear, and little where it may be chance."""
    made = np.ones(cell.anatomy.atoms)
    for piece in cell.pieces:
        made[piece.atoms] = 1.0 if piece.clear else PALE
    return made


def _uri(image: Image.Image) -> str:
    """Drawings as PNG, photographs as JPEG, whichever is smaller."""
    found = []
    for form, more in (("PNG", {}), ("JPEG", {"quality": 82})):
        buffer = BytesIO()
        image.save(buffer, form, **more)
        found.append(f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}")
    return min(found, key=len)


def _sound(cell: ExplainedCell, say: Saying) -> Figure:
    ticks = ticks_of(0.0, float(cell.anatomy.decoded.seconds))
    return Figure("lanes", lanes=(sound_lane(cell, say, _most(cell)),), ticks=ticks, axis=say.words("explain.axis.seconds"))


def _series(cell: ExplainedCell, say: Saying) -> Figure:
    ticks = ticks_of(0.0, float(max(1, cell.anatomy.length - 1)))
    return Figure("lanes", lanes=series_lanes(cell, say, _most(cell)), ticks=ticks, axis=say.words("explain.axis.points"))


def _film(cell: ExplainedCell, say: Saying) -> Figure:
    return _frames(cell, say, [np.asarray(frame) for frame in cell.anatomy.decoded.frames])


def _scan(cell: ExplainedCell, say: Saying) -> Figure:
    voxels = cell.anatomy.decoded.voxels
    low, high = np.percentile(voxels.reshape(-1)[:: max(1, voxels.size // 100_000)], (1, 99))
    grey = [np.clip((plane - low) / max(high - low, 1e-12) * 255, 0, 255).astype(np.uint8) for plane in voxels]
    return _frames(cell, say, grey)


def _frames(cell: ExplainedCell, say: Saying, pictures: list[np.ndarray]) -> Figure:
    """The middle picture of each piece, in order."""
    made = []
    for piece in sorted(cell.pieces, key=lambda piece: int(piece.atoms[0]))[:48]:
        picture = Image.fromarray(pictures[int(piece.atoms[len(piece.atoms) // 2])])
        picture.thumbnail((FRAME, FRAME))
        side = _side(piece.weight) if piece.clear else "none"
        made.append((_uri(picture), side, say.piece(cell, piece), say.weight(piece.weight)))
    return Figure("frames", frames=tuple(made))


def _points(cell: ExplainedCell, say: Saying) -> Figure:
    return Figure("shapes", shapes=cloud(cell.anatomy.decoded, _by_piece(cell), say.words))


def _graph(cell: ExplainedCell, say: Saying) -> Figure:
    return Figure("shapes", shapes=(network(cell.anatomy.decoded, _by_piece(cell), say.words),))


def _by_piece(cell: ExplainedCell) -> np.ndarray:
    """``[A]`` from -1 to 1: the weight of the piece that an atom belongs to; 0 where it is not clear."""
    made, most = np.zeros(cell.anatomy.atoms), _most(cell)
    for piece in cell.pieces:
        made[piece.atoms] = piece.weight / most if piece.clear else 0.0
    return made
