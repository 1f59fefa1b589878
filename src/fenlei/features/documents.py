"""Texts, or lists of tokens, as all features take them: checked, shared out into blocks, each block cut into tokens."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from fenlei._checks import check_texts
from fenlei._codepoints import codepoints
from fenlei._threads import n_threads
from fenlei.exceptions import DataError
from fenlei.features._types import U32
from fenlei.features.alphabet import kinds, lower_case

if TYPE_CHECKING:
    from fenlei.features._ngrams import Tokens

Documents: TypeAlias = "Sequence[str] | Sequence[list[str]]"
_FEWEST, _MOST = 256, 20_000  # texts in a block: worth a thread, and within its memory
_MOST_CHARACTERS = 50_000_000  # in a block, and never near what 32 bits can count


def check_documents(X: Any) -> list[Any]:
    """Texts as they are, or lists of tokens as they are; anything else is refused as `check_texts` does."""
    if isinstance(X, str) or not isinstance(X, Sequence) or not len(X) or not isinstance(X[0], list):
        return check_texts(X)
    for row, tokens in enumerate(X, 1):
        if not isinstance(tokens, list) or not all(issubclass(kind, str) for kind in set(map(type, tokens))):
            raise DataError("expected a list of tokens, each a string, as the first row is", row=row)
    return list(X)


def share_out(documents: Documents) -> list[Documents]:
    """Share the texts out into blocks, one a thread or more.

    Examples
    --------
    >>> share_out(["很好", "bad"])
    [['很好', 'bad']]
    """
    size = min(_MOST, max(_FEWEST, -(-len(documents) // n_threads())))
    parts, begin, room = [], 0, _MOST_CHARACTERS
    for i, length in enumerate(_lengths(documents)):
        if i > begin and (i - begin == size or length > room):
            parts.append(documents[begin:i])
            begin, room = i, _MOST_CHARACTERS
        room -= length
    return [*parts, documents[begin:]] if documents else []


@functools.cache
def fold_table(*, lowercase: bool) -> U32:
    """Code point to the code point that it counts as; shape (0x110000,)."""
    return lower_case() if lowercase else np.arange(len(kinds()), dtype=np.uint32)


def cut(documents: Documents, fold: U32, *, boundaries: bool) -> Tokens:
    """Cut one block of texts into tokens, or take the tokens it is made of."""
    from fenlei.features import _ngrams

    if documents and isinstance(documents[0], list):
        tokens = [token for document in documents for token in document]
        codes, _ = codepoints(tokens)
        lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        n_tokens = np.fromiter(map(len, documents), np.int64, len(documents))
        return _ngrams.given_tokens(codes, lengths, n_tokens, fold, boundaries)
    codes, offsets = codepoints(documents)  # type: ignore[arg-type]
    return _ngrams.tokenize(codes, offsets, kinds(), fold, boundaries)


def _lengths(documents: Documents) -> list[int]:
    """Characters of each document."""
    if documents and isinstance(documents[0], list):
        return [sum(map(len, document)) for document in documents]
    return list(map(len, documents))
