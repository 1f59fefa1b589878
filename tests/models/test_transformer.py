"""``transformer``: torch's encoder with the same weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.layers.encoder import sinusoids
from fenlei.models.transformer import Transformer, TransformerClassifier, TransformerConfig


def made(**settings):
    torch.manual_seed(0)
    config = TransformerConfig(vocab_size=20, dim=8, heads=2, hidden=12, layers=2, longest=6, dropout=0.0, **settings)
    network = Transformer(config).eval()
    nn.init.normal_(network.head.weight)
    nn.init.normal_(network.embedding.weight)
    return network


def plain(network, ids):
    """One text, attention written out."""
    x = network.embedding.weight[ids] * math.sqrt(8)
    places = torch.arange(len(ids)).clamp(max=5)
    x = x + (sinusoids(len(ids), 8) if network.positions is None else network.positions.weight[places])
    for layer in network.layers:
        q, k, v = layer.attention.inputs(layer.attention_norm(x)).chunk(3, 1)
        heads = [
            torch.softmax(q[:, h] @ k[:, h].T / 2, 1) @ v[:, h] for h in (slice(0, 4), slice(4, 8))
        ]  # fmt: skip
        x = x + layer.attention.output(torch.cat(heads, 1))
        x = x + layer.output(nn.functional.gelu(layer.hidden(layer.hidden_norm(x))))
    x = network.norm(x)
    return network.head({"mean": x.mean(0), "first": x[0], "max": x.amax(0)}[network.config.pooling])


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_it_is_attention_written_out(positions, pooling):
    network = made(positions=positions, pooling=pooling)
    for n in (1, 5, 9):
        ids = torch.randint(1, 20, (n,))
        torch.testing.assert_close(network(ids[None]).logits[0], plain(network, ids), rtol=1e-4, atol=1e-5)


def test_the_order_of_the_tokens_counts():
    network = made()
    first, second = network(torch.tensor([[3, 4, 5], [5, 4, 3]])).logits
    assert not torch.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"heads": 3, "dim": 16}, {"heads": 0}, {"layers": 0}, {"hidden": 0}, {"positions": "rotary"},
        {"pooling": "last"}, {"layer_dropout": 1},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        TransformerClassifier(**wrong).fit(["a", "b"], ["x", "y"])


def test_vectors_that_do_not_divide_into_heads_are_refused():
    with pytest.raises(SettingError, match="multiple of heads"):
        Transformer(TransformerConfig(dim=10, heads=4))
