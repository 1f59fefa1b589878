"""Mend what an audit finds: drop duplicates, conflicts, empty texts and leaks, and unify labels.

Only training rows are dropped, and validation rows that also stand in the test set: what a model is measured
on stays as it is. Labels are respelled in every split, or those of the test set would be unknown ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from fenlei.data.dataset import Dataset
from fenlei.data.duplicates import NearIndex, choose_bands, is_empty
from fenlei.data.findings import Split
from fenlei.data.labels import label_fixes, relabel
from fenlei.data.overlap_checks import conflicting_texts, nearly_repeated_rows, repeated_rows
from fenlei.data.statistics import label_counts


@dataclass(frozen=True)
class Repairs:
    """What to mend; each is a flag of ``fenlei train``.

    Attributes
    ----------
    fix_labels : bool
        Remove outer spaces and full-width forms from labels; of forms that differ in case keep the most
        frequent.
    drop_empty : bool
        Drop training texts with nothing but spaces and invisible characters.
    drop_conflicts : bool
        Drop all training rows of a text that stands with different labels, spaces and case ignored.
    drop_duplicates : bool
        Drop training rows that repeat an earlier one with the same labels, spaces and case ignored.
    drop_near_duplicates : bool
        Drop training rows whose text is near to one kept before with the same labels.
    drop_leaks : bool
        Drop training rows whose text also stands in valid or test, and validation rows whose text stands in
        test, spaces and case ignored; with `drop_near_duplicates` also nearly so. No test row is dropped.
    near : float, default 0.8
        Similarity from which texts are near.
    """

    drop_duplicates: bool = False
    drop_near_duplicates: bool = False
    drop_conflicts: bool = False
    drop_empty: bool = False
    drop_leaks: bool = False
    fix_labels: bool = False
    near: float = 0.8


@dataclass(frozen=True)
class Repaired:
    """The splits after the repairs.

    Attributes
    ----------
    train, valid, test : Dataset
        `valid` and `test` are None where none was given. Of test at most the spelling of labels has changed.
    counts : dict of str to int
        Rows changed or dropped by each repair that was asked for, by its name.
    messages : tuple of str
        One sentence for each.
    """

    train: Dataset
    valid: Dataset | None = None
    test: Dataset | None = None
    counts: dict[str, int] = field(default_factory=dict)
    messages: tuple[str, ...] = ()


def repair(train: Dataset, *, valid: Dataset | None = None, test: Dataset | None = None, repairs: Repairs) -> Repaired:
    """Apply `repairs`, in this order: labels, empty texts, conflicts, duplicates, near duplicates, leaks.

    Returns
    -------
    Repaired
        Rows that are kept keep their order and their row numbers.

    Raises
    ------
    SettingError
        When ``repairs.near`` is out of its range.

    Examples
    --------
    >>> train = Dataset(["很好", "差", "很 好", " "], ["pos", "neg", "Pos", "pos"], [1, 2, 3, 4], "")
    >>> done = repair(train, repairs=Repairs(fix_labels=True, drop_empty=True, drop_duplicates=True))
    >>> done.train.texts, done.counts
    (['很好', '差'], {'fix_labels': 1, 'drop_empty': 1, 'drop_duplicates': 1})
    """
    choose_bands(repairs.near)
    done = Repaired(train, valid, test)
    for name, step in _STEPS.items():
        if getattr(repairs, name):
            done = step(done, repairs)
    return done


def _fix_labels(done: Repaired, repairs: Repairs) -> Repaired:
    labelled = [data for data in (done.train, done.valid, done.test) if data is not None and data.targets]
    counts: Counter[str] = Counter()
    for data in labelled:
        counts.update(label_counts(data))
    fixes = label_fixes(counts)
    changed = 0

    def respelled(data: Dataset | None) -> Dataset | None:
        nonlocal changed
        if data is None or not data.targets:
            return data
        targets, rows = relabel(data, fixes)
        changed += rows
        return replace(data, targets=targets)  # type: ignore[arg-type]

    train = respelled(done.train) or done.train
    mended = replace(done, train=train, valid=respelled(done.valid), test=respelled(done.test))
    return _noted(mended, "fix_labels", changed, f"respelled the labels of {changed:,} rows")


def _drop_empty(done: Repaired, repairs: Repairs) -> Repaired:
    gone = [i for i, text in enumerate(done.train.texts) if is_empty(text)]
    return _drop_from_train(done, gone, "drop_empty", "empty")


def _drop_conflicts(done: Repaired, repairs: Repairs) -> Repaired:
    split = Split("train", done.train)
    conflicts = conflicting_texts([split])
    gone = [i for i, text in enumerate(split.normalised) if text in conflicts]
    return _drop_from_train(done, gone, "drop_conflicts", "conflicting")


def _drop_duplicates(done: Repaired, repairs: Repairs) -> Repaired:
    return _drop_from_train(done, repeated_rows(Split("train", done.train)), "drop_duplicates", "repeated")


def _drop_near_duplicates(done: Repaired, repairs: Repairs) -> Repaired:
    split = Split("train", done.train)
    near = nearly_repeated_rows(split, 0, NearIndex(split.normalised, near=repairs.near))
    copies = [row for row, first in repeated_rows(split).items() if first in near]  # where repeats were not dropped
    return _drop_from_train(done, [*near, *copies], "drop_near_duplicates", "nearly repeated")


def _drop_leaks(done: Repaired, repairs: Repairs) -> Repaired:
    near = repairs.near if repairs.drop_near_duplicates else None
    train, lost = _without(done.train, _leaking(done.train, [done.valid, done.test], near))
    valid, lost_valid = done.valid, 0
    if done.valid is not None:
        valid, lost_valid = _without(done.valid, _leaking(done.valid, [done.test], near))
    message = f"dropped {lost:,} training and {lost_valid:,} validation rows that stand in a later split"
    return _noted(replace(done, train=train, valid=valid), "drop_leaks", lost + lost_valid, message)


def _leaking(data: Dataset, later: Iterable[Dataset | None], near: float | None) -> list[int]:
    """Rows of `data` whose text stands in `later`, or is near to one there when `near` is given."""
    texts = Split("", data).normalised
    others = [text for other in later if other is not None for text in Split("", other).normalised]
    known = set(others) - {""}
    leaking = np.array([text in known for text in texts], dtype=bool)
    if near is not None:
        index = NearIndex([*texts, *others], near=near)
        references = np.arange(len(texts), len(texts) + len(others))
        leaking |= index.matches(np.arange(len(texts)), references) >= 0
    rows: list[int] = np.flatnonzero(leaking).tolist()
    return rows


def _drop_from_train(done: Repaired, gone: Collection[int], name: str, what: str) -> Repaired:
    train, lost = _without(done.train, gone)
    return _noted(replace(done, train=train), name, lost, f"dropped {lost:,} {what} training rows")


def _without(data: Dataset, gone: Collection[int]) -> tuple[Dataset, int]:
    dropped = set(gone)
    return data.select(i for i in range(len(data)) if i not in dropped), len(dropped)


def _noted(done: Repaired, name: str, count: int, message: str) -> Repaired:
    return replace(done, counts={**done.counts, name: count}, messages=(*done.messages, message))


_STEPS: dict[str, Callable[[Repaired, Repairs], Repaired]] = {
    "fix_labels": _fix_labels,
    "drop_empty": _drop_empty,
    "drop_conflicts": _drop_conflicts,
    "drop_duplicates": _drop_duplicates,
    "drop_near_duplicates": _drop_near_duplicates,
    "drop_leaks": _drop_leaks,
}
