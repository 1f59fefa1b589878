"""What every classifier of the system is: texts and labels in, labels and probabilities out."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_texts
from fenlei._estimator import Estimator
from fenlei._memory import memory_explained
from fenlei.exceptions import DataError, SettingError
from fenlei.targets import Targets, encode, label_rows, learn_classes

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from fenlei.engine.recipe import Run

Floats = NDArray[np.float64]
_HEAVIEST = 1e9  # of a row; its inverse counts as 0
_BATCH = 8192  # texts scored at a time: bounds the memory, costs no speed


@dataclass(frozen=True)
class Held:
    """Texts not to learn from, by which a training chooses when to end.

    Attributes
    ----------
    texts : list of str
    targets : Targets
    """

    texts: list[str]
    targets: Targets


class TextClassifier(Estimator, ABC):
    """Base of all model families; a family supplies `_fit`, `_scores` and its part of saving.

    A subclass sets `family` and stores its keywords. Single- and multi-label are told apart by `y`: a sequence of
    labels, or of lists of labels.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The labels, sorted.
    multi_label_ : bool
        Whether a text has a set of labels.
    """

    family: ClassVar[str]
    trainable: ClassVar[bool] = True
    """Whether `fit` learns; False of what is only made from another model."""
    trains_in_epochs: ClassVar[bool] = False
    """Whether `fit` goes over the texts again and again, and so has use for ``validation`` and ``run``."""
    is_costly: ClassVar[bool] = False
    """Whether `fit` takes minutes rather than seconds, so that nothing fits it just to draw a curve."""
    scores_on_all_cores: ClassVar[bool] = True
    """Whether one process scores on all cores; False where most of that work holds Python's lock."""
    classes_: NDArray[Any]
    multi_label_: bool

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, validation: tuple[Any, Any] | None = None,
        run: Run | None = None,
    ) -> Self:  # fmt: skip
        """Learn from labelled texts, forgetting what was learned before.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)
        y : sequence of labels, or of lists of labels, shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            How much each text counts; not negative.
        validation : (texts, labels), optional
            Texts to choose the best epoch by; families without epochs do not look at them.
        run : Run, optional
            Where to leave checkpoints and whom to tell of the progress; of use to families that train long.

        Raises
        ------
        DataError
            When texts and labels do not fit together, or there are fewer than two classes.
        SettingError
            When a setting is out of its range, or asks for more memory than there is.
        """
        self.check_settings()
        texts = check_texts(X)
        classes, multi_label = learn_classes(y)
        targets = encode(y, classes, multi_label)
        weights = check_weights(sample_weight, len(texts))
        check_lengths(texts, targets.indicator)
        held = None if validation is None else _held(*validation, classes, multi_label)
        self.classes_, self.multi_label_ = classes, multi_label
        try:
            with memory_explained(self.get_params()):
                self._fit(texts, targets, weights, held, run)
        except BaseException:
            self._forget()  # half a model must not answer
            raise
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Probability of each class.

        Returns
        -------
        array of shape (n_samples, n_classes)
            Rows sum to 1; for a multi-label model each column stands for itself.
        """
        self._check_fitted("classes_")
        texts = check_texts(X)
        parts = [self._scores(texts[i : i + _BATCH]) for i in range(0, len(texts), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes_)))

    def predict(self, X: Any) -> Any:
        """Predict the label of each text, or the list of its labels for a multi-label model.

        Returns
        -------
        array of shape (n_samples,), or list of lists
        """
        self._check_fitted("classes_")
        texts = check_texts(X)
        parts = [self.labels_from_scores(self._scores(texts[i : i + _BATCH])) for i in range(0, len(texts), _BATCH)]
        if self.multi_label_:
            return [labels for part in parts for labels in part]
        return np.concatenate(parts) if parts else self.classes_[:0]

    def labels_from_scores(self, scores: Floats) -> Any:
        """Decide from `predict_proba`: the likeliest class, or all of probability one half and more."""
        if not self.multi_label_:
            return self.classes_[scores.argmax(axis=1)] if len(scores) else self.classes_[:0]
        return [[self.classes_[k].item() for k in np.flatnonzero(row >= 0.5)] for row in scores]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of texts whose label, or whole set of labels, is right; 0 to 1."""
        predicted, truth = self.predict(X), label_rows(y)
        check_lengths(predicted, truth)
        pairs = zip(predicted, truth, strict=True)
        if self.multi_label_:
            right = [set(a) == set(b if isinstance(b, list | tuple | set) else [b]) for a, b in pairs]
        else:
            right = [a == b for a, b in pairs]
        return float(np.average(right, weights=check_weights(sample_weight, len(right))))

    def check_settings(self) -> None:
        """Refuse settings that are out of their range; called first by `fit`, and before long work by others."""

    def check_at_hand(self, message: Callable[[str], None] = lambda text: None) -> None:
        """Refuse, before long work, what the settings ask for and is not to be had; `message` is told of downloads."""

    def settings_to_refit(self) -> dict[str, Any]:
        """Give the settings to change when the same is to be learned from more texts, none held out."""
        return {}

    def _forget(self) -> None:
        for name in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, name)

    @abstractmethod
    def _fit(
        self, texts: list[str], targets: Targets, weights: NDArray[np.float64], held: Held | None, run: Run | None
    ) -> None:
        """Learn from checked input; `classes_` and `multi_label_` are set."""

    @abstractmethod
    def _scores(self, texts: list[str]) -> Floats:
        """Probabilities of a batch, shape (n_texts, n_classes)."""

    @abstractmethod
    def to_files(self) -> dict[str, bytes]:
        """Give what was learned as the files of a model folder: JSON and safetensors only."""

    @abstractmethod
    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave; raises `ModelFolderError` when it does not fit together."""

    def __sklearn_tags__(self) -> Tags:
        """Describe the estimator to scikit-learn: a classifier of texts, of several classes."""
        utils = importlib.import_module("sklearn.utils")
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier"
        tags.target_tags.required = True
        tags.classifier_tags = utils.ClassifierTags(multi_class=True, multi_label=True)
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` has been called."""
        return hasattr(self, "classes_")


def _held(X: Any, y: Any, classes: NDArray[Any], multi_label: bool) -> Held:
    texts, targets = check_texts(X), encode(y, classes, multi_label)
    check_lengths(texts, targets.indicator)
    return Held(texts, targets)


def check_weights(sample_weight: Any, n: int) -> NDArray[np.float64]:
    """Weights as an array of shape (n,); ones when None."""
    if sample_weight is None:
        return np.ones(n)
    try:
        weights = np.asarray(sample_weight, dtype=float)
    except (TypeError, ValueError) as error:
        raise SettingError(f"sample_weight must be numbers, one a text: {error}") from error
    if weights.shape != (n,):
        raise SettingError(f"sample_weight must have one number a text, {n} in all; got the shape {weights.shape}")
    if (weights > _HEAVIEST).any():
        raise SettingError(f"sample_weight must be at most {_HEAVIEST:g}; divide all weights by their mean")
    weights = np.where(weights < 1 / _HEAVIEST, np.minimum(weights, 0), weights)
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise SettingError("sample_weight must be finite, not negative and not all zero")
    return weights


def check_lengths(texts: Sized, labels: Sized) -> None:
    """Refuse no texts at all, and more or fewer labels than texts."""
    if not len(texts):
        raise DataError("there are no texts")
    if len(texts) != len(labels):
        raise DataError(f"{len(texts)} texts but {len(labels)} labels; give one label, or list of labels, a text")
