"""What methods have in common that train: a trained model is the teacher, whose answers a smaller one learns."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fenlei._checks import check_value
from fenlei.engine.recipe import Progress, Run
from fenlei.targets import encode

if TYPE_CHECKING:
    from fenlei.base import Floats, TextClassifier

Labelled = tuple[Sequence[str], Any]
"""Texts and their labels."""
_ASKED = 1024  # texts at a time, between which the progress is told


@dataclass(frozen=True)
class Lesson:
    """Texts and what to answer to them.

    Attributes
    ----------
    texts : list of str
    probabilities : array of shape (n_texts, n_classes)
    """

    texts: list[str]
    probabilities: Floats


def make_lesson(
    teacher: TextClassifier, train: Labelled | None, texts: Sequence[str] = (), *, truth: float = 0.0,
    run: Run | None = None,
) -> Lesson:  # fmt: skip
    r"""Let a teacher answer to texts, and mix its answers with the labels where there are any.

    .. math:: q = \lambda y + (1 - \lambda) p

    for a text of label y, to which the teacher answers p; q = p for others.

    Parameters
    ----------
    teacher : TextClassifier
    train : (texts, labels) or None
    texts : sequence of str
        More texts, without labels.
    truth : float, default=0.0
        The share of the label, 0 to 1.
    run : Run, optional
        Told how far the teacher is.

    Raises
    ------
    SettingError
        When `truth` is no share.
    DataError
        When a label is none of the teacher's classes.

    Examples
    --------
    >>> import fenlei
    >>> teacher = fenlei.TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> make_lesson(teacher, (["好"], ["bad"]), ["差"], truth=1.0).probabilities[0].tolist()
    [1.0, 0.0]
    """
    check_truth(truth)
    labelled = [] if train is None else list(train[0])
    known = None
    if train is not None and truth:  # before the teacher is asked: a label may be none of its classes
        known = encode(train[1], teacher.classes_, teacher.multi_label_).indicator
    found = _answers(teacher, [*labelled, *texts], run or Run())
    if known is not None:
        found[: len(labelled)] = truth * known + (1 - truth) * found[: len(labelled)]
    return Lesson([*labelled, *texts], found)


def check_truth(truth: Any) -> None:
    """Refuse what is no share of the label."""
    check_value("truth", truth, least=0, most=1)


def _answers(teacher: TextClassifier, texts: list[str], run: Run) -> Floats:
    begun = time.monotonic()
    parts = [np.empty((0, len(teacher.classes_)))]
    for done in range(0, len(texts), _ASKED):
        parts.append(teacher.predict_proba(texts[done : done + _ASKED]))
        run.progress(told(min(done + _ASKED, len(texts)), len(texts), begun, "texts through the teacher"))
    return np.concatenate(parts)


def told(done: int, total: int, begun: float, what: str) -> Progress:
    """Say how far some work is that comes before a training, and how long it will take at this speed.

    Parameters
    ----------
    done, total : int
        Parts of the work; at least one is done.
    begun : float
        When it began, by `time.monotonic`.
    what : str
        What is counted.
    """
    left = (time.monotonic() - begun) / done * (total - done)
    return Progress(0, 0, done, total, math.nan, left, before=what)
