"""``fenlei analogy``: a is to b as c is to what, for one question or a file of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import json_option, one_line, print_json, status, warn

if TYPE_CHECKING:
    from fenlei.vectors.analogies import Score
    from fenlei.vectors.word_vectors import WordVectors


@click.command("analogy")
@click.argument("vectors", metavar="VECTORS")
@click.argument("words", nargs=-1, metavar="[A B C]")
@click.option("--questions", metavar="FILE", help="Four words a line, under lines ': section'.")
@click.option("--top", type=click.IntRange(min=1), default=5, show_default=True, help="Answers to A B C to show.")
@json_option
def analogy_command(vectors: str, words: tuple[str, ...], questions: str | None, top: int, as_json: bool) -> None:
    """Find what is to C as B is to A; or count how many questions of a FILE are answered right.

    Questions with a word that has no vector are counted apart.
    """
    if bool(words) == bool(questions) or (words and len(words) != 3):
        raise click.UsageError("give three words A B C, or --questions FILE")
    from fenlei.vectors.analogies import answer, read_questions
    from fenlei.vectors.formats import load_vectors

    sections = read_questions(questions) if questions else []
    with status() as tell:
        tell(f"reading {vectors}")
        loaded = load_vectors(vectors)
        tell("answering")
        scores = answer(loaded, sections)
    for warning in loaded.warnings:
        warn(warning)
    if sections:
        _show_scores(scores, as_json=as_json)
    else:
        _show_answers(loaded, words, top, as_json=as_json)


def _show_answers(vectors: WordVectors, words: tuple[str, ...], top: int, *, as_json: bool) -> None:
    a, b, c = words
    found = vectors.analogy(a, b, c, top)
    if as_json:
        answers = [{"word": one.word, "similarity": round(one.similarity, 6)} for one in found]
        print_json({"a": a, "b": b, "c": c, "answers": answers})
        return
    rows = [f"  {one.similarity:.4f}  {one_line(one.word)}" for one in found]
    click.echo("\n".join([one_line(f"{a} : {b} = {c} : ?"), *rows]))


def _show_scores(scores: list[Score], *, as_json: bool) -> None:
    from fenlei.vectors.analogies import Score

    total = Score("total", *(sum(counts) for counts in zip(*(score[1:] for score in scores), strict=True)))
    if as_json:
        print_json({"sections": [_plain(score) for score in scores], "total": _plain(total)})
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("section", overflow="fold")
    for column in ("accuracy", "right", "questions", "with an unknown word"):
        table.add_column(column, justify="right", no_wrap=True)
    for score in (*scores, total):
        accuracy = "-" if score.accuracy is None else f"{score.accuracy:.1%}"
        counts = (f"{count:,}" for count in (score.n_right, score.n, score.n_unknown))
        table.add_row(Text(one_line(score.name) or "-"), accuracy, *counts)
    Console().print(table)


def _plain(score: Score) -> dict[str, Any]:
    return {**score._asdict(), "accuracy": score.accuracy}
