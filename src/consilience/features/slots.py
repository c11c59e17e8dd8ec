"""Which encoders see which columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import Field

from consilience.core.errors import UsageError, listed
from consilience.core.extras import missing_packages
from consilience.core.settings import Settings, parse_settings
from consilience.data.kinds import KINDS, Cells
from consilience.data.kinds._joined import joined
from consilience.data.schema import Dataset, Schema
from consilience.encoders import ENCODERS, Encoder, ModuleEncoder

__all__ = ["EncoderChoice", "SlotPlan", "Train", "default_encoders", "plan_slots", "raw_slots", "slot_cells"]

Train: TypeAlias = Literal["auto", "frozen", "last", "lora", "full", "scratch"]
"""What becomes of encoders: kept as they are; learned on in the last layer, by small matrices beside all, or whole; or learned from nothing."""


class EncoderChoice(Settings):
    """An encoder as a person names it: ``name`` may carry an argument after a colon (``hf:folder``)."""

    name: str
    settings: dict[str, Any] = Field(default_factory=dict)


class SlotPlan(Settings):
    """One encoder over one column, or over all columns of a modality that are encoded together.

    Args:
        raw: The encoder is there only for models that are learned end to end.
        tune: ``last``, ``lora`` or ``full`` where pretrained weights are learned on with the model.
    """

    name: str
    modality: str
    columns: tuple[str, ...]
    encoder: str
    argument: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    raw: bool = False
    tune: Train = "frozen"

    def make(self) -> Encoder:
        """The encoder, with nothing learned yet."""
        cls = ENCODERS.get(self.encoder)
        made: Encoder = cls(parse_settings(cls.Settings, self.settings, f"The encoder {self.encoder!r}"), self.argument)
        if self.tune in ("last", "lora", "full"):
            from consilience.encoders._tuned import tuned  # torch is loaded only where something is tuned

            return tuned(made, self.tune)
        return made


def default_encoders(modality: str) -> list[EncoderChoice]:
    """The encoders whose cards claim to be the default and whose packages are installed; else those that claim to be the fallback.

    A default that needs an extra stands in for the fallback, so a fallback is used only where no such default can be.
    """
    cards = {key: ENCODERS.card(key) for key in ENCODERS if key.startswith(f"{modality}/")}
    there = [key for key, card in cards.items() if "default" in card.claims and not missing_packages(card.extra)]
    if not any("frozen" in cards[key].claims for key in there):
        there += [key for key, card in cards.items() if "fallback" in card.claims]
    return [EncoderChoice(name=key.partition("/")[2]) for key in sorted(there)]


def plan_slots(schema: Schema, chosen: Mapping[str, Sequence[EncoderChoice]], together: Sequence[tuple[str, ...]] = ()) -> list[SlotPlan]:
    """One slot per encoder and column; columns that are encoded together share theirs.

    Args:
        chosen: Column, kind or modality to the encoders a person wants for it; the column's own name counts first.
        together: Columns of one media kind that are channels of one thing, see ``channels``.

    Raises:
        UsageError: A name is neither a used column nor a modality, or an encoder does not fit the column's kind.
    """
    _check_known(schema, chosen, "An encoder is given")
    slots: list[SlotPlan] = []
    for unit, modality, columns in _units(schema, together, chosen):
        choices = list(chosen.get(unit) or chosen.get(modality) or default_encoders(modality))
        if not choices:
            raise UsageError(f"There is no encoder for the modality {modality!r}.", hint="Name one with --encoder.")
        slots += [_slot(unit, modality, columns, choice) for choice in choices]
    return slots


def raw_slots(
    schema: Schema,
    chosen: Mapping[str, Sequence[EncoderChoice]],
    train: Mapping[str, Train],
    wanted: Collection[str],
    together: Sequence[tuple[str, ...]] = (),
) -> list[SlotPlan]:
    """One slot per column whose encoder is learned with the model.

    Args:
        chosen: As for ``plan_slots``; the first frozen one is what ``last``, ``lora`` and ``full`` learn on.
        train: Column, modality or ``all`` to what becomes of its encoder; what is not named is ``auto``.
        wanted: Modalities for which ``auto`` means ``scratch``.

    Raises:
        UsageError: Nothing of that kind can be learned in that way.
    """
    _check_known(schema, dict.fromkeys(name for name in train if name != "all"), "How to train is said")
    made = []
    for unit, modality, columns in _units(schema, together, {**chosen, **dict.fromkeys(train, ())}):
        mode = train.get(unit) or train.get(modality) or train.get("all") or "auto"
        named = unit in train or modality in train
        if modality == "table" or mode == "frozen" or (mode == "auto" and modality not in wanted):
            continue
        if mode in ("auto", "scratch"):
            choice = next((EncoderChoice(name=name) for name in learned_encoders(modality)), None)
            if choice is not None:
                made.append(_slot(unit, modality, columns, choice).model_copy(update={"raw": True}))
            elif named:
                raise UsageError(f"No encoder of {modality} columns such as {unit!r} can be learned from nothing.", hint="Use --train frozen there.")
            continue
        choices = list(chosen.get(unit) or chosen.get(modality) or default_encoders(modality))
        slots = [_slot(unit, modality, columns, choice) for choice in choices]
        slot = next((slot for slot in slots if issubclass(ENCODERS.get(slot.encoder), ModuleEncoder)), None)
        if slot is not None:
            made.append(slot.model_copy(update={"raw": True, "tune": mode, "name": f"{slot.name}:{mode}"}))
        elif named:
            raise UsageError(
                f"None of the encoders of {unit!r} has pretrained weights that can be learned on: {listed([slot.encoder for slot in slots])}.",
                hint="Name one with --encoder, such as image=efficientnet_lite0 or text=minilm, or use --train scratch.",
            )
    return made


def learned_encoders(modality: str) -> list[str]:
    """Encoders of a modality that are learned from nothing when nobody names one."""
    cards = {key: ENCODERS.card(key) for key in ENCODERS if key.startswith(f"{modality}/")}
    return [key.partition("/")[2] for key, card in cards.items() if "learned" in card.claims and not missing_packages(card.extra)]


def slot_cells(dataset: Dataset, slot: SlotPlan) -> dict[str, Cells]:
    """The columns that a slot's encoder sees: its own; for channels of one thing, that thing."""
    cells = {column: dataset.cells[column] for column in slot.columns}
    if slot.modality == "table" or len(cells) == 1:
        return cells
    name = slot.name.partition(":")[0]
    return {name: joined(name, list(cells.values()))}


def _units(schema: Schema, together: Sequence[tuple[str, ...]], named: Collection[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Name, modality and columns of what is encoded by itself; a column that a person named is not put with others."""
    modality_of = {column.name: KINDS.get(column.kind).modality for column in schema.features()}
    units: list[tuple[str, str, tuple[str, ...]]] = []
    for modality in sorted(set(modality_of.values())):
        columns = [name for name, of in modality_of.items() if of == modality]
        if modality == "table":
            units.append((modality, modality, tuple(columns)))
            continue
        taken: set[str] = set()
        for group in together:
            part = tuple(name for name in group if name in columns and name not in named)
            if len(part) > 1:
                units.append((f"{part[0]}…{part[-1]}", modality, part))
                taken |= set(part)
        units += [(name, modality, (name,)) for name in columns if name not in taken]
    return units


def _check_known(schema: Schema, named: Collection[str], what: str) -> None:
    """Raises UsageError for a name that is neither a used column nor a modality, or is one of several that are encoded together."""
    modality_of = {column.name: KINDS.get(column.kind).modality for column in schema.features()}
    for name in named:
        if name not in modality_of and name not in modality_of.values():
            known = listed([*modality_of, *sorted(set(modality_of.values()) - set(modality_of))])
            raise UsageError(f"{what} for {name!r}, which is no used column and no modality here.", hint=f"There are: {known}.")
        if modality_of.get(name) == "table" and name not in modality_of.values():  # a column called text is no reason not to name text encoders
            raise UsageError(f"The column {name!r} is encoded together with the other table columns.", hint="Name the encoder for 'table' instead.")


def _slot(unit: str, modality: str, columns: tuple[str, ...], choice: EncoderChoice) -> SlotPlan:
    if _is_folder(choice.name, modality):
        choice = choice.model_copy(update={"name": f"own:{choice.name}"})
    stem, _, argument = choice.name.partition(":")
    key = stem if "/" in stem else f"{modality}/{stem}"
    if key not in ENCODERS:
        ENCODERS.check(key)
    if key.partition("/")[0] != modality:
        raise UsageError(f"The encoder {key!r} is not for {modality} columns such as {unit!r}.", hint="See: consilience list encoders")
    return SlotPlan(name=f"{unit}:{choice.name}", modality=modality, columns=columns, encoder=key, argument=argument, settings=choice.settings)


def _is_folder(name: str, modality: str) -> bool:
    """True for the path of a pretrained encoder, and for what can be nothing but a path; the name of an encoder comes first."""
    stem = name.partition(":")[0]
    if stem in ENCODERS or f"{modality}/{stem}" in ENCODERS:
        return False
    if (Path(name).expanduser() / "encoder.json").is_file():
        return True
    first = stem.replace("\\", "/").partition("/")
    return bool(first[1]) and not any(key.startswith(f"{first[0]}/") for key in ENCODERS)
