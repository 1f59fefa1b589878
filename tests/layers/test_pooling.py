"""Pooling over places: worked by hand, and blind to padding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.layers.places import at_least_one, inside
from fenlei.layers.pooling import POOLINGS, AttentionPooling, pool

X = torch.tensor([[[1.0, -1], [5, -3], [3, -2]], [[2, -4], [9, 9], [9, 9]]])
LENGTHS = torch.tensor([3, 1])


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("max", [[5, -1], [2, -4]]),
        ("mean", [[3, -2], [2, -4]]),
        ("first", [[1, -1], [2, -4]]),
        ("last", [[3, -2], [2, -4]]),
    ],
)
def test_by_hand(how, expected):
    assert pool(X, LENGTHS, how).tolist() == expected


@pytest.mark.parametrize("how", POOLINGS)
def test_gradients_stay_inside(how):
    x = X.clone().requires_grad_()
    pool(x, LENGTHS, how).sum().backward()
    assert x.grad[1, 1:].abs().sum() == 0
    assert x.grad.abs().sum((1, 2)).min() > 0


def test_attention_is_a_softmax_over_the_places_of_each_text():
    torch.manual_seed(0)
    layer = AttentionPooling(2)
    layer.reset()
    nn.init.normal_(layer.context)
    pooled = layer(X, LENGTHS)
    for text, n in enumerate(LENGTHS.tolist()):
        x = X[text, :n]
        scores = torch.tanh(x @ layer.hidden.weight.T + layer.hidden.bias) @ layer.context
        torch.testing.assert_close(pooled[text], scores.softmax(0) @ x)


def test_places():
    assert at_least_one(torch.tensor([0, 1, 3])).tolist() == [1, 1, 3]
    assert inside(torch.tensor([0, 2]), 2)[..., 0].tolist() == [[False, False], [True, True]]
