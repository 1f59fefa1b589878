"""Look-ups against plain loops over places, taps and tokens."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.layers.folded import TABLES, FoldedConvolution, Shape

WIDTHS, FILTERS, TOKENS = (1, 2, 3, 4, 5, 9, 2), 3, 12
TEXTS = [[3, 4, 5, 6, 7, 8, 9, 10, 11, 2, 3, 4], [5], [], [2, 2, 2, 7, 2, 2, 2], [1, 11]]


def plainly(tables, bias, shape, texts):
    """Pool each text by the definition, in double precision."""
    activate = np.tanh if shape.activation == "tanh" else lambda x: np.maximum(x, 0)
    rows = []
    for text in texts:  # of a place, one token in each channel
        features = []
        for table, b in zip(tables, np.split(bias, len(tables)), strict=True):
            width = table.shape[1]
            places = range(1 - width, max(len(text), 2 - width), shape.stride)
            sums = [
                sum(
                    (table[token, tap] for tap in range(width) if 0 <= p + tap < len(text) for token in text[p + tap]),
                    np.zeros(table.shape[2]),
                )
                for p in places
            ]
            features.append(pooled(activate(np.array(sums, float) + b), shape))
        rows.append(np.concatenate(features))
    return np.array(rows)


def pooled(values, shape):
    if shape.pooling == "max":
        return values.max(0)
    if shape.pooling == "average":
        return values.mean(0)
    out = np.zeros((values.shape[1], shape.k))
    for f, column in enumerate(values.T):
        best = sorted(range(len(column)), key=lambda i: (-column[i], i))[: shape.k]
        out[f, : len(best)] = column[sorted(best)]
    return out.ravel()


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("pooling", "k"), [("max", 1), ("average", 1), ("kmax", 3)])
def test_against_plain_loops(n_channels, stride, activation, pooling, k):
    rng = np.random.default_rng(4)
    tables = [rng.integers(-3, 4, (TOKENS, w, FILTERS)).astype(np.float32) / 4 for w in WIDTHS]  # ties are exact
    for table in tables:
        table[0] = 0
    bias = rng.integers(-2, 3, FILTERS * len(WIDTHS)).astype(np.float32) / 4
    shape = Shape(stride, pooling, k, activation)
    folded = FoldedConvolution.fold(tables, bias, shape)
    channels = [TEXTS, [[13 - token if token > 1 else 1 for token in text] for text in TEXTS]][:n_channels]
    ids = np.array([[token for text in channel for token in text] for channel in channels], np.int32)
    bounds = np.cumsum([0, *map(len, TEXTS)])
    found = folded.project(ids, bounds, np.eye(folded.n_features, dtype=np.float32))
    places = [list(zip(*texts, strict=True)) for texts in zip(*channels, strict=True)]
    np.testing.assert_allclose(found, plainly(tables, bias, shape, places), atol=1e-6)


@pytest.mark.parametrize("kind", TABLES)
def test_whole_numbers_come_through_every_kind(kind):
    """Products of -127 to 127, which all kinds hold exactly: up to 40 rows of them are added in 16 bits."""
    rng = np.random.default_rng(4)
    table = rng.integers(-127, 128, (TOKENS, 20, 130)).astype(np.float32)
    table[0], table[1, 0] = 0, 127  # the largest fixes the step of int8 at 1
    ids, bounds = rng.integers(1, TOKENS, (2, 60), dtype=np.int32), np.array([0, 45, 60])
    shape = Shape(1, "max", 1, "relu")
    weight = np.eye(130, dtype=np.float32)
    exact, found = (
        FoldedConvolution.fold([table], np.zeros(130, np.float32), shape, kind=one).project(ids, bounds, weight)
        for one in ("float32", kind)
    )
    assert (found == exact).all() and exact.max() > 1000


def test_arrays_come_back():
    rng = np.random.default_rng(4)
    tables = [rng.standard_normal((TOKENS, w, 300)).astype(np.float32) for w in (2, 2, 3)]
    for table in tables:
        table[0] = 0
    folded = FoldedConvolution.fold(tables, np.zeros(900, np.float32), Shape(1, "max", 1, "relu"))
    arrays = folded.to_arrays()
    assert all((arrays[f"table.{i}"] == table).all() for i, table in enumerate(tables))
    again = FoldedConvolution.from_arrays(arrays, folded.shape).to_arrays()
    assert all((again[name] == array).all() for name, array in arrays.items())
