"""Words in the plane: their vectors seen from the side that shows the most of them."""

from __future__ import annotations

import io
import re
import unicodedata
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fenlei.exceptions import DataError, SettingError
from fenlei.features._types import F32
from fenlei.vectors.word_vectors import WordVectors

_INK, _COLOURS = "#222222", ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_FONTS = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "fenlei", "text.parse_math": False, "axes.unicode_minus": False}
_WIDTH, _HEIGHT, _SIZE = 8.0, 6.0, 9.5  # inches, inches, points
_MARGIN = 0.08
_MOST_WORDS = 300


class _Box(NamedTuple):
    """What a label covers, in points."""

    left: float
    bottom: float
    right: float
    top: float

    def overlap(self, other: _Box) -> float:
        """Area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)


def plane(matrix: F32) -> F32:
    """Project vectors onto the two directions in which they differ most (principal components).

    Examples
    --------
    >>> import numpy as np
    >>> plane(np.array([[3, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]], np.float32)).shape
    (4, 2)
    """
    centred = matrix - matrix.mean(axis=0)
    left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    points = np.zeros((len(matrix), 2), np.float32)
    found = (left * sizes)[:, :2]
    signs = np.where(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])] < 0, -1, 1)  # the same every time
    points[:, : found.shape[1]] = found * signs
    return points


def draw_words(vectors: WordVectors, words: Sequence[str], *, neighbours: int = 8) -> str:
    """Draw words and their nearest neighbours, each word and its neighbours in one colour.

    The vectors are brought to length 1 first, since it is their direction that the neighbours are chosen by.

    Parameters
    ----------
    vectors : WordVectors
    words : sequence of str
    neighbours : int, default=8
        Of each word; a neighbour of several goes with the first of them.

    Returns
    -------
    str
        A whole SVG file. Text is text in it, drawn with the fonts of whoever looks at it.

    Raises
    ------
    UnknownWordError
        When there is no vector of a word.
    """
    groups = {word: number for number, word in enumerate(dict.fromkeys(words))}
    if not groups or len(groups) * (neighbours + 1) > _MOST_WORDS:
        raise SettingError(f"a picture shows from 1 to {_MOST_WORDS} words; got {len(groups) * (neighbours + 1)}")
    chosen = len(groups)
    for word in list(groups):
        for near in vectors.nearest(word, neighbours) if neighbours else []:
            groups.setdefault(near.word, groups[word])
    if len(groups) < 2:
        raise DataError("a picture needs two words; draw more of them, or their neighbours")
    matrix = np.stack([vectors[word] for word in groups])
    points = plane(matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12))
    return _draw([_visible(word) for word in groups], points, list(groups.values()), chosen)


def _draw(labels: list[str], points: F32, groups: list[int], chosen: int) -> str:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    page = np.array([_WIDTH, _HEIGHT]) * 72
    spread = np.maximum(np.ptp(points, axis=0), 1e-9)
    at = (points - points.min(axis=0)) / spread * page * (1 - 2 * _MARGIN) + page * _MARGIN
    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, page[0]), ylim=(0, page[1]))
        axes.set_axis_off()
        colours = [_COLOURS[group % len(_COLOURS)] for group in groups]
        axes.scatter(at[:, 0], at[:, 1], s=[40 if i < chosen else 12 for i in range(len(at))], c=colours, linewidths=0)
        for number, (label, box) in enumerate(
            zip(labels, place_labels(labels, at.tolist(), page.tolist()), strict=True)
        ):
            weight = "bold" if number < chosen else "normal"
            axes.text(box.left, box.bottom, label, fontsize=_SIZE, color=_INK, weight=weight, va="bottom")
        return _to_svg(figure, ", ".join(labels[:chosen]))


def place_labels(labels: Sequence[str], points: Sequence[Sequence[float]], page: Sequence[float]) -> list[_Box]:
    """Find a place beside its point for each label, where it covers the least of the points and labels before it.

    Examples
    --------
    >>> first, second = place_labels(["好", "好"], [(50, 50), (52, 50)], (200, 100))
    >>> first.overlap(second)
    0.0
    """
    taken = [_Box(x - 3, y - 3, x + 3, y + 3) for x, y in points]
    inside = _Box(0, 0, page[0], page[1])
    boxes: list[_Box] = []
    for label, (x, y) in zip(labels, points, strict=True):
        width, height = _width(label) * _SIZE, 1.3 * _SIZE
        places = [
            _Box(left, bottom, left + width, bottom + height)
            for away in (5, 14, 24)
            for left, bottom in _around(x, y, width, height, away)
        ]
        costs = [sum(map(place.overlap, taken)) + 4 * (width * height - place.overlap(inside)) for place in places]
        boxes.append(places[int(np.argmin(np.round(costs, 3)))])
        taken.append(boxes[-1])
    return boxes


def _around(x: float, y: float, width: float, height: float, away: float) -> list[tuple[float, float]]:
    """Places right, left, above, below and at the corners of a point."""
    columns, rows = (x + away, x - away - width, x - width / 2), (y - height / 2, y + away, y - away - height)
    right, left, middle = columns
    level, above, below = rows
    return [
        (right, level), (left, level), (middle, above), (middle, below),
        (right, above), (left, above), (right, below), (left, below),
    ]  # fmt: skip


def _width(label: str) -> float:
    """Width in heights of the font: Chinese characters are as wide as high."""
    return sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.6 for letter in label)


def _visible(word: str) -> str:
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in word)
    return shown if len(shown) <= 24 else f"{shown[:23]}…"


def _to_svg(figure: object, title: str) -> str:
    stream = io.StringIO()
    with warnings.catch_warnings():  # matplotlib measures text with its own font, which lacks most scripts
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Title": title})  # type: ignore[attr-defined]
    svg = stream.getvalue()
    return re.sub(r"(font(?:-family)?: [^;\"]*?)'?DejaVu Sans'?[^;\"]*", rf"\g<1>{_FONTS}", svg)
