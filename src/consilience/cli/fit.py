"""From a table to a model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from consilience.cli._long import with_long
from consilience.cli._options import COLUMNS, RUN, Cache, Group, Ignore, Join, Json, Kinds, Long, Quiet, Strict, Tables
from consilience.cli._output import check_place, print_json, work
from consilience.cli._pairs import parse_pairs

__all__ = ["command"]

PANEL, ORDER = "Make a model", 30

_ROWS, _MODEL = "Rows", "Model"


class PresetName(str, Enum):
    """How much is tried."""

    fast = "fast"
    balanced = "balanced"
    best = "best"


class ClassWeights(str, Enum):
    """How classes weigh in the loss."""

    none = "none"
    balanced = "balanced"


class StageName(str, Enum):
    """How modalities are learned that are learned end to end."""

    joint = "joint"
    separate = "separate"
    fixed = "fixed"


class SamplingName(str, Enum):
    """What is drawn in training."""

    rows = "rows"
    classes = "classes"


def command(
    tables: Tables,
    target: Annotated[str | None, typer.Option("--target", metavar="COL", help="Column to learn; a recipe may name it.", show_default=False)] = None,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the model; an older model there is replaced.")] = "model",
    valid: Annotated[
        list[str] | None, typer.Option("--valid", metavar="FILE", help="More rows; repeat it for tables that are joined.", rich_help_panel=_ROWS)
    ] = None,
    valid_only: Annotated[
        bool, typer.Option("--valid-only", help="Rows of --valid only choose; they are never learned from.", rich_help_panel=_ROWS)
    ] = False,
    no_refit: Annotated[bool, typer.Option("--no-refit", help="Do not learn again from all rows after the choice.", rich_help_panel=_ROWS)] = False,
    folds: Annotated[int | None, typer.Option("--folds", metavar="K", min=2, max=50, help="Number of folds.", rich_help_panel=_ROWS)] = None,
    join: Join = None,
    long: Long = None,
    ignore: Ignore = None,
    kind: Kinds = None,
    group: Group = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="COL=KIND", help="Read a column again as another kind: clip=audio, a film's sound.", rich_help_panel=COLUMNS),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            metavar="COL=NAME",
            help="Encoders of a column or modality, such as summary=minilm+bow; may be repeated.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    train: Annotated[
        list[str] | None,
        typer.Option(
            "--train",
            metavar="[COL=]MODE",
            help="Encoders: auto, frozen, last, lora, full or scratch; for a column, a modality, or all. May be repeated.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    stages: Annotated[
        StageName | None,
        typer.Option("--stages", metavar="joint|separate|fixed", help="Encoders learned together, or each alone first.", rich_help_panel=_MODEL),
    ] = None,
    sampling: Annotated[
        SamplingName | None,
        typer.Option("--sampling", metavar="rows|classes", help="classes: encoders in training meet each as often.", rich_help_panel=_MODEL),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training of encoders that was killed.", rich_help_panel=RUN)] = False,
    tensorboard: Annotated[
        str | None, typer.Option("--tensorboard", metavar="DIR", help="Curves of encoders in training, for TensorBoard.", rich_help_panel=RUN)
    ] = None,
    presets: Annotated[
        PresetName | None,
        typer.Option("--presets", metavar="fast|balanced|best", help="How much is tried; balanced unless said.", rich_help_panel=_MODEL),
    ] = None,
    fusion: Annotated[
        str | None, typer.Option("--fusion", metavar="NAME|auto", help="How networks fuse; auto tries all.", rich_help_panel=_MODEL)
    ] = None,
    learner: Annotated[
        list[str] | None, typer.Option("--learner", metavar="NAME", help="Only these stand for election; may be repeated.", rich_help_panel=_MODEL)
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="binary, multiclass, multilabel or regression.", rich_help_panel=_MODEL)
    ] = None,
    class_weights: Annotated[
        ClassWeights | None,
        typer.Option("--class-weights", metavar="none|balanced", help="balanced: rare classes count as much.", rich_help_panel=_MODEL),
    ] = None,
    focal: Annotated[
        float | None, typer.Option("--focal", metavar="G", min=0, max=10, help="Gamma of the focal loss.", rich_help_panel=_MODEL)
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="FILE", help="Settings; options given here count first.", rich_help_panel=_MODEL)
    ] = None,
    time_limit: Annotated[float | None, typer.Option("--time-limit", metavar="S", help="Seconds for the whole fit.", rich_help_panel=RUN)] = None,
    memory_limit: Annotated[
        float | None, typer.Option("--memory-limit", metavar="GIB", help="Memory to stay under, about: 6. Bounds the rows.", rich_help_panel=RUN)
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", min=0, help="Same seed, same machine: same predictions.", rich_help_panel=RUN)
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", metavar="N", min=1, max=50, help="Say over N seeds, too, whether fusing is worth it.", rich_help_panel=RUN),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Nothing is fetched, whatever is named.", rich_help_panel=RUN)] = False,
    strict: Strict = False,
    cache: Cache = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Fit one model of all the evidence in a table.

    Ends with the leaderboard and the answer to: is fusing worth it here?

    \b
    consilience fit train.csv --target label --out model/
    consilience fit images.csv texts.csv --join order --target label
    consilience fit train.csv --target price --kind zip=category --time-limit 600
    """
    kinds = parse_pairs("--kind", kind or (), "KIND", last=True)
    encoders = parse_pairs("--encoder", encoder or (), "NAME")
    check_place(out)
    from consilience.pipeline.folder import check_target

    check_target(Path(out))
    task_settings = {"class_weights": class_weights.value if class_weights else None, "focal": focal}
    given: dict[str, Any] = {
        "target": target,
        "task": task,
        "task_settings": {name: value for name, value in task_settings.items() if value is not None},
        "kinds": kinds,
        "also": parse_pairs("--also", also or (), "KIND", last=True),
        "ignore": ignore,
        "encoders": encoders,
        "train": parse_pairs("--train", (text if "=" in text else f"all={text}" for text in train or ()), "MODE", last=True),
        "stages": stages.value if stages else None,
        "sampling": sampling.value if sampling else None,
        "resume": resume or None,
        "tensorboard": tensorboard,
        "presets": presets.value if presets else None,
        "fusion": fusion,
        "learners": learner,
        "group": group,
        "join": join,
        "valid_only": valid_only or None,
        "refit": False if no_refit else None,
        "folds": folds,
        "time_limit": time_limit,
        "memory_limit": memory_limit,
        "seed": seed,
        "seeds": seeds,
        "offline": offline or None,
        "strict": strict or None,
    }
    with work(quiet) as progress:
        from consilience.api import fit

        model = fit(
            with_long(tables, join, long), valid=with_long(valid or None, join, long), recipe=_settings(recipe, given), cache=cache, progress=progress
        )
        folder = model.save(out)
        facts = model.facts
    if json:
        print_json({**facts, "model": str(folder)})
        return
    from consilience.cli._fitted import show_fit

    show_fit(facts, folder)


def _settings(recipe: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """The recipe's settings under those of the command line.

    Kinds, encoders and task settings count name by name, columns to leave out are added; anything else is replaced.
    """
    from consilience.pipeline.recipe import parse_encoder, read_recipe

    settings = read_recipe(recipe) if recipe else {}
    given = {**given, "encoders": {name: parse_encoder(text) for name, text in given["encoders"].items()}}
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(settings.get(name), dict):
            settings[name] = {**settings[name], **value}
        elif name == "ignore" and value and isinstance(settings.get(name), list):
            settings[name] = [*settings[name], *value]
        elif value or (value is not None and not isinstance(value, dict | list)):
            settings[name] = value
    return settings
