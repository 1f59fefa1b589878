"""``fenlei score``: label a file of any size, in parts; a killed run is gone on with."""

from __future__ import annotations

from typing import Any

import click

from fenlei.cli._common import count_rows, json_option, one_line, print_json, progress, text_options


@click.command("score")
@click.argument("model", metavar="MODEL")
@click.argument("source", metavar="INPUT")
@click.option("--output", required=True, metavar="FILE.jsonl", help="Write here, a row for each text; also *.jsonl.gz.")
@click.option("--proba", is_flag=True, help="With the probability of every class.")
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="With the K likeliest classes.")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes that score; by default one a core, at most 4, for linear and folded models, none for others.",
)
@click.option("--restart", is_flag=True, help="Begin anew, whatever an interrupted run has left.")
@text_options
@json_option
def score_command(
    model: str,
    source: str,
    output: str,
    proba: bool,
    top: int | None,
    workers: int | None,
    restart: bool,
    as_json: bool,
    **columns: Any,
) -> None:
    """Label the texts of INPUT, however many, with the model in the folder MODEL.

    INPUT is a file, a folder, name:SET/SPLIT, or - for standard input. A run that was killed goes on
    where it was when the same command is given again; FILE is there when it is whole.
    """
    if output == "-":
        raise click.UsageError(
            "the output must be a file, by which a killed run can go on; `fenlei predict` writes to -"
        )
    from fenlei.scoring.score import score

    with progress("rows", count_rows(source)) as advance:
        scored = score(
            model, source, output,
            shown=None if proba else top or 0, restart=restart, workers=workers,
            advance=advance, message=_tell, **columns,
        )  # fmt: skip
    if as_json:
        print_json(scored.to_dict())
    else:
        click.echo(f"{scored.output}: {scored.rows:,} rows in {scored.seconds:,.1f} s")


def _tell(message: str) -> None:
    click.echo(f"fenlei: {one_line(message)}", err=True)
