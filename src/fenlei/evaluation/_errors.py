"""The wrong answers that a person should read first: those given with the most confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fenlei.evaluation._answers import Answers, BoolArray, FloatArray
from fenlei.evaluation._text import printable


@dataclass(frozen=True)
class WrongAnswer:
    """A text that was answered wrongly.

    Attributes
    ----------
    row : int
        Its row in the data, as a person counts.
    text : str
    true, predicted : tuple of str
        Labels; exactly one each unless multi-label.
    score : float
        How sure the model was: the score of the given label; in multi-label data, of its most confident
        mistake (the score of a false alarm, or one minus the score of a miss).
    true_score : float or None
        Score of the true label; None in multi-label data, and where the model does not know that label.
    """

    row: int
    text: str
    true: tuple[str, ...]
    predicted: tuple[str, ...]
    score: float
    true_score: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {
            "text": printable(self.text),
            "true": [printable(label) for label in self.true],
            "predicted": [printable(label) for label in self.predicted],
        }


def worst_errors(answers: Answers, texts: Sequence[str], rows: Sequence[int], most: int) -> tuple[WrongAnswer, ...]:
    """List the wrong answers, most confident first, at most `most`; ties in the order of the data."""
    sure = _sureness(answers)
    wrong = np.flatnonzero(~answers.right)
    chosen = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    return tuple(_describe(answers, int(i), texts[i], rows[i], float(sure[i])) for i in chosen)


def _sureness(answers: Answers) -> FloatArray:
    """Score of the most confident wrong decision of each text; 0 where all is right."""
    wrong = (answers.truth != answers.given)[:, : answers.n_known]
    given = answers.given[:, : answers.n_known]
    if not answers.multi_label:
        return np.asarray(np.where(given, answers.scores, 0.0).max(axis=1))
    return np.asarray(np.where(wrong, np.where(given, answers.scores, 1 - answers.scores), 0.0).max(axis=1))


def _describe(answers: Answers, index: int, text: str, row: int, score: float) -> WrongAnswer:
    return WrongAnswer(
        row=int(row),
        text=text,
        true=_names(answers, answers.truth[index]),
        predicted=_names(answers, answers.given[index]),
        score=score,
        true_score=_true_score(answers, index),
    )


def _names(answers: Answers, chosen: BoolArray) -> tuple[str, ...]:
    return tuple(answers.classes[column] for column in np.flatnonzero(chosen))


def _true_score(answers: Answers, index: int) -> float | None:
    column = int(answers.truth[index].argmax())
    if answers.multi_label or column >= answers.n_known:
        return None
    return float(answers.scores[index, column])
