"""word2vec's binary format: a line with the sizes, then token, space and float32 numbers of each vector."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import BinaryIO

import numpy as np

from fenlei.exceptions import DataError
from fenlei.vectors.collector import Collector
from fenlei.vectors.text_format import check_writable
from fenlei.vectors.word_vectors import WordVectors

_BLOCK = 1 << 24  # bytes read at a time
_LONGEST_TOKEN = 10_000  # bytes


def read_binary(
    stream: BinaryIO, source: str, *, header: tuple[int, int], only: AbstractSet[str] | None = None
) -> WordVectors:
    """Read the vectors from behind the `header`.

    Raises
    ------
    DataError
        When the file ends before the last vector, or does not hold such rows.
    """
    n_vectors, dim = header
    collector, rest = Collector(source, dim, only), b""
    while collector.n_seen < n_vectors and (read := stream.read(_BLOCK)):
        rest = _take_block(collector, rest + read, n_vectors - collector.n_seen)
    if collector.n_seen < n_vectors:
        raise DataError(
            f"the first line says {n_vectors:,} vectors, the file ends behind {collector.n_seen:,}; get the whole file",
            source=source,
        )
    if (rest + stream.read(1)).strip(b"\n"):
        raise DataError(f"goes on behind the {n_vectors:,} vectors that its first line says", source=source)
    return collector.finish()


def write_binary(vectors: WordVectors, stream: BinaryIO) -> None:
    """Write what `read_binary`, the first word2vec and gensim read."""
    check_writable(vectors.tokens, "word2vec's binary format")
    stream.write(f"{len(vectors)} {vectors.dim}\n".encode())
    for token, row in zip(vectors.tokens, vectors.matrix.astype("<f4", copy=False), strict=True):
        stream.write(token.encode() + b" " + row.tobytes() + b"\n")


def _take_block(collector: Collector, raw: bytes, most: int) -> bytes:
    """Hand the rows that lie wholly in `raw` to the collector; returns what is left over."""
    from fenlei.vectors import _rows

    block = np.frombuffer(raw, np.uint8)
    most = min(most, len(raw) // (4 * collector.dim + 1) + 1)
    begins, ends, rest, sound = _rows.find_binary_rows(block, collector.dim, most, _LONGEST_TOKEN)
    if not sound:
        place = collector.n_seen + len(begins) + 1
        raise DataError(f"vector {place:,} has no token; not word2vec's binary format", source=collector.source)
    kept = collector.choose([raw[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)])
    room = collector.room()
    _rows.copy_rows(block, ends[kept] + 1, room.view(np.uint8))
    collector.check_finite(room, [raw[begins[place] : ends[place]] for place in kept])
    return raw[rest:]
