"""``fenlei vectors``: train word vectors on a corpus."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, print_json, status, text_options
from fenlei.cli._corpus import corpus_texts, other_settings
from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from fenlei.vectors.word_vectors import WordVectors

_STDIN = "-"
_OWN_OPTIONS = ("method", "dim", "window", "min_count", "epochs", "segmenter", "seed", "threads")


@click.command("vectors")
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@click.option("--out", metavar="FILE", help="Where they go.  [default: CORPUS-METHOD.safetensors]")
@click.option("--method", default="skipgram", show_default=True, help="skipgram, cbow, glove or fasttext.")
@click.option("--dim", type=int, default=100, show_default=True, help="Length of a vector.")
@click.option("--window", type=int, default=5, show_default=True, help="Neighbours to each side.")
@click.option("--min-count", type=int, default=5, show_default=True, help="Leave out rarer tokens.")
@click.option("--epochs", type=int, help="Passes over the corpus.  [default: by its size]")
@click.option("--segmenter", help="How texts are cut.  [default: characters of Chinese, words of others]")
@click.option("--seed", type=int, default=13, show_default=True, help="Of everything random.")
@click.option("--threads", type=int, help="1 for vectors that come out the same again.  [default: all cores]")
@click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="Any other setting; may be repeated.")
@text_options
@json_option
def vectors_command(
    corpus: tuple[str, ...],
    out: str | None,
    pairs: tuple[str, ...],
    as_json: bool,
    text: str | None,
    encoding: str | None,
    format: str | None,  # noqa: A002
    delimiter: str | None,
    **options: Any,
) -> None:
    """Train word vectors on the texts of one CORPUS or several.

    A CORPUS is a text a line (.txt, .txt.gz), any other file that fenlei reads, a folder, or - for standard
    input. Labels in it are ignored.
    """
    from fenlei.train.run import nested
    from fenlei.vectors.formats import save_vectors
    from fenlei.vectors.settings import VectorSettings
    from fenlei.vectors.training import train_vectors

    settings = options | nested(other_settings(pairs, _OWN_OPTIONS))
    VectorSettings.of(settings)
    target = _check_target(out or _default_name(corpus[0], settings["method"]), corpus)
    columns = {"text": text, "encoding": encoding, "format": format, "delimiter": delimiter}
    start = time.perf_counter()
    with status() as tell:
        vectors = train_vectors(corpus_texts(corpus, columns), progress=tell, **settings)
    save_vectors(vectors, target)
    seconds = round(time.perf_counter() - start, 3)
    if as_json:
        print_json({"vectors": str(target), "tokens": len(vectors), "seconds": seconds, "info": vectors.info})
    else:
        _show(vectors, target, seconds)


def _default_name(corpus: str, method: str) -> str:
    last = Path("corpus" if corpus == _STDIN else corpus.removeprefix("name:")).name
    return f"{last.partition('.')[0] or 'corpus'}-{method}.safetensors"


def _check_target(out: str, corpus: tuple[str, ...]) -> Path:
    """Refuse a place that would harm other files, or cannot be written, before the work."""
    from fenlei.persistence import refuse_inside_model
    from fenlei.vectors.formats import check_target

    target = check_target(out)
    refuse_inside_model(target)
    for name in corpus:
        if name != _STDIN and target.exists() and Path(name).exists() and target.samefile(name):
            raise DataError("is a corpus that is read; write the vectors elsewhere", source=out)
    return target


def _show(vectors: WordVectors, target: Path, seconds: float) -> None:
    facts = vectors.info["corpus"]
    epochs = f"{vectors.info['epochs']} epochs"
    rows = [
        ("vectors", f"{len(vectors):,} tokens, {vectors.dim} dimensions"),
        ("method", f"{vectors.info['method']}, {epochs}, window {vectors.info['window']}"),
        ("corpus", f"{facts['texts']:,} texts, {facts['tokens']:,} tokens, {_share(facts)} kept"),
        ("seconds", f"{seconds:,.1f}"),
        ("file", one_line(f"{target}, {target.stat().st_size / 1e6:,.1f} MB")),
    ]
    click.echo("\n".join(f"{name:<9}{value}" for name, value in rows))


def _share(facts: dict[str, int]) -> str:
    return f"{facts['tokens_kept'] / max(1, facts['tokens']):.1%}"
