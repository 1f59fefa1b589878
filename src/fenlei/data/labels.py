"""One spelling for each label: the same label written in several ways becomes one."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from fenlei.data.dataset import Dataset, Target


def tidy_label(label: str) -> str:
    """Remove outer spaces, make inner whitespace one space, and full-width forms half-width (NFKC).

    Examples
    --------
    >>> tidy_label("　Ｐｏｓｉｔｉｖｅ ")
    'Positive'
    """
    return " ".join(unicodedata.normalize("NFKC", label).split())


def label_fixes(counts: Mapping[str, int]) -> dict[str, str]:
    """Map labels to the form to write: tidied, and of forms that differ in case the most frequent one.

    Parameters
    ----------
    counts : mapping of str to int
        Rows of each label as it is written.

    Returns
    -------
    dict of str to str
        Only labels that change and are not empty. Of equally frequent forms the first by code point wins.

    Examples
    --------
    >>> label_fixes({"positive": 10, "Positive": 3, "positive ": 2, "negative": 9})
    {'Positive': 'positive', 'positive ': 'positive'}
    """
    weights: dict[str, dict[str, int]] = {}
    for label, count in counts.items():
        form = tidy_label(label)
        forms = weights.setdefault(form.casefold(), {})
        forms[form] = forms.get(form, 0) + count
    best = {key: min(forms, key=lambda form: (-forms[form], form)) for key, forms in weights.items()}
    fixed = {label: best[tidy_label(label).casefold()] for label in counts}
    return {label: form for label, form in fixed.items() if form and label != form}


def relabel(data: Dataset, fixes: Mapping[str, str]) -> tuple[list[Target], int]:
    """Targets of labelled `data` with `fixes` applied, and in how many rows that changes something.

    Two labels of one row that become the same are written once.

    Examples
    --------
    >>> relabel(Dataset(["a", "b"], ["Pos", "neg"], [1, 2], ""), {"Pos": "pos"})
    (['pos', 'neg'], 1)
    """
    old: list[Target] = list(data.targets or [])
    new: list[Target] = [
        fixes.get(target, target)
        if isinstance(target, str)
        else list(dict.fromkeys(fixes.get(label, label) for label in target))
        for target in old
    ]
    return new, sum(before != after for before, after in zip(old, new, strict=True))
