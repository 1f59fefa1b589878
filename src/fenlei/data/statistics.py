"""What a split looks like in numbers: rows, classes, lengths, scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fenlei._codepoints import codepoints
from fenlei.data.dataset import Dataset
from fenlei.data.findings import visible

_SCRIPTS = {  # code point ranges of the letters of each script, first and last
    "han": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)),
    "kana": ((0x3040, 0x30FF),),
    "hangul": ((0x1100, 0x11FF), (0xAC00, 0xD7A3)),
    "cyrillic": ((0x400, 0x52F),),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F)),
}
_TEXTS_AT_ONCE = 4096


@dataclass(frozen=True)
class Lengths:
    """Lengths of texts in characters (code points)."""

    min: int
    median: float
    mean: float
    p95: float
    max: int


@dataclass(frozen=True)
class Statistics:
    """A split in numbers.

    Attributes
    ----------
    split, source, encoding : str
        Name, file, and encoding it was read in ("" where the format has none).
    rows : int
    multi_label : bool
    classes : dict of str to int
        Rows of each label, most frequent first; empty when unlabelled. A row counts for each of its labels.
    labels_per_row : float
        Mean number of labels; 0 when unlabelled.
    imbalance : float
        Rows of the most frequent class over rows of the least frequent one; 0 when unlabelled.
    lengths : Lengths
        In characters.
    scripts : dict of str to float
        Share of each script among the letters, largest first; ``"han"`` is Chinese characters.
    """

    split: str
    source: str
    encoding: str
    rows: int
    multi_label: bool
    classes: dict[str, int]
    labels_per_row: float
    imbalance: float
    lengths: Lengths
    scripts: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dictionaries; labels that cannot be printed are escaped."""
        plain = asdict(self)
        return {
            **plain,
            "source": visible(self.source),
            "classes": {visible(k): n for k, n in self.classes.items()},
        }


def describe(name: str, data: Dataset) -> Statistics:
    """Count a split.

    Examples
    --------
    >>> data = Dataset(["很好", "very good"], ["pos", "pos"], [1, 2], "reviews.jsonl")
    >>> found = describe("train", data)
    >>> found.rows, found.classes, found.lengths.max, found.scripts
    (2, {'pos': 2}, 9, {'latin': 0.8, 'han': 0.2})
    """
    counts = label_counts(data)
    return Statistics(
        split=name,
        source=data.source,
        encoding=data.encoding,
        rows=len(data),
        multi_label=data.multi_label,
        classes=counts,
        labels_per_row=sum(counts.values()) / max(len(data), 1),
        imbalance=max(counts.values()) / min(counts.values()) if counts else 0.0,
        lengths=_lengths(data.texts),
        scripts=_scripts(data.texts),
    )


def label_counts(data: Dataset) -> dict[str, int]:
    """Rows of each label, most frequent first, equal ones by name.

    Examples
    --------
    >>> label_counts(Dataset(["a", "b"], [["x", "y"], ["y"]], [1, 2], ""))
    {'y': 2, 'x': 1}
    """
    counts: Counter[str] = Counter()
    for target in data.targets or []:
        counts.update([target] if isinstance(target, str) else set(target))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _lengths(texts: Sequence[str]) -> Lengths:
    if not texts:
        return Lengths(0, 0.0, 0.0, 0.0, 0)
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    median, p95 = np.percentile(lengths, [50, 95]).tolist()
    return Lengths(int(lengths.min()), median, float(lengths.mean()), p95, int(lengths.max()))


def _scripts(texts: Sequence[str]) -> dict[str, float]:
    """Share of each script among all letters; letters of no listed script are "other"."""
    counts = np.zeros(0x110000, dtype=np.int64)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        codes, _ = codepoints(texts[start : start + _TEXTS_AT_ONCE])
        counts += np.bincount(codes, minlength=len(counts))
    seen = np.flatnonzero(counts).tolist()
    letters: Counter[str] = Counter()
    for code in seen:
        if chr(code).isalpha():
            letters[_script(code)] += int(counts[code])
    total = max(letters.total(), 1)
    return {script: count / total for script, count in letters.most_common()}


def _script(code: int) -> str:
    for script, ranges in _SCRIPTS.items():
        if any(first <= code <= last for first, last in ranges):
            return script
    return "other"
