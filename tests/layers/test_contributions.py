from __future__ import annotations

import math

import numpy as np
import pytest

from fenlei.layers.contributions import token_contributions
from fenlei.layers.folded import FoldedConvolution, Shape

N_TOKENS, WIDTHS, N_FILTERS, N_OUT = 9, (1, 2, 4), 5, 3
SHAPES = [
    Shape(1, "max", 1, "relu"), Shape(1, "max", 1, "tanh"), Shape(2, "max", 1, "relu"), Shape(1, "average", 1, "relu"),
    Shape(2, "average", 1, "tanh"), Shape(1, "kmax", 3, "relu"), Shape(2, "kmax", 2, "tanh"),
]  # fmt: skip
TEXTS = [[], [3], [2, 3, 4, 5, 2, 8, 1], [7] * 6]


def convolution(shape, kind="float32"):
    random = np.random.default_rng(3)
    products = [random.normal(size=(N_TOKENS, width, N_FILTERS)).astype(np.float32) for width in WIDTHS]
    for table in products:
        table[0] = 0
    bias = random.normal(size=N_FILTERS * len(WIDTHS)).astype(np.float32) / 2
    return FoldedConvolution.fold(products, bias, shape, kind=kind)


def head(convolution):
    return np.random.default_rng(4).normal(size=(N_OUT, convolution.n_features)).astype(np.float32)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("n_channels", [1, 2])
def test_they_sum_to_the_outputs(shape, kind, n_channels):
    folded = convolution(shape, kind)
    weight = head(folded)
    for text in TEXTS:
        ids = np.array([text] * n_channels, np.int32)
        tokens, rest = token_contributions(folded, ids, weight)
        expected = folded.project(ids, np.array([0, len(text)]), weight)[0]
        assert tokens.shape == (len(text), N_OUT)
        np.testing.assert_allclose(tokens.sum(axis=0) + rest, expected, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_token_gets_its_own(shape):
    """Against the definition, filter by filter and place by place."""
    folded = convolution(shape)
    weight, ids = head(folded), [2, 3, 4, 5, 2, 8, 1]
    tokens, _ = token_contributions(folded, np.array([ids], np.int32), weight)
    np.testing.assert_allclose(tokens, slowly(folded, weight, ids), atol=1e-6)


def slowly(folded, weight, ids):
    arrays, shape = folded.to_arrays(), folded.shape
    given = np.zeros((len(ids), N_OUT))
    for f in range(len(folded.bias)):
        number, own = divmod(f, N_FILTERS)
        table, width = arrays[f"table.{number}"], WIDTHS[number]
        places = []
        for first in range(1 - width, len(ids), shape.stride):
            seen = [(first + tap, tap) for tap in range(width) if 0 <= first + tap < len(ids)]
            entries = {place: float(table[ids[place], tap, own]) for place, tap in seen}
            total = sum(entries.values()) + float(folded.bias[f])
            value = math.tanh(total) if shape.activation == "tanh" else max(total, 0.0)
            places.append((value, total, entries))
        kept = list(range(len(places)))
        if shape.pooling != "average":
            kept = sorted(sorted(kept, key=lambda place: -places[place][0])[: shape.k])
        for slot, place in enumerate(kept):
            value, total, entries = places[place]
            column = f if shape.pooling == "average" else f * shape.k + slot
            share = 1 / len(places) if shape.pooling == "average" else 1
            for token, entry in entries.items():
                given[token] += weight[:, column] * share * (value / total) * entry
    return given
