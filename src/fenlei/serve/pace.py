"""How long a batch of so many texts takes, learned from those that were scored."""

from __future__ import annotations

_KEPT = 0.95  # of what is known, at each new batch: some twenty batches are remembered
_SPREAD = 0.01  # share of the mean below which sizes are all alike, and a slope would be noise


class Pace:
    """A line through the recent batches, seconds = start + each * size, by weighted least squares.

    Examples
    --------
    >>> pace = Pace()
    >>> for size in (1, 8, 64):
    ...     pace.add(size, 0.010 + 0.002 * size)
    >>> round(pace.seconds(32), 4), pace.largest(0.1)
    (0.074, 45)
    """

    def __init__(self) -> None:
        self._weight = self._n = self._t = self._nn = self._nt = 0.0

    def add(self, size: int, seconds: float) -> None:
        """Learn from a batch."""
        new = (1.0, size, seconds, size * size, size * seconds)
        old = (self._weight, self._n, self._t, self._nn, self._nt)
        self._weight, self._n, self._t, self._nn, self._nt = (_KEPT * a + b for a, b in zip(old, new, strict=True))

    def seconds(self, size: int, largest: int | None = None) -> float:
        """Expect so many seconds for `size` texts, in batches of `largest`; 0 when nothing is known yet."""
        start, each = self._line()
        n_batches = 1 if largest is None else -(-size // largest)
        return start * n_batches + each * size

    def largest(self, seconds: float) -> int:
        """Give the size of the largest batch that should take no longer, at least 1."""
        start, each = self._line()
        return int(min(max((seconds - start) / each, 1), 1e9)) if each > 0 else 1

    def _line(self) -> tuple[float, float]:
        if not self._weight:
            return 0.0, 0.0
        size, seconds = self._n / self._weight, self._t / self._weight
        variance = self._nn / self._weight - size * size
        each = (self._nt / self._weight - size * seconds) / variance if variance > _SPREAD * size * size else 0.0
        start = seconds - each * size
        if each <= 0 or start < 0:  # a line that no machine has: all time goes with the texts
            return 0.0, seconds / size
        return start, each
