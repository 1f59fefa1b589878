"""A labelled set of texts in memory, each with the row it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeAlias

Label: TypeAlias = str
Target: TypeAlias = "Label | list[Label]"


class Record(NamedTuple):
    """One row of a file: its number as a person counts it, its text, and its label, labels or None."""

    row: int
    text: str
    target: Target | None


@dataclass(frozen=True)
class Dataset:
    """Texts with their labels and where each came from.

    Attributes
    ----------
    texts : list of str
    targets : list of str, list of list of str, or None
        One label a text, or a list of labels a text (multi-label), or None when unlabelled.
    rows : sequence of int
        Row of each text in its source as a person counts it: the spreadsheet row (the header is row 1) for csv, tsv
        and xlsx, the line for jsonl, fastText and plain text, from 1 for parquet and folders.
    source : str
        Where it was read from, for messages.
    encoding : str
        Encoding that was used, or "" where the format has none.
    warnings : tuple of str
        What the reader noticed and the user should see, one sentence each.

    Examples
    --------
    >>> data = Dataset(texts=["很好", "差"], targets=["positive", "negative"], rows=[2, 3], source="reviews.csv")
    >>> len(data), data.multi_label, data.select([1]).texts
    (2, False, ['差'])
    """

    texts: list[str] = field(repr=False)
    targets: list[str] | list[list[str]] | None = field(repr=False)
    rows: Sequence[int] = field(repr=False)
    source: str
    encoding: str = ""
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def multi_label(self) -> bool:
        """Whether each text has a list of labels."""
        return bool(self.targets) and isinstance(self.targets[0], list)  # type: ignore[index]

    def select(self, indices: Iterable[int]) -> Dataset:
        """Return the texts at `indices`, in that order."""
        chosen = list(indices)
        targets = None if self.targets is None else [self.targets[i] for i in chosen]
        return replace(
            self,
            texts=[self.texts[i] for i in chosen],
            targets=targets,  # type: ignore[arg-type]
            rows=[self.rows[i] for i in chosen],
        )
