"""Are the scores to be believed? Log loss, Brier score, calibration error, and how scores are spread.

::

    log loss = - mean ln p(true label)             (multi-label: mean binary cross-entropy of all decisions)
    Brier    = mean of sum_k (p_k - y_k)^2         (multi-label: mean (p - y)^2 of all decisions)
    ECE      = sum_b n_b / n * |accuracy_b - confidence_b|    over ten equally wide bins b of the score

Sources: G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review
78, 1950; M. P. Naeini, G. Cooper and M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
Binning", AAAI 2015 (expected calibration error).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fenlei.evaluation._answers import Answers, FloatArray

_SMALLEST = 1e-15  # a probability of 0 for what happened would be an infinite loss
HISTOGRAM_BINS = 20
CALIBRATION_BINS = 10


@dataclass(frozen=True)
class Histogram:
    """How many right and wrong answers had a score in each bin.

    A single-label answer counts once, with the score of the given label. In multi-label data each label that
    is true or given counts, with its own score: wrong ones are the false alarms and the misses.
    """

    edges: FloatArray
    right: FloatArray
    wrong: FloatArray


@dataclass(frozen=True)
class Reliability:
    """Mean score and share of right answers in each bin that is not empty, and how many fell in it."""

    confidence: FloatArray
    accuracy: FloatArray
    size: FloatArray

    @property
    def error(self) -> float:
        """Expected calibration error."""
        gaps = np.abs(self.accuracy - self.confidence)
        return float((gaps * self.size).sum() / self.size.sum())


def log_loss(answers: Answers) -> float:
    """Mean of minus the logarithm of the probability of what is true; lower is better.

    A label that the model does not know has probability 0, which counts as 1e-15.
    """
    scores = _all_columns(answers).clip(_SMALLEST, 1.0)
    if not answers.multi_label:
        return float(-np.log(scores[answers.truth]).mean())
    others = (1.0 - _all_columns(answers)).clip(_SMALLEST, 1.0)
    return float(-np.log(np.where(answers.truth, scores, others)).mean())


def brier_loss(answers: Answers) -> float:
    """Mean squared distance between scores and truth; lower is better."""
    squares = (_all_columns(answers) - answers.truth) ** 2
    return float(squares.mean() if answers.multi_label else squares.sum(axis=1).mean())


def reliability(answers: Answers) -> Reliability:
    """Compare scores with how often they come true, in ten bins.

    Single-label: the score of the given label. Multi-label: the score of every label of every text.
    """
    if answers.multi_label:
        confidence, right = _all_columns(answers).ravel(), answers.truth.ravel()
    else:
        confidence, right = given_scores(answers), answers.right
    bins = (confidence * CALIBRATION_BINS).astype(int).clip(0, CALIBRATION_BINS - 1)
    size = np.bincount(bins, minlength=CALIBRATION_BINS)
    used = size > 0
    means = [
        np.bincount(bins, weights=values, minlength=CALIBRATION_BINS)[used] / size[used]
        for values in (confidence, right.astype(float))
    ]
    return Reliability(means[0], means[1], size[used].astype(float))


def histogram(answers: Answers) -> Histogram:
    """Count right and wrong answers by score."""
    if answers.multi_label:
        counted = answers.truth | answers.given
        scores, right = _all_columns(answers)[counted], (answers.truth & answers.given)[counted]
    else:
        scores, right = given_scores(answers), answers.right
    edges = np.linspace(0.0, 1.0, HISTOGRAM_BINS + 1)
    return Histogram(edges, _binned(scores[right], edges), _binned(scores[~right], edges))


def given_scores(answers: Answers) -> FloatArray:
    """Score of the one label that each text was given."""
    return _all_columns(answers)[answers.given]


def _all_columns(answers: Answers) -> FloatArray:
    """Scores with a column of zeros for each class that the model does not know."""
    unknown = len(answers.classes) - answers.n_known
    return np.pad(answers.scores, ((0, 0), (0, unknown))) if unknown else answers.scores


def _binned(scores: FloatArray, edges: FloatArray) -> FloatArray:
    return np.histogram(scores.clip(0.0, 1.0), bins=edges)[0].astype(float)
