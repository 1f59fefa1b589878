"""``nbsvm``: a support vector machine over log-count ratios; a second opinion beside tfidf.

Wang and Manning, "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", ACL 2012. Every n-gram j
is present or not, and its column is multiplied by its log-count ratio for the class at hand (equation 2)::

    r_j = ln((p_j / |p|) / (q_j / |q|)),   p, q: smoothed numbers of texts with n-gram j inside and outside the class

A linear SVM learns weights w over ``r * f``; the model then takes ``(1 - beta) mean|w| + beta w``, part way back to
naive Bayes (section 2.4), with beta 1 by default. Training on ``r * f`` is the same as training on f with prior
variance ``r_j^2`` for weight j, and that is how it is done here: one matrix serves all classes.

Against the paper: rows are divided by their norm, n-grams go to three tokens with boundaries and to parts of words,
which did better in cross-validation.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_number
from fenlei.features._types import F32
from fenlei.features.ngrams import NgramCounts, Rows
from fenlei.features.tfidf import TfidfFeatures
from fenlei.models._linear import LinearModel, Training, log_count_ratios, row_costs, signs_of, train
from fenlei.models._linear_text import LinearTextClassifier
from fenlei.targets import Targets


class NbsvmClassifier(LinearTextClassifier):
    """Linear SVM over n-grams scaled by their log-count ratios.

    Parameters
    ----------
    C : float, default=1.0
        What an error costs against large weights, above 0.
    beta : float, default=1.0
        Share of the SVM in the model, 0 (naive Bayes' directions) to 1 (the SVM alone). The paper takes 0.25 for rows
        that are not normed; here it loses, see the last row of the table in ``docs/tfidf.md``. Probabilities are
        those of 1.
    smoothing : float, default=1.0
        Added to the counts of the log-count ratios, above 0.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count.
    calibrate : bool, default=True
        Fit the probabilities on held-out texts; about a quarter more training time.
    ngrams, char_ngrams, char_weight, boundaries, lowercase, min_df, max_df, max_features
        See `fenlei.features.tfidf.TfidfFeatures`.
    clean, segmenter, segment, stop_words, language
        See `fenlei.models.tfidf.TfidfClassifier`.
    tolerance, max_iter, seed
        See there too.

    Examples
    --------
    >>> texts = ["a fine film", "fine acting", "a dull film", "dull acting"]
    >>> model = NbsvmClassifier().fit(texts, ["pos", "pos", "neg", "neg"])
    >>> model.predict(["fine", "so dull"]).tolist()
    ['pos', 'neg']
    """

    family = "nbsvm"

    def __init__(
        self,
        *,
        C: float = 1.0,
        beta: float = 1.0,
        smoothing: float = 1.0,
        class_weight: str | dict[Any, float] | None = None,
        calibrate: bool = True,
        ngrams: tuple[int, int] = (1, 3),
        char_ngrams: tuple[int, int] | None = (2, 5),
        char_weight: float = 0.5,
        boundaries: bool = True,
        lowercase: bool = True,
        min_df: float | None = None,
        max_df: float = 1.0,
        max_features: int | None = None,
        clean: dict[str, Any] | None = None,
        segmenter: str | None = None,
        segment: dict[str, Any] | None = None,
        stop_words: str | list[str] | None = None,
        language: str = "auto",
        tolerance: float = 0.2,
        max_iter: int = 100,
        seed: int = 13,
    ) -> None:
        self.C = C
        self.beta = beta
        self.smoothing = smoothing
        self.class_weight = class_weight
        self.calibrate = calibrate
        self.ngrams = ngrams
        self.char_ngrams = char_ngrams
        self.char_weight = char_weight
        self.boundaries = boundaries
        self.lowercase = lowercase
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.clean = clean
        self.segmenter = segmenter
        self.segment = segment
        self.stop_words = stop_words
        self.language = language
        self.tolerance = tolerance
        self.max_iter = max_iter
        self.seed = seed

    def check_settings(self) -> None:
        """Refuse settings that are out of their range, before any work."""
        check_number(self, "C", above=0)
        check_number(self, "beta", least=0, most=1)
        super().check_settings()

    def _make_features(self) -> NgramCounts:
        return TfidfFeatures(
            ngrams=self.ngrams, char_ngrams=self.char_ngrams, boundaries=self.boundaries, lowercase=self.lowercase,
            min_df=self.min_df, max_df=self.max_df, max_features=self.max_features,
            tf="binary", idf=False, char_weight=self.char_weight,
        )  # fmt: skip

    def _train(self, rows: Rows, targets: Targets, weights: NDArray[np.float64]) -> LinearModel:
        exclusive = not targets.multi_label
        signs = signs_of(targets.indicator, exclusive=exclusive)
        costs = row_costs(targets, self.classes_, weights, self.class_weight)[:, -signs.shape[1] :]
        ratios = partial(log_count_ratios, rows, self.features_.n_features_, signs, smoothing=self.smoothing)
        problem = Training(
            rows, self.features_.n_features_, signs, costs, self.C, "squared_hinge",
            lambda costs: ratios(costs) ** 2, self.tolerance, self.max_iter, self.seed,
        )  # fmt: skip
        model = train(problem, calibrate=self.calibrate, exclusive=exclusive)
        return model if self.beta == 1 else _interpolate(model, ratios(costs), self.beta)


def _interpolate(model: LinearModel, ratios: F32, beta: float) -> LinearModel:
    """Move the weights towards naive Bayes; `model` holds ``r w``, so that w is its quotient with r."""
    size = np.abs(np.divide(model.weights, ratios, out=np.zeros_like(ratios), where=ratios != 0)).mean(axis=0)
    return replace(model, weights=(beta * model.weights + (1 - beta) * size * ratios).astype(np.float32))
