"""How far the figures could be off by the luck of the test set: percentile bootstrap intervals.

Draw *n* texts from the *n* test texts with replacement, measure again, and repeat; the middle 95 % of the
outcomes are the interval. What a measure of accuracy or F1 sees of a text is only its outcome, the pair (true
labels, given labels), so drawing texts equals drawing how often each outcome occurs from a multinomial
distribution. With a few hundred different outcomes this costs milliseconds however many texts there are.

Where a resample holds no text and no answer of a class, the F1 of that class is 0/0. Taking it for 0 would let the
interval of a class of two texts begin at 0 however well it is answered, since one resample in seven lacks both. So
the interval of a class is over the resamples in which it occurs, which are also those that the macro average counts
it in.

Sources: B. Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7(1), 1979, p.
1-26; B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993, section 13.3 (percentile
interval).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fenlei.evaluation import _counts
from fenlei.evaluation._answers import Answers, BoolArray, FloatArray

_CELLS_AT_ONCE = 10_000_000


@dataclass(frozen=True)
class Intervals:
    """Lower and upper bounds.

    Attributes
    ----------
    overall : dict of str to (float, float)
        Of ``accuracy``, ``f1_micro``, ``f1_macro`` and ``f1_weighted``.
    f1 : array of shape (n_classes, 2)
        Of the F1 of each class, over the resamples in which it occurs; NaN where it occurs in none.
    """

    overall: dict[str, tuple[float, float]]
    f1: FloatArray


def bootstrap(answers: Answers, *, resamples: int = 1000, level: float = 0.95, seed: int = 13) -> Intervals:
    """Confidence intervals of accuracy and F1.

    Parameters
    ----------
    answers : Answers
    resamples : int, default 1000
    level : float in (0, 1), default 0.95
        Share of the outcomes that the interval covers.
    seed : int, default 13

    Returns
    -------
    Intervals
    """
    truth, given, times = _outcomes(answers)
    parts = [_measure(draws, truth, given) for draws in _resample(times, resamples, seed)]
    tails = (50 * (1 - level), 50 * (1 + level))
    outcomes = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    f1 = _bounds_where_defined(outcomes.pop("f1"), tails)
    bounds = {name: np.percentile(values, tails) for name, values in outcomes.items()}
    return Intervals({name: (float(low), float(high)) for name, (low, high) in bounds.items()}, f1)


def _bounds_where_defined(outcomes: FloatArray, tails: tuple[float, float]) -> FloatArray:
    """Bounds of each column, leaving out its NaN."""
    bounds = np.full((outcomes.shape[1], 2), np.nan)
    defined = ~np.isnan(outcomes).all(axis=0)
    bounds[defined] = np.nanpercentile(outcomes[:, defined], tails, axis=0).T
    return bounds


def _outcomes(answers: Answers) -> tuple[BoolArray, BoolArray, FloatArray]:
    """Distinct (true, given) pairs, and how often each occurs."""
    packed = np.packbits(np.hstack([answers.truth, answers.given]), axis=1)
    keys = np.ascontiguousarray(packed).view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, times = np.unique(keys, return_index=True, return_counts=True)
    return answers.truth[first], answers.given[first], times.astype(float)


def _resample(times: FloatArray, resamples: int, seed: int) -> Iterator[FloatArray]:
    """Yield arrays of shape (some resamples, n_outcomes) of how often each outcome is drawn."""
    generator = np.random.default_rng(seed)
    n_texts = int(times.sum())
    step = max(1, _CELLS_AT_ONCE // len(times))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        yield generator.multinomial(n_texts, times / n_texts, size=size).astype(float)


def _measure(draws: FloatArray, truth: BoolArray, given: BoolArray) -> dict[str, FloatArray]:
    """Measures of each resample; ``f1`` has one column a class, with NaN where the class does not occur."""
    kinds = (truth & given, ~truth & given, truth & ~given)
    counts = _counts.Counts(*(draws @ kind.astype(float) for kind in kinds))
    f1 = _counts.f1(counts)
    return {
        "accuracy": draws @ (truth == given).all(axis=1) / draws.sum(axis=1),
        "f1_micro": _counts.f1(counts.total())[:, 0],
        "f1_macro": _counts.macro(f1, counts),
        "f1_weighted": _counts.weighted(f1, counts),
        "f1": np.where(counts.occurs, f1, np.nan),
    }
