"""``textcnn``: Kim's network from torch's layers, and its settings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError
from fenlei.models.textcnn import TextCnn, TextCnnClassifier, TextCnnConfig


def plain(network, ids):
    """One text through torch's convolutions, with zeros beyond both ends."""
    config, convolution = network.config, network.convolution
    x = network.embedding.weight[ids].T[None]
    parts, tap, bias = [], 0, 0
    for width, n in zip(config.widths, config.filters, strict=True):
        taps = convolution.weight[:, tap : tap + width * n].view(-1, width, n).permute(2, 0, 1)
        y = nn.functional.conv1d(x, taps, convolution.bias[bias : bias + n], padding=width - 1)
        parts.append(torch.relu(y).amax(2))
        tap, bias = tap + width * n, bias + n
    return network.head(torch.cat(parts, 1))


def test_it_is_kims_network():
    torch.manual_seed(0)
    network = TextCnn(TextCnnConfig(vocab_size=20, dim=6, widths=[1, 3, 4], filters=[5, 2, 3])).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter)
    for n in (1, 2, 9):
        ids = torch.randint(1, 20, (n,))
        torch.testing.assert_close(network(ids[None]).logits, plain(network, ids), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
def test_every_pooling_learns(pooling, chinese):
    model = TextCnnClassifier(pooling=pooling, filters=8, dim=16, epochs=25, dropout=0.0, learning_rate=0.02)
    assert model.fit(chinese.texts, chinese.labels).predict(chinese.texts).tolist() == chinese.labels


def test_filters_of_each_width():
    model = TextCnnClassifier(widths=(2, 3), filters=(4, 1), dim=8, epochs=1).fit(["好的", "坏的"], ["a", "b"])
    assert model.network_.convolution.bias.shape == (5,)
    assert model.network_.head.in_features == 5


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"widths": []}, "widths"), ({"widths": "12"}, "widths"), ({"filters": [3]}, "filters"),
        ({"filters": 0}, "filters"), ({"pooling": "min"}, "pooling"), ({"stride": 0}, "stride"), ({"k": 0}, "k"),
        ({"activation": "gelu"}, "activation"), ({"unit": "char", "segmenter": "jieba"}, "segmenter"),
        ({"embedding": "static"}, "vectors"),
        ({"embedding": "static", "vectors": "v.txt", "adversarial": 1.0}, "leaves alone"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong, told):
    with pytest.raises(SettingError, match=told):
        TextCnnClassifier(**wrong).fit(["a", "b"], ["x", "y"])


def test_numbers_of_numpy_are_settings_like_any_other():
    plain = TextCnnClassifier(filters=4, widths=(1, 2), dim=8, epochs=2, seed=3, dropout=0.25)
    drawn = TextCnnClassifier(
        filters=np.int64(4), widths=np.array([1, 2]), dim=np.int64(8), epochs=np.int64(2), seed=np.int64(3),
        dropout=np.float64(0.25),
    )  # fmt: skip
    texts, labels = ["好的", "坏的"], ["a", "b"]
    files = [model.fit(texts, labels).to_files() for model in (drawn, plain)]
    assert files[0].keys() == files[1].keys()
    for name in files[0].keys() - {"learned.json"}:  # its history holds seconds of the clock
        assert files[0][name] == files[1][name], name
    one, other = ([{**epoch, "seconds": 0} for epoch in model.history_] for model in (drawn, plain))
    assert one == other
