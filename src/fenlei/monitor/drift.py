r"""How far what a model meets has moved from what it was trained on, and whether chance could have done it.

*Population stability index.* Of a feature cut into bins with the shares :math:`p_i` in training and :math:`q_i` now,

.. math:: \mathrm{PSI} = \sum_i (q_i - p_i) \ln \frac{q_i}{p_i}

which is 0 for equal shares. It is the symmetric divergence of H. Jeffreys, "An invariant form for the prior
probability in estimation problems", Proc. R. Soc. A 186, 1946, as S. Kullback and R. Leibler, "On Information and
Sufficiency", 1951, write it; name and rule of thumb (below 0.1 little, above 0.25 much has changed) are of credit
scoring: N. Siddiqi, "Credit Risk Scorecards", 2006. So that an empty bin is no infinity, shares are estimated as
:math:`(c_i + 1/2) / (n + k/2)` of *k* bins.

*Test.* Pearson's chi-square test of homogeneity of the two rows of counts, bins joined until each expects five or more.
Without drift PSI is about :math:`(1/n + 1/m)` times such a chi-square with :math:`k - 1` degrees of freedom
(B. Yurdakul, "Statistical Properties of Population Stability Index", 2018), so few texts give a large PSI by chance:
one speaks of drift only where both say so.

*Several features.* Their p-values are corrected by S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure",
Scand. J. Statistics 6, 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Verdict: TypeAlias = Literal["too few to say", "none", "slight", "strong"]

FEWEST = 100
"""Texts, in training and now, below which nothing is said."""
SLIGHT = 0.1
"""PSI from which drift is spoken of, if the test does not call it chance."""
_MOST_CATEGORIES = 20
_LEAST_EXPECTED = 5
_OTHERS = "…"


@dataclass(frozen=True)
class Counted:
    """A feature counted in the same bins in training and now.

    Attributes
    ----------
    feature : str
    names : tuple of str
        Of the bins.
    then, now : tuple of int
        Counts in training, and of predictions.
    """

    feature: str
    names: tuple[str, ...]
    then: tuple[int, ...]
    now: tuple[int, ...]


@dataclass(frozen=True)
class Drift:
    """How far one feature has moved.

    Attributes
    ----------
    counted : Counted
    n, n_reference : int
        Counts now and in training.
    psi : float or None
        None where texts are too few.
    p_value : float or None
        Of the chi-square test; None also where all counts are in one bin.
    p_adjusted : float or None
        Corrected for the number of features tested.
    verdict : {"too few to say", "none", "slight", "strong"}
    psi_over_time : tuple of float or None
        Of each window of the summary.
    """

    counted: Counted
    n: int
    n_reference: int
    psi: float | None
    p_value: float | None
    p_adjusted: float | None = None
    verdict: Verdict = "too few to say"
    psi_over_time: tuple[float | None, ...] = field(default=())

    @property
    def feature(self) -> str:
        """Name of the feature."""
        return self.counted.feature

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        then, now = (shares(counts, smoothing=0) for counts in (self.counted.then, self.counted.now))
        bins = zip(self.counted.names, then, now, strict=True)
        return {
            "feature": self.feature,
            "verdict": self.verdict,
            "psi": self.psi,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "n": self.n,
            "n_reference": self.n_reference,
            "bins": [{"name": name, "reference": float(p), "now": float(q)} for name, p, q in bins],
            "psi_over_time": list(self.psi_over_time),
        }


def psi(then: Sequence[int], now: Sequence[int]) -> float:
    """Compute the population stability index of two rows of counts.

    Examples
    --------
    >>> psi([50, 50], [50, 50]), round(psi([500, 500], [700, 300]), 3)
    (0.0, 0.169)
    """
    p, q = shares(then), shares(now)
    return float(((q - p) * np.log(q / p)).sum())


def homogeneity(then: Sequence[int], now: Sequence[int]) -> float | None:
    """Give the p-value of Pearson's chi-square test that two rows of counts have the same shares.

    Bins that expect fewer than five are joined; None when one bin is left.

    Examples
    --------
    >>> round(homogeneity([50, 50], [70, 30]), 4), homogeneity([9, 0], [9, 0])
    (0.0039, None)
    """
    from scipy.special import chdtrc

    table = np.array([then, now], dtype=float)
    table = _joined(table[:, table.sum(axis=0) > 0])
    if table.shape[1] < 2:
        return None
    expected = _expected(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return float(chdtrc(table.shape[1] - 1, statistic))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Correct p-values for their number; None stays None and does not count.

    Examples
    --------
    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    corrected: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        corrected[place] = highest
    return corrected


def compare(features: Sequence[Counted], *, strong: float = 0.25, significance: float = 0.05) -> list[Drift]:
    """Tell of each feature how far it has moved.

    Parameters
    ----------
    features : sequence of Counted
    strong : float, default 0.25
        PSI from which drift is strong.
    significance : float, default 0.05
        Drift is what has a corrected p-value below this.
    """
    found = [_measure(counted) for counted in features]
    corrected = holm([drift.p_value for drift in found])
    return [
        replace(drift, p_adjusted=p, verdict=_verdict(drift.psi, p, strong=strong, significance=significance))
        for drift, p in zip(found, corrected, strict=True)
    ]


def categories(feature: str, then: Mapping[str, int], now: Mapping[str, int]) -> Counted:
    """Count categories: the commonest of training and now, 20 at most, and the others together.

    Examples
    --------
    >>> categories("language", {"zh": 9, "en": 1}, {"zh": 4, "other": 2})
    Counted(feature='language', names=('zh', 'en', 'other'), then=(9, 1, 0), now=(4, 0, 2))
    """
    weight = {name: _share(then, name) + _share(now, name) for name in {*then, *now}}
    names = sorted(weight, key=lambda name: (-weight[name], name))
    kept = names if len(names) <= _MOST_CATEGORIES else names[: _MOST_CATEGORIES - 1]
    kept = sorted(kept, key=lambda name: (-then.get(name, 0), -now.get(name, 0), name))
    rows = [[counts.get(name, 0) for name in kept] for counts in (then, now)]
    if len(kept) < len(names):
        for row, counts in zip(rows, (then, now), strict=True):
            row.append(sum(counts.values()) - sum(row))
        kept = [*kept, _OTHERS]
    return Counted(feature, tuple(kept), tuple(rows[0]), tuple(rows[1]))


def psi_if_enough(then: Sequence[int], now: Sequence[int]) -> float | None:
    """Compute the index, or None where texts are too few to say."""
    return psi(then, now) if min(sum(then), sum(now)) >= FEWEST else None


def shares(counts: Sequence[int], *, smoothing: float = 0.5) -> NDArray[np.float64]:
    """Estimate shares from counts, each raised by `smoothing`; zeros where there is nothing."""
    raised = np.asarray(counts, dtype=float) + smoothing
    total = raised.sum()
    return raised / total if total else raised


def _measure(counted: Counted) -> Drift:
    index = psi_if_enough(counted.then, counted.now)
    p = None if index is None else homogeneity(counted.then, counted.now)
    return Drift(counted, sum(counted.now), sum(counted.then), index, p)


def _verdict(index: float | None, p: float | None, *, strong: float, significance: float) -> Verdict:
    if index is None:
        return "too few to say"
    if p is None or p >= significance or index < min(SLIGHT, strong):
        return "none"
    return "strong" if index >= strong else "slight"


def _joined(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join the bin of the smallest expectation with its smaller neighbour until each expects enough."""
    while table.shape[1] > 1 and (lowest := _expected(table).min(axis=0)).min() < _LEAST_EXPECTED:
        place = int(lowest.argmin())
        around = [other for other in (place - 1, place + 1) if 0 <= other < table.shape[1]]
        other = min(around, key=lambda column: lowest[column])
        table[:, other] += table[:, place]
        table = np.delete(table, place, axis=1)
    return table


def _expected(table: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()


def _share(counts: Mapping[str, int], name: str) -> float:
    return counts.get(name, 0) / max(1, sum(counts.values()))
