"""Measure a model beside the one it was made from: scores, labels, size and speed, on the same texts."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fenlei.evaluation.metrics import evaluate_scores
from fenlei.exceptions import SettingError
from fenlei.features.alphabet import WORD, kinds
from fenlei.features.vocabulary import SPECIAL

if TYPE_CHECKING:
    from fenlei.base import Floats, TextClassifier

_SINGLE = 30  # texts scored one by one
_LENGTH = 20  # tokens of a generated text, on average
_MARKS = re.compile("^##|▁|Ġ")  # of a word's inside or beginning
_PASSES, _LONG = 5, 2.0  # over all texts, unless one takes so many seconds
_WARM_UP = 300  # texts scored before the clock runs, which also compiles and starts the threads


@dataclass(frozen=True)
class Measured:
    """One model's figures.

    Attributes
    ----------
    family : str
    bytes : int
        Of the files it is saved as.
    single_ms : float
        Median milliseconds from one raw text to its scores.
    texts_per_second : float
        All texts at once, raw text to scores.
    accuracy : float or None
        Share of texts answered wholly right, 0 to 1; None without labels.
    """

    family: str
    bytes: int
    single_ms: float
    texts_per_second: float
    accuracy: float | None


@dataclass(frozen=True)
class Comparison:
    """Two models on the same texts.

    Attributes
    ----------
    n_texts : int
    before, after : Measured
    largest_difference : float
        Between two scores of a text and class.
    agreement : float
        Share of texts with the same answer, 0 to 1.
    """

    n_texts: int
    before: Measured
    after: Measured
    largest_difference: float
    agreement: float

    @property
    def loss(self) -> float | None:
        """Accuracy lost, in points; None without labels, below 0 when some was gained."""
        if self.before.accuracy is None or self.after.accuracy is None:
            return None
        return 100 * (self.before.accuracy - self.after.accuracy)

    @property
    def most_lost(self) -> float:
        """Accuracy lost, in points; without labels the most it can be, as if each other answer were a wrong one."""
        return 100 * (1 - self.agreement) if self.loss is None else self.loss

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "loss": self.loss, "most_lost": self.most_lost}


def compare(before: TextClassifier, after: TextClassifier, texts: Sequence[str], targets: Any = None) -> Comparison:
    """Measure two models of the same classes on this machine, one after the other.

    Parameters
    ----------
    before, after : TextClassifier
    texts : sequence of str
        At least one.
    targets : sequence of str, or of lists of str for multi-label, optional

    Examples
    --------
    >>> import fenlei
    >>> model = fenlei.TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> found = compare(model, model, ["好", "差"], ["good", "bad"])
    >>> found.largest_difference, found.agreement, found.loss
    (0.0, 1.0, 0.0)
    """
    texts = list(texts)
    old, old_scores = _measure(before, texts, targets)
    new, new_scores = _measure(after, texts, targets)
    pairs = zip(_answers(before, old_scores), _answers(after, new_scores), strict=True)
    return Comparison(
        n_texts=len(texts),
        before=old,
        after=new,
        largest_difference=float(np.abs(old_scores - new_scores).max()),
        agreement=float(np.mean([a == b for a, b in pairs])),
    )


def measure(model: TextClassifier, texts: Sequence[str], targets: Any = None) -> Measured:
    """Measure one model on this machine, on at least one text.

    Examples
    --------
    >>> import fenlei
    >>> model = fenlei.TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])
    >>> measure(model, ["好", "差"], ["good", "bad"]).accuracy
    1.0
    """
    return _measure(model, list(texts), targets)[0]


def generated_texts(model: TextClassifier, n: int = 2000, *, seed: int = 13) -> list[str]:
    """Draw texts from the vocabulary of a model, in no order; of a network tokens as often as in its training texts.

    They are good to compare scores and speed on, and say nothing about accuracy.

    Parameters
    ----------
    model : TextClassifier
        One with a vocabulary of tokens, as networks and encoders have.
    n : int
    seed : int

    Raises
    ------
    SettingError
        When the model has none.
    """
    tokens, shares = _tokens(model)
    rng = np.random.default_rng(seed)
    lengths = rng.poisson(_LENGTH, n)
    drawn = rng.choice(len(tokens), lengths.sum(), p=shares)
    texts = np.split(drawn, np.cumsum(lengths)[:-1])
    return ["".join(_spaced(tokens[i]) for i in text) for text in texts]


def _tokens(model: TextClassifier) -> tuple[list[str], NDArray[np.float64] | None]:
    """Give the tokens of a model, and how often each shall be drawn; None for all alike."""
    inputs, tokenizer = getattr(model, "inputs_", None), getattr(model, "tokenizer_", None)
    if inputs is not None:
        vocabulary = inputs.vocabularies_[0]
        counts = np.maximum(vocabulary.counts_[len(SPECIAL) :], 1)
        return vocabulary.tokens_[len(SPECIAL) :], counts / counts.sum()
    if tokenizer is not None:
        ids = [i for i in range(len(tokenizer)) if i not in tokenizer.special_ids]
        return [_MARKS.sub(" ", token) for token in tokenizer.tokens(ids) if token], None
    raise SettingError(f"no texts can be drawn for a {model.family}, to measure on; give some with --data FILE")


def _spaced(token: str) -> str:
    return f" {token} " if token and kinds()[ord(token[0])] == WORD else token


def _measure(model: TextClassifier, texts: list[str], targets: Any) -> tuple[Measured, Floats]:
    model.predict_proba(texts[:_WARM_UP])
    single = [_timed(model, [text])[0] for text in texts[:_SINGLE]]
    seconds, scores = _timed(model, texts)
    passes = [seconds] if seconds > _LONG else [_timed(model, texts)[0] for _ in range(_PASSES)]
    seconds = statistics.median(passes)
    size = sum(len(data) for data in model.to_files().values())
    accuracy = None if targets is None else _accuracy(model, scores, targets)
    return Measured(model.family, size, 1000 * statistics.median(single), len(texts) / seconds, accuracy), scores


def _timed(model: TextClassifier, texts: list[str]) -> tuple[float, Floats]:
    start = time.perf_counter()
    scores = model.predict_proba(texts)
    return time.perf_counter() - start, scores


def _accuracy(model: TextClassifier, scores: Floats, targets: Any) -> float:
    classes, multi_label = model.classes_.tolist(), model.multi_label_
    found = evaluate_scores(classes, scores, targets, multi_label=multi_label, resamples=2, n_errors=0)
    return float(found.metrics["accuracy"] or 0.0)


def _answers(model: TextClassifier, scores: Floats) -> list[Any]:
    answers = model.labels_from_scores(scores)
    return answers if isinstance(answers, list) else list(answers.tolist())
