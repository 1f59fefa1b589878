"""Targets that are another model's probabilities, softened, instead of labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_texts, check_value
from fenlei.base import check_lengths
from fenlei.exceptions import DataError
from fenlei.targets import Targets

_SLACK = 1e-3  # by which a row may miss the sum 1


@dataclass(frozen=True)
class SoftTargets(Targets):
    r"""Probabilities to learn from.

    Of logits z they are what softmax or sigmoid makes of z / T. From probabilities p that is

    .. math:: p_k^{1/T} \Big/ \sum_j p_j^{1/T}

    over the classes, for multi-label over yes and no of each label.

    Attributes
    ----------
    indicator, multi_label
        As of `Targets`: the likeliest class, or the labels of probability one half and more.
    probabilities : array of float32, shape (n_samples, n_classes)
        Softened.
    temperature : float
        T; the learner's logits are to be divided by it, too.

    Examples
    --------
    >>> SoftTargets.of(np.array([[0.9, 0.1]]), temperature=2).probabilities.round(2).tolist()
    [[0.75, 0.25]]
    """

    probabilities: NDArray[np.float32]
    temperature: float = 1.0

    @classmethod
    def of(cls, probabilities: Any, *, multi_label: bool = False, temperature: float = 1.0) -> Self:
        """Soften probabilities.

        Raises
        ------
        SettingError
            When the temperature is no number above 0.
        DataError
            When they are no probabilities, of two classes or more.
        """
        check_value("temperature", temperature, above=0)
        given = np.asarray(probabilities, np.float64)
        _check(given, multi_label)
        powers, others = given ** (1 / temperature), (1 - given).clip(min=0) ** (1 / temperature)
        softened = powers / (powers + others if multi_label else powers.sum(1, keepdims=True))
        chosen = given >= 0.5 if multi_label else np.eye(given.shape[1], dtype=bool)[given.argmax(1)]
        return cls(chosen, multi_label, softened.astype(np.float32), float(temperature))


def _check(given: NDArray[np.float64], multi_label: bool) -> None:
    if given.ndim != 2 or given.shape[1] < 2:
        raise DataError(f"probabilities must have a row a text and a column a class; got the shape {given.shape}")
    if not bool(np.isfinite(given).all()) or (given < 0).any() or (given > 1 + _SLACK).any():
        raise DataError("probabilities must be between 0 and 1")
    if not multi_label and bool((np.abs(given.sum(1) - 1) > _SLACK).any()):
        raise DataError("the probabilities of a text must add up to 1; give multi_label=True for labels side by side")


def taught(X: Any, probabilities: Any, multi_label: bool, temperature: float) -> tuple[list[str], SoftTargets]:
    """Check texts and a model's answers to them, and soften these."""
    texts = check_texts(X)
    targets = SoftTargets.of(probabilities, multi_label=multi_label, temperature=temperature)
    check_lengths(texts, targets.indicator)
    return texts, targets


def with_labels(examples: Any, targets: Targets) -> Any:
    """Give examples whose targets are labels, where they are probabilities."""
    if not isinstance(targets, SoftTargets):
        return examples
    soft = examples.targets
    return replace(examples, targets=(soft >= 0.5).astype(np.float32) if targets.multi_label else soft.argmax(1))
