r"""``tfidf``: a linear model over TF-IDF n-grams; trains in seconds, and is hard to beat on short texts.

Every text becomes one long sparse row, an n-gram a column (`fenlei.features.tfidf`), and each class a weight for each
column. The defaults were chosen by cross-validation and on development sets, Chinese and English; ``docs/tfidf.md``
has the table. Two of them go beyond the textbook:

- *boundaries*: n-grams see where a text begins and ends ("what is the ..." at the start of a question is telling);
- *an informed prior*: the weight of n-gram j for class k has the prior variance :math:`0.1 + |r_{jk}|`, where r is the
  log-count ratio of Wang and Manning, "Baselines and Bigrams", ACL 2012. N-grams that lean to a class on the training
  texts may speak up; the crowd that does not is held down. It is the middle between a plain linear model and NB-SVM.

Classifiers:

- ``svm``: squared hinge loss, :math:`\min \frac12 \sum_j w_j^2 / v_j + C \sum_i \max(0, 1 - y_i (w x_i + b))^2`, one
  against the rest. Probabilities come from a logistic curve over scores of texts held out of a first training.
- ``logistic``: logistic loss in place of the hinge; its probabilities are its own.
- ``nb``: multinomial naive Bayes; the fastest and the least exact.

Cost: memory is 4 bytes for each kept n-gram and class; time grows with the characters of the training text.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_choice, check_number, check_texts, check_unused
from fenlei.base import Held, check_lengths, check_weights
from fenlei.exceptions import SettingError
from fenlei.features._types import F32, F64, I8
from fenlei.features.hashing import HashingFeatures
from fenlei.features.ngrams import NgramCounts, Rows
from fenlei.features.tfidf import TfidfFeatures
from fenlei.models._linear import (
    LinearModel,
    Training,
    log_count_ratios,
    naive_bayes,
    row_costs,
    signs_of,
    train,
)
from fenlei.models._linear_text import LinearTextClassifier
from fenlei.models._online import Online, learn, start
from fenlei.targets import Targets, encode, learn_classes

if TYPE_CHECKING:
    from fenlei.engine.recipe import Run

_COST = {"svm": 0.5, "logistic": 10.0}
_FLOOR = 0.1  # prior variance of an n-gram that leans to no class
_LOSS = {"svm": "squared_hinge", "logistic": "logistic"}


class TfidfClassifier(LinearTextClassifier):
    """Linear classifier over TF-IDF n-grams.

    Parameters
    ----------
    classifier : {"svm", "logistic", "nb"}, default="svm"
        Which linear model.
    C : float or None, default=None
        What an error costs against large weights, above 0. None is 0.5 for ``svm`` and 10 for ``logistic``.
    prior : {"informed", "flat"}, default="informed"
        Prior variance of the weights: by the n-gram's log-count ratio, or 1 for all.
    smoothing : float, default=1.0
        Added to the counts of naive Bayes and of the log-count ratios, above 0.
    class_weight : None, "balanced" or dict, default=None
        How much the texts of each class count; "balanced" makes all classes count the same in sum.
    calibrate : bool, default=True
        Fit the probabilities of ``svm`` on held-out texts; about a quarter more training time.
    ngrams : (int, int), default=(1, 3)
        Fewest and most tokens of an n-gram.
    char_ngrams : (int, int) or None, default=(2, 5)
        Fewest and most characters of the n-grams inside words of spaced scripts.
    char_weight : float, default=0.5
        Factor on those.
    boundaries, lowercase : bool, default=True
        See `fenlei.features.ngrams.NgramCounts`.
    min_df, max_df, max_features
        Which n-grams to keep, see there.
    tf : {"log", "count", "binary"}, default="log"
    idf : bool, default=True
        See `fenlei.features.tfidf.TfidfFeatures`.
    hash_bits : int or None, default=None
        Take hashed features, ``2 ** hash_bits`` columns, in place of a vocabulary; `partial_fit` needs them.
    clean : dict or None, default=None
        Settings of `fenlei.clean.cleaner.Cleaner` that differ from its defaults.
    segmenter : {None, "char", "jieba", "mixed", "word"}, default=None
        Who cuts the text; None leaves it to the features, which need no flag for any language.
    segment : dict or None, default=None
        Settings of the segmenter, such as ``{"user_dict": "words.txt"}``.
    stop_words : str, list of str or None, default=None
        Tokens to leave out; see `fenlei.preparation.Preparation`.
    language : {"auto", "zh", "en", "mixed", "other"}, default="auto"
        Detected from the texts unless given.
    tolerance : float, default=0.2
        Stop when no optimality condition is violated by more; smaller is slower, and hardly more exact.
    max_iter : int, default=100
        Passes over the rows at most.
    seed : int, default=13
        Order of the rows, and the texts held out for calibration.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
    multi_label_ : bool
    features_ : TfidfFeatures or HashingFeatures
    linear_ : LinearModel
        Weights of shape (n_features, n_problems).

    See Also
    --------
    fenlei.models.nbsvm.NbsvmClassifier : The same, with log-count ratios as features.

    Examples
    --------
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TfidfClassifier().fit(texts, ["good", "good", "bad", "bad"])
    >>> model.predict(["很干净", "太脏"]).tolist()
    ['good', 'bad']
    >>> model.predict_proba(["很干净"]).shape
    (1, 2)
    """

    family = "tfidf"
    online_: Online

    def __init__(
        self,
        *,
        classifier: Literal["svm", "logistic", "nb"] = "svm",
        C: float | None = None,
        prior: Literal["informed", "flat"] = "informed",
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
        tf: Literal["log", "count", "binary"] = "log",
        idf: bool = True,
        hash_bits: int | None = None,
        clean: dict[str, Any] | None = None,
        segmenter: str | None = None,
        segment: dict[str, Any] | None = None,
        stop_words: str | list[str] | None = None,
        language: str = "auto",
        tolerance: float = 0.2,
        max_iter: int = 100,
        seed: int = 13,
    ) -> None:
        self.classifier = classifier
        self.C = C
        self.prior = prior
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
        self.tf = tf
        self.idf = idf
        self.hash_bits = hash_bits
        self.clean = clean
        self.segmenter = segmenter
        self.segment = segment
        self.stop_words = stop_words
        self.language = language
        self.tolerance = tolerance
        self.max_iter = max_iter
        self.seed = seed

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: Any = None,
        sample_weight: Any = None,
        *,
        multi_label: bool = False,
    ) -> Self:
        """Go on learning from another part of the texts; see `fenlei.models._online` for the method.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)
        y : sequence of labels, or of lists of labels, shape (n_samples,)
        classes : sequence of labels
            All labels that will ever come; needed in the first call.
        sample_weight : array of shape (n_samples,), optional
        multi_label : bool, default=False
            Whether texts have lists of labels; read in the first call.

        Raises
        ------
        SettingError
            Without ``hash_bits``, since a vocabulary would need all texts, or without `classes` in the first call.
        """
        if self.hash_bits is None:
            raise SettingError("partial_fit needs hashed features; set hash_bits=20, say")
        self.check_settings()
        check_unused(self, "when learning in parts", "classifier", "C", "prior", "smoothing", "calibrate", "tolerance")
        texts = check_texts(X)
        if not hasattr(self, "classes_"):
            try:
                self._start_online(texts, y, classes, multi_label=multi_label)
            except BaseException:
                self._forget()
                raise
        if not hasattr(self, "online_"):
            raise SettingError("this model was trained by fit; partial_fit goes on only from partial_fit")
        targets = encode(y, self.classes_, self.multi_label_)
        check_lengths(texts, targets.indicator)
        costs = row_costs(targets, self.classes_, check_weights(sample_weight, len(texts)), self.class_weight)
        rows = self.features_.rows(self._prepare(texts))
        signs = signs_of(targets.indicator, exclusive=not self.multi_label_)
        self.online_ = learn(self.online_, rows, signs, costs[:, -signs.shape[1] :])
        self.linear_ = self.online_.model
        return self

    def _start_online(self, texts: list[str], y: Any, classes: Any, *, multi_label: bool) -> None:
        if classes is None:
            raise SettingError("the first call of partial_fit needs classes=, all labels that will ever come")
        if self.class_weight == "balanced":
            raise SettingError("class_weight='balanced' needs all texts at once; give a weight for each label")
        self.classes_, self.multi_label_ = learn_classes(classes)[0], multi_label
        check_lengths(texts, encode(y, self.classes_, multi_label).indicator)
        self._start(texts)
        n_problems = 1 if len(self.classes_) == 2 and not multi_label else len(self.classes_)
        self.online_ = start(self.features_.n_features_, n_problems)

    def check_settings(self) -> None:
        """Refuse settings that are out of their range or would have no effect, before any work."""
        check_choice(self, "classifier", "svm", "logistic", "nb")
        check_choice(self, "prior", "informed", "flat")
        check_choice(self, "tf", "log", "count", "binary")
        check_choice(self, "idf", True, False)
        check_number(self, "C", above=0, optional=True)
        check_number(self, "hash_bits", least=8, most=26, whole=True, optional=True)
        if self.hash_bits is not None:
            check_unused(self, "with hashed features", "min_df", "max_df", "max_features", "char_weight")
        if self.classifier == "nb":
            check_unused(self, "with classifier='nb'", "C", "prior")
        super().check_settings()

    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        vars(self).pop("online_", None)
        super()._fit(texts, targets, weights, held, run)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if not hasattr(self, "online_"):
            return super()._arrays()
        return super()._arrays() | {"squares": self.online_.squares, "bias_squares": self.online_.bias_squares}

    def _take_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        super()._take_arrays(arrays)
        if "squares" not in arrays:
            return
        squares, bias_squares = arrays["squares"], arrays["bias_squares"]
        if squares.shape != self.linear_.weights.shape or bias_squares.shape != self.linear_.bias.shape:
            raise ValueError("the sums of squared gradients do not fit the weights")
        self.online_ = Online(self.linear_, squares, bias_squares)

    def _make_features(self) -> NgramCounts:
        shared: dict[str, Any] = {
            "ngrams": self.ngrams,
            "char_ngrams": self.char_ngrams,
            "boundaries": self.boundaries,
            "lowercase": self.lowercase,
        }
        if self.hash_bits is not None:
            return HashingFeatures(bits=self.hash_bits, tf=self.tf, **shared)
        return TfidfFeatures(
            min_df=self.min_df, max_df=self.max_df, max_features=self.max_features,
            tf=self.tf, idf=self.idf, char_weight=self.char_weight, **shared,
        )  # fmt: skip

    def _train(self, rows: Rows, targets: Targets, weights: NDArray[np.float64]) -> LinearModel:
        costs = row_costs(targets, self.classes_, weights, self.class_weight)
        n_columns = self.features_.n_features_
        if self.classifier == "nb":
            return naive_bayes(rows, n_columns, targets, costs, self.smoothing)
        exclusive = not targets.multi_label
        signs = signs_of(targets.indicator, exclusive=exclusive)
        costs = costs[:, -signs.shape[1] :]
        prior = partial(self._informed, rows, signs) if self.prior == "informed" else None
        problem = Training(
            rows, n_columns, signs, costs, _COST[self.classifier] if self.C is None else self.C, _LOSS[self.classifier],
            prior, self.tolerance, self.max_iter, self.seed,
        )  # fmt: skip
        return train(problem, calibrate=self.calibrate and self.classifier == "svm", exclusive=exclusive)

    def _informed(self, rows: Rows, signs: I8, costs: F64) -> F32:
        return np.float32(_FLOOR) + np.abs(
            log_count_ratios(rows, self.features_.n_features_, signs, costs, self.smoothing)
        )
