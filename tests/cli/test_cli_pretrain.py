"""``consilience pretrain``: a folder that ``fit`` takes, and mistakes that are explained."""

from __future__ import annotations

import json
import random
from pathlib import Path

import polars as pl
import pytest
import torch

from consilience.core.errors import FolderError
from consilience.data.table import read_table
from consilience.encoders._own_folder import read_own
from consilience.pipeline.pretrain import pretrain_encoder
from consilience.testing.fakes import fake_column

WORDS = {"good": ["nice", "fine", "lovely", "kind"], "bad": ["poor", "broken", "awful", "rude"]}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def notes(number: int, seed: int) -> list[tuple[str, str]]:
    """label and a note whose words go together."""
    dice = random.Random(seed)
    labels = [("good", "bad")[row % 2] for row in range(number)]
    return [(label, " ".join(dice.choice(WORDS[label]) for _ in range(7))) for label in labels]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a person stands: train.csv with labels, more.csv without."""
    pl.DataFrame(notes(60, 1), schema=["label", "note"], orient="row").write_csv(tmp_path / "train.csv")
    pl.DataFrame({"note": [note for _, note in notes(60, 2)]}).write_csv(tmp_path / "more.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SHORT = ["--encoder", "gru{width: 16}", "--epochs", 2]


def test_from_unlabelled_rows_to_a_model(run, shop):
    done = run("pretrain", "train.csv", "more.csv", "--column", "note", *SHORT, "--out", "encoder", "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["encoder"], facts["objective"]) == ("text/gru", "mlm")
    assert facts["rows"] + facts["held_out"] == 120
    assert len(facts["losses"]) == 2
    assert set(facts["baseline"]) == {"loss", "accuracy"}
    assert {path.name for path in (shop / "encoder").iterdir()} == {"encoder.json", "weights.safetensors", "MANIFEST.json"}
    assert read_own("encoder").settings["tokens"] == "sequence"
    fitted = run("fit", "train.csv", "--target", "label", "--encoder", "note=encoder/", "--learner", "linear", "--out", "model", "--json", "--quiet")
    assert fitted.exit_code == 0, fitted.stderr
    predicted = run("predict", "model", "more.csv", "--out", "preds.csv", "--quiet")
    assert predicted.exit_code == 0, predicted.stderr
    found = pl.read_csv("preds.csv")["prediction"].to_list()
    expected = [label for label, _ in notes(60, 2)]
    assert sum(a == b for a, b in zip(found, expected, strict=True)) > 50
    (shop / "encoder" / "encoder.json").write_text("{}")
    again = run("predict", "model", "more.csv", "--out", "preds.csv", "--quiet")
    assert again.exit_code == 2
    assert "not as it was written" in again.stderr


def test_it_says_what_it_reached(run, shop):
    done = run("pretrain", "train.csv", "--column", "note", *SHORT, "--out", "encoder")
    assert done.exit_code == 0, done.stderr
    assert "54 cells learned, 6 held out" in done.stdout
    assert "how often words stand gives" in done.stdout
    assert "--encoder note=encoder/" in done.stdout
    assert done.stderr.count("held-out loss") == 2


def test_the_target_is_not_read(run, shop):
    unread = pl.read_csv("train.csv").with_columns(label=pl.lit("?"))
    unread.write_csv("other.csv")
    for table in ("train", "other"):
        assert run("pretrain", f"{table}.csv", "--column", "note", *SHORT, "--out", table, "--quiet").exit_code == 0
    assert read_own("train").digest == read_own("other").digest


def test_two_columns_give_two_encoders(run, shop):
    table = pl.read_csv("train.csv")
    pictures = fake_column("image", 60, folder=shop / "pictures")
    table.with_columns(picture=pictures).write_csv("pairs.csv")
    options = ["--encoder", "note=gru{width: 16}", "--encoder", "picture=cnn{width: 8, size: 16}", "--epochs", 1, "--quiet", "--json"]
    done = run("pretrain", "pairs.csv", "--column", "picture", "--with", "note", *options, "--out", "encoder")
    assert done.exit_code == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["objective"] == "contrastive"
    assert facts["rows"] + facts["held_out"] == table.height - pictures.null_count()
    assert [read_own(f"encoder{inner}").key for inner in ("", "/with")] == ["image/cnn", "text/gru"]
    (shop / "pictures" / "picture_5.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    (shop / "pictures" / "picture_6.png").write_bytes(b"\x89PNG\r\n\x1a\n broken too")
    again = run("pretrain", "pairs.csv", "--column", "picture", "--encoder", "cnn{width: 8, size: 16}", "--epochs", 1, "--json", "--out", "encoder")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["unreadable"] == 2
    assert "cannot be read, and are left out" in again.stderr
    assert not (shop / "encoder" / "with").exists()


def test_an_older_encoder_stays_until_the_new_one_is_whole(shop, monkeypatch):
    table = read_table("train.csv")
    pretrain_encoder(table, "note", out="encoder", epochs=1)
    before = read_own("encoder").digest

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("consilience.pipeline.pretrain.write_own", fails)
        with pytest.raises(FolderError, match="cannot be written"):
            pretrain_encoder(table, "note", out="encoder", epochs=1, seed=1)
    assert read_own("encoder").digest == before
    pretrain_encoder(table, "note", out="encoder", epochs=1, seed=1)
    assert read_own("encoder").digest != before
    assert [path.name for path in shop.iterdir() if "encoder" in path.name] == ["encoder"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--column", "nite"], "Did you mean 'note'"),
        (["--column", "label"], "encoders are pretrained for"),
        (["--column", "note", "--objective", "masked"], "how to rebuild"),
        (["--column", "note", "--encoder", "bow"], "not trained"),
        (["--column", "note", "--encoder", "gruu"], "Did you mean 'text/gru'"),
        (["--column", "note", "--encoder", "image/cnn"], "not for text columns"),
        (["--column", "note", "--encoder", "gru+lstm"], "Name one encoder"),
        (["--column", "note", "--encoder", "other=gru"], "Name one encoder"),
        (["--column", "note", "--with", "label", "--kind", "label=text", "--objective", "mlm"], "--with names a second one"),
        (["--column", "note", "--kind", "note=image"], "20 at least"),
        (["--column", "note", "--column", "label", "--kind", "label=text"], "not channels of one thing"),
    ],
)
def test_mistakes_are_explained(run, shop, words, said):
    done = run("pretrain", "train.csv", *words, "--epochs", 1, "--out", "encoder", "--quiet")
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert not (shop / "encoder").exists()


def test_what_is_no_encoder_is_not_replaced(run, shop):
    (shop / "mine").mkdir()
    (shop / "mine" / "notes.txt").write_text("mine")
    done = run("pretrain", "train.csv", "--column", "note", "--epochs", 1, "--out", "mine")
    assert done.exit_code == 2
    assert "no pretrained encoder" in done.stderr
    assert (shop / "mine" / "notes.txt").read_text() == "mine"
