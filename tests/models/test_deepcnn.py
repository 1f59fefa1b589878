"""``deepcnn``: torch's convolutions and pooling on each text alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.deepcnn import DeepCnn, DeepCnnClassifier, DeepCnnConfig


def plain(network, ids):
    """One text through torch's own layers."""
    x = network.embedding.weight[ids].T[None]
    for convolution in network.convolutions:
        taps = convolution.weight.view(len(convolution.weight), convolution.width, -1).transpose(1, 2)
        x = torch.relu(nn.functional.conv1d(x, taps, convolution.bias, padding="same"))
        x = nn.functional.max_pool1d(x, network.config.pool, ceil_mode=True)
    hidden = network.hidden.layers[0]
    return network.head(torch.relu(hidden(x.amax(2))))


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_it_is_a_stack_of_torch_layers(blocks):
    torch.manual_seed(0)
    network = DeepCnn(DeepCnnConfig(vocab_size=20, dim=6, blocks=blocks, filters=5, width=3, pool=2, hidden=4)).eval()
    nn.init.normal_(network.head.weight)
    for n in (1, 2, 7, 16):
        ids = torch.randint(1, 20, (n,))
        torch.testing.assert_close(network(ids[None]).logits, plain(network, ids))


@pytest.mark.parametrize("wrong", [{"blocks": 0}, {"filters": 0}, {"width": 2.5}, {"pool": 0}, {"hidden": None}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        DeepCnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])
