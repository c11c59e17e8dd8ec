from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import ColumnError, UsageError
from consilience.core.state import State
from consilience.data.kinds import KINDS, Cells
from consilience.encoders import ENCODERS
from consilience.encoders.table._dates import date_parts, weekdays
from consilience.encoders.table._numbers import NumberScale, is_skewed

Columns = ENCODERS.get("table/columns")


def fitted(columns, **options):
    encoder = Columns(Columns.Settings(**options))
    encoder.fit(columns)
    return encoder


def feature(encoder, columns, name):
    return encoder.encode(columns)[:, encoder.names.index(name)]


def test_names_owners_and_width_agree(mixed):
    table = mixed()
    encoder = fitted(table)
    out = encoder.encode(table)
    assert out.dtype == np.float32
    assert out.shape == (60, len(encoder.names)) == (60, len(encoder.owners))
    assert len(set(encoder.names)) == len(encoder.names)
    assert set(encoder.owners) == set(table)
    assert {"height", "height missing", "price", "price (log)", "colour=绿", "colour=(other)", "tags has a", "sold (days)"} <= set(encoder.names)
    assert np.isfinite(out).all()
    assert (out[0] == 0).all()
    assert (np.abs(out).max(axis=0) > 0)[[not name.endswith("(other)") for name in encoder.names]].all()


def test_numbers_are_standardised_and_missing_is_the_mean(column):
    values = np.random.default_rng(0).normal(50, 9, 500).tolist()
    encoder = fitted({"x": column("x", "number", [*values, None])})
    assert encoder.names == ["x", "x missing"]
    out = encoder.encode({"x": column("x", "number", [*values, None]), "y": column("y", "number", [1.0] * 501)})
    assert out[:-1, 0].mean() == pytest.approx(0, abs=1e-5)
    assert out[:-1, 0].std() == pytest.approx(1, abs=1e-5)
    assert np.corrcoef(out[:-1, 0], values)[0, 1] > 0.99
    other = encoder.encode({"x": column("x", "number", [None, 50.0])})
    assert other[0].tolist() == [0.0, 0.0]  # nothing at all is known of the row


def test_missing_flag_only_where_training_had_gaps(column):
    table = {"x": column("x", "number", [1.0, 2.0, None]), "y": column("y", "number", [1.0, 2.0, 4.0])}
    encoder = fitted(table)
    assert encoder.names == ["x", "x missing", "y"]
    assert feature(encoder, table, "x missing").tolist() == [0, 0, 1]
    assert encoder.encode({**table, "y": table["y"].absent()})[:, 2].tolist() == [0, 0, 0]


numbers = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(numbers, max_size=30), st.lists(numbers, min_size=2, max_size=30), st.booleans())
@settings(max_examples=200, deadline=None)
def test_scaling_is_monotone_and_finite_for_everything(train, test, log):
    train = np.array(train)
    if log and not is_skewed(train):
        return
    scale = NumberScale.fit(train, log=log)
    out = scale.apply(np.sort(np.array(test)))
    assert np.isfinite(out).all()
    assert (np.abs(out) <= 10).all()
    assert (np.diff(out) >= 0).all()
    assert np.isfinite(scale.apply(train)).all()


def test_forms_of_scaling():
    draw = np.random.default_rng(0)
    assert NumberScale.fit(draw.normal(size=1000)).form == "bent"
    assert NumberScale.fit(draw.standard_cauchy(1000)).form == "tails"
    assert NumberScale.fit(np.array([0.0] * 90 + list(range(10)))).unit > 0
    assert NumberScale.fit(np.full(9, 7.0)).apply(np.array([7.0, 900.0])).tolist() == [0.0, 0.0]
    outlier = np.array([*draw.normal(size=500), 1e12])
    assert NumberScale.fit(outlier).apply(outlier)[:-1].std() > 0.5  # one wild cell does not flatten the others
    skewed = np.exp(draw.normal(0, 2, 500))
    assert is_skewed(skewed)
    assert not is_skewed(-skewed)
    assert not is_skewed(draw.uniform(size=500))
    assert np.corrcoef(NumberScale.fit(skewed, log=True).apply(skewed), np.log(skewed))[0, 1] > 0.99


def test_categories_rare_unknown_and_bound(column):
    table = {"c": column("c", "category", ["a"] * 5 + ["b"] * 4 + ["d"] * 3 + ["once", None])}
    encoder = fitted(table)
    assert encoder.names == ["c=a", "c=b", "c=d", "c=(other)"]
    out = encoder.encode({"c": column("c", "category", ["a", "once", "never seen", None])})
    assert out.tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert fitted(table, max_levels=2).names == ["c=a", "c=b", "c=(other)"]


def test_sets_count_each_member_once(column):
    table = {"t": column("t", "set", [["a", "b", "a"], ["a"], [], None, ["b", "rare"]])}
    encoder = fitted(table)
    assert encoder.names == ["t (size)", "t missing", "t has a", "t has b", "t has (other)"]
    out = encoder.encode(table)
    assert out[:, 2:].tolist() == [[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 1, 1]]
    assert (out[3] == 0).all()
    assert out[2, 0] < 0  # the empty set is not the absent one
    assert out[0, 0] == out[4, 0]


@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)))
@settings(deadline=None)
def test_dates_agree_with_the_calendar(moment):
    seconds = np.array([(moment.replace(microsecond=0) - dt.datetime(1970, 1, 1)).total_seconds()])
    parts = date_parts(seconds)
    assert parts["year"][0] == moment.year
    assert weekdays(seconds) == [moment.strftime("%A")]
    assert parts["month sin"][0] == pytest.approx(np.sin(2 * np.pi * (moment.month - 1) / 12), abs=1e-9)
    assert parts["hour cos"][0] == pytest.approx(np.cos(2 * np.pi * (moment.hour + moment.minute / 60 + moment.second / 3600) / 24), abs=1e-6)


def test_date_features(column):
    days = [0.0, 86400.0 * 40, 86400.0 * 800, None]
    encoder = fitted({"d": column("d", "date", days)})
    assert "d (hour sin)" not in encoder.names  # all at midnight
    assert {"d (days)", "d (year)", "d (month sin)", "d missing", "d=Thursday"} <= set(encoder.names)
    out = feature(encoder, {"d": column("d", "date", [-1e300, 0.0, 1e300])}, "d (days)")
    assert np.isfinite(out).all()
    assert (np.diff(out) > 0).all()
    assert feature(encoder, {"d": column("d", "date", [0.0])}, "d=Thursday").tolist() == [1]


def test_absent_cells_have_no_influence(mixed, rubbish):
    table = mixed()
    there = {name: cells.present.copy() for name, cells in table.items()}
    dirty = {name: rubbish(cells, there[name]) for name, cells in table.items()}
    one, two = fitted(table), fitted(dirty)
    assert one.names == two.names
    assert one.fingerprint() == two.fingerprint()
    assert np.array_equal(one.encode(table), two.encode(dirty))


def test_one_column_changes_only_its_own_features(mixed):
    table, other = mixed(seed=0), mixed(seed=1)
    encoder = fitted(table)
    before = encoder.encode(mixed(gaps=0.0))
    after = encoder.encode({**mixed(gaps=0.0), "colour": other["colour"]})
    own = np.array([owner == "colour" for owner in encoder.owners])
    assert np.array_equal(before[:, ~own], after[:, ~own])
    assert not np.array_equal(before[:, own], after[:, own])


def test_state_survives_json_to_the_bit_and_order_does_not_matter(mixed):
    table = mixed()
    encoder = fitted(table)
    again = Columns(Columns.Settings())
    state = encoder.state()
    again.restore(State(json.loads(json.dumps(state.config)), state.arrays, state.texts))
    new = mixed(seed=5)
    assert np.array_equal(encoder.encode(new), again.encode(dict(reversed(new.items()))))
    assert encoder.fingerprint() == again.fingerprint() != Columns(Columns.Settings()).fingerprint()
    assert fitted(mixed(seed=3)).fingerprint() != encoder.fingerprint()


def test_rows_are_encoded_alone(mixed):
    table = mixed()
    encoder = fitted(table)
    whole = encoder.encode(table)
    rows = np.array([7, 0, 7])
    assert np.array_equal(encoder.encode({name: cells.take(rows) for name, cells in table.items()}), whole[rows])
    none = encoder.encode({name: cells.take(np.array([], dtype=int)) for name, cells in table.items()})
    assert none.shape == (0, len(encoder.names))


@pytest.mark.parametrize("kind", ["number", "date", "category", "set"])
def test_a_column_that_training_never_saw_filled(kind, column):
    table = {"x": column("x", kind, [None, None])}
    encoder = fitted(table)
    assert encoder.encode(table).shape == (2, len(encoder.names))
    value = {"number": 3.0, "date": 3.0, "category": "a", "set": ["a"]}[kind]
    assert np.isfinite(encoder.encode({"x": column("x", kind, [value])})).all()


def test_mistakes_are_explained(column):
    with pytest.raises(UsageError, match="at least one column"):
        fitted({})
    with pytest.raises(UsageError, match="Call fit first"):
        Columns(Columns.Settings()).encode({})
    encoder = fitted({"x": column("x", "number", [1.0, 2.0])})
    with pytest.raises(ColumnError, match="Column 'x'"):
        encoder.encode({"y": column("y", "number", [1.0])})
    words = Cells("note", KINDS.get("text")(), np.array(["a"], dtype=object), np.array([True]))
    with pytest.raises(ColumnError, match=r"Column 'note'.*'text'"):
        fitted({"note": words})


def test_needs_no_torch():
    code = "import sys; from consilience.encoders import ENCODERS; ENCODERS.get('table/columns'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
