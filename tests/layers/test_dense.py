"""Hidden layers, worked by hand."""

from __future__ import annotations

import pytest
import torch

from fenlei.layers.dense import HiddenLayers


def test_by_hand():
    layer = HiddenLayers(2, [2, 1])
    with torch.no_grad():
        layer.layers[0].weight.copy_(torch.tensor([[1.0, 1], [1, -1]]))
        layer.layers[0].bias.copy_(torch.tensor([0.0, 0.5]))
        layer.layers[1].weight.copy_(torch.tensor([[2.0, 4]]))
        layer.layers[1].bias.copy_(torch.tensor([-1.0]))
    assert layer(torch.tensor([[1.0, 2], [-3, 0]]), None).tolist() == [[5.0], [0.0]]


def test_none_hands_on():
    layer, x = HiddenLayers(3, []), torch.randn(2, 3)
    assert layer.out_features == 3
    assert layer(x, None) is x


@pytest.mark.parametrize("keys", [torch.tensor([1, 2]), None])
def test_dropout_stands_between_layers(keys):
    layer, x = HiddenLayers(3, [64, 64], dropout=0.9, salt=1), torch.rand(2, 3)
    layer.reset()
    dropped, whole = layer(x, keys), layer.eval()(x, keys)
    assert not torch.allclose(dropped, whole)
    torch.testing.assert_close(HiddenLayers(3, [64], dropout=0.9)(x, keys).shape, torch.Size([2, 64]))
