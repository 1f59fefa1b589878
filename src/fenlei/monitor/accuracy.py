r"""How often the answers were right, of those that somebody told the truth about.

The interval is E. B. Wilson's, "Probable Inference, the Law of Succession, and Statistical Inference", J. American
Statistical Association 22, 1927: with :math:`z` the normal quantile and :math:`a = k / n`,

.. math:: \frac{a + z^2 / 2n \pm z \sqrt{a (1 - a) / n + z^2 / 4 n^2}}{1 + z^2 / n}

That of the difference of two shares is made of theirs, by R. Newcombe, "Interval estimation for the difference between
independent proportions", Statistics in Medicine 17, 1998, method 10.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

from fenlei.monitor.records import labels_of

FEWEST_FEEDBACKS = 30
"""Feedbacks below which accuracy raises no alert."""
_MOST_CONFUSIONS = 20


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers among `n` with feedback; of several labels a text, exactly the right set."""

    right: int
    n: int

    @property
    def value(self) -> float | None:
        """The share; None without feedback."""
        return self.right / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval; None without feedback."""
        return wilson(self.right, self.n) if self.n else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "n": self.n,
            "right": self.right,
            "accuracy": self.value,
            "interval": None if self.interval is None else list(self.interval),
        }


class Confused(NamedTuple):
    """A true label that was answered as another, how often, and its share of the feedback of the true label."""

    true: str
    given: str
    times: int
    share: float


def wilson(right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share from `right` of `n`.

    Examples
    --------
    >>> [round(bound, 4) for bound in wilson(8, 10)]
    [0.4902, 0.9433]
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = right / n
    middle = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    return max(0.0, (middle - reach) / whole), min(1.0, (middle + reach) / whole)


def surely_lost(before: Accuracy, now: Accuracy) -> float:
    """Accuracy that was lost at least: the lower end of the 95 % interval of the difference; below 0 it may be chance.

    Examples
    --------
    >>> round(surely_lost(Accuracy(56, 70), Accuracy(48, 80)), 4)
    0.0524
    """
    if before.value is None or now.value is None or before.interval is None or now.interval is None:
        return -1.0
    low, high = before.interval[0], now.interval[1]
    return before.value - now.value - math.hypot(before.value - low, high - now.value)


def accuracy(rows: Iterable[Sequence[Any]]) -> Accuracy:
    """Count the right ones of rows ``(window, true, given, times)``."""
    right = n = 0
    for _, true, given, times in rows:
        n += times
        right += times if _labels(true) == _labels(given) else 0
    return Accuracy(right, n)


def confusions(rows: Iterable[Sequence[Any]]) -> list[Confused]:
    """List the most frequent pairs of true and given label; of several labels, sets joined by commas."""
    times: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    support: Counter[tuple[str, ...]] = Counter()
    for _, true_text, given_text, count in rows:
        true, given = _labels(true_text), _labels(given_text)
        support[true] += count
        if true != given:
            times[true, given] += count
    common = sorted(times.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_CONFUSIONS]
    return [Confused(", ".join(true), ", ".join(given), n, n / support[true]) for (true, given), n in common]


def _labels(text: str) -> tuple[str, ...]:
    """Read a label so that one is the same as a list of only that one: who gives feedback need not know the form."""
    return tuple(sorted(labels_of(text)))
