r"""Convolutions of several widths as look-up tables: what `fenlei.layers.conv_pool` computes, without its products.

Before its activation a convolution is linear, so what a tap of a filter makes of a token can be known beforehand:

.. math:: c_{fp} = b_f + \sum_{k<w} T_{t(p+k),\,kf}, \qquad T_{t,\,kf} = W_{fk} \cdot x_t

A trained network has finitely many tokens t; T is a table with a row for each, and scoring is look-ups and additions.
Nothing here needs torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.features._types import F32, I32, I64

TABLES = ("float32", "float16", "int8")
_BLOCK = 128  # filters looked up together; `fenlei.layers._folded` says why
_LINE = 64  # bytes of a cache line
_STEPS = 127  # of 8 bits, either side of 0


@dataclass(frozen=True)
class Shape:
    """How sums become features.

    Attributes
    ----------
    stride : int
        Steps between the places of a filter.
    pooling : {"max", "average", "kmax"}
    k : int
        Values kept of each filter; 1 unless ``kmax``.
    activation : {"relu", "tanh"}
    """

    stride: int
    pooling: str
    k: int
    activation: str


@dataclass(frozen=True, eq=False)
class _Block:
    """Some filters of a table: their own, (n_tokens * width, n_filters), and their places among all filters."""

    number: int
    width: int
    table: NDArray[Any]
    begin: int


class FoldedConvolution:
    """Tables of several widths, looked up and pooled.

    Parameters
    ----------
    tables : iterable of arrays of shape (n_tokens, width, n_filters)
        One a width, of float32, float16 or int8; row 0 is padding and all zeros.
    scale : array of shape (n_all_filters,)
        What a sum of each filter is multiplied by: the step of an int8 table, 1 of others.
    bias : array of shape (n_all_filters,)
    shape : Shape

    Examples
    --------
    >>> table = np.zeros((4, 2, 1), np.float32)  # four tokens, width 2, one filter
    >>> table[2, 0], table[3, 1] = 1.5, 2.0
    >>> shape = Shape(stride=1, pooling="max", k=1, activation="relu")
    >>> folded = FoldedConvolution([table], np.ones(1, np.float32), np.zeros(1, np.float32), shape)
    >>> ids, bounds = np.array([[2, 3, 3, 2]], np.int32), np.array([0, 2, 4, 4])
    >>> folded.project(ids, bounds, np.ones((1, 1), np.float32)).tolist()  # "2 3", "3 2", no token
    [[3.5], [2.0], [0.0]]
    """

    def __init__(self, tables: Iterable[NDArray[Any]], scale: F32, bias: F32, shape: Shape) -> None:
        self.scale, self.bias, self.shape = scale, bias, shape
        self.kind = ""
        self._blocks: list[_Block] = []
        begin = 0
        for number, table in enumerate(tables):
            self.kind = table.dtype.name
            self.n_tokens, width, n = table.shape
            for first in range(0, n, _BLOCK):
                part = _in_memory(table[:, :, first : first + _BLOCK])
                self._blocks.append(_Block(number, width, part.reshape(self.n_tokens * width, -1), begin + first))
            begin += n

    @classmethod
    def fold(cls, products: Iterable[F32], bias: F32, shape: Shape, *, kind: str = "float32") -> Self:
        """Make the tables of one of the `TABLES` kinds from products (n_tokens, width, n_filters) of float32.

        Raises
        ------
        SettingError
            When the products are too large for float16.
        """
        tables, scales = zip(*(_as_kind(table, kind) for table in products), strict=True)
        return cls(tables, np.concatenate(scales), bias, shape)

    @property
    def n_features(self) -> int:
        """Number of values that come out for a text."""
        return len(self.bias) * self.shape.k

    def project(self, ids: I32, bounds: I64, weight: F32) -> F32:
        """Pool the filters over texts, and multiply what comes out with the weights of a linear layer.

        Parameters
        ----------
        ids : (n_channels, n_ids), of int32
        bounds : (n_texts + 1,), of int64
            Text i is ``ids[:, bounds[i]:bounds[i + 1]]``.
        weight : (n_out, n_features), of float32

        Returns
        -------
        array of shape (n_texts, n_out)
        """
        from fenlei.layers import _folded

        n, k = len(bounds) - 1, self.shape.k
        projected = np.zeros((n, len(weight)), np.float32)
        room = np.empty(n * _BLOCK * k, np.float32)  # one for all blocks: it stays in the cache
        for block in self._blocks:
            begin, width = block.begin * k, block.table.shape[1] * k
            pooled = room[: n * width].reshape(n, width)
            self._pool(block, ids, bounds, pooled)
            _folded.add_products(pooled, np.ascontiguousarray(weight[:, begin : begin + width]), projected)
        return projected

    def _pool(self, block: _Block, ids: I32, bounds: I64, out: F32) -> None:
        from fenlei.layers import _folded

        shape, tanh = self.shape, self.shape.activation == "tanh"
        filters = slice(block.begin, block.begin + block.table.shape[1])
        given = block.table, block.width, ids, bounds, shape.stride, self.scale[filters], self.bias[filters]
        if shape.pooling == "average":
            _folded.pool_average(*given, tanh, out)
        elif shape.pooling == "kmax":
            _folded.pool_largest(*given, tanh, shape.k, out)
        else:
            small = block.table.dtype == np.int8
            least = float(np.iinfo(np.int16).min) if small else -np.inf
            best = np.empty(block.table.shape[1], np.int16 if small else np.float32)
            _folded.pool_max(*given, not tanh, least, best, out)
            if tanh:
                np.tanh(out, out=out)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Give the tables ``table.0``, ``table.1``, ..., the scale and the bias."""
        parts: dict[str, list[NDArray[Any]]] = {}
        for block in self._blocks:
            table = block.table.reshape(self.n_tokens, block.width, -1).astype(self.kind)
            parts.setdefault(f"table.{block.number}", []).append(table)
        tables = {name: np.concatenate(found, 2) for name, found in parts.items()}
        return {**tables, "scale": self.scale, "bias": self.bias}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], shape: Shape) -> Self:
        """Take back what `to_arrays` gave.

        Raises
        ------
        ModelFolderError
            When the arrays do not fit together.
        """
        n = sum(name.startswith("table.") for name in arrays)
        tables = [arrays[f"table.{i}"] for i in range(n)]
        scale, bias = arrays["scale"], arrays["bias"]
        _check(tables, scale, bias, shape)
        return cls(tables, scale, bias, shape)


def _as_kind(table: F32, kind: str) -> tuple[NDArray[Any], F32]:
    """Give a table in few bits, and the step of each filter.

    One step serves all taps and tokens of a filter, so that sums and their maxima are taken of whole numbers.
    """
    ones = np.ones(table.shape[2], np.float32)
    if kind == "float32":
        return table, ones
    largest = np.abs(table).max(axis=(0, 1))
    if kind == "int8":
        step = np.where(largest > 0, largest / _STEPS, 1).astype(np.float32)
        return np.rint(table / step).astype(np.int8), step
    if largest.max(initial=0) > np.finfo(np.float16).max:
        raise SettingError("the products of this model are too large for float16; take table='float32'")
    return table.astype(np.float16), ones


def _in_memory(table: NDArray[Any]) -> NDArray[Any]:
    """Lay a block out for itself, half floats widened, at the start of a cache line.

    numpy begins large arrays 16 bytes behind one; vectors that lie across two lines made look-ups a tenth slower.
    """
    kind = np.dtype(np.int8 if table.dtype == np.int8 else np.float32)
    room = np.empty(table.size * kind.itemsize + _LINE, np.uint8)
    begin = -room.ctypes.data % _LINE
    block = room[begin : begin + table.size * kind.itemsize].view(kind).reshape(table.shape)
    block[...] = table
    return block


def _check(tables: Sequence[NDArray[Any]], scale: F32, bias: F32, shape: Shape) -> None:
    sound = (
        len(tables) > 0
        and {table.dtype.name for table in tables} <= set(TABLES)
        and len({table.dtype for table in tables}) == 1
        and {table.ndim for table in tables} == {3}
        and len({len(table) for table in tables}) == 1
        and all(0 < table.shape[1] <= 20 and table.size and not table[0].any() for table in tables)
        and scale.shape == bias.shape == (sum(table.shape[2] for table in tables),)
        and scale.dtype == bias.dtype == np.float32
        and all(np.isfinite(array).all() for array in (*tables, scale, bias))
    )
    whole = all(type(value) is int and 1 <= value <= 100 for value in (shape.stride, shape.k))
    known = shape.pooling in ("max", "average", "kmax") and shape.activation in ("relu", "tanh")
    if not sound or not whole or not known or (shape.k != 1 and shape.pooling != "kmax"):
        raise ModelFolderError("its look-up tables are not as they were written")
