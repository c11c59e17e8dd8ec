"""Tables of every layout and size in a whole fit: the same model as of the clean table, or an error that a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import ConsilienceError
from consilience.data.table import read_table
from consilience.encoders.text._segment import LONGEST

Columns = dict[str, list[Any]]
Fit = Callable[..., consilience.Model]


def as_csv(columns: Columns) -> str:
    return pl.DataFrame(columns).write_csv()


LAYOUTS: dict[str, Callable[[str], bytes]] = {
    "mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "returns": lambda text: text.replace("\n", "\r").encode(),
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "decimal commas": lambda text: text.replace(",", ";").replace(".", ",").encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 without mark": lambda text: text.encode("utf-16-le"),
    "empty last column": lambda text: text.replace("\n", ",\n").encode(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_makes_no_difference(layout: str, model: consilience.Model, clean: Columns, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(LAYOUTS[layout](as_csv(clean)))
    np.testing.assert_allclose(model.predict_proba(path), model.predict_proba(clean), rtol=1e-6)
    assert model.evaluate(path)["num_quarantined"] == 0


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8-sig"])
def test_chinese_table_from_fit_to_prediction(encoding: str, clean: Columns, fit: Fit, tmp_path: Path) -> None:
    chinese = {"大小": clean["size"], "评论": [text.replace("thing", "很好的商品") for text in clean["words"]], "标签": clean["y"]}
    chinese["标签"] = ["退货" if label == "bad" else "保留" for label in clean["y"]]
    (tmp_path / "t.csv").write_bytes(as_csv(chinese).encode(encoding))
    model = fit(tmp_path / "t.csv", "标签")
    assert model.predict(tmp_path / "t.csv").tolist() == chinese["标签"]
    assert model.classes == ("保留", "退货")


def test_cells_with_quotes_and_line_breaks_learn_like_any_other(clean: Columns, fit: Fit, tmp_path: Path) -> None:
    clean["words"] = [f'line one, "{text}"\r\nline\ntwo;\t' for text in clean["words"]]
    clean["y"] = [f'the "{label}", one\n' for label in clean["y"]]
    (tmp_path / "t.csv").write_text(as_csv(clean), newline="")
    model = fit(tmp_path / "t.csv")
    assert model.facts["num_rows"] == 24
    assert model.classes == ('the "bad", one', 'the "good", one')
    model.predict_table(tmp_path / "t.csv", keep=["words"]).write_csv(tmp_path / "p.csv")
    assert pl.read_csv(tmp_path / "p.csv")["words"].to_list() == clean["words"]


BROKEN = {
    "short line": (lambda text: text.replace("5 of them all,good", "5 of them all"), "Line 7 has 2 cells, the header has 3 (separated by comma)."),
    "long line": (lambda text: text.replace("5 of them all,good", "5 of them all,good,1"), "Line 7 has 4 cells, the header has 3"),
    "open quote": (lambda text: text.replace("a fine nice thing number 5", '"a good'), "The quotes of the record that begins in line 7 do not match"),
    "doubled column": (lambda text: text.replace("size,words", "size,size"), "A column name is there more than once: 'size'."),
    "nothing": (lambda text: "", "The file is empty (0 bytes)."),
    "blank lines": (lambda text: "\n\n", "The file holds nothing but blank lines."),
    "header alone": (lambda text: text.partition("\n")[0] + "\n", "Column 'y': The table has no rows; nothing can be learned from it."),
    "one row": (lambda text: "\n".join(text.split("\n")[:2]), "Column 'y': The table has one row; nothing can be learned from it."),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_is_one_sentence_with_its_place(what: str, clean: Columns, tmp_path: Path, run: Callable[..., Any]) -> None:
    spoil, said = BROKEN[what]
    path = tmp_path / "t.csv"
    path.write_text(spoil(as_csv(clean)))
    result = run("fit", path, "--target", "y", "--out", tmp_path / "model", "--quiet")
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert said in line
    assert str(path) in line or "Column 'y'" in line
    assert "Traceback" not in line
    assert not (tmp_path / "model").exists()


def nothing(columns: Columns) -> pl.DataFrame:
    return pl.DataFrame(columns).head(0)


def test_no_rows_give_no_predictions_and_no_measures(model: consilience.Model, clean: Columns, tmp_path: Path) -> None:
    empty = nothing(clean)
    found = model.predict_table(empty, proba=True)
    assert found.columns == ["prediction", "probability", "probability_bad", "probability_good", "note"]
    assert (len(found), model.predict(empty).shape, model.predict_proba(empty).shape, len(model.embed(empty))) == (0, (0,), (0, 2), 0)
    for ask in (model.evaluate, lambda table: model.report(tmp_path / "r.html", table)):
        with pytest.raises(ConsilienceError) as caught:
            ask(empty)
        assert str(caught.value) == "Column 'y': The table has no rows, so there is nothing to score. Give a table with rows."
    assert not (tmp_path / "r.html").exists()


def test_no_rows_and_one_row_at_the_command_line(model: consilience.Model, clean: Columns, tmp_path: Path, run: Callable[..., Any]) -> None:
    model.save(tmp_path / "model")
    nothing(clean).write_csv(tmp_path / "none.csv")
    pl.DataFrame(clean).head(1).write_csv(tmp_path / "one.csv")
    assert run("predict", tmp_path / "model", tmp_path / "none.csv").stdout == "prediction,probability,note\n"
    assert len(run("predict", tmp_path / "model", tmp_path / "one.csv").stdout.splitlines()) == 2
    assert run("inspect", tmp_path / "none.csv").stdout.startswith("0 rows, 3 columns")
    assert run("inspect", tmp_path / "one.csv").stdout.startswith("1 row, 3 columns")
    assert run("evaluate", tmp_path / "model", tmp_path / "one.csv").exit_code == 0
    refused = run("evaluate", tmp_path / "model", tmp_path / "none.csv", "--quiet")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "Error: Column 'y': The table has no rows, so there is nothing to score. Give a table with rows.\n"


def test_one_row_is_measured_and_reported(model: consilience.Model, clean: Columns, tmp_path: Path) -> None:
    one = {name: cells[:1] for name, cells in clean.items()}
    measured = model.evaluate(one)
    assert (measured["num_rows"], measured["metrics"]["accuracy"]["value"]) == (1, 1.0)
    assert model.report(tmp_path / "r.html", one).stat().st_size > 1000


def test_no_column_in_common_names_both_sides(model: consilience.Model, tmp_path: Path, run: Callable[..., Any]) -> None:
    model.save(tmp_path / "model")
    (tmp_path / "t.csv").write_text("Size,text,y\n1,a,bad\n")
    said = (
        "Error: Table 't.csv': The table has none of the columns that the model learned from: 'size', 'words'. It has: 'Size', 'text', 'y'. "
        "Rename its columns, or give another table."
    )
    for command in (["predict"], ["evaluate"], ["embed", "--out", "-"]):
        result = run(command[0], tmp_path / "model", tmp_path / "t.csv", *command[1:], "--quiet")
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", said + "\n")


def test_nothing_to_learn_from_says_what_was_left_out_and_why(clean: Columns, fit: Fit) -> None:
    bad = {"empty": [None] * 24, "same": ["x"] * 24, "id": [f"r{row}" for row in range(24)], "y": clean["y"]}
    with pytest.raises(ConsilienceError) as caught:
        fit(bad)
    said = str(caught.value)
    assert said.startswith(
        "Table 'the table': No column is left to learn from. Left out: 'empty' (Every cell is empty), 'same' (Every row has the same"
    )
    assert "'id' (It names the rows: 24 different values in 24 cells" in said
    assert said.endswith("or say what one of these is with --kind COLUMN=KIND.")
    with pytest.raises(ConsilienceError, match=r"No column is left to learn from\. It has no other column than the target\."):
        fit({"y": clean["y"]})


def test_columns_of_missing_cells_are_left_out_and_later_gaps_are_met(model: consilience.Model, clean: Columns, fit: Fit) -> None:
    gaps = {"none": [None] * 24, "blank": [" "] * 24, "words for it": ["NA", "n/a"] * 12}
    found = fit({**clean, **gaps})
    assert [column.name for column in found.schema.features()] == ["size", "words"]
    assert {finding.column: finding.message for finding in found.schema.findings} == dict.fromkeys(gaps, "Every cell is empty; it is left out.")
    assert found.predict({**clean, **gaps}).tolist() == clean["y"]
    without = model.predict_table({**clean, "size": [None] * 24, "words": [""] * 24})
    assert without["prediction"].null_count() == 0
    assert without["probability"].n_unique() == 1


def test_numbers_that_are_none_of_the_real_ones_count_as_absent(clean: Columns, fit: Fit) -> None:
    odd = ["NaN", "inf", "-Infinity", "1e400", "1e308", "-1e308", "1e-320"]
    clean["size"][: len(odd)] = odd
    model = fit(clean)
    assert model.facts["num_quarantined"] == 0
    (finding,) = model.schema.findings
    assert finding.message == "3 of 24 cells cannot be used and count as absent. Row 1: 'inf' is a number that is not finite."
    found = model.predict_table(clean)
    notes = [
        "",
        "'inf' is a number that is not finite.",
        "'-Infinity' is a number that is not finite.",
        "'1e400' is a number that is not finite.",
        "",
        "",
        "",
    ]
    assert found["note"].to_list()[:7] == [note and f"Column 'size': {note}" for note in notes]
    assert found["prediction"].to_list() == clean["y"]
    assert np.isfinite(found["probability"].to_numpy()).all()
    typed = {**clean, "size": [float(cell) for cell in clean["size"]]}
    assert fit(typed).predict_table(typed)["note"][1] == "Column 'size': inf is a number that is not finite."


@pytest.mark.parametrize("letters", ["x", "word ", "数据，", "\U0001f642 שלום "])
def test_a_cell_of_a_megabyte_is_learned_from_its_beginning(letters: str, clean: Columns, fit: Fit) -> None:
    """Work on one cell has an end: what counts n-grams sees its first part, and pictures and tables beside it are as they were."""
    clean["words"][3] = "once upon a time " + letters * (1_000_000 // len(letters)) + "THE END"
    del clean["size"]
    model = fit(clean)
    assert model.facts["num_quarantined"] == 0
    same = {**clean, "words": [text[:LONGEST] for text in clean["words"]]}
    seen, wanted = (model.pipeline.read(read_table(table), with_target=False)[1].blocks[0].values for table in (clean, same))
    assert (seen != wanted).nnz == 0
    assert model.predict(clean)[5] == "good"


@pytest.mark.slow
def test_two_thousand_columns(fit: Fit) -> None:
    random = np.random.default_rng(0)
    numbers = random.normal(size=(60, 2000)).round(3)
    table: Columns = {f"c{place}": numbers[:, place].astype(str).tolist() for place in range(2000)}
    table["y"] = ["low" if value < 0 else "high" for value in numbers[:, 7]]
    model = fit(table, encoders={})
    assert len(model.schema.features()) == 2000
    assert model.predict(table).shape == (60,)


def test_a_wrong_name_among_hundreds_does_not_list_them_all(clean: Columns, fit: Fit, tmp_path: Path) -> None:
    wide = {**clean, **{f"c{place}": [f"{row * place}.5" for row in range(24)] for place in range(1, 200)}}
    model = fit(wide)
    pl.DataFrame(wide).write_csv(tmp_path / "t.csv")
    mistakes: tuple[Callable[[], object], ...] = (
        lambda: fit(wide, encoders={"nothing": "bow"}),
        lambda: fit(wide, "nothing"),
        lambda: fit(wide, ignore=["nothing"]),
        lambda: model.predict_table(wide, keep=["nothing"]),
        lambda: model.predict({"nothing": [1]}),
        lambda: fit([tmp_path / "t.csv", tmp_path / "t.csv"], join="nothing"),
    )
    for mistake in mistakes:
        with pytest.raises(ConsilienceError, match=r" and \d+ more") as caught:
            mistake()
        assert len(str(caught.value)) < 700
