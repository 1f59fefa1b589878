"""Checks of the labels: spelling, balance, and whether the splits have the same classes."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from fenlei.data.findings import Finding, Split, found, visible
from fenlei.data.labels import label_fixes, tidy_label
from fenlei.data.statistics import Statistics, label_counts

_RARE = 5
_IMBALANCED = 10.0
_SHIFTED = 0.1
_ALIKE, _SHARE_OF_SLIPS = 0.9, 0.1
_NAMED = 5  # labels named in a message
_MOST_CLASSES_COMPARED = 500  # pairs of names grow with the square


def check_labels(splits: Sequence[Split], statistics: Sequence[Statistics]) -> list[Finding]:
    """Look at the labels of all splits; the first one is the one to train on."""
    labelled = [
        (split, numbers)
        for split, numbers in zip(splits, statistics, strict=True)
        if split.data.targets is not None and len(split.data)
    ]
    if not labelled:
        return []
    (train, numbers), others = labelled[0], labelled[1:]
    everywhere = [split for split, _ in labelled]
    return [
        *_check_kinds(everywhere),
        *_check_spelling(everywhere),
        *_check_unlabelled(everywhere),
        *_check_balance(train, numbers),
        *_check_unseen(train, numbers, others),
        *_check_shift(numbers, [other for _, other in others]),
    ]


def _check_kinds(splits: Sequence[Split]) -> tuple[Finding, ...]:
    several = [split.name for split in splits if split.data.multi_label]
    if len(several) in {0, len(splits)}:
        return ()
    message = f"Only {', '.join(several)} of {len(splits)} labelled splits has several labels a row."
    return (Finding("mixed-targets", "error", len(several), message),)


def _check_spelling(splits: Sequence[Split]) -> tuple[Finding, ...]:
    counts: Counter[str] = Counter()
    for split in splits:
        counts.update(label_counts(split.data))
    fixes = label_fixes(counts)
    pairs = _slips({label: count for label, count in counts.items() if label not in fixes})
    slips = _list(f"{_quote(rare)} like {_quote(common)}" for rare, common in pairs)
    return (
        *_check_forms(splits, counts, fixes),
        *found(
            "similar-labels",
            "note",
            f"Rare labels that look like a slip of a common one ({slips}): {{where}}.",
            _with_labels(splits, {rare for rare, _ in pairs}),
        ),
        *found(
            "empty-labels",
            "error",
            "Rows whose label is empty: {where}.",
            _with_labels(splits, {label for label in counts if not tidy_label(label)}),
        ),
    )


def _check_forms(splits: Sequence[Split], counts: Mapping[str, int], fixes: Mapping[str, str]) -> tuple[Finding, ...]:
    """Tell labels that fall together once their spelling is mended from labels that are merely untidy."""
    forms = Counter(fixes.get(label, label) for label in counts)
    split_up = {label: form for label, form in fixes.items() if forms[form] > 1}
    untidy = {label: form for label, form in fixes.items() if forms[form] == 1}
    return (
        *found(
            "label-variants",
            "error",
            f"One class under several spellings ({_list(_arrows(split_up))}): {{where}}.",
            _with_labels(splits, split_up),
            fix="--fix-labels",
        ),
        *found(
            "untidy-labels",
            "note",
            f"Labels with outer spaces or full-width forms ({_list(_arrows(untidy))}): {{where}}.",
            _with_labels(splits, untidy),
            fix="--fix-labels",
        ),
    )


def _arrows(fixes: Mapping[str, str]) -> list[str]:
    return [f"{_quote(label)} → {_quote(form)}" for label, form in fixes.items()]


def _slips(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Pairs (rare, common) of labels that differ by about a letter in ten, digits aside."""
    names = list(counts)[:_MOST_CLASSES_COMPARED]
    matcher = difflib.SequenceMatcher(autojunk=False)
    pairs = []
    for common in names:
        matcher.set_seq2(common)
        for rare in names:
            if counts[rare] > _SHARE_OF_SLIPS * counts[common] or _digits(rare) != _digits(common):
                continue
            matcher.set_seq1(rare)
            if matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
                pairs.append((rare, common))
    return pairs


def _digits(label: str) -> list[str]:
    return re.findall(r"\d+", label)


def _check_unlabelled(splits: Sequence[Split]) -> tuple[Finding, ...]:
    places = [(split, [i for i, key in enumerate(split.keys) if not key]) for split in splits]
    return found("unlabelled-rows", "note", "Rows with an empty list of labels: {where}.", places)


def _check_balance(train: Split, numbers: Statistics) -> tuple[Finding, ...]:
    counts = numbers.classes
    if len(counts) < 2:
        message = f"{train.name} has {'one class' if counts else 'no class'}; a classifier needs two or more."
        return (Finding("single-class", "error", len(counts), message),)
    rare = {label: count for label, count in counts.items() if count < _RARE}
    named = _list(f"{_quote(label)} {count}" for label, count in rare.items())
    findings = found(
        "rare-classes",
        "warning",
        f"{len(rare)} classes of {train.name} have fewer than {_RARE} rows ({named}): {{where}}.",
        _with_labels([train], rare),
    )
    if numbers.imbalance < _IMBALANCED:
        return findings
    labels = list(counts)
    message = (
        f"The largest class of {train.name} ({_quote(labels[0])}, {counts[labels[0]]:,} rows) is "
        f"{numbers.imbalance:,.0f} times the smallest ({_quote(labels[-1])}, {counts[labels[-1]]:,})."
    )
    return (*findings, Finding("class-imbalance", "warning", len(counts), message))


def _check_unseen(train: Split, numbers: Statistics, others: Sequence[tuple[Split, Statistics]]) -> tuple[Finding, ...]:
    splits = [split for split, _ in others]
    measured = {label for _, other in others for label in other.classes}
    unseen = measured - set(numbers.classes)
    findings = found(
        "unseen-classes",
        "error",
        f"{len(unseen)} classes are not in {train.name}, so no model can get them right "
        f"({_list(map(_quote, sorted(unseen)))}): {{where}}.",
        _with_labels(splits, unseen) if splits else [(train, [])],
    )
    missing = sorted(set(numbers.classes) - measured) if others else []
    if not missing:
        return findings
    message = f"{len(missing)} classes of {train.name} are in no other split ({_list(map(_quote, missing))})."
    return (*findings, Finding("unmeasured-classes", "note", len(missing), message))


def _check_shift(train: Statistics, others: Sequence[Statistics]) -> list[Finding]:
    findings = []
    for other in others:
        distance = _total_variation(train.classes, other.classes)
        if distance > _SHIFTED + _sampling_distance(train.classes, sum(other.classes.values())):
            message = f"Classes are distributed otherwise in {other.split} than in {train.split}: "
            message += f"{100 * distance:.0f} % of the labels would have to change."
            findings.append(Finding("label-shift", "note", other.rows, message))
    return findings


def _total_variation(left: Mapping[str, int], right: Mapping[str, int]) -> float:
    """Half the sum of the absolute differences of two distributions: 0 when equal, 1 when disjoint."""
    n, m = sum(left.values()), sum(right.values())
    if not n or not m:
        return 0.0
    return 0.5 * sum(abs(left.get(k, 0) / n - right.get(k, 0) / m) for k in {*left, *right})


def _sampling_distance(counts: Mapping[str, int], size: int) -> float:
    r"""Total variation to expect of a fair sample: half the sum of :math:`\sqrt{2 p (1 - p) / (\pi n)}`."""
    shares = [count / sum(counts.values()) for count in counts.values()]
    return 0.5 * sum(math.sqrt(2 * p * (1 - p) / (math.pi * max(size, 1))) for p in shares)


def _with_labels(splits: Sequence[Split], labels: Collection[str]) -> list[tuple[Split, list[int]]]:
    chosen = set(labels)
    return [(split, [i for i, key in enumerate(split.keys) if key and key & chosen]) for split in splits]


def _quote(label: str) -> str:
    return f"'{visible(label)}'"


def _list(names: Iterable[str]) -> str:
    """Join the first few names."""
    every = list(names)
    rest = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
