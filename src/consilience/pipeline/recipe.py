"""All settings of a fit, as a file that repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from consilience.core.errors import UsageError
from consilience.core.settings import Settings
from consilience.features.slots import EncoderChoice, Train
from consilience.learn.effort import Preset

__all__ = ["Recipe", "make_recipe", "parse_encoder", "read_recipe"]


class Recipe(Settings):
    """Everything that decides what a fit does, but the data.

    Args:
        target: Name of the target column.
        task: binary, multiclass, multilabel or regression; None to infer it.
        task_settings: Settings of the task (``class_weights``, ``focal``).
        kinds: Column to kind, where inference is to be overruled.
        also: Column to a second kind that it is read as: the sound of a film.
        ignore: Columns to leave out.
        encoders: Column or modality to encoders.
        fusion: A fusion's name, or ``auto`` to try all.
        train: Column, modality or ``all`` to what becomes of its encoder: ``frozen``, ``last``, ``lora``, ``full``, ``scratch`` or ``auto``.
        stages: Of what is learned end to end: ``joint``, ``separate`` (each modality alone, then all together) or ``fixed`` (then only the fusion).
        sampling: ``rows``, or ``classes``: what is learned end to end meets each class as often.
        resume: Go on with trainings that were killed; all else is repeated.
        tensorboard: Folder for TensorBoard's curves of what is learned end to end; None writes none.
        learners: Learners that may stand for election; empty for all.
        presets: How much is tried: ``fast``, ``balanced`` or ``best``.
        near_duplicates: Rows that are nearly the same, by their features, stay on one side of every split where no group is given.
        group: Column whose equal values stay on one side of every split.
        join: How several tables become one: ``order``, or the name of a key column.
        valid_only: Rows of the valid table only choose; they are never learned from.
        refit: Learn again from all rows after the choice.
        folds: Number of folds; None lets the number of rows decide.
        time_limit: Seconds, for the whole fit.
        memory_limit: GiB that the whole fit should stay under, about: of very many rows as many are learned from as fit, drawn at random.
        seed: Same seed, same machine: same predictions.
        seeds: Seeds under which the chosen candidate and the best of each modality learn, so that the verdict on fusing holds over them as well.
        offline: Nothing is fetched, whatever is named.
        strict: The first unreadable cell is an error instead of a quarantined row.
    """

    target: str
    task: str | None = None
    task_settings: dict[str, Any] = Field(default_factory=dict)
    kinds: dict[str, str] = Field(default_factory=dict)
    also: dict[str, str] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    encoders: dict[str, tuple[EncoderChoice, ...]] = Field(default_factory=dict)
    fusion: str = "auto"
    train: dict[str, Train] = Field(default_factory=dict)
    stages: Literal["joint", "separate", "fixed"] = "joint"
    sampling: Literal["rows", "classes"] = "rows"
    resume: bool = False
    tensorboard: str | None = None
    learners: tuple[str, ...] = ()
    presets: Preset = "balanced"
    near_duplicates: bool = True
    group: str | None = None
    join: str | None = None
    valid_only: bool = False
    refit: bool = True
    folds: int | None = Field(default=None, ge=2, le=50)
    time_limit: float | None = Field(default=None, gt=0)
    memory_limit: float = Field(default=6.0, gt=0)
    seed: int = Field(default=0, ge=0)
    seeds: int = Field(default=1, ge=1, le=50)
    offline: bool = False
    strict: bool = False

    @field_validator("encoders", mode="before")
    @classmethod
    def _read_encoders(cls, value: Any) -> Any:
        """A text such as ``minilm+bow`` stands for a list of choices."""
        if not isinstance(value, dict):
            return value
        return {name: parse_encoder(choice) if isinstance(choice, str) else choice for name, choice in value.items()}

    @field_validator("train", mode="before")
    @classmethod
    def _read_train(cls, value: Any) -> Any:
        """One word stands for all columns."""
        return {"all": value} if isinstance(value, str) else value

    def to_yaml(self) -> str:
        """The recipe as a file's text; what is as it would be anyway is left out."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)


def parse_encoder(text: str) -> tuple[EncoderChoice, ...]:
    """Encoders as a person writes them: ``name``, ``name:argument``, ``name{size: 64, grey: true}``, several with ``+`` between.

    >>> [choice.name for choice in parse_encoder("minilm+bow")]
    ['minilm', 'bow']
    >>> parse_encoder("cnn{size: 32}")[0].settings
    {'size': 32}
    """
    choices = []
    for part in _split(text):
        name, brace, rest = part.partition("{")
        settings: Any = {}
        if brace:
            try:
                settings = yaml.safe_load("{" + rest)
            except yaml.YAMLError:
                settings = None
        if not isinstance(settings, dict) or not name.strip():
            raise UsageError(
                f"The encoder {part!r} cannot be read.", hint="Write it as NAME, NAME:ARGUMENT or 'NAME{setting: value}', several with + between."
            )
        choices.append(EncoderChoice(name=name.strip(), settings=settings))
    return tuple(choices)


def read_recipe(path: str | Path) -> dict[str, Any]:
    """The settings in a recipe file; a model folder's ``recipe.yaml`` is one.

    Raises:
        UsageError: The file is not there, or is no recipe.
    """
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The recipe {path} cannot be read: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"The recipe {path} is no YAML: {str(error).splitlines()[0]}.") from None
    if not isinstance(found, dict):
        raise UsageError(f"The recipe {path} holds no settings.", hint=f"Settings there are: {', '.join(Recipe.model_fields)}.")
    return found


def make_recipe(values: dict[str, Any]) -> Recipe:
    """A checked recipe.

    Raises:
        UsageError: Names the setting, what is wrong with it, and the settings there are.
    """
    try:
        return Recipe(**values)
    except ValidationError as error:
        first = error.errors()[0]
        word = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise UsageError(f"The recipe lacks {word!r}.", hint="Name the column that is to be learned with --target.") from None
        raise UsageError(f"Setting {word!r}: {first['msg']}.", hint=f"Settings there are: {', '.join(Recipe.model_fields)}.") from None


def _split(text: str) -> list[str]:
    """At every ``+`` outside braces."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "{") - (letter == "}")
        if letter == "+" and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts
