"""An encoder of your own, from a table without labels."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from consilience.cli._options import COLUMNS, RUN, Json, Kinds, Quiet
from consilience.cli._output import check_place, counted, number, print_json, work
from consilience.cli._pairs import parse_pairs

__all__ = ["command"]

PANEL, ORDER = "Make a model", 25


class Objective(str, Enum):
    """What the encoder learns to do."""

    autoencoder = "autoencoder"
    masked = "masked"
    mlm = "mlm"
    contrastive = "contrastive"


def command(
    tables: Annotated[
        list[str], typer.Argument(metavar="TABLES", help="csv, tsv, jsonl, parquet, arrow or xlsx; the rows of all.", show_default=False)
    ],
    column: Annotated[
        list[str],
        typer.Option(
            "--column", metavar="COL", help="Column whose cells it learns from; repeat it for the channels of one sensor.", show_default=False
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder of the encoder; an older encoder there is replaced.", show_default=False)],
    objective: Annotated[
        Objective | None,
        typer.Option("--objective", metavar="NAME", help="autoencoder, masked, mlm or contrastive; what suits the column unless said."),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            "--encoder",
            metavar="[COL=]NAME",
            help="Encoder to train; unless said the one that fit would train. May be repeated.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    beside: Annotated[
        str | None,
        typer.Option("--with", metavar="COL", help="Second column: whose cells stand in the same row is learned.", rich_help_panel=COLUMNS),
    ] = None,
    kind: Kinds = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="Rounds through all cells, at most.", rich_help_panel=RUN)
    ] = None,
    time_limit: Annotated[float | None, typer.Option("--time-limit", metavar="S", help="Seconds for all of it.", rich_help_panel=RUN)] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Same seed, same machine: same weights.", rich_help_panel=RUN)] = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train an encoder on a column's cells; no label is needed, and none is read.

    A tenth of the cells is held out and judged after every epoch. fit takes the encoder by its folder.

    \b
    consilience pretrain clips.csv --column audio --out encoder/
    consilience pretrain a.csv b.csv --column note --encoder gru --out encoder/
    consilience pretrain pairs.csv --column image --with sentence --out encoder/
    consilience fit train.csv --target label --encoder audio=encoder/
    """
    kinds = parse_pairs("--kind", kind or (), "KIND", last=True)
    check_place(out)
    with work(quiet) as progress:
        from consilience.data.table import read_table
        from consilience.pipeline.pretrain import check_encoder_place, pretrain_encoder

        check_encoder_place(_path(out))
        names = [*column, *([beside] if beside is not None else [])]
        chosen = _encoders(encoder or (), names)
        facts = pretrain_encoder(
            [read_table(table) for table in tables],
            column,
            out=out,
            objective=objective.value if objective else None,
            encoder=chosen.get(column[0]),
            beside=beside,
            beside_encoder=chosen.get(beside) if beside is not None else None,
            kinds=kinds,
            epochs=epochs,
            time_limit=time_limit,
            seed=seed,
            progress=progress,
        )
    if json:
        print_json(facts)
        return
    _show(facts)


def _path(text: str) -> Any:
    from pathlib import Path

    return Path(text)


def _encoders(texts: Any, columns: list[str]) -> dict[str, Any]:
    """Column to the encoder that a person named for it; without a column it is for the first."""
    from consilience.core.errors import UsageError
    from consilience.pipeline.recipe import parse_encoder

    pairs = parse_pairs("--encoder", (text if _named(text, columns) else f"{columns[0]}={text}" for text in texts), "NAME", known=columns)
    found = {}
    for column, text in pairs.items():
        choices = parse_encoder(text)
        if column not in columns or len(choices) != 1:
            raise UsageError(f"--encoder {column}={text} cannot be used.", hint=f"Name one encoder for {' or '.join(dict.fromkeys(columns))}.")
        found[column] = choices[0]
    return found


def _named(text: str, columns: list[str]) -> bool:
    """True if a column stands before the name."""
    return any(text.startswith(f"{column}=") for column in columns) or "=" in text.partition("{")[0]


def _show(facts: dict[str, Any]) -> None:
    reached, baseline = facts["reached"], facts["baseline"]
    typer.echo(
        f"{facts['encoder']}, {facts['objective']}: {counted(facts['rows'], 'cell')} learned, {facts['held_out']:,} held out, "
        f"epoch {facts['best_epoch']} of {facts['epochs']} kept."
    )
    knowing = {"mlm": "how often words stand", "contrastive": "guessing"}.get(facts["objective"], "predicting the mean")
    typer.echo(f"Held-out loss {number(reached['loss'])}; {knowing} gives {number(baseline['loss'])}.")
    if "accuracy" in reached:
        typer.echo(f"Right in {reached['accuracy']:.1%}; {knowing} gives {baseline['accuracy']:.1%}.")
    if reached["loss"] >= baseline["loss"]:
        typer.echo("It learned nothing that holds for other cells: more cells, or another objective.")
    if facts["unreadable"]:
        typer.echo(f"Left out because they cannot be read: {counted(facts['unreadable'], 'cell')}.")
    place = facts["folder"] if facts["folder"].endswith("/") else f"{facts['folder']}/"
    column = facts["column"] if isinstance(facts["column"], str) else facts["encoder"].partition("/")[0]
    typer.echo(f"Written to {place} Use it with: consilience fit TABLE --target COL --encoder {column}={place}")
    if facts["with"] is not None:
        typer.echo(f"The encoder of {facts['with']} is in {place}with/.")
