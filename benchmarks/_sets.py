"""The tables of the benchmark by name: OpenMoji, public sets, worlds."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl

from _bench import Bench, Options, Split
from _drawing import load_world
from _worlds import WORLDS
from consilience.data.table import Table, read_table

__all__ = ["TABLES", "load_table"]

FOLDS = 5


def load_table(name: str, options: Options) -> Bench:
    """The table with its splits.

    Raises:
        SystemExit: The folder of public sets is needed and not named.
    """
    return TABLES[name](options)


def load_openmoji(options: Options) -> Bench:
    """Every split keeps families whole: a quarter of the rows is test, all others are the pool. Seed 0, the demo's own, comes last."""
    source = _example("openmoji")
    source.build(options.openmoji)
    table = _together(options.openmoji, ("train", "valid", "test"))
    rows = zip(*(table.frame[column] for column in ("name", "name_zh", "group")), strict=True)
    families = np.array([source.Row("", "", *cells).family for cells in rows])
    splits = []
    for seed in [*range(1, options.seeds), 0]:
        names = sorted(set(families.tolist()))
        random.Random(seed).shuffle(names)
        places = {family: np.flatnonzero(families == family) for family in names}
        test: list[int] = []
        while len(test) < len(table) * 0.25:
            test += places[names.pop(0)].tolist()
        pool = np.concatenate([places[family] for family in names])
        splits.append(Split(f"seed{seed}", pool, np.array(test)))
    roles = {"image": "image", "name": "text", "name_zh": "text", **dict.fromkeys(("red", "green", "blue", "ink"), "number")}
    return Bench("openmoji", table, "group", roles, tuple(splits), groups=families)


def load_houses(options: Options) -> Bench:
    table = _together(_folder(options, "houses"), ("train", "valid"))
    roles = dict.fromkeys(("frontal", "kitchen", "bedroom", "bathroom"), "image")
    roles |= dict.fromkeys(("bedrooms", "bathrooms", "area"), "number") | {"zipcode": "category"}
    return Bench("houses", table, "price", roles, _folds(np.arange(len(table)), options), number=True, log=True)


def load_sroie(options: Options) -> Bench:
    """The set was published split by company, so folds keep companies whole."""
    table = _together(_folder(options, "sroie"), ("train", "valid"))
    companies = table.frame["company"].to_numpy().astype(str)
    roles = {"image": "image", **dict.fromkeys(("text", "company", "date"), "text"), "lines": "number"}
    return Bench("sroie", table, "total", roles, _folds(companies, options), number=True, log=True, groups=companies)


def load_meld(options: Options) -> Bench:
    """The column ``sentiment`` is a second target: no method sees it."""
    roles = {"utterance": "text", "context": "text", "speaker": "category", "season": "category", "seconds": "number"}
    return _fixed(options, "meld", "emotion", roles, drop=("sentiment",))


def load_easyvqa(options: Options) -> Bench:
    """Questions on one picture belong together."""
    return _fixed(options, "easyvqa", "answer", {"image": "image", "question": "text"}, group=lambda frame: frame["image"])


def load_nlvr(options: Options) -> Bench:
    """All arrangements of one presentation belong together; its number is the first in the file's name."""
    pattern = r"images/(.*?-\d+)-"
    return _fixed(options, "nlvr", "label", {"image": "image", "sentence": "text"}, group=lambda frame: frame["image"].str.extract(pattern))


TABLES: dict[str, Callable[[Options], Bench]] = {
    "openmoji": load_openmoji,
    "houses": load_houses,
    "sroie": load_sroie,
    "meld": load_meld,
    "easyvqa": load_easyvqa,
    "nlvr": load_nlvr,
    **{f"world-{name}": lambda options, name=name: load_world(name, options) for name in WORLDS},  # type: ignore[misc]
}


def _fixed(
    options: Options,
    name: str,
    target: str,
    roles: dict[str, str],
    *,
    drop: tuple[str, ...] = (),
    group: Callable[[pl.DataFrame], pl.Series] | None = None,
) -> Bench:
    """``train.csv`` is the pool, ``valid.csv`` the test."""
    folder = _folder(options, name)
    train, whole = read_table(folder / "train.csv"), _together(folder, ("train", "valid"), drop)
    pool, split = np.arange(len(train)), "valid"
    if options.rows is not None and options.rows < len(pool):
        pool, split = np.sort(np.random.default_rng(0).permutation(pool)[: options.rows]), f"valid-{options.rows}"
    groups = None if group is None else group(whole.frame).to_numpy().astype(str)
    return Bench(name, whole, target, roles, (Split(split, pool, np.arange(len(train), len(whole))),), groups=groups)


def _folds(groups: np.ndarray, options: Options) -> tuple[Split, ...]:
    """Repeated cross-validation; whole groups are dealt, each to the fold that has fewest rows."""
    splits = []
    for repeat in range(options.repeats):
        names, codes = np.unique(groups, return_inverse=True)
        fold_of, filled = np.zeros(len(names), np.int64), np.zeros(FOLDS, np.int64)
        sizes = np.bincount(codes)
        for code in np.random.default_rng(repeat).permutation(len(names)):
            fold_of[code] = filled.argmin()
            filled[fold_of[code]] += sizes[code]
        folds = fold_of[codes]
        splits += [Split(f"cv{repeat}.{fold}", np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(FOLDS)]
    return tuple(splits)


def _together(folder: Path, parts: tuple[str, ...], drop: tuple[str, ...] = ()) -> Table:
    """Some files of one folder below each other."""
    frame = pl.concat([read_table(folder / f"{part}.csv").frame for part in parts]).drop(drop)
    return Table(frame, dict.fromkeys(frame.columns, folder.resolve()), folder.name)


def _folder(options: Options, name: str) -> Path:
    if options.data is None:
        raise SystemExit(f"The table {name!r} is a public set: set CONSILIENCE_DATA to the folder that has it, or name other tables with --tables.")
    return options.data / name


def _example(name: str) -> ModuleType:
    """A file of the folder ``examples``, which is no package."""
    path = Path(__file__).resolve().parent.parent / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"_example_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
