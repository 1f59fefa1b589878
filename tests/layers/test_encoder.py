"""The encoder's layer is torch's, with the same weights."""

from __future__ import annotations

import math

import torch
from torch import nn

from fenlei.layers.encoder import EncoderLayer, sinusoids

SEEN = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])


def made(dropout=0.0):
    torch.manual_seed(0)
    layer = EncoderLayer(8, 2, 16, dropout=dropout, salt=4)
    layer.reset()
    for parameter in layer.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter)
    return layer, torch.randn(2, 5, 8)


def of_torch(layer):
    other = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
    pairs = [
        (other.norm1, layer.attention_norm), (other.norm2, layer.hidden_norm), (other.linear1, layer.hidden),
        (other.linear2, layer.output), (other.self_attn.out_proj, layer.attention.output),
    ]  # fmt: skip
    for theirs, ours in pairs:
        theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        other.self_attn.in_proj_weight.copy_(layer.attention.inputs.weight)
        other.self_attn.in_proj_bias.copy_(layer.attention.inputs.bias)
    return other


def test_it_is_the_layer_of_torch():
    layer, x = made()
    expected = of_torch(layer)(x, src_key_padding_mask=~SEEN)
    torch.testing.assert_close(layer(x, SEEN, None)[SEEN], expected[SEEN])


def test_what_is_not_seen_has_no_say():
    layer, x = made()
    changed = x.where(SEEN[..., None], torch.tensor(99.0))
    torch.testing.assert_close(layer(changed, SEEN, None)[SEEN], layer(x, SEEN, None)[SEEN])


def test_dropout_follows_the_keys():
    layer, x = made(dropout=0.5)
    keys = torch.tensor([5, 6])
    whole = layer(x, SEEN, keys)
    torch.testing.assert_close(layer(x[1:], SEEN[1:], keys[1:]), whole[1:])
    assert not torch.allclose(layer(x, SEEN, keys + 9), whole)


def test_waves_by_hand():
    found = sinusoids(50, 6)
    for place in (0, 7, 49):
        for i in range(3):
            angle = place / 10000 ** (2 * i / 6)
            torch.testing.assert_close(
                found[place, 2 * i : 2 * i + 2], torch.tensor([math.sin(angle), math.cos(angle)]), rtol=1e-4, atol=1e-4
            )
    assert sinusoids(3, 5).shape == (3, 5)
