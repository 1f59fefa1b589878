"""``textrcnn``: contexts computed by the paper's recurrence, word by word."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.textrcnn import TextRcnn, TextRcnnClassifier, TextRcnnConfig


def plain(network, ids):
    """Give the logits of one text with ``cell="rnn"``, as the paper writes them."""
    x, contexts = network.embedding.weight[ids], network.convolution.contexts

    def context(layer, before, token):
        return torch.tanh(
            layer.weight_hh_l0 @ before + layer.bias_hh_l0 + layer.weight_ih_l0 @ token + layer.bias_ih_l0
        )

    n = len(x)
    left, right = [torch.zeros(3)], [torch.zeros(3)]
    for i in range(1, n):
        left.append(context(contexts.there, left[-1], x[i - 1]))
        right.insert(0, context(contexts.back, right[0], x[n - i]))
    y = [torch.tanh(network.convolution.hidden(torch.cat(parts))) for parts in zip(left, x, right, strict=True)]
    return network.head(torch.stack(y).amax(0))


def test_contexts_are_those_of_the_paper():
    torch.manual_seed(0)
    network = TextRcnn(TextRcnnConfig(vocab_size=20, dim=6, context=3, hidden=5, cell="rnn")).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    lengths = [4, 1, 8]
    ids = torch.randint(1, 20, (3, 8)) * (torch.arange(8) < torch.tensor(lengths)[:, None])
    for row, n, found in zip(ids, lengths, network(ids).logits, strict=True):
        torch.testing.assert_close(found, plain(network, row[:n]))


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_token_is_not_in_its_own_contexts(cell):
    network = TextRcnn(TextRcnnConfig(vocab_size=20, dim=6, context=3, hidden=5, cell=cell)).eval()
    seen = []
    network.convolution.hidden.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for middle in (5, 6):
        network(torch.tensor([[3, middle, 4]]))
    first, second = (x[0, 1] for x in seen)
    assert torch.equal(first[:3], second[:3])
    assert torch.equal(first[-3:], second[-3:])
    assert not torch.equal(seen[0][0, 2, :3], seen[1][0, 2, :3])


@pytest.mark.parametrize("wrong", [{"cell": "elman"}, {"context": 0}, {"hidden": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        TextRcnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])
