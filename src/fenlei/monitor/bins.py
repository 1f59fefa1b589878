"""Numbers counted in bins that hold about equally many of the training texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fenlei.exceptions import ModelFolderError

MOST_BINS = 10
UNKNOWN_EDGES = (1e-9, 0.01, 0.05, 0.2)
"""Bins of the share of unknown characters: none, and up to each share."""
UNKNOWN_NAMES = ("0", "≤ 1%", "≤ 5%", "≤ 20%", "> 20%")


@dataclass(frozen=True)
class Bins:
    """How many values fell into each bin.

    Attributes
    ----------
    edges : tuple of float
        Ascending; bin ``i`` holds the values ``edges[i - 1] <= value < edges[i]``, the first and last have no end.
    counts : tuple of int
        One more than the edges.

    Examples
    --------
    >>> bins = Bins((10.0, 20.0), (5, 0, 1))
    >>> bins.place(10), bins.n
    (1, 6)
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def n(self) -> int:
        """Number of values."""
        return sum(self.counts)

    def place(self, value: float) -> int:
        """Give the bin of a value."""
        return int(np.searchsorted(self.edges, value, side="right"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"edges": list(self.edges), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, plain: Any) -> Bins:
        """Read what `to_dict` wrote; ModelFolderError for anything else."""
        if not isinstance(plain, dict) or plain.keys() != {"edges", "counts"}:
            raise ModelFolderError("bins are edges and counts")
        edges, counts = plain["edges"], plain["counts"]
        sound = isinstance(edges, list) and isinstance(counts, list) and len(counts) == len(edges) + 1
        if not sound or not all(type(count) is int and count >= 0 for count in counts):
            raise ModelFolderError("bins have one whole count more than edges")
        if not all(type(edge) in (int, float) for edge in edges) or edges != sorted(set(edges)):
            raise ModelFolderError("the edges of bins must ascend")
        return cls(tuple(float(edge) for edge in edges), tuple(counts))


def equal_bins(times: Mapping[float, int], most: int = MOST_BINS) -> Bins:
    """Cut counted values into bins of about equal counts; equal values stay together.

    Parameters
    ----------
    times : mapping of float to int
        How often each value occurs.
    most : int, default 10
        Bins at most.

    Examples
    --------
    >>> equal_bins({1: 2, 2: 2, 3: 1, 9: 1}, most=3)
    Bins(edges=(2.0, 3.0), counts=(2, 2, 2))
    """
    edges: list[float] = []
    counts = [0]
    left = sum(times.values())
    for value, count in sorted(times.items()):
        wanted = (left + counts[-1]) / (most - len(edges))
        if counts[-1] and counts[-1] + count / 2 > wanted and len(edges) < most - 1:
            edges.append(float(value))
            counts.append(0)
        counts[-1] += count
        left -= count
    return Bins(tuple(edges), tuple(counts))


def bin_names(edges: Sequence[float], *, whole: bool = False) -> list[str]:
    """Describe the bins between `edges`, in signs that any reader knows; `whole` where values are whole numbers.

    Examples
    --------
    >>> bin_names((0.5, 0.9)), bin_names((2.0, 3.0, 9.0), whole=True)
    (['< 0.5', '0.5–0.9', '≥ 0.9'], ['≤ 1', '2', '3–8', '≥ 9'])
    """
    if not edges:
        return ["*"]
    pairs = list(pairwise(edges))
    if not whole:
        return [f"< {edges[0]:g}", *(f"{low:g}–{high:g}" for low, high in pairs), f"≥ {edges[-1]:g}"]
    inner = [f"{low:g}" if high == low + 1 else f"{low:g}–{high - 1:g}" for low, high in pairs]
    return [f"≤ {edges[0] - 1:g}", *inner, f"≥ {edges[-1]:g}"]
