"""fastText's own binary models (``.bin``): words, and buckets of character n-grams for words never seen.

Read here rather than by gensim, because a published model has seven gigabytes: it is mapped into memory, sizes are
checked against the file before they are believed, and with ``only=`` no more than the rows asked for is ever held.

The layout is that of ``FastText::saveModel``: a mark and a version, 12 settings and a number, the dictionary, and the
input matrix with a row for each word, then for each bucket.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fenlei.exceptions import DataError
from fenlei.features._types import F32
from fenlei.vectors.collector import LARGEST_DIM, Collector
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

MARK = struct.pack("<i", 793712314)
"""The first bytes of such a file."""

_SETTINGS = struct.Struct("<12id")  # dim, window, epochs, ..., buckets (8), shortest and longest n-gram (9, 10)
_DICTIONARY = struct.Struct("<3i2q")  # entries, words, labels; tokens of the corpus, size of the pruned index
_COUNT_AND_TYPE = 9  # bytes behind each word
_MATRIX = struct.Struct("<?2q")  # quantised?, rows, columns
_WORDS_AT_ONCE = 100_000
_SENTENCE_END = "</s>"  # the one word without n-grams


class _Model(NamedTuple):
    words: list[bytes]
    matrix: F32
    subwords: Subwords


def read_fasttext_model(path: Path, *, only: AbstractSet[str] | None = None) -> WordVectors:
    """Read a model of ``fasttext skipgram``, ``cbow`` or ``supervised``.

    Parameters
    ----------
    path : Path
    only : set of str, optional
        Give vectors for these tokens, composed where they are no words of the model, and forget the n-grams.

    Raises
    ------
    DataError
        When it is truncated, damaged or quantised.
    """
    source = str(path)
    try:
        model = _parse(path, source)
    except DataError:
        raise
    except (struct.error, ValueError, OverflowError) as error:
        raise DataError("a fastText model that is truncated or damaged; get the whole file", source=source) from error
    collector = Collector(source, model.matrix.shape[1], only)
    for begin in range(0, len(model.words), _WORDS_AT_ONCE):
        _take_words(collector, model, begin)
    if only is not None:
        return collector.finish(subwords=model.subwords)
    buckets = np.array(model.subwords.matrix)
    if not np.isfinite(buckets).all():
        raise DataError("the vector of an n-gram has something that is not a finite number", source=source)
    return collector.finish(subwords=Subwords(buckets, model.subwords.min_n, model.subwords.max_n))


def _parse(path: Path, source: str) -> _Model:
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    settings = _SETTINGS.unpack_from(data, 8)
    words, at = _read_words(data, 8 + _SETTINGS.size)
    quantised, n_rows, dim = _MATRIX.unpack_from(data, at)
    if quantised:
        raise DataError("a quantised fastText model, which has no vectors of its own; use the .bin", source=source)
    if not 0 < dim <= LARGEST_DIM or n_rows < len(words):
        raise ValueError
    values = np.frombuffer(data, "<f4", n_rows * dim, at + _MATRIX.size).reshape(n_rows, dim)
    n_buckets, min_n, max_n = settings[8:11]
    if n_buckets < 0 or not -1 < min_n <= max(max_n, 10):
        raise ValueError
    buckets = values[len(words) :][: n_buckets if max_n > 0 else 0]
    return _Model(words, values[: len(words)], Subwords(buckets, min_n, max_n))


def _read_words(data: mmap.mmap, at: int) -> tuple[list[bytes], int]:
    """Read the words, and pass over the labels and the pruned index."""
    n_entries, n_words, _, _, n_pruned = _DICTIONARY.unpack_from(data, at)
    at += _DICTIONARY.size
    words = []
    for _ in range(n_entries):
        end = data.find(b"\0", at)
        if end < 0:
            raise ValueError
        words.append(data[at:end])
        at = end + 1 + _COUNT_AND_TYPE
    if not 0 <= n_words <= len(words):
        raise ValueError
    return words[:n_words], at + 8 * max(0, n_pruned)


def _take_words(collector: Collector, model: _Model, begin: int) -> None:
    """Make the vectors of some words: each the mean of its own row and its n-grams."""
    names = model.words[begin : begin + _WORDS_AT_ONCE]
    kept = collector.choose(names)
    room = collector.room()
    own = model.matrix[begin : begin + _WORDS_AT_ONCE][kept]
    room[:] = own
    tokens = [names[place].decode() for place in kept]
    counts = model.subwords.add_to(room, tokens)
    room /= (counts + 1)[:, None]
    if _SENTENCE_END in tokens:
        room[tokens.index(_SENTENCE_END)] = own[tokens.index(_SENTENCE_END)]
    collector.check_finite(room, [names[place] for place in kept])
