"""All texts as one array of code points, the form that numpy and numba count fast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TEXTS_AT_ONCE = 4096


def codepoints(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Lay all texts end to end as code points; lone surrogates stay as they are.

    Returns
    -------
    codes : array of uint32, shape (n_characters,)
    offsets : array of int64, shape (n_texts + 1,)
        Text i is ``codes[offsets[i]:offsets[i + 1]]``.

    Examples
    --------
    >>> codes, offsets = codepoints(["好", "ab"])
    >>> codes.tolist(), offsets.tolist()
    ([22909, 97, 98], [0, 1, 3])
    """
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    codes = np.empty(offsets[-1], dtype=np.uint32)
    for start in range(0, len(texts), _TEXTS_AT_ONCE):  # in pieces: the joined copy is as large as the array
        piece = "".join(texts[start : start + _TEXTS_AT_ONCE]).encode("utf-32-le", "surrogatepass")
        stop = min(start + _TEXTS_AT_ONCE, len(texts))
        codes[offsets[start] : offsets[stop]] = np.frombuffer(piece, dtype="<u4")
    return codes, offsets
