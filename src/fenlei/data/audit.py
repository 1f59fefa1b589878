"""What is wrong with labelled data, before a model is trained on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fenlei.data.dataset import Dataset
from fenlei.data.duplicates import choose_bands
from fenlei.data.findings import Finding, Split, visible
from fenlei.data.label_checks import check_labels
from fenlei.data.overlap_checks import check_overlaps
from fenlei.data.statistics import Statistics, describe
from fenlei.data.text_checks import check_texts
from fenlei.exceptions import SettingError

_ORDER = {"error": 0, "warning": 1, "note": 2}
_ROLES = (  # words in the name of a split, in order of use; a name with none of them comes after training
    {"train", "training"},
    {"valid", "validation", "val", "dev", "development"},
    {"test", "testing", "eval", "heldout"},
)


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    statistics : tuple of Statistics
        One a split, in order of use: training, validation, test.
    findings : tuple of Finding
        Errors first, then warnings, then notes.
    """

    statistics: tuple[Statistics, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether there is no finding of severity "error"."""
        return all(finding.severity != "error" for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and dictionaries, safe to write as JSON in any encoding."""
        return {
            "ok": self.ok,
            "splits": [numbers.to_dict() for numbers in self.statistics],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def audit(
    splits: Dataset | Mapping[str, Dataset],
    *,
    near: float = 0.8,
    max_length: int = 10_000,
    progress: Callable[[str], None] | None = None,
) -> Audit:
    """Look for duplicates, leaks, conflicting labels, empty texts, imbalance and the like.

    Parameters
    ----------
    splits : Dataset or mapping of str to Dataset
        One data set (then named "train"), or several by name. They are taken in order of use, told by the
        words train, valid or dev, and test in their names; names without one of these stand after training,
        in the order given. The first is the one to train on.
    near : float, default 0.8
        Smallest similarity of near duplicates: Jaccard similarity of the sets of character 3-grams, over 0
        and at most 1.
    max_length : int, default 10,000
        Longer texts, in characters, are reported.
    progress : callable, optional
        Called with a few words as each part begins.

    Returns
    -------
    Audit

    Raises
    ------
    SettingError
        When there is no split, or a setting is out of its range.

    Examples
    --------
    >>> data = Dataset(["很好", "差", "很 好"], ["pos", "neg", "neg"], rows=[2, 3, 4], source="reviews.csv")
    >>> found = audit(data)
    >>> found.ok, [finding.kind for finding in found.findings]
    (True, ['rare-classes', 'conflicting-labels'])
    >>> found.findings[1].rows
    {'train': (2, 4)}
    """
    choose_bands(near)
    if max_length < 1:
        raise SettingError(f"max_length must be 1 or more, not {max_length!r}")
    tell = progress or (lambda part: None)
    views = _ordered({"train": splits} if isinstance(splits, Dataset) else splits)
    tell("counting")
    statistics = tuple(describe(split.name, split.data) for split in views)
    findings = [*_check_rows(views), *check_labels(views, statistics)]
    tell("reading the texts")
    findings += [*_check_encodings(statistics), *check_texts(views, max_length=max_length)]
    tell("looking for duplicates and leaks")
    findings += check_overlaps(views, near=near)
    return Audit(statistics, tuple(sorted(findings, key=lambda finding: _ORDER[finding.severity])))


def _ordered(splits: Mapping[str, Dataset]) -> list[Split]:
    """Put the splits in order of use."""
    if not splits:
        raise SettingError("there is nothing to audit; give one data set or more")
    return [Split(visible(name), splits[name]) for name in sorted(splits, key=_role)]


def _role(name: str) -> float:
    words = set(re.findall("[a-z]+", name.lower()))
    return next((place for place, role in enumerate(_ROLES) if words & role), 0.5)


def _check_rows(splits: list[Split]) -> list[Finding]:
    empty = [split.name for split in splits if not len(split.data)]
    return [Finding("no-rows", "error", len(empty), f"No rows in {', '.join(empty)}.")] if empty else []


def _check_encodings(statistics: tuple[Statistics, ...]) -> list[Finding]:
    """Note splits in different encodings; UTF-8 with a mark, and ASCII, count as UTF-8."""
    plain = {"utf-8-sig": "utf-8", "ascii": "utf-8"}
    used = [(numbers.split, numbers.encoding) for numbers in statistics if numbers.encoding]
    if len({plain.get(encoding, encoding) for _, encoding in used}) < 2:
        return []
    message = f"Splits are in different encodings: {', '.join(f'{name} {encoding}' for name, encoding in used)}."
    return [Finding("mixed-encodings", "note", len(used), message)]
