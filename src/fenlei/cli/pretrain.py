"""``fenlei pretrain``: an encoder or a decoder from unlabelled texts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, print_json, status, text_options
from fenlei.cli._corpus import corpus_texts, other_settings

if TYPE_CHECKING:
    from fenlei.pretrain.result import Pretrained

_OWN_OPTIONS = ("objective", "tokenizer", "encoder", "seed")
_SECONDS = 30.0  # between lines, where there is no terminal


@click.command("pretrain")
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--out", metavar="DIR", required=True, help="Folder of the result; must not be there yet.")
@click.option("--objective", default="masked", show_default=True, help="masked (BERT) or next-token (GPT).")
@click.option("--tokenizer", metavar="NAME", help="wordpiece, bpe or unigram.  [default: wordpiece]")
@click.option("--encoder", metavar="NAME", help="Checkpoint to go on from: a folder, a packaged or a hub's name.")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Any other setting; may be repeated.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted pretraining.")
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(0),
    metavar="SECONDS",
    default=120.0,
    show_default=True,
    help="How often a checkpoint is written.",
)
@click.option("--seed", type=int, default=13, show_default=True, help="Of everything random.")
@text_options
@json_option
def pretrain_command(
    corpus: tuple[str, ...],
    out: str,
    pairs: tuple[str, ...],
    resume: bool,
    checkpoint_every: float,
    as_json: bool,
    text: str | None,
    encoding: str | None,
    format: str | None,  # noqa: A002
    delimiter: str | None,
    **options: Any,
) -> None:
    """Pretrain a language model on the texts of one CORPUS or several.

    A CORPUS is a text a line (.txt, .txt.gz), any other file that fenlei reads, a folder, or - for standard
    input. Labels in it are ignored.
    """
    from fenlei._optional import require
    from fenlei.pretrain.settings import PretrainSettings

    settings = {name: value for name, value in options.items() if value is not None} | other_settings(
        pairs, _OWN_OPTIONS
    )
    PretrainSettings.of(settings)
    for package in ("torch", "transformers", "tokenizers", "accelerate"):
        require(package, extra="neural")
    from fenlei.pretrain.run import pretrain

    columns = {"text": text, "encoding": encoding, "format": format, "delimiter": delimiter}
    try:
        with _tellers() as (progress, message):
            made = pretrain(
                corpus_texts(corpus, columns), out, resume=resume, checkpoint_every=checkpoint_every, progress=progress,
                message=message, **settings,
            )  # fmt: skip
    except KeyboardInterrupt:
        _tell_how_to_go_on(out)
        raise
    if as_json:
        print_json(made.to_dict())
    else:
        _show(made)


@contextmanager
def _tellers() -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Show what is being done on standard error: always the last of it on a terminal, else a line now and then."""
    last = [time.monotonic()]
    with status() as shown:

        def progress(what: str) -> None:
            shown(what)
            if not sys.stderr.isatty() and time.monotonic() - last[0] >= _SECONDS:
                message(what)

        def message(what: str) -> None:
            last[0] = time.monotonic()
            click.echo(f"fenlei: {one_line(what)}", err=True)

        yield progress, message


def _tell_how_to_go_on(out: str) -> None:
    from fenlei.pretrain.workplace import Workplace

    folder = Workplace(Path(out)).folder
    if folder.is_dir():
        place = one_line(str(folder))
        click.echo(f"fenlei: what was done is in {place}; add --resume to the command to go on", err=True)


def _show(made: Pretrained) -> None:
    from fenlei.pretrain.learning import accuracies

    last, counts = made.history[-1], made.counts
    told = accuracies(last, is_masked=made.settings.is_masked)
    rows = [
        ("encoder", one_line(str(made.folder))),
        ("weights", f"{made.parameters:,}"),
        ("corpus", f"{counts.texts:,} texts, {counts.tokens:,} tokens, {counts.sequences:,} sequences"),
        ("training", f"{made.steps:,} steps, {made.seconds:,.0f} seconds in all"),
        ("held out", f"perplexity {last['perplexity']:,.1f}, {told}"),
    ]
    click.echo("\n".join(f"{name:<10}{value}" for name, value in rows))
    for sample in made.samples:
        click.echo(one_line(f"{sample['text']}  ->  {' | '.join(sample['fillings'])}  (was: {sample['hidden']})"))
