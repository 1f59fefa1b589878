"""Recurrent: torch's packed sequences give the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.layers.places import inside
from fenlei.layers.recurrent import CELLS, Recurrent

LENGTHS = torch.tensor([4, 1, 6, 2])


def made(cell, both):
    torch.manual_seed(0)
    layer = Recurrent(3, 5, cell=cell, both=both)
    layer.reset()
    return layer, torch.randn(4, 6, 3) * inside(LENGTHS, 6)


def packed(layer, x):
    """Give states and last states of torch's bidirectional layer with the same weights."""
    both = layer.back is not None
    other = CELLS[{nn.LSTM: "lstm", nn.GRU: "gru", nn.RNN: "rnn"}[type(layer.there)]](
        3, 5, batch_first=True, bidirectional=both
    )
    weights = dict(layer.there.named_parameters())
    if both:
        weights |= {f"{name}_reverse": value for name, value in layer.back.named_parameters()}
    with torch.no_grad():
        for name, value in weights.items():
            getattr(other, name).copy_(value)
    sequence = nn.utils.rnn.pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    states, last = other(sequence)
    last = last[0] if isinstance(last, tuple) else last
    return nn.utils.rnn.pad_packed_sequence(states, batch_first=True)[0], torch.cat(list(last), 1), other


@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", CELLS)
def test_states_are_those_of_packed_sequences(cell, both):
    layer, x = made(cell, both)
    states, last, _ = packed(layer, x)
    found = layer(x, LENGTHS)
    assert found.shape[2] == layer.out_features
    torch.testing.assert_close(found, states)
    torch.testing.assert_close(layer.last(found, LENGTHS), last)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_packed_sequences(cell):
    layer, x = made(cell, True)
    states, _, other = packed(layer, x)
    target = torch.randn(states.shape)
    (states * target).sum().backward()
    (layer(x, LENGTHS) * target).sum().backward()
    for name, value in layer.there.named_parameters():
        torch.testing.assert_close(value.grad, getattr(other, name).grad, rtol=1e-4, atol=1e-5)
    for name, value in layer.back.named_parameters():
        torch.testing.assert_close(value.grad, getattr(other, f"{name}_reverse").grad, rtol=1e-4, atol=1e-5)


def test_the_forget_gate_begins_open():
    layer, _ = made("lstm", both=True)
    for one in (layer.there, layer.back):
        assert (one.bias_ih_l0 + one.bias_hh_l0).tolist() == [0] * 5 + [1] * 5 + [0] * 10
