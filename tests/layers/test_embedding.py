"""TokenEmbedding: looking up what is distinct is looking up everything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from fenlei.layers.embedding import TokenEmbedding, part_rows

IDS = torch.tensor([[3, 5, 3, 2], [5, 1, 0, 0], [0, 0, 0, 0]])


def embedding(**settings):
    torch.manual_seed(0)
    layer = TokenEmbedding(8, 4, **settings)
    nn.init.normal_(layer.weight)
    return layer


def test_dense_vectors_are_the_rows_and_zero_beyond_the_text():
    layer = embedding()
    embedded = layer(IDS)
    expected = nn.functional.embedding(IDS, layer.weight) * (IDS != 0)[..., None]
    assert torch.equal(embedded.dense(), expected)
    assert embedded.lengths.tolist() == [4, 2, 0]
    assert embedded.mask().tolist() == (IDS != 0).tolist()


def test_each_distinct_token_is_looked_up_once():
    assert embedding()(IDS).rows.shape == (4, 4)


def test_gradients_are_those_of_a_plain_embedding():
    layer, weights = embedding(), torch.randn(3, 4, 4)
    (layer(IDS).dense() * weights).sum().backward()
    plain = layer.weight.detach().clone().requires_grad_()
    (nn.functional.embedding(IDS, plain) * (IDS != 0)[..., None] * weights).sum().backward()
    torch.testing.assert_close(layer.weight.grad, plain.grad)


def test_vectors_of_channels_are_added():
    layer = embedding()
    ids = torch.stack([IDS, IDS.flip(0).where(IDS != 0, torch.tensor(0)).clamp(min=1)], 2) * (IDS != 0)[..., None]
    expected = (layer.weight[ids[..., 0]] + layer.weight[ids[..., 1]]) * (IDS != 0)[..., None]
    torch.testing.assert_close(layer(ids).dense(), expected)


@pytest.mark.parametrize("channels", [1, 2])
def test_a_batch_without_any_token(channels):
    layer = embedding()
    dense = layer(torch.zeros((2, 1, channels), dtype=torch.int64)).dense()
    assert dense.tolist() == torch.zeros(2, 1, 4).tolist()
    dense.sum().backward()
    assert layer.weight.grad is not None


def test_dropout_follows_token_and_batch_not_place():
    layer = embedding(dropout=0.5)
    first, again = (layer(IDS, torch.tensor([9])).dense() for _ in range(2))
    other = layer(IDS, torch.tensor([10])).dense()
    assert torch.equal(first, again)
    assert torch.equal(first[0, 0], first[0, 2])
    assert torch.equal(layer(IDS[1:2, :2], torch.tensor([9])).dense()[0, 0], first[1, 0])
    assert not torch.equal(first, other)


class TestModes:
    given = torch.arange(32.0).view(8, 4)
    found = torch.tensor([False, False, True, True, False, True, False, False])

    def begun(self, mode, **settings):
        layer = embedding(mode=mode, **settings)
        layer.begin_with(self.given, self.found)
        return layer

    @pytest.mark.parametrize("mode", ["static", "nonstatic", "multichannel"])
    def test_what_is_given_is_what_comes_out(self, mode):
        tokens = self.found.nonzero()[:, 0]
        torch.testing.assert_close(self.begun(mode).vectors(tokens), self.given[tokens])

    @pytest.mark.parametrize("mode", ["nonstatic", "multichannel"])
    def test_so_it_is_with_character_ngrams(self, mode):
        words = ["[PAD]", "[UNK]", "boring", "bored", "a", "good"]
        spelled = part_rows(words, 16)
        layer = embedding(mode=mode, parts=16, part_entries=len(spelled.parts))
        layer.spell(spelled)
        nn.init.normal_(layer.part_weight)
        layer.begin_with(self.given, self.found)
        tokens = self.found.nonzero()[:, 0]
        torch.testing.assert_close(layer.vectors(tokens), self.given[tokens])

    def test_static_ones_do_not_learn(self):
        layer = self.begun("static")
        assert not layer.weight.requires_grad
        assert not layer(IDS).dense().requires_grad

    def test_half_of_a_multichannel_one_learns(self):
        layer = self.begun("multichannel")
        layer(IDS).dense().sum().backward()
        assert layer.weight.grad.abs().sum() > 0
        assert not layer.fixed.requires_grad
        assert torch.equal(layer.fixed[self.found], layer.weight[self.found])

    @pytest.mark.parametrize("mode", ["nonstatic", "multichannel"])
    def test_random_ones_beside_the_given_have_their_spread(self, mode):
        layer = TokenEmbedding(2000, 8, mode=mode)
        nn.init.normal_(layer.weight)
        found = torch.arange(2000) < 1000
        layer.begin_with(torch.randn(2000, 8) * 3, found)
        assert layer.vectors((~found).nonzero()[:, 0]).std().item() == pytest.approx(3, rel=0.05)

    def test_none_given_leaves_random_ones(self):
        layer = embedding(mode="nonstatic")
        layer.begin_with(self.given, torch.zeros(8, dtype=torch.bool))
        assert torch.isfinite(layer.weight).all()


@pytest.mark.parametrize("wrong", [8, -1, 2**31 - 1])
def test_an_id_that_is_none_is_an_error(wrong):
    with pytest.raises(IndexError, match="in a vocabulary of 8"):
        embedding()(torch.tensor([[3, wrong]]))


def test_threads_may_ask_at_once():
    layer = TokenEmbedding(5000, 4)
    nn.init.normal_(layer.weight)
    ids = torch.randint(1, 5000, (400, 100), generator=torch.Generator().manual_seed(0))
    expected = nn.functional.embedding(ids, layer.weight)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: torch.equal(layer(ids).dense(), expected), range(40)))
    assert all(found)


@pytest.mark.parametrize("mode", ["static", "nonstatic", "multichannel"])
def test_given_vectors_may_be_of_the_first_ids_only(mode):
    layer = embedding(mode=mode)
    layer.begin_with(torch.ones(3, 4), torch.tensor([False, True, True]))
    assert torch.equal(layer.vectors(torch.tensor([1, 2])), torch.ones(2, 4))
