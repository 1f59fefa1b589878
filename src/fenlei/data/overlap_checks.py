"""Checks between texts: duplicates within a split, leaks between splits, conflicting labels.

Empty texts are left out: they have a check of their own, and are no copies of one another that matter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from fenlei.data.duplicates import MIN_LENGTH, NearIndex, first_occurrences
from fenlei.data.findings import EXAMPLES, PLACES, Example, Finding, Place, Split, TargetKey, excerpt, found

Copy: TypeAlias = tuple[Split, int]  # a row of an earlier split


def check_overlaps(splits: Sequence[Split], *, near: float) -> list[Finding]:
    """Look for texts that stand in the data more than once.

    Parameters
    ----------
    splits : sequence of Split
        In order of use: training first, test last.
    near : float
        Smallest Jaccard similarity of near duplicates.
    """
    index = NearIndex([text for split in splits for text in split.normalised], near=near)
    starts = np.cumsum([0, *(len(split.data) for split in splits)]).tolist()
    return [
        *_check_duplicates(splits),
        *_check_near_duplicates(splits, starts, index),
        *_check_leaks(splits, starts, index),
        *_check_conflicts(splits),
    ]


def repeated_rows(split: Split) -> dict[int, int]:
    """Rows whose normalised text stands earlier with the same labels, each with the first such row."""
    first = first_occurrences(list(zip(split.normalised, split.keys, strict=True)))
    return {i: leader for i, leader in enumerate(first) if leader != i and split.normalised[i]}


def nearly_repeated_rows(split: Split, start: int, index: NearIndex) -> dict[int, int]:
    """Rows left after `repeated_rows` that nearly repeat one kept before with the same labels.

    `start` is the place of the split's first text in `index`.
    """
    gone = repeated_rows(split)
    rows = np.array([i for i in range(len(split.data)) if i not in gone], dtype=np.int64)
    numbers: dict[TargetKey, int] = {}
    groups = [numbers.setdefault(split.keys[i], len(numbers)) for i in rows]
    leaders = index.leaders(rows + start, groups) - start
    return {i: leader for i, leader in zip(rows.tolist(), leaders.tolist(), strict=True) if leader != i}


def conflicting_texts(splits: Sequence[Split]) -> set[str]:
    """Normalised texts that stand with different labels, or sets of labels, anywhere in `splits`."""
    first: dict[str, TargetKey] = {}
    conflicts = set()
    for split in splits:
        for text, key in zip(split.normalised, split.keys, strict=True):
            if text and key is not None and first.setdefault(text, key) != key:
                conflicts.add(text)
    return conflicts


def _grouped(leaders: dict[int, int]) -> list[list[int]]:
    """First row and repeats of each group, the largest group first."""
    groups: dict[int, list[int]] = {}
    for i, leader in leaders.items():
        groups.setdefault(leader, [leader]).append(i)
    return sorted(groups.values(), key=lambda group: -len(group))


def _check_duplicates(splits: Sequence[Split]) -> tuple[Finding, ...]:
    exact, folded = [], []
    for split in splits:
        first = first_occurrences(list(zip(split.data.texts, split.keys, strict=True)))
        repeats = repeated_rows(split)
        exact.append((split, {i: j for i, j in repeats.items() if first[i] != i}))
        folded.append((split, {i: j for i, j in repeats.items() if first[i] == i}))
    return (
        *_duplicates("exact-duplicates", "Rows that repeat an earlier row, text and labels: {where}.", exact),
        *_duplicates(
            "normalised-duplicates",
            "Further rows that repeat an earlier row but for spaces and letter case: {where}.",
            folded,
        ),
    )


def _check_near_duplicates(splits: Sequence[Split], starts: Sequence[int], index: NearIndex) -> tuple[Finding, ...]:
    near = [(s, nearly_repeated_rows(s, start, index)) for s, start in zip(splits, starts, strict=False)]
    message = (
        f"Further rows that nearly repeat an earlier row with the same labels (similarity {index.near:g} or "
        f"more; texts under {MIN_LENGTH} characters left out): {{where}}."
    )
    return _duplicates("near-duplicates", message, near, fix="--drop-near-duplicates")


def _duplicates(
    kind: str,
    message: str,
    leaders: Sequence[tuple[Split, dict[int, int]]],
    *,
    fix: str = "--drop-duplicates",
) -> tuple[Finding, ...]:
    places = [(split, list(rows)) for split, rows in leaders]
    groups = [(split, _grouped(rows)) for split, rows in leaders]
    return found(kind, "warning", message, places, groups=groups, fix=fix)


def _check_leaks(splits: Sequence[Split], starts: Sequence[int], index: NearIndex) -> list[Finding]:
    findings: list[Finding] = []
    for k in range(1, len(splits)):
        earlier, split = splits[:k], splits[k]
        leaks = _leaks(earlier, split)
        rest = np.array([i for i in range(len(split.data)) if i not in leaks], dtype=np.int64)
        matches = index.matches(rest + starts[k], np.arange(starts[k])).tolist()
        near = {i: _locate(splits, starts, j) for i, j in zip(rest.tolist(), matches, strict=True) if j >= 0}
        findings += [*_leak(earlier, split, leaks), *_near_leak(earlier, split, near, index.near)]
    return findings


def _leaks(earlier: Sequence[Split], split: Split) -> dict[int, Copy]:
    """Rows of `split` whose normalised text stands in an earlier split, each with one such row.

    A row with the same labels is preferred.
    """
    known: dict[object, Copy] = {}
    for other in earlier:
        for i, (text, key) in enumerate(zip(other.normalised, other.keys, strict=True)):
            known.setdefault(text, (other, i))
            known.setdefault((text, key), (other, i))
    rows = enumerate(zip(split.normalised, split.keys, strict=True))
    return {i: known.get((text, key), known[text]) for i, (text, key) in rows if text and text in known}


def _locate(splits: Sequence[Split], starts: Sequence[int], place: int) -> Copy:
    """Find the split and the row of a text of the index."""
    k = bisect_right(starts, place) - 1
    return splits[k], place - starts[k]


def _leak(earlier: Sequence[Split], split: Split, leaks: dict[int, Copy]) -> tuple[Finding, ...]:
    same = sum(split.keys[i] == other.keys[j] for i, (other, j) in leaks.items())
    agreement = f", {same:,} of them with the same labels" if split.data.targets is not None else ""
    message = f"Texts that also stand in {_names(earlier)}: {{where}}{agreement}."
    return _with_copies(found("leaks", "error", message, [(split, list(leaks))], fix="--drop-leaks"), split, leaks)


def _near_leak(earlier: Sequence[Split], split: Split, leaks: dict[int, Copy], near: float) -> tuple[Finding, ...]:
    message = f"Further texts that nearly stand in {_names(earlier)} (similarity {near:g} or more): {{where}}."
    fix = "--drop-leaks --drop-near-duplicates"
    return _with_copies(found("near-leaks", "warning", message, [(split, list(leaks))], fix=fix), split, leaks)


def _with_copies(findings: tuple[Finding, ...], split: Split, leaks: dict[int, Copy]) -> tuple[Finding, ...]:
    """Let each example show the row of `split` and its copy in the earlier split."""
    copies = {split.data.rows[i]: Place(other.name, other.data.rows[j]) for i, (other, j) in leaks.items()}
    return tuple(
        replace(
            finding,
            examples=tuple(
                example._replace(places=(*example.places, copies[example.places[0].row]))
                for example in finding.examples
            ),
        )
        for finding in findings
    )


def _names(splits: Sequence[Split]) -> str:
    return " or ".join(split.name for split in splits)


def _check_conflicts(splits: Sequence[Split]) -> tuple[Finding, ...]:
    conflicts = conflicting_texts(splits)
    places = [(s, [i for i, text in enumerate(s.normalised) if text in conflicts]) for s in splits]
    inside = conflicting_texts(splits[:1])
    message = f"{len(conflicts):,} texts stand with different labels: {{where}}"
    if inside and len(splits) > 1:
        message += f"; {len(inside):,} of them within {splits[0].name}"
    findings = found("conflicting-labels", "warning", message + ".", places)
    groups = _conflict_examples(places)
    return tuple(replace(f, examples=groups, fix="--drop-conflicts" if inside else "") for f in findings)


def _conflict_examples(places: Sequence[tuple[Split, list[int]]]) -> tuple[Example, ...]:
    """Show the rows of the first few conflicting texts, from whichever split."""
    groups: dict[str, list[Place]] = {}
    excerpts: dict[str, str] = {}
    for split, rows in places:
        for i in rows:
            text = split.normalised[i]
            groups.setdefault(text, []).append(Place(split.name, split.data.rows[i]))
            excerpts.setdefault(text, split.data.texts[i])
    shown = list(groups)[:EXAMPLES]
    return tuple(Example(tuple(groups[text][:PLACES]), excerpt(excerpts[text])) for text in shown)
