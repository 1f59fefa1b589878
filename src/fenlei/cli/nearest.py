"""``fenlei nearest``: the words whose vectors are most alike."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, print_json, status, warn

if TYPE_CHECKING:
    from fenlei.vectors.word_vectors import Neighbour, WordVectors


@click.command("nearest")
@click.argument("vectors", metavar="VECTORS")
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--minus", multiple=True, metavar="WORD", help="Add the WORDs up and take this off; may be repeated.")
@click.option("--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many to show.")
@click.option("--picture", metavar="FILE.svg", help="Draw the WORDs and their neighbours, too.")
@json_option
def nearest_command(
    vectors: str, words: tuple[str, ...], minus: tuple[str, ...], top: int, picture: str | None, as_json: bool
) -> None:
    """Show the words nearest to each WORD, by the cosine of their vectors.

    VECTORS is a file of `fenlei vectors`, word2vec, GloVe or fastText. With --minus there is one answer, for
    the sum of the WORDs less the others.
    """
    from fenlei.vectors.formats import load_vectors

    if picture:
        _check_picture(picture)
    with status() as tell:
        tell(f"reading {vectors}")
        loaded = load_vectors(vectors)
    for warning in loaded.warnings:
        warn(warning)
    groups = [(words, minus)] if minus else [((word,), ()) for word in words]
    answers = [_answer(loaded, plus, less, top) for plus, less in groups]
    if picture:
        _draw(loaded, [*words, *minus], picture, top)
    if as_json:
        print_json(answers)
    else:
        click.echo("\n\n".join(map(_table, answers)))


def _check_picture(picture: str) -> None:
    from fenlei.exceptions import DataError
    from fenlei.persistence import refuse_inside_model

    path = Path(picture)
    if path.suffix.lower() != ".svg" or path.is_dir():
        raise DataError("the picture is one SVG file; name it *.svg", source=picture)
    if not path.parent.is_dir():
        raise DataError("its folder does not exist", source=picture)
    refuse_inside_model(path)


def _answer(vectors: WordVectors, plus: tuple[str, ...], minus: tuple[str, ...], top: int) -> dict[str, Any]:
    return {
        "plus": list(plus),
        "minus": list(minus),
        "nearest": [_plain(one) for one in vectors.nearest_to_sum(plus, minus, top)],
    }


def _plain(neighbour: Neighbour) -> dict[str, Any]:
    return {"word": neighbour.word, "similarity": round(neighbour.similarity, 6)}


def _draw(vectors: WordVectors, words: list[str], picture: str, top: int) -> None:
    from fenlei._atomic import atomic_file
    from fenlei.vectors.picture import draw_words

    svg = draw_words(vectors, words, neighbours=top)
    with atomic_file(Path(picture)) as file:
        file.write(svg.encode())


def _table(answer: dict[str, Any]) -> str:
    title = " + ".join(answer["plus"]) + "".join(f" - {word}" for word in answer["minus"])
    rows = [f"  {one['similarity']:.4f}  {one_line(one['word'])}" for one in answer["nearest"]]
    return "\n".join([one_line(title), *rows])
