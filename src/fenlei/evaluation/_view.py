"""The measurements as the rows, cells and sentences that the report's template prints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fenlei.evaluation._errors import WrongAnswer
from fenlei.evaluation._text import printable
from fenlei.evaluation.evaluation import Evaluation

MATRIX_CLASSES = 60
_SHADES = 9
_CUT, _MOST_TEXT = 240, 5000
_MEASURES = ("accuracy", "f1", "valid_accuracy", "valid_f1", "eval_accuracy", "eval_f1")


class Cell(NamedTuple):
    """A cell of the confusion matrix: how many texts, and the style class of its shade."""

    texts: int
    shade: str
    percent: str


class Confusion(NamedTuple):
    """A pair of classes that the model mixes up."""

    true: str
    given: str
    times: int
    share: float


class ErrorView(NamedTuple):
    """A wrong answer, its text cut in a beginning and the rest."""

    answer: WrongAnswer
    beginning: str
    text: str
    left_out: int


class Lines(NamedTuple):
    """Values over training: the name of the chart, what x is, and one list of values a line."""

    name: str
    x_name: str
    x: list[float]
    series: dict[str, list[float | None]]
    log: bool = False


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share as a percentage, a dash for None.

    Examples
    --------
    >>> percent(0.9345), percent(1.0), percent(None)
    ('93.5%', '100.0%', '–')
    """
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def number(value: float | None, digits: int = 3) -> str:
    """Write a number with a fixed number of digits, a dash for None."""
    return "–" if value is None else f"{value:.{digits}f}"


def bounds(interval: Sequence[float] | None) -> str:
    """Write an interval of shares.

    Examples
    --------
    >>> bounds((0.929, 0.9391))
    '92.9–93.9%'
    """
    return "–" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}%"


def confusions(evaluation: Evaluation, most: int = 10) -> list[Confusion]:
    """List the most frequent pairs of true and given class, single-label only."""
    if evaluation.multi_label:
        return []
    matrix = evaluation.confusion * (1 - np.eye(len(evaluation.classes), dtype=np.int64))
    order = np.argsort(-matrix, axis=None, kind="stable")[:most]
    names, support = evaluation.classes, evaluation.confusion.sum(axis=1)
    pairs = [(int(cell) // len(matrix), int(cell) % len(matrix)) for cell in order]
    return [
        Confusion(names[i], names[j], int(matrix[i, j]), float(matrix[i, j] / support[i]))
        for i, j in pairs
        if matrix[i, j]
    ]


def matrix_classes(evaluation: Evaluation) -> list[int]:
    """Columns of the classes that the matrix shows: those with the most mistakes where they are many."""
    mistakes = evaluation.confusion.sum(axis=0) + evaluation.confusion.sum(axis=1)
    mistakes = mistakes - 2 * np.diag(evaluation.confusion)
    if len(mistakes) <= MATRIX_CLASSES:
        return list(range(len(mistakes)))
    return sorted(np.argsort(-mistakes, kind="stable")[:MATRIX_CLASSES].tolist())


def matrix_rows(evaluation: Evaluation, chosen: Sequence[int]) -> list[tuple[str, list[Cell]]]:
    """Give the label and the cells of each row."""
    support = evaluation.confusion.sum(axis=1)
    return [
        (
            evaluation.classes[i],
            [_cell(int(evaluation.confusion[i, j]), int(support[i]), i == j) for j in chosen],
        )
        for i in chosen
    ]


def _cell(count: int, support: int, right: bool) -> Cell:
    share = count / support if support else 0.0
    shade = round(_SHADES * (share if right else share**0.6))  # mistakes are rare: lift the small shares
    return Cell(count, f"{'r' if right else 'x'}{shade}", percent(share))


def weakest(evaluation: Evaluation) -> str | None:
    """Return the class of the lowest F1 among those the test data have."""
    tested = {label: c.f1 for label, c in evaluation.per_class.items() if c.support and c.f1 is not None}
    return min(tested, key=lambda label: tested[label] or 0.0) if len(tested) > 1 else None


def error_view(answer: WrongAnswer) -> ErrorView:
    """Cut the text of a wrong answer for the page."""
    text = printable(answer.text[:_MOST_TEXT])
    cut = len(text) > _CUT + 40
    return ErrorView(answer, text[:_CUT] if cut else "", text, max(0, len(answer.text) - _MOST_TEXT))


def setting(value: object) -> str:
    """Write a setting as a person would type it."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def visible_spaces(ngram: str) -> str:
    """Show the spaces of an n-gram."""
    return printable(ngram).replace(" ", "␣")


def learning_lines(points: Sequence[Mapping[str, float]]) -> list[Lines]:
    """Give the chart of a learning curve, none where there are no points."""
    ordered = sorted(points, key=lambda point: point["n"])
    series = _series(ordered, lambda name: name.startswith(("accuracy", "f1")))
    x = [float(point["n"]) for point in ordered]
    return [Lines("learning", "training texts", x, series, log=True)] if series else []


def history_lines(points: Sequence[Mapping[str, float]]) -> list[Lines]:
    """Give the charts of a training history: losses apart from the other measures."""
    x = [float(point.get("epoch", position)) for position, point in enumerate(points, start=1)]
    kinds = {
        "losses": _series(points, lambda name: "loss" in name),
        "measures": _series(points, lambda name: name.startswith(_MEASURES)),
    }
    return [Lines(kind, "epoch", x, series) for kind, series in kinds.items() if series]


def _series(points: Sequence[Mapping[str, float]], wanted: Callable[[str], bool]) -> dict[str, list[float | None]]:
    """Collect the numbers of each wanted key; None where a point lacks it."""
    names = dict.fromkeys(name for point in points for name in point if wanted(name))
    found = {name: [_number_or_none(point.get(name)) for point in points] for name in names}
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


def _number_or_none(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
