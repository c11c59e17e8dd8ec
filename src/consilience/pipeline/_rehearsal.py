"""A loaded model tries a row of its own: parts that do not belong together show when it is loaded, not at the first row that is asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from consilience.data.kinds import KINDS
from consilience.data.schema import build_dataset
from consilience.data.table import Table
from consilience.encoders import FrozenEncoder
from consilience.features._examples import Block, Examples, Prepared
from consilience.features.plan import Extraction
from consilience.learn.learners._patterns import patterns_to_learn
from consilience.pipeline._answers import Wanted
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["rehearse"]


def rehearse(pipeline: Pipeline) -> None:
    """Scores a row of the cells that the schema has as examples, with and without each modality; frozen encoders are not run, and give zeros.

    Raises:
        ValueError: The scores are not finite, or not one for each output. Other errors come from where two parts do not fit.
    """
    cells = {
        column.name: [None if KINDS.get(column.kind).media or not column.examples else column.examples[0]] for column in pipeline.schema.features()
    }
    dataset = build_dataset(Table(pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))), pipeline.schema, with_target=False)
    features = pipeline.needed_features()
    blocks = {}
    for slot in features.slots:
        encoder = features.encoders[slot.name]
        if isinstance(encoder, FrozenEncoder):
            if getattr(encoder, "_width", 0) is None:  # it would have to be run to know
                return
            width = features.widths.get(slot.name) or encoder.width
            blocks[slot.name] = Block(slot.name, slot.modality, np.zeros((1, width), np.float32), np.array([True]))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        old = pipeline.calibration.conformal is None
        examples = _patterns(features.examples(dataset, Extraction(blocks)))
        dataset = dataset.take(np.zeros(len(examples), dtype=np.int64))
        scores = pipeline.calibration.apply(pipeline.model.predict(examples))
        if scores.shape != (len(examples), pipeline.task.num_outputs) or not np.isfinite(scores).all():
            raise ValueError("its scores are not finite numbers, one for each output")
        pipeline._frame(Scored(dataset, examples, scores, pipeline.task.output(scores)), Wanted(proba=True, sets=None if old else 0.9))


def _patterns(examples: Examples) -> Examples:
    """The first row under each pattern of modalities that it can have, the full one first and the empty one last."""
    patterns = patterns_to_learn(examples.present(), len(examples))
    many = examples.take(np.zeros(len(patterns), dtype=np.int64))
    kept = {name: np.array([name in pattern for pattern in patterns]) for name in many.modalities}
    blocks = tuple(replace(block, mask=(block.mask.T & kept[block.modality]).T) for block in many.blocks)

    def seen(part: Prepared) -> Prepared:
        return replace(part, arrays={**part.arrays, "mask": (part.arrays["mask"].T & kept[part.modality]).T})

    return Examples(blocks, len(patterns), tuple(map(seen, many.prepared)), tuple(map(seen, many.raw)))
