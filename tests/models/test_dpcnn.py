"""``dpcnn``: the pyramid of each text alone, written plainly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.dpcnn import Dpcnn, DpcnnClassifier, DpcnnConfig


def convolved(layer, x):
    taps = layer.weight.view(len(layer.weight), layer.width, -1).transpose(1, 2)
    return nn.functional.conv1d(x, taps, layer.bias, padding=1)


def paired(pair, x):
    return x + convolved(pair.second, torch.relu(convolved(pair.first, torch.relu(x))))


def plain(network, ids):
    """Halve one text until two places are left; give its logits and the number of halvings."""
    x = convolved(network.region, network.embedding.weight[ids].T[None])
    x = paired(network.pairs[0], x)
    halvings = 0
    while x.shape[2] > 2 and halvings < network.config.blocks:
        halvings += 1
        n = x.shape[2]
        x = torch.cat([x[..., i : i + 3].amax(2, keepdim=True) for i in range(0, n, 2)], 2)
        x = paired(network.pairs[halvings], x)
    return network.head(x.amax(2)), halvings


def test_each_text_goes_as_far_up_as_its_length():
    torch.manual_seed(0)
    network = Dpcnn(DpcnnConfig(vocab_size=20, dim=6, filters=5, blocks=4)).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    lengths = [1, 2, 3, 9, 40, 100]
    ids = torch.zeros((len(lengths), 100), dtype=torch.int64)
    for row, n in zip(ids, lengths, strict=True):
        row[:n] = torch.randint(1, 20, (n,))
    expected, halvings = zip(*(plain(network, row[:n]) for row, n in zip(ids, lengths, strict=True)), strict=True)
    assert halvings == (0, 0, 1, 3, 4, 4)
    torch.testing.assert_close(network(ids).logits, torch.cat(expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("wrong", [{"blocks": -1}, {"filters": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        DpcnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])
