"""``textrnn``: cells stepped by hand through each text, and torch's packed sequences."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.textrnn import TextRnn, TextRnnClassifier, TextRnnConfig

LENGTHS = [5, 1, 9]


def made(**settings):
    torch.manual_seed(0)
    network = TextRnn(TextRnnConfig(vocab_size=20, dim=6, hidden=4, dropout=0.0, **settings)).eval()
    nn.init.normal_(network.head.weight)
    nn.init.normal_(network.embedding.weight)
    ids = torch.randint(1, 20, (3, 9)) * (torch.arange(9) < torch.tensor(LENGTHS)[:, None])
    return network, ids


def stepped(layer, x):
    """Run one direction's layer over a text step by step, with torch's cell."""
    cell = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}[type(layer)](layer.input_size, layer.hidden_size)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    state, states = None, []
    for row in x:
        state = cell(row[None], state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return torch.cat(states)


def plain(network, ids):
    x = network.embedding.weight[ids]
    for layer in network.recurrent:
        there, back = stepped(layer.there, x), stepped(layer.back, x.flip(0)).flip(0)
        x = torch.cat([there, back], 1)
    pooled = {
        "max": x.amax(0), "mean": x.mean(0), "last": torch.cat([there[-1], back[0]]),
        "attention": network.attention(x[None], torch.tensor([len(x)]))[0] if network.attention else None,
    }  # fmt: skip
    return network.head(pooled[network.config.pooling])


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("pooling", ["last", "max", "mean", "attention"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_states_are_those_of_stepped_cells(cell, pooling, layers):
    network, ids = made(cell=cell, pooling=pooling, layers=layers)
    for row, n, found in zip(ids, LENGTHS, network(ids).logits, strict=True):
        torch.testing.assert_close(found, plain(network, row[:n]))


def test_one_direction_ends_at_each_texts_end():
    network, ids = made(bidirectional=False, pooling="last")
    for row, n, found in zip(ids, LENGTHS, network(ids).logits, strict=True):
        expected = stepped(network.recurrent[0].there, network.embedding.weight[row[:n]])[-1]
        torch.testing.assert_close(found, network.head(expected))


@pytest.mark.parametrize(
    "wrong", [{"cell": "rnn"}, {"pooling": "first"}, {"hidden": 0}, {"layers": 0}, {"bidirectional": "both"}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        TextRnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])
