"""Split a data set in two with the same mix of labels on both sides, and no text on both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fenlei._checks import check_seed
from fenlei.data.dataset import Dataset, Target
from fenlei.exceptions import DataError, SettingError


@dataclass(frozen=True)
class _Group:
    """Rows that share a text, so that they go to the same side."""

    rows: tuple[int, ...]
    labels: tuple[str, ...]  # of the first row


def split(dataset: Dataset, *, fraction: float = 0.1, seed: int = 13) -> tuple[Dataset, Dataset]:
    r"""Split off a validation set, stratified by label.

    Rows whose texts are equal, case and white space ignored, stay on the same side; otherwise the
    validation score would partly measure memory. A label with a single text stays in the training set.

    Single-label: each label gives its share of :math:`\lfloor f n + 1/2 \rfloor` rows, the rounding settled
    by largest remainder. Multi-label: iterative stratification, which places the texts of the rarest label
    first, each on the side that still lacks most of that label (Sechidis, Tsoumakas and Vlahavas, "On the
    Stratification of Multi-Label Data", ECML PKDD 2011, algorithm 1).

    Parameters
    ----------
    dataset : Dataset
        Unlabelled ones are split at random.
    fraction : float
        Share of rows to split off, between 0 and 1, exclusive.
    seed : int
        The same seed gives the same split; numpy's global state is neither used nor changed.

    Returns
    -------
    train, validation : Dataset
        Both in the order of `dataset`.

    Raises
    ------
    SettingError
        `fraction` or `seed` out of range.
    DataError
        Too few different texts.

    Examples
    --------
    >>> data = Dataset([f"text {i}" for i in range(20)], ["a", "b"] * 10, range(1, 21), "demo")
    >>> train, validation = split(data, fraction=0.2)
    >>> len(train), sorted(validation.targets)
    (16, ['a', 'a', 'b', 'b'])
    """
    targets: Sequence[Target] = dataset.targets or [""] * len(dataset)
    held_out = rows_to_hold_out(
        dataset.texts, list(map(_labels, targets)), multi_label=dataset.multi_label, fraction=fraction, seed=seed
    )
    if not 0 < len(held_out) < len(dataset):
        different = len(_groups(dataset.texts))
        raise DataError(
            f"{different} different texts are too few to split off {fraction:g} of them and keep every "
            "label in the training set; raise the fraction or give a validation file",
            source=dataset.source,
        )
    held = set(held_out)
    return dataset.select([row for row in range(len(dataset)) if row not in held]), dataset.select(held_out)


def rows_to_hold_out(
    texts: Sequence[str], labels: Sequence[tuple[str, ...]], *, multi_label: bool, fraction: float, seed: int
) -> list[int]:
    """Choose the rows that `split` splits off; none when there are too few different texts.

    Parameters
    ----------
    texts : sequence of str
    labels : sequence of tuple of str
        Of each text; one a text unless `multi_label`.
    multi_label : bool
    fraction : float
        Between 0 and 1, exclusive.
    seed : int

    Returns
    -------
    list of int
        In rising order.

    Raises
    ------
    SettingError
        `fraction` or `seed` out of range.

    Examples
    --------
    >>> texts = ["good", "Good ", "nice", "bad", "BAD", "poor"]
    >>> rows = rows_to_hold_out(texts, [("+",)] * 3 + [("-",)] * 3, multi_label=False, fraction=0.4, seed=0)
    >>> [texts[row] for row in rows]
    ['nice', 'poor']
    """
    _check_fraction(fraction)
    check_seed(seed)
    groups = [_Group(rows, labels[rows[0]]) for rows in _groups(texts)]
    order = np.random.default_rng(seed).permutation(len(groups))
    shuffled = [groups[i] for i in order]
    choose = _iterative if multi_label else _stratified
    return sorted(row for group in choose(shuffled, fraction) for row in group.rows)


def _check_fraction(fraction: float) -> None:
    if isinstance(fraction, bool) or not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise SettingError(f"fraction must be between 0 and 1, exclusive, not {fraction!r}")


def _groups(texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Rows of equal texts, case and white space ignored."""
    by_text: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        by_text.setdefault("".join(text.split()).casefold(), []).append(row)
    return list(map(tuple, by_text.values()))


def _labels(target: Target) -> tuple[str, ...]:
    return (target,) if isinstance(target, str) else tuple(dict.fromkeys(target))


def _stratified(groups: list[_Group], fraction: float) -> list[_Group]:
    """Give each label its quota of rows; `groups` are in random order."""
    by_label: dict[str, list[_Group]] = {}
    for group in groups:
        by_label.setdefault(group.labels[0], []).append(group)
    chosen: list[_Group] = []
    for label, quota in _quotas(by_label, fraction).items():
        chosen += _fill(by_label[label], quota)
    return chosen


def _quotas(by_label: dict[str, list[_Group]], fraction: float) -> dict[str, int]:
    """Rows each label gives: the whole part of its share, and one more for the largest remainders."""
    sizes = {label: _size(by_label[label]) for label in sorted(by_label) if len(by_label[label]) > 1}
    shares = {label: fraction * size for label, size in sizes.items()}
    quotas = {label: math.floor(share) for label, share in shares.items()}
    wanted = max(1, math.floor(fraction * sum(sizes.values()) + 0.5))
    by_remainder = sorted(shares, key=lambda label: quotas[label] - shares[label])  # stable: ties by name
    for label in by_remainder[: max(0, wanted - sum(quotas.values()))]:
        quotas[label] += 1
    return quotas


def _fill(groups: list[_Group], quota: int) -> list[_Group]:
    """Take groups while they fit; the last one stays behind so that training keeps the label."""
    chosen: list[_Group] = []
    for group in groups:
        if len(group.rows) <= quota and len(chosen) < len(groups) - 1:
            chosen.append(group)
            quota -= len(group.rows)
    return chosen


def _size(groups: list[_Group]) -> int:
    return sum(len(group.rows) for group in groups)


def _iterative(groups: list[_Group], fraction: float) -> list[_Group]:
    """Stratify into two sides, rarest label first; `groups` are in random order."""
    waiting: dict[str, dict[int, _Group]] = {}
    for index, group in enumerate(groups):
        for label in group.labels or ("",):  # rows without any label are a stratum of their own
            waiting.setdefault(label, {})[index] = group
    lack = _Lack({label: _size(list(those.values())) for label, those in waiting.items()}, _size(groups), fraction)
    lonely = {label for label, those in waiting.items() if len(those) == 1}
    chosen: list[_Group] = []
    while waiting:
        rarest = min(waiting, key=lambda label: (len(waiting[label]), label))
        for index, group in list(waiting[rarest].items()):
            if lack.place(group, rarest, keep=not lonely.isdisjoint(group.labels)):
                chosen.append(group)
            for label in group.labels or ("",):
                waiting[label].pop(index)
        waiting = {label: those for label, those in waiting.items() if those}
    return chosen


class _Lack:
    """How many rows, in all and of each label, the two sides still lack."""

    def __init__(self, sizes: dict[str, int], total: int, fraction: float) -> None:
        self._train = {label: (1 - fraction) * size for label, size in sizes.items()}
        self._held = {label: fraction * size for label, size in sizes.items()}
        self._all = [(1 - fraction) * total, fraction * total]

    def place(self, group: _Group, rarest: str, *, keep: bool) -> bool:
        """Put `group` where `rarest`, then rows at all, are lacked most; tell whether it was held out.

        With `keep` it goes to the training side whatever is lacked.
        """
        held = not keep and (self._held[rarest], self._all[1]) > (self._train[rarest], self._all[0])
        side = self._held if held else self._train
        for label in group.labels or ("",):
            side[label] -= len(group.rows)
        self._all[held] -= len(group.rows)
        return held
