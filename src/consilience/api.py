"""The thin face: fit, load, Model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from consilience.core.errors import UsageError
from consilience.core.files import cache_folder
from consilience.core.offline import go_offline
from consilience.core.progress import Progress, default_progress
from consilience.data.schema import Schema
from consilience.data.table import Table, read_table, read_tables
from consilience.features.store import FeatureStore
from consilience.pipeline.fit import fit_pipeline
from consilience.pipeline.fitted import Pipeline
from consilience.pipeline.folder import load_pipeline, save_pipeline
from consilience.pipeline.recipe import make_recipe, read_recipe
from consilience.report import write_content, write_report

if TYPE_CHECKING:
    from consilience.judge.explain import Explanation

__all__ = ["Model", "fit", "load", "pretrain"]


def fit(
    data: Any,
    target: str | None = None,
    *,
    valid: Any = None,
    recipe: str | Path | Mapping[str, Any] | None = None,
    cache: str | Path | None = None,
    progress: Progress | bool = True,
    **settings: Any,
) -> Model:
    """Fits one model of all the evidence in a table.

    Args:
        data: A path (CSV, TSV, JSON lines, Parquet, Arrow, Excel), a pandas, polars or pyarrow table, a Hugging Face data set, a dict of columns,
            a list of records, or a list of such tables together with ``join``. Media are paths, bytes or arrays.
        target: The column to learn: a class, a list of classes, or a number.
        valid: More rows in the same forms; they join the others unless ``valid_only`` is set.
        recipe: A recipe file or its settings; ``settings`` given here count first.
        cache: Folder of the feature store; the default is the user's cache folder.
        progress: False for silence.
        settings: Fields of ``consilience.pipeline.recipe.Recipe``: ``kinds``, ``ignore``, ``encoders``, ``fusion``, ``group``, ``join``,
            ``time_limit``, ``seed``, ``offline``, ``strict`` ...

    Raises:
        ConsilienceError: Whatever is wrong, with its place and what to do.
    """
    given = dict(read_recipe(recipe)) if isinstance(recipe, str | Path) else dict(recipe or {})
    given.update({name: value for name, value in settings.items() if value is not None})
    if target is not None:
        given["target"] = target
    made = make_recipe(given)
    shown = _progress(progress)
    with go_offline(made.offline):
        table = _table(data, made.join)
        more = None if valid is None else _table(valid, made.join)
        pipeline = fit_pipeline(table, made, valid=more, store=FeatureStore(Path(cache) if cache else cache_folder()), progress=shown)
    return Model(pipeline)


def load(folder: str | Path, *, cache: str | Path | None = None) -> Model:
    """A model from its folder, after every file was checked.

    Raises:
        FolderError: The folder is damaged, foreign, or written by a newer version.
    """
    return Model(load_pipeline(folder, FeatureStore(Path(cache) if cache else cache_folder())))


def pretrain(data: Any, column: str | Sequence[str], *, out: str | Path, progress: Progress | bool = True, **settings: Any) -> dict[str, Any]:
    """Trains an encoder on a column's cells, without labels; ``fit(encoders={column: out})`` then uses it.

    Args:
        data: A table as for ``fit``, or a list of them, whose rows are read one after another.
        column: The column; several are the channels of one thing.
        out: Folder of the encoder; an older one there is replaced when the new one is whole.
        progress: False for silence.
        settings: As for ``consilience.pipeline.pretrain.pretrain_encoder``: ``objective``, ``encoder``, ``epochs``, ``time_limit``, ``seed`` ...

    Returns:
        What was learned from how many cells, the loss of held-out cells and that of who knows nothing, as JSON values.

    Raises:
        ConsilienceError: Whatever is wrong, with its place and what to do.
    """
    from consilience.pipeline.pretrain import pretrain_encoder

    several = isinstance(data, list | tuple) and bool(data) and not isinstance(data[0], Mapping)
    tables = [read_table(one) for one in data] if several else read_table(data)
    return pretrain_encoder(tables, column, out=out, progress=_progress(progress), **settings)


class Model:
    """A fitted model. Every method takes a table in the forms that ``fit`` takes, with or without some of the columns.

    Args:
        pipeline: What was fitted.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty for a number."""
        return self.pipeline.task.target.classes

    @property
    def schema(self) -> Schema:
        """What each column is taken for, and why."""
        return self.pipeline.schema

    @property
    def leaderboard(self) -> pl.DataFrame:
        """All candidates, best first, with the headline metric and its interval."""
        headline = self.facts["headline"]
        rows = []
        for entry in self.facts["leaderboard"]:
            value = entry["metrics"].get(headline, {"value": None, "low": None, "high": None})
            rows.append(
                {
                    "name": entry["name"],
                    "learner": entry["learner"],
                    "modalities": " + ".join(entry["modalities"]),
                    headline: value["value"],
                    "low": value["low"],
                    "high": value["high"],
                    "loss": entry["loss"],
                    "seconds": entry["fit_seconds"],
                    "stopped": entry["stopped"],
                }
            )
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def verdict(self) -> str:
        """Is fusing worth it here? One sentence with its interval."""
        return str(self.facts["fusion_gain"]["verdict"])

    @property
    def facts(self) -> dict[str, Any]:
        """What ``fit --json`` prints."""
        return {**self.pipeline.facts, "schema": self.pipeline.schema.model_dump(mode="json")}

    def predict(self, data: Any, *, strict: bool = False) -> np.ndarray:
        """``[N]`` predictions in the table's order: class names, numbers, or lists of class names; None or NaN for a row that had to be set aside."""
        return self.predict_table(data, strict=strict)["prediction"].to_numpy()

    def predict_proba(self, data: Any, *, strict: bool = False) -> np.ndarray:
        """``[N, K]`` probabilities in the order of ``classes``; NaN for a row that had to be set aside.

        Raises:
            UsageError: The model predicts a number.
        """
        if not self.classes:
            raise UsageError(
                "This model predicts a number, which has no class probabilities.", hint="predict_table gives an interval: columns low and high."
            )
        made = self.predict_table(data, proba=True, strict=strict)
        return made.select([f"probability_{name}" for name in self.classes]).to_numpy()

    def predict_table(
        self,
        data: Any,
        *,
        proba: bool = False,
        sets: float | None = None,
        abstain: float | None = None,
        unfamiliar: bool = False,
        keep: Sequence[str] = (),
        strict: bool = False,
        progress: Progress | bool = False,
    ) -> pl.DataFrame:
        """Predictions with probability or interval, and a note where something is wrong with the row, or where it is unlike the training rows.

        Args:
            sets: 0.5 to 0.99: a column ``set`` holds the true class with that chance; for numbers ``low`` and ``high`` are of that level.
            abstain: The share of answers that may be wrong (numbers: their mean absolute error); rows that are not sure enough have no prediction.
            unfamiliar: True adds how unlike the training rows each row is, 0 to 1; above 0.99 it is noted.
        """
        table, shown = _table(data, self.pipeline.recipe.join), _progress(progress)
        return self.pipeline.predict(
            table, proba=proba, sets=sets, abstain=abstain, unfamiliar=unfamiliar, keep=tuple(keep), strict=strict, progress=shown
        )

    def evaluate(self, data: Any, *, strict: bool = False, progress: Progress | bool = False) -> dict[str, Any]:
        """Every metric with a 95 % interval, each class by itself, and how many rows had to be set aside."""
        return self.pipeline.evaluate(_table(data, self.pipeline.recipe.join), strict=strict, progress=_progress(progress))

    def coverage(self, data: Any, *, level: float = 0.9, abstain: float | None = None, progress: Progress | bool = False) -> dict[str, Any]:
        """How often sets or intervals of this level hold the truth: over all rows, by pattern of present modalities and by class, as JSON values.

        With ``abstain`` the key ``abstention`` says how many rows ``predict --abstain`` answers, and how many of the answers are wrong.
        """
        from consilience.judge.coverage import check_abstention, check_coverage

        scored = self.pipeline.score(_table(data, self.pipeline.recipe.join), with_target=True, progress=_progress(progress))
        found = check_coverage(self.pipeline, scored, level).as_dict()
        return found if abstain is None else {**found, "abstention": check_abstention(self.pipeline, scored, abstain).as_dict()}

    def embed(self, data: Any, *, strict: bool = False) -> np.ndarray:
        """``[N, D] float32`` one vector a row; NaN for a row that had to be set aside."""
        column = self.embed_table(data, strict=strict)["vector"]
        width = next((len(vector) for vector in column if vector is not None), 0)
        return np.array([np.full(width, np.nan) if vector is None else np.asarray(vector) for vector in column], dtype=np.float32).reshape(
            len(column), width
        )

    def embed_table(self, data: Any, *, keep: Sequence[str] = (), strict: bool = False, progress: Progress | bool = False) -> pl.DataFrame:
        """The same as a table with the columns ``vector`` and ``note``."""
        return self.pipeline.embed(_table(data, self.pipeline.recipe.join), keep=tuple(keep), strict=strict, progress=_progress(progress))

    def worth(
        self, data: Any, *, row: int | None = None, prune: bool = False, strict: bool = False, progress: Progress | bool = False
    ) -> dict[str, Any]:
        """What modalities and columns are worth, over rows with their target or to the prediction of one row; ``prune``: what can be dropped."""
        from consilience.judge.worth import row_worth, table_worth

        table, shown = _table(data, self.pipeline.recipe.join), _progress(progress)
        if row is not None:
            return row_worth(self.pipeline, table, row, progress=shown)
        return table_worth(self.pipeline, table, prune=prune, strict=strict, progress=shown)

    def explain(
        self, data: Any, row: int, *, of: str | None = None, like: Any = None, progress: Progress | bool = False, **settings: Any
    ) -> Explanation:
        """Why the model says what it says of row ``row`` (from 0): see ``consilience.judge.explain.explain_row`` for ``settings``.

        Args:
            of: The class to explain; None is the most probable one.
            like: A table in which alike rows are looked for, such as the training rows; None is the rest of ``data``.
        """
        from consilience.judge.explain import explain_row

        join = self.pipeline.recipe.join
        others = None if like is None else _table(like, join)
        return explain_row(self.pipeline, _table(data, join), row, of=of, like=others, progress=_progress(progress), **settings)

    def slices(
        self, data: Any, *, train: Any = None, by: Sequence[str] = (), least: int = 10, strict: bool = False, progress: Progress | bool = False
    ) -> dict[str, Any]:
        """Where the model is worse than elsewhere, labels that are likely wrong, and, with ``train``, rows that it has met in training.

        Args:
            data: Rows with their target that the model has not learned from.
            train: The table that it learned from.
            by: More columns to cut by.
            least: Rows that a slice has at least.
        """
        from consilience.judge.labels import find_suspects
        from consilience.judge.slices import check_columns, find_slices, find_twins

        table, shown, join = _table(data, self.pipeline.recipe.join), _progress(progress), self.pipeline.recipe.join
        check_columns(table, by)
        scored = self.pipeline.score(table, with_target=True, strict=strict, progress=shown)
        slices = find_slices(self.pipeline, scored, table=table, by=by, least=least, progress=shown)
        suspects = find_suspects(self.pipeline, scored, progress=shown)
        learned = None if train is None else self.pipeline.read(_table(train, join), with_target=True, progress=shown)
        twins = None if learned is None else find_twins(self.pipeline, scored, *learned)
        aside = {"num_quarantined": len({item.row for item in scored.dataset.quarantine})}
        return {**slices.as_dict(), **aside, "labels": suspects.as_dict(), "twins": None if twins is None else twins.as_dict()}

    def profile(
        self, data: Any, *, folder: str | Path | None = None, seconds: float = 10.0, starts: int = 3, progress: Progress | bool = False
    ) -> dict[str, Any]:
        """What the model costs: parameters, disk, memory, cold and warm latency, rows a second, and where the seconds of a row go.

        Args:
            data: Rows to answer, with or without the target.
            folder: Where the model is saved, if it is; else it is saved into a temporary folder to be measured.
            seconds: Roughly, for each measurement.
            starts: New processes that give a first answer.
        """
        from consilience.judge.profile import profile_model

        table = _table(data, self.pipeline.recipe.join)
        return profile_model(self.pipeline, table, folder=folder, seconds=seconds, starts=starts, progress=_progress(progress)).as_dict()

    def robustness(
        self,
        data: Any,
        *,
        modalities: Sequence[str] = (),
        families: Sequence[str] = (),
        full: bool = False,
        sheet: str | Path | None = None,
        seed: int = 0,
        progress: Progress | bool = False,
    ) -> dict[str, Any]:
        """What is lost when evidence is damaged, by modality, family of damage and severity 1 to 5, and when it is missing, as JSON values.

        Args:
            modalities: Which to damage; none is all that the model uses.
            families: Which damage, or ``all``; none is one family of each sort.
            full: True scores all rows instead of a sample of 150.
            sheet: An HTML file that shows an example of each.
        """
        from consilience.judge.robustness import measure_robustness

        asked: dict[str, Any] = {"full": full, "modalities": modalities, "families": families, "sheet": sheet, "seed": seed}
        return measure_robustness(self.pipeline, _table(data, self.pipeline.recipe.join), **asked, progress=_progress(progress)).as_dict()

    def drift(self, first: Any, second: Any, *, seed: int = 0, progress: Progress | bool = False) -> dict[str, Any]:
        """Where the second table differs from the first, column by column and modality by modality, and what it will cost, as JSON values."""
        from consilience.judge.drift import compare_tables

        one, two = (_table(data, self.pipeline.recipe.join) for data in (first, second))
        return compare_tables(self.pipeline, one, two, seed=seed, progress=_progress(progress)).as_dict()

    def report(
        self, path: str | Path, data: Any = None, *, train: Any = None, language: str = "en", trust: bool = False, progress: Progress | bool = False
    ) -> Path:
        """Writes one self-contained HTML page, in English (``en``) or Chinese (``zh``); with ``data`` it also says how the model does there.

        With ``train``, the table that it learned from, the page also shows rows of ``data`` that it has met. With ``trust`` it also damages the
        cells of ``data`` and measures what the model costs to run, which takes minutes.

        Where ``path`` ends in ``.json`` it writes the same content as one JSON object instead.
        """
        table, learned = (None if one is None else _table(one, self.pipeline.recipe.join) for one in (data, train))
        if Path(path).suffix.lower() == ".json":
            return write_content(self.pipeline, path, table, trust=trust, train=learned, progress=_progress(progress))
        return write_report(self.pipeline, path, table, language=language, trust=trust, train=learned, progress=_progress(progress))

    def save(self, folder: str | Path) -> Path:
        """Writes the model folder; an old model there stays whole until the new one is."""
        return save_pipeline(self.pipeline, folder)

    def __repr__(self) -> str:
        target = self.pipeline.task.target
        return f"Model({target.name!r}, {target.task}, {' + '.join(self.pipeline.modalities)}, chosen={self.facts['chosen']!r})"

    def _repr_html_(self) -> str:
        from consilience.report.notebook import notebook_html

        return notebook_html(self.pipeline)


def _table(data: Any, join: str | None) -> Table:
    """One table of what was given; a list of tables needs ``join``."""
    several = isinstance(data, list | tuple) and bool(data) and not isinstance(data[0], Mapping)
    return read_tables(data, join) if several else read_table(data)


def _progress(progress: Progress | bool) -> Progress:
    return default_progress(quiet=not progress) if isinstance(progress, bool) else progress
