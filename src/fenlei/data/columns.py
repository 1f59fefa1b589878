"""Which column is the text and which the label: by name, exactly, or as the user says.

======  =====================================================================================
role    names (case and surrounding spaces are ignored)
======  =====================================================================================
text    ``text``; else one of ``sentence content review comment 文本 内容 评论 评价 正文 句子``
label   ``label`` or ``labels``; else one of ``class category 标签 类别 分类``
======  =====================================================================================

Two candidates of the same rank are an error that lists the columns; nothing is guessed from the values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fenlei.exceptions import DataError

_TEXT = (
    ("text",),
    ("sentence", "content", "review", "comment", "文本", "内容", "评论", "评价", "正文", "句子"),
)
_LABEL = (("label", "labels"), ("class", "category", "标签", "类别", "分类"))
NO_LABEL = ""
"""Given as the label column: read the texts and leave the labels alone."""


class Columns(NamedTuple):
    """Names of the text column and of the label column (None when unlabelled)."""

    text: str
    label: str | None


def find_columns(names: Sequence[str], *, text: str | None, label: str | None, source: str, hint: str = "") -> Columns:
    """Choose the two columns among `names`.

    Parameters
    ----------
    names : sequence of str
        The header of the file.
    text, label : str or None
        Names the user gave; exact. A `label` of ``""`` means: no labels.
    hint : str
        What else may be wrong, added when the text column is not found.

    Raises
    ------
    DataError
        When a column is missing or ambiguous.

    Examples
    --------
    >>> find_columns(["id", "评论", "Label"], text=None, label=None, source="a.csv")
    Columns(text='评论', label='Label')
    """
    chosen = _find(names, _TEXT, "text", text, source)
    if chosen is None:
        raise DataError(
            f"no text column among {_listed(names)}; name it with --text (and the label with --label){hint}",
            source=source,
        )
    return Columns(chosen, None if label == NO_LABEL else _find(names, _LABEL, "label", label, source))


def label_among(names: Iterable[str]) -> str | None:
    """Return the first of `names` that is one of the known names of a label column."""
    known = {name for rank in _LABEL for name in rank}
    return next((name for name in names if _plain(name) in known), None)


def _find(
    names: Sequence[str], ranks: tuple[tuple[str, ...], ...], role: str, asked: str | None, source: str
) -> str | None:
    if asked is not None:
        found = [name for name in names if name == asked]
        if not found:
            raise DataError(f"no column {asked!r} (--{role}); the columns are {_listed(names)}", source=source)
        return _only(found, names, role, source)
    for rank in ranks:
        if found := [name for name in names if _plain(name) in rank]:
            return _only(found, names, role, source)
    return None


def _only(found: list[str], names: Sequence[str], role: str, source: str) -> str:
    if len(found) > 1:
        raise DataError(
            f"{len(found)} columns may be the {role} ({_listed(found)}) among {_listed(names)}; "
            f"keep one, or name it with --{role}",
            source=source,
        )
    return found[0]


def _plain(name: str) -> str:
    return name.strip().casefold()


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown or "none"
