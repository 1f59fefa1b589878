"""One thing that an audit found: what, how bad, how many, in which rows, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias

from fenlei.data.dataset import Dataset
from fenlei.data.duplicates import is_empty, normalised

Severity: TypeAlias = Literal["error", "warning", "note"]

ROWS_CAP = 10_000
"""Most row numbers that a finding lists per split."""

EXAMPLES, PLACES, _EXCERPT = 5, 5, 40


class Place(NamedTuple):
    """A row of a split, as a person counts it in the file."""

    split: str
    row: int


class Example(NamedTuple):
    """Up to five rows that belong together, and the beginning of the first text."""

    places: tuple[Place, ...]
    excerpt: str


@dataclass(frozen=True)
class Finding:
    """One kind of trouble.

    Attributes
    ----------
    kind : str
        Name of the check, such as ``"exact-duplicates"``.
    severity : {"error", "warning", "note"}
        Errors make what is trained or measured wrong; warnings make it worse; notes are good to know.
    count : int
        Rows concerned, or classes or splits where the message says so.
    message : str
        One sentence.
    fix : str
        The flag of ``fenlei train`` that mends it in the training rows, or "".
    examples : tuple of Example
        At most five.
    rows : dict of str to tuple of int
        Row numbers by split, at most `ROWS_CAP` a split.
    """

    kind: str
    severity: Severity
    count: int
    message: str
    fix: str = ""
    examples: tuple[Example, ...] = ()
    rows: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists and dictionaries, safe to write as JSON in any encoding."""
        examples = [
            {"rows": [place._asdict() for place in example.places], "excerpt": example.excerpt}
            for example in self.examples
        ]
        return {
            "kind": self.kind,
            "severity": self.severity,
            "count": self.count,
            "message": self.message,
            "fix": self.fix,
            "examples": examples,
            "rows": {split: list(rows) for split, rows in self.rows.items()},
        }


TargetKey: TypeAlias = "frozenset[str] | None"


@dataclass(frozen=True)
class Split:
    """A named data set with what several checks need of it; `name` is already fit to be shown."""

    name: str
    data: Dataset

    @cached_property
    def normalised(self) -> list[str]:
        """Texts as they are compared; "" for those with nothing to show, which are no copies of one another."""
        return ["" if is_empty(text) else normalised(text) for text in self.data.texts]

    @cached_property
    def keys(self) -> list[TargetKey]:
        """Labels of each text as a set, or None without labels: equal keys mean the same target."""
        return target_keys(self.data)

    def example(self, indices: Sequence[int]) -> Example:
        """Show rows of this split that belong together."""
        places = tuple(Place(self.name, self.data.rows[i]) for i in indices[:PLACES])
        return Example(places, excerpt(self.data.texts[indices[0]]))

    def examples(self, groups: Iterable[Sequence[int]]) -> tuple[Example, ...]:
        """Show the first few groups of rows."""
        return tuple(self.example(group) for group, _ in zip(groups, range(EXAMPLES), strict=False))

    def rows(self, indices: Iterable[int]) -> tuple[int, ...]:
        """Row numbers of the texts at `indices`, up to the cap."""
        return tuple(self.data.rows[i] for i, _ in zip(indices, range(ROWS_CAP), strict=False))


def target_keys(data: Dataset) -> list[TargetKey]:
    """Labels of each text as a set, or None without labels."""
    if data.targets is None:
        return [None] * len(data)
    return [frozenset([target] if isinstance(target, str) else target) for target in data.targets]


def found(
    kind: str,
    severity: Severity,
    message: str,
    places: Sequence[tuple[Split, Sequence[int]]],
    *,
    groups: Sequence[tuple[Split, Sequence[Sequence[int]]]] | None = None,
    fix: str = "",
) -> tuple[Finding, ...]:
    """Make a finding of the texts at `places`, or none when there are none.

    Parameters
    ----------
    message : str
        ``{where}`` in it becomes the counts by split: "3 of 1,200 in train, 1 of 90 in test".
    places : sequence of (Split, indices)
    groups : sequence of (Split, groups of indices), optional
        What to show as examples; each of `places` by itself without it.
    fix : str
        Flag that mends it in the first split; left out when that has nothing to mend.
    """
    count = sum(len(indices) for _, indices in places)
    if not count:
        return ()
    shown = groups or [(split, [[i] for i in indices[:EXAMPLES]]) for split, indices in places]
    examples = [example for split, together in shown for example in split.examples(together)]
    rows = {split.name: split.rows(indices) for split, indices in places if indices}
    where = ", ".join(f"{len(i):,} of {len(s.data):,} in {s.name}" for s, i in places if i)
    mended = fix if places[0][1] else ""
    text = message.replace("{where}", where)
    return (Finding(kind, severity, count, text, mended, tuple(examples[:EXAMPLES]), rows),)


def visible(text: str) -> str:
    r"""Write what cannot be printed as an escape: control characters, lone surrogates, odd spaces.

    Examples
    --------
    >>> print(visible("好　\x1b[1m"))
    好\u3000\x1b[1m
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def excerpt(text: str) -> str:
    r"""Show the beginning of a text in one line.

    Examples
    --------
    >>> excerpt(" 很\n好 " + "x" * 60)
    '很 好 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…'
    """
    line = visible(" ".join(text[: 4 * _EXCERPT].split()))
    whole = len(text) <= 4 * _EXCERPT and len(line) <= _EXCERPT
    return line if whole else line[: _EXCERPT - 1] + "…"
