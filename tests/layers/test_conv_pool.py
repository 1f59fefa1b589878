"""TextConvolution: the two ways it has are one, and both are the plain convolution of each text by itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from fenlei.layers._conv_pool import distinct
from fenlei.layers.conv_pool import TextConvolution
from fenlei.layers.embedding import Embedded, TokenEmbedding

LENGTHS = [5, 1, 9, 0, 3]
SHAPES = [((1, 2, 3), (4, 4, 4), 1), ((2, 4), (3, 5), 1), ((3,), (2,), 2), ((1, 5), (2, 1), 3)]


def batch(lengths=LENGTHS, *, channels=1, size=12, seed=0):
    ids = np.random.default_rng(seed).integers(1, size, (len(lengths), max([1, *lengths]), channels))
    ids[np.arange(ids.shape[1])[None] >= np.array(lengths)[:, None]] = 0
    return torch.from_numpy(ids[..., 0] if channels == 1 else ids)


def layers(widths, filters, **settings):
    torch.manual_seed(1)
    embedding, convolution = TokenEmbedding(12, 6), TextConvolution(6, widths, filters, **settings)
    for parameter in (*embedding.parameters(), *convolution.parameters()):
        nn.init.normal_(parameter)
    return embedding, convolution


def plain(embedding, convolution, ids):
    """Each text alone, place by place, as the formula says."""
    activate = {"relu": torch.relu, "tanh": torch.tanh}[convolution.activation]
    rows = []
    for text in ids:
        x = embedding.weight[text[text != 0]]
        parts, start = [], 0
        for width, n in zip(convolution.widths, convolution.filters, strict=True):
            taps = convolution.weight[:, start : start + width * n].view(-1, width, n)
            bias = convolution.bias[sum(convolution.filters[: len(parts)]) :][:n]
            places = range(1 - width, max(len(x), 2 - width), convolution.stride)  # at least one
            sums = torch.stack([_at(x, taps, place) + bias for place in places])
            parts.append(_pooled(activate(sums), convolution).T.flatten())
            start += width * n
        rows.append(torch.cat(parts))
    return torch.stack(rows)


def _at(x, taps, place):
    seen = [x[place + k] @ taps[:, k] for k in range(taps.shape[1]) if 0 <= place + k < len(x)]
    return sum(seen, torch.zeros(taps.shape[2]))


def _pooled(sums, convolution):
    if convolution.pooling == "max":
        return sums.max(0, keepdim=True).values
    if convolution.pooling == "average":
        return sums.mean(0, keepdim=True)
    k = convolution.k
    kept = sums.topk(min(k, len(sums)), 0).indices.sort(0).values
    return nn.functional.pad(sums.gather(0, kept), (0, 0, 0, k - len(kept)))


@pytest.mark.parametrize(("widths", "filters", "stride"), SHAPES)
@pytest.mark.parametrize(
    "how", [{"pooling": "max"}, {"pooling": "max", "activation": "tanh"}, {"pooling": "average"}]
)  # fmt: skip
def test_it_is_the_formula(widths, filters, stride, how):
    embedding, convolution = layers(widths, filters, stride=stride, **how)
    ids = batch()
    torch.testing.assert_close(convolution(embedding(ids)), plain(embedding, convolution, ids))


@pytest.mark.parametrize("k", [1, 2, 20])
def test_k_largest_stay_in_their_order(k):
    embedding, convolution = layers((2,), (3,), pooling="kmax", k=k)
    ids = batch()
    assert convolution.out_features == 3 * k
    torch.testing.assert_close(convolution(embedding(ids)), plain(embedding, convolution, ids))


@pytest.mark.parametrize(("widths", "filters", "stride"), SHAPES)
@pytest.mark.parametrize("channels", [1, 2])
def test_both_ways_give_the_same_values_and_gradients(widths, filters, stride, channels):
    embedding, convolution = layers(widths, filters, stride=stride)
    found = []
    for way in (convolution, lambda e: convolution.convolve(e.dense(), e.lengths)):
        embedding.zero_grad()
        convolution.zero_grad()
        out = way(embedding(batch(channels=channels)))
        (out**2).sum().backward()
        found.append([out.detach(), embedding.weight.grad, convolution.weight.grad, convolution.bias.grad])
    for looked_up, convolved in zip(*found, strict=True):
        torch.testing.assert_close(looked_up, convolved, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
def test_padding_has_no_say(pooling):
    embedding, convolution = layers((1, 3), (2, 2), pooling=pooling, k=2, stride=2)
    ids = batch()
    padded = nn.functional.pad(ids, (0, 7))
    torch.testing.assert_close(convolution(embedding(padded)), convolution(embedding(ids)))


@pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
def test_a_batch_without_any_token(pooling):
    embedding, convolution = layers((1, 3), (2, 2), pooling=pooling, k=2)
    alone = convolution(embedding(torch.zeros((2, 1), dtype=torch.int64)))
    beside = convolution(embedding(batch([0, 4])))[:1]
    torch.testing.assert_close(alone, beside.expand(2, -1))


def test_the_gradient_is_that_of_finite_differences():
    embedding, convolution = layers((1, 2), (2, 1))
    ids = batch([4, 2])
    out = convolution(embedding(ids)).sum()
    out.backward()
    for parameter in (embedding.weight, convolution.weight, convolution.bias):
        place = tuple(int(i) for i in parameter.grad.abs().flatten().argmax().unsqueeze(0))
        with torch.no_grad():
            parameter.view(-1)[place] += 1e-2
            moved = convolution(embedding(ids)).sum()
            parameter.view(-1)[place] -= 1e-2
        assert (moved - out).item() == pytest.approx(1e-2 * parameter.grad.view(-1)[place].item(), rel=0.05)


def test_the_best_place_and_not_the_last_is_found():
    rows = torch.eye(3)
    embedded = Embedded(rows, torch.tensor([[2, 0, 1]], dtype=torch.int32), torch.tensor([3]))
    convolution = TextConvolution(3, (2,), (1,))
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 10.0], [5.0, 0.0]]))
        convolution.bias.fill_(-1)
    # windows (-, 2), (2, 0), (0, 1), (1, -): 0, 5 + 0, 1 + 10, 0; minus 1
    assert convolution(embedded).tolist() == [[10.0]]


class TestDistinct:
    def test_numbers_stand_in_order_of_appearance(self):
        ids = np.array([[[7], [3], [7]], [[3], [9], [0]]], np.int32)
        found, places = distinct(ids, np.array([3, 2]), np.full(10, -1, np.int32))
        assert found.tolist() == [7, 3, 9]
        assert places[..., 0].tolist() == [[0, 1, 0], [1, 2, 0]]

    def test_it_leaves_its_table_clean(self):
        seen = np.full(10, -1, np.int32)
        first = distinct(np.array([[[4], [5]]], np.int32), np.array([2]), seen)
        assert (seen == -1).all()
        second = distinct(np.array([[[4], [5]]], np.int32), np.array([2]), seen)
        assert all((a == b).all() for a, b in zip(first, second, strict=True))

    @pytest.mark.parametrize(("n", "channels"), list(itertools.product([0, 1, 40], [1, 2])))
    def test_rows_of_the_places_are_the_ids(self, n, channels):
        random = np.random.default_rng(n)
        ids = random.integers(1, 30, (n, 6, channels)).astype(np.int32)
        lengths = random.integers(0, 7, n)
        found, places = distinct(ids, lengths, np.full(30, -1, np.int32))
        assert len(set(found.tolist())) == len(found)
        for text in range(n):
            assert (found[places[text, : lengths[text]]] == ids[text, : lengths[text]]).all()


@pytest.mark.parametrize("pooling", ["average", "kmax"])
def test_strides_learn_the_same_in_bfloat16_whatever_the_memory_held_before(pooling):
    embedding, convolution = layers([2, 4], [4, 4], stride=3, pooling=pooling, k=2)
    gradients = []
    for _ in range(40):
        for size in (16, 64, 256, 1024):
            torch.full((size,), math.nan)
        convolution.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            out = convolution(embedding(torch.tensor([[3, 0], [4, 5]])))
        out.float().square().sum().backward()
        gradients.append(convolution.weight.grad.clone())
    assert all(torch.equal(gradient, gradients[0]) for gradient in gradients)
