"""Laying sequences end to end and back, and attention in between, beside the padded way."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.layers import attention
from fenlei.layers.attention import attend
from fenlei.layers.packing import Packed

PLACES = torch.tensor([[0, 1, 2], [3, -1, -1], [4, 5, -1]])


def test_there_and_back_changes_nothing():
    packed, x = Packed.of(PLACES), torch.randn(6, 2, 4)
    padded = packed.padded(x)
    assert padded.shape == (3, 3, 2, 4)
    assert torch.equal(padded[PLACES >= 0], x)
    assert not padded[PLACES < 0].any()
    assert torch.equal(packed.unpadded(padded), x)


def test_gradients_are_those_of_an_index():
    packed = Packed.of(PLACES)
    x, y = torch.randn(6, 4, dtype=torch.float64), torch.randn(3, 3, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(packed.padded, x.requires_grad_())
    assert torch.autograd.gradcheck(packed.unpadded, y.requires_grad_())


def test_positions_begin_again_in_each_sequence():
    assert Packed.of(PLACES).positions().tolist() == [0, 1, 2, 0, 0, 1]


@pytest.mark.parametrize("learns", [True, False])
def test_attention_stays_within_a_sequence(learns):
    module, packed = nn.Module(), Packed.of(PLACES)
    setattr(module, attention.PACKED, packed)
    parts = [torch.randn(1, 2, 6, 4, requires_grad=learns) for _ in range(3)]
    found, _ = attention._forward(module, *parts, None)
    assert found.shape == (1, 6, 2, 4)
    for row in PLACES:
        own = row[row >= 0]
        alone = attend(*(part[:, :, own] for part in parts)).transpose(1, 2)
        torch.testing.assert_close(found[:, own], alone)
