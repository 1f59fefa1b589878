"""``mlp``: averages worked by hand."""

from __future__ import annotations

import pytest
import torch

from fenlei.exceptions import SettingError
from fenlei.models.mlp import Mlp, MlpClassifier, MlpConfig


def made(**settings):
    """A network without hidden layers whose head hands on, over vectors known by heart."""
    network = Mlp(MlpConfig(vocab_size=4, dim=2, hidden=[], num_labels=2, dropout=0.0, **settings))
    with torch.no_grad():
        network.embedding.weight.copy_(torch.tensor([[0.0, 0], [1, 2], [3, -2], [5, 0]]))
        network.head.weight.copy_(torch.eye(2, network.head.in_features))
        network.head.bias.zero_()
    return network


def test_mean_by_hand():
    found = made(word_dropout=0.0)(torch.tensor([[1, 2, 2], [3, 0, 0], [0, 0, 0]])).logits
    torch.testing.assert_close(found, torch.tensor([[7 / 3, -2 / 3], [5, 0], [0, 0]]))


def test_root_by_hand():
    assert made(norm="sqrt").eval()(torch.tensor([[1, 2, 1, 2]])).logits.tolist() == [[4, 0]]


def test_largest_values_stand_beside_the_mean():
    network = made(max_pooling=True).eval()
    with torch.no_grad():
        network.head.weight.copy_(torch.eye(4)[2:])
    assert network(torch.tensor([[1, 2, 0], [2, 0, 0]])).logits.tolist() == [[3, 2], [3, -2]]


def test_word_dropout_leaves_out_whole_tokens_and_averages_the_others():
    network = made(word_dropout=0.5).train()
    ids = torch.tensor([[1, 2]]).repeat(200, 1)
    found = {tuple(row) for row in network(ids, keys=torch.arange(200)).logits.tolist()}
    assert found == {(0.0, 0.0), (1.0, 2.0), (3.0, -2.0), (2.0, 0.0)}


def test_hidden_layers_follow():
    network = Mlp(MlpConfig(vocab_size=9, dim=4, hidden=[5, 3], dropout=0.0, word_dropout=0.0)).eval()
    ids = torch.tensor([[4, 7, 8]])
    x = network.embedding.weight[ids[0]].mean(0)
    for layer in network.hidden.layers:
        x = torch.relu(layer(x))
    torch.testing.assert_close(network(ids).logits[0], network.head(x))


@pytest.mark.parametrize(
    "wrong", [{"hidden": 5}, {"hidden": [1.5]}, {"norm": "l2"}, {"word_dropout": 1}, {"max_pooling": "yes"}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingError, match=next(iter(wrong))):
        MlpClassifier(**wrong).fit(["a", "b"], ["x", "y"])
