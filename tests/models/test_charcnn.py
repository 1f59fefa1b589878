"""``charcnn``: torch's layers in the paper's order on each text alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.charcnn import CharCnn, CharCnnClassifier, CharCnnConfig


def plain(network, ids):
    x = network.embedding.weight[ids].T[None]
    for i, convolution in enumerate(network.convolutions):
        assert convolution.width == (7 if i < 2 else 3)
        taps = convolution.weight.view(len(convolution.weight), convolution.width, -1).transpose(1, 2)
        x = torch.relu(nn.functional.conv1d(x, taps, convolution.bias, padding="same"))
        if i in (0, 1, 5):
            x = nn.functional.max_pool1d(x, 3, ceil_mode=True)
    if network.config.pooling == "max":
        x = x.amax(2)
    else:
        frames = x.transpose(1, 2).flatten(1)
        x = nn.functional.pad(frames, (0, network.frames * network.config.filters - frames.shape[1]))
    for layer in network.hidden.layers:
        x = torch.relu(layer(x))
    return network.head(x)


@pytest.mark.parametrize("pooling", ["max", "flatten"])
def test_it_is_the_stack_of_the_paper(pooling):
    torch.manual_seed(0)
    settings = {"filters": 5, "hidden": [4, 3], "pooling": pooling, "longest": 100}
    network = CharCnn(CharCnnConfig(vocab_size=20, dim=6, **settings)).eval()
    nn.init.normal_(network.head.weight)
    for n in (1, 5, 28, 100):
        ids = torch.randint(1, 20, (n,))
        torch.testing.assert_close(network(ids[None]).logits, plain(network, ids))


def test_flattened_frames_beyond_the_longest_are_cut():
    network = CharCnn(CharCnnConfig(vocab_size=20, dim=6, filters=5, hidden=[4], pooling="flatten", longest=27)).eval()
    assert network.frames == 1
    assert network(torch.randint(1, 20, (2, 90))).logits.shape == (2, 2)


def test_it_reads_characters():
    model = CharCnnClassifier(epochs=1, filters=4, hidden=[4], dim=8).fit(["good film", "bad film"], ["a", "b"])
    assert "g" in model.inputs_.tokens_
    assert "good" not in model.inputs_.tokens_


@pytest.mark.parametrize("wrong", [{"pooling": "mean"}, {"filters": 0}, {"hidden": 3}, {"hidden": [0]}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        CharCnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])
