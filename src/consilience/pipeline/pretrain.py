"""From a table without labels to the folder of a pretrained encoder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from consilience.core.budget import Budget
from consilience.core.errors import FolderError, UnknownName, UsageError
from consilience.core.files import FULL, new_folder, try_place
from consilience.core.progress import Progress, Silent
from consilience.data.kinds import Cells
from consilience.data.table import Table
from consilience.encoders import TrainedEncoder
from consilience.encoders._own import inner_encoder
from consilience.encoders._own_folder import ABOUT, OwnFolder, write_own
from consilience.features.slots import EncoderChoice, learned_encoders
from consilience.learn.training._objectives import width_of
from consilience.learn.training.loop import TrainingSettings
from consilience.learn.training.pretraining import OBJECTIVES, ObjectiveName, Pretrained, Rows, pretrain, read_for
from consilience.pipeline._unlabelled import different, gathered, modality_of, readied

__all__ = ["BESIDE", "check_encoder_place", "pretrain_encoder"]

BESIDE = "with"
"""Subfolder of the second column's encoder."""
USUAL = {"text": "mlm", "image": "masked", "audio": "masked", "series": "masked", "video": "masked"}
"""Objective by modality where none is named; ``autoencoder`` for the others."""
TRAINING = TrainingSettings(epochs=40, batch_size=128, learning_rate=2e-3, weight_decay=1e-2, patience=8, schedule="cosine")


def pretrain_encoder(
    tables: Table | Sequence[Table],
    column: str | Sequence[str],
    *,
    out: str | Path,
    objective: str | None = None,
    encoder: EncoderChoice | None = None,
    beside: str | None = None,
    beside_encoder: EncoderChoice | None = None,
    kinds: Mapping[str, str] | None = None,
    epochs: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Trains an encoder on a column's cells, no label needed, and writes it to a folder that ``own:FOLDER`` names.

    A tenth of the different cells is held out; the epoch with the least loss there is kept.

    Args:
        tables: The rows; of several tables the rows of all.
        column: The column; several that are channels of one thing are one.
        out: The folder; an older encoder there is replaced when the new one is whole.
        objective: ``autoencoder``, ``masked``, ``mlm`` or ``contrastive``; None for what suits the column.
        encoder: An encoder that is trained; None for the one that ``fit`` would learn by itself.
        beside: A second column for ``contrastive``; its encoder is written to the subfolder ``with``.
        kinds: Column to kind, where a person knows better.
        epochs: The most; 40 unless said.
        time_limit: Seconds for the whole of it.

    Returns:
        What was done, as JSON values: encoder, objective, losses, what knowing nothing would reach, rows, seconds, folder.

    Raises:
        UsageError: A combination that cannot be.
        DataError: A column is not there, or too few of its cells can be read.
        FolderError: The folder cannot be written.
    """
    budget, shown = Budget(time_limit), progress or Silent()
    place = check_encoder_place(Path(out))
    sources = [tables] if isinstance(tables, Table) else list(tables)
    names = [column] if isinstance(column, str) else list(column)
    sides = [gathered(sources, names, kinds or {})] + ([gathered(sources, [beside], kinds or {})] if beside is not None else [])
    chosen = objective_of(objective, [modality_of(cells) for cells in sides], beside)
    made = [fresh(cells, choice, chosen) for cells, choice in zip(sides, (encoder, beside_encoder), strict=False)]
    rows, same, broken = different(sides)
    learned, held, prepared, failed = readied(sides, [trained for _, trained in made], rows, seed, shown)
    everything = np.concatenate([learned, held])

    def piece(part: slice) -> Rows:
        return Rows(tuple({name: array[part] for name, array in arrays.items()} for arrays in prepared), tuple(of[everything][part] for of in same))

    some, rest = piece(slice(0, len(learned))), piece(slice(len(learned), None))
    settings = TRAINING if epochs is None else TRAINING.model_copy(update={"epochs": epochs})
    with shown.step("Pretrain", settings.epochs, unit="epochs") as step:

        def told(entry: dict[str, float]) -> None:
            step.advance(1)
            hit = f", {entry['accuracy']:.1%} right" if "accuracy" in entry else ""
            shown.say(f"Epoch {int(entry['epoch'])}: held-out loss {entry['loss']:.4f}{hit}.")

        outcome = pretrain([trained for _, trained in made], some, rest, chosen, settings, budget, seed=seed, device=device(), told=told)
    facts = {
        "encoder": made[0][0],
        "column": names[0] if len(names) == 1 else names,
        "with": beside,
        **said(outcome, chosen),
        "rows": len(learned),
        "held_out": len(held),
        "unreadable": broken + failed,
        "seed": seed,
        "seconds": round(budget.spent(), 1),
    }
    whole = [kept(key, trained, weights, arrays, facts) for (key, trained), weights, arrays in zip(made, outcome.weights, prepared, strict=True)]
    save(whole, place)
    return {**facts, "folder": str(place)}


def check_encoder_place(path: Path) -> Path:
    """To be called before hours of work whose result goes there.

    Raises:
        FolderError: Something stands there that is no pretrained encoder, or nothing can be written.
    """
    path = path.expanduser()
    if path.exists() and not path.is_dir():
        raise FolderError(f"{path} is a file.", hint="Name a folder for the encoder.")
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / ABOUT).is_file():
            raise FolderError(f"The folder {path} holds something that is no pretrained encoder.", hint="Name another folder, or empty this one.")
        if os.path.ismount(path):
            raise FolderError(
                f"The folder {path} is a mount point, which cannot be replaced as a whole.", hint=f"Name a folder inside it: {path / 'encoder'}"
            )
        try_place(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    return path


def _unwritten(path: Path, error: OSError) -> FolderError:
    hint = "Make room there, or name another folder." if error.errno in FULL else "Name another folder."
    return FolderError(f"The encoder folder {path} cannot be written: {error.strerror or error}.", hint=hint)


def save(parts: Sequence[OwnFolder], path: Path) -> None:
    """Writes the folder beside, then puts it in place; the second column's encoder in a folder inside."""
    try:
        with new_folder(path) as beside:
            write_own(beside, parts[0])
            for part in parts[1:]:
                (beside / BESIDE).mkdir()
                write_own(beside / BESIDE, part)
    except OSError as error:
        raise _unwritten(path, error) from error


def objective_of(named: str | None, modalities: Sequence[str], beside: str | None) -> ObjectiveName:
    """The objective, checked against the columns."""
    if named is not None and named not in OBJECTIVES:
        raise UnknownName("objective", named, OBJECTIVES)
    if beside is not None and named not in (None, "contrastive"):
        raise UsageError(
            f"The objective {named!r} looks at one column, and --with names a second one.", hint="Use --objective contrastive, or leave --with out."
        )
    found = named or ("contrastive" if beside is not None else USUAL.get(modalities[0], "autoencoder"))
    if found == "mlm" and modalities[0] != "text":
        raise UsageError(
            f"The objective 'mlm' hides words, and the column is of {modalities[0]}.", hint="Use --objective masked, autoencoder or contrastive."
        )
    return cast("ObjectiveName", found)


def fresh(cells: Cells, choice: EncoderChoice | None, objective: str) -> tuple[str, TrainedEncoder]:
    """The encoder's key, and the encoder with nothing learned yet."""
    modality = modality_of(cells)
    if choice is None:
        name = next(iter(learned_encoders(modality)), None)
        if name is None:
            raise UsageError(f"No encoder of {modality} columns is learned from nothing by itself.", hint="Name one with --encoder.")
        choice = EncoderChoice(name=name)
    key = choice.name if "/" in choice.name else f"{modality}/{choice.name}"
    if key.partition("/")[0] != modality:
        raise UsageError(f"The encoder {key!r} is not for {modality} columns such as {cells.name!r}.", hint="See: consilience list encoders")
    bare = inner_encoder(key, choice.settings)
    return key, inner_encoder(key, read_for(bare.settings, objective, key).model_dump(mode="json"))


def said(outcome: Pretrained, objective: str) -> dict[str, Any]:
    """How the training went."""
    return {
        "objective": objective,
        "epochs": len(outcome.losses),
        "best_epoch": outcome.best,
        "reached": {name: outcome.reached[name] for name in outcome.baseline},
        "baseline": outcome.baseline,
        "losses": outcome.losses,
    }


def kept(key: str, encoder: TrainedEncoder, weights: dict[str, np.ndarray], arrays: Mapping[str, np.ndarray], facts: dict[str, Any]) -> OwnFolder:
    shapes = {name: [int(side) for side in array.shape[1:]] for name, array in arrays.items()}
    return OwnFolder(key, encoder.settings.model_dump(mode="json"), encoder.state(), weights, width_of(encoder.build()), shapes, facts)


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
