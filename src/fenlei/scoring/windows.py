"""Cut a stream of texts into windows, and score each with its texts in order of length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from fenlei.base import Floats, TextClassifier

WINDOW_ROWS, WINDOW_CHARACTERS = 16_384, 4_000_000
"""What a window holds at most: enough to make batches of about equal lengths, little beside a model."""


def windows(
    texts: Iterable[str], *, rows: int = WINDOW_ROWS, characters: int = WINDOW_CHARACTERS
) -> Iterator[list[str]]:
    """Cut texts into lists of at most so many rows, which end with the text that fills them to so many characters.

    Where the cuts fall depends on the texts alone, so they are the same whenever the same file is read.

    Examples
    --------
    >>> list(windows(["a", "b", "c", "long", "d"], rows=2, characters=4))
    [['a', 'b'], ['c', 'long'], ['d']]
    """
    window: list[str] = []
    room = characters
    for text in texts:
        window.append(text)
        room -= len(text)
        if len(window) == rows or room <= 0:
            yield window
            window, room = [], characters
    if window:
        yield window


def score_window(model: TextClassifier, texts: list[str]) -> Floats:
    """Give the probabilities of the texts, in their order, scored longest first.

    Texts of about one length waste no padding when a network takes them together, and the longest come first so that
    what does not fit into memory fails at once.

    Returns
    -------
    array of shape (n_texts, n_classes)
    """
    order = np.argsort([-len(text) for text in texts], kind="stable")
    scores = np.empty((len(texts), len(model.classes_)))
    scores[order] = model.predict_proba([texts[i] for i in order.tolist()])
    return scores
