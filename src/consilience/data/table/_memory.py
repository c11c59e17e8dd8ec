"""Tables in memory -> a frame: pandas, pyarrow, Hugging Face data sets, dicts and lists. No such package is imported: the object brings its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from consilience.core.errors import TableError
from consilience.data.table._cells import column_of
from consilience.data.table._names import refuse_doubled
from consilience.data.table._records import from_lists, from_records

__all__ = ["from_memory"]

ACCEPTED = "a path, a pandas, polars or pyarrow table, a Hugging Face data set, a dict of lists or a list of dicts"


def from_memory(source: Any) -> pl.DataFrame:
    """The frame of a table in memory.

    Raises:
        TableError: The object is no table, or its columns do not fit together.
    """
    packages = {base.__module__.split(".")[0] for base in type(source).__mro__}
    name = type(source).__name__
    try:
        if isinstance(source, pl.DataFrame):
            return source
        if isinstance(source, pl.LazyFrame):
            return source.collect()
        if "datasets" in packages:
            return from_data_set(source, name)
        if "pandas" in packages and hasattr(source, "columns"):
            return from_pandas(source)
        if "pyarrow" in packages and hasattr(source, "schema") and hasattr(source, "to_pylist"):
            return from_arrow(source)
        if isinstance(source, Mapping):
            return from_mapping(source)
        if isinstance(source, (list, tuple)) and source and all(isinstance(record, Mapping) for record in source):
            return from_records(source)
        if hasattr(source, "__arrow_c_stream__") and not isinstance(source, pl.Series) and "pandas" not in packages:
            return pl.DataFrame(source)
    except pl.exceptions.PolarsError as error:
        raise TableError(f"The {name} cannot be taken as a table ({str(error).splitlines()[0]}).", hint=f"Give {ACCEPTED}.") from None
    if isinstance(source, (list, tuple)) and not source:
        raise TableError("The list of records is empty.", hint="Give at least one, or a data frame with columns.")
    hint = "Use .to_frame() to make a table of a single column." if name == "Series" else f"Give {ACCEPTED}."
    raise TableError(f"A {name} is no table.", hint=hint)


def from_mapping(source: Mapping[Any, Any]) -> pl.DataFrame:
    single = [str(key) for key, cells in source.items() if isinstance(cells, (str, bytes, Mapping)) or not hasattr(cells, "__len__")]
    if single:
        said = ", ".join(repr(key) for key in single[:3])
        raise TableError(f"The dict holds single values where lists of cells belong: {said}.", hint="For one row, give a list that holds the dict.")
    return from_lists(source)


def from_pandas(source: Any) -> pl.DataFrame:
    """Column by column, because pandas' object columns may hold anything. The index is left out."""
    names = ["_".join(str(part) for part in name) if isinstance(name, tuple) else str(name) for name in source.columns]
    refuse_doubled(names)
    return pl.DataFrame([pandas_column(name, source.iloc[:, place]) for place, name in enumerate(names)])


def pandas_column(name: str, column: Any) -> pl.Series:
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        values = column.to_numpy()
        return pl.Series(name, values.astype(np.float32) if dtype == np.float16 else values, nan_to_null=True)
    if getattr(dtype, "kind", "") == "M":  # with a time zone: the same moments in UTC
        zoned = getattr(dtype, "tz", None) is not None or getattr(column.dt, "tz", None) is not None
        moments = column.dt.tz_convert("UTC").dt.tz_localize(None) if zoned else column
        series = pl.Series(name, moments.to_numpy(dtype="datetime64[us]"))
        return series.dt.replace_time_zone("UTC") if zoned else series
    return column_of(name, column.tolist())


def from_arrow(source: Any) -> pl.DataFrame:
    refuse_doubled(list(source.schema.names))
    columns = []
    for place, name in enumerate(source.schema.names):
        column = source.column(place)
        if hasattr(column.type, "storage_type"):  # an extension type is a plain one with a label
            column = column.cast(column.type.storage_type)
        try:
            series = pl.from_arrow(column)
        except (pl.exceptions.PolarsError, ValueError, TypeError, NotImplementedError):
            series = column_of(name, column.to_pylist())
        columns.append(series.alias(name) if isinstance(series, pl.Series) else column_of(name, column.to_pylist()))
    return pl.DataFrame(columns)


def from_data_set(source: Any, name: str) -> pl.DataFrame:
    """A Hugging Face data set: media undecoded, as bytes or path; class labels by their names."""
    if isinstance(source, Mapping):
        raise TableError(f"A {name} holds several tables.", hint=f"Give one of them: {', '.join(repr(key) for key in source)}.")
    if not hasattr(source, "with_format") or not hasattr(source, "num_rows"):
        raise TableError(f"A {name} cannot be read as a whole.", hint="Give a data set that is not streamed.")
    frame = from_arrow(source.with_format("arrow")[:])
    for column, feature in (source.features or {}).items():
        classes: list[str] | None = getattr(feature, "names", None)
        many: list[str] | None = getattr(getattr(feature, "feature", None), "names", None)
        if classes:
            frame = frame.with_columns(column_of(column, [class_name(classes, code) for code in frame[column]]))
        elif many:
            cells = [None if codes is None else [class_name(many, code) for code in codes] for codes in frame[column].to_list()]
            frame = frame.with_columns(column_of(column, cells))
    return frame


def class_name(classes: list[str], code: int | None) -> str | None:
    """Data sets write -1 where a row has no label."""
    return classes[code] if code is not None and 0 <= code < len(classes) else None
