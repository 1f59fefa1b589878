"""Convolutions and windows that stack: torch's own on each text alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.layers.convolution import SameConvolution, max_of_windows
from fenlei.layers.places import inside

LENGTHS = torch.tensor([7, 1, 4, 10])


def texts():
    torch.manual_seed(0)
    return torch.randn(len(LENGTHS), 10, 3) * inside(LENGTHS, 10)


@pytest.mark.parametrize("width", [1, 2, 3, 5, 8])
def test_each_text_is_convolved_as_if_alone(width):
    layer = SameConvolution(3, 4, width)
    layer.reset()
    nn.init.normal_(layer.bias)
    x = texts()
    y = layer(x, LENGTHS)
    assert y.shape == (4, 10, 4)
    for text, n in enumerate(LENGTHS.tolist()):
        alone = nn.functional.pad(x[text : text + 1, :n].transpose(1, 2), ((width - 1) // 2, width // 2))
        expected = nn.functional.conv1d(alone, layer.weight.view(4, width, 3).transpose(1, 2), layer.bias)[0].T
        torch.testing.assert_close(y[text, :n], expected)
        assert (y[text, n:] == 0).all()


@pytest.mark.parametrize(("size", "stride"), [(3, 3), (3, 2), (5, 5), (1, 1), (2, 3)])
def test_windows_are_cut_short_by_the_end(size, stride):
    x = texts() - 10 * inside(LENGTHS, 10)  # below zero, so that a zero of the padding would win
    y, lengths = max_of_windows(x, LENGTHS, size, stride)
    for text, n in enumerate(LENGTHS.tolist()):
        expected = torch.stack([x[text, i : min(i + size, n)].max(0).values for i in range(0, n, stride)])
        assert lengths[text] == len(expected)
        assert torch.equal(y[text, : len(expected)], expected)
        assert (y[text, len(expected) :] == 0).all()


def test_gradients_of_windows_stay_inside():
    x = texts().requires_grad_()
    max_of_windows(x, LENGTHS, 3, 2)[0].sum().backward()
    assert torch.isfinite(x.grad).all()
    assert (x.grad * ~inside(LENGTHS, 10) == 0).all()
    assert x.grad.abs().sum((1, 2)).min() > 0


def test_first_weights_keep_the_spread_through_relu():
    layer = SameConvolution(64, 64, 5)
    layer.reset()
    x = torch.randn(8, 50, 64)
    y = torch.relu(layer(x, torch.full((8,), 50)))
    assert y[:, 5:-5].square().mean().item() == pytest.approx(1, rel=0.2)
