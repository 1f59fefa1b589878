"""Heads: each against the same thing written out for one text without padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.layers.heads import HEADS, Heads, HeadSettings, head_names

SIZE = 7
SETTINGS = HeadSettings(widths=(1, 3, 4), filters=(4, 5, 2), hidden=6, k=3)
LENGTHS = [5, 1, 9, 2]
KINDS = [
    *((name, {}) for name in HEADS), ("conv", {"pooling": "average"}), ("conv", {"pooling": "kmax"}),
    *((head, {"cell": cell}) for head in ("rnn", "rcnn") for cell in ("gru", "rnn")), ("mean+conv+rcnn", {}),
]  # fmt: skip


def made(head, **changes):
    torch.manual_seed(0)
    heads = Heads(head, SIZE, replace(SETTINGS, **changes))
    for p in heads.parameters():
        nn.init.normal_(p, std=0.5)
    return heads


def texts(seed=1):
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(n, SIZE, generator=random) for n in LENGTHS]


def padded(states, beyond, more=0):
    out = torch.full((len(states), max(map(len, states)) + more, SIZE), beyond)
    for row, state in zip(out, states, strict=True):
        row[: len(state)] = state
    return out, torch.tensor(list(map(len, states)))


@pytest.mark.parametrize(("head", "changes"), KINDS, ids=str)
def test_the_same_vector_alone_in_a_batch_and_whatever_stands_beyond(head, changes):
    heads = made(head, **changes)
    with torch.no_grad():
        alone = torch.cat([heads(state[None], torch.tensor([len(state)])) for state in texts()])
        for beyond, more in ((0.0, 0), (1e3, 0), (-1e3, 11)):
            torch.testing.assert_close(heads(*padded(texts(), beyond, more)), alone, atol=1e-5, rtol=1e-5)
    assert alone.shape == (len(LENGTHS), heads.out_features)
    assert (alone[0] - alone[1]).abs().max() > 0.1


@pytest.mark.parametrize(("head", "changes"), KINDS, ids=str)
def test_the_gradient_reaches_every_weight_and_every_token_that_matters_and_no_padding(head, changes):
    heads = made(head, **changes)
    states, lengths = padded(texts(), 0.5)
    states.requires_grad_()
    heads(states, lengths).tanh().sum().backward()
    assert not [name for name, p in heads.named_parameters() if p.grad is None or not p.grad.any()]
    assert all(not states.grad[i, n:].any() and states.grad[i, :n].any() for i, n in enumerate(LENGTHS))


def plain_conv(heads, x, pooling):
    """Filters one after another, as `torch.nn.functional.conv1d` has them."""
    filters = heads.parts["conv"].filters
    out, start, column = [], 0, 0
    for width, n in zip(SETTINGS.widths, SETTINGS.filters, strict=True):
        taps = torch.empty(n, SIZE, width)
        for tap in range(width):
            for i in range(n):
                taps[i, :, tap] = filters.weight[:, column + tap * n + i]
        answers = torch.relu(
            nn.functional.conv1d(x.T[None], taps, filters.bias[start : start + n], padding=width - 1)
        )[0]  # fmt: skip
        if pooling == "kmax":
            for answer in answers:
                kept = sorted(sorted(range(len(answer)), key=lambda p: (-answer[p], p))[:3])
                out += [answer[p] for p in kept] + [torch.tensor(0.0)] * (3 - len(kept))
        else:
            out += list(answers.max(1).values if pooling == "max" else answers.mean(1))
        start, column = start + n, column + width * n
    return torch.stack(out)


@pytest.mark.parametrize("pooling", ["max", "average", "kmax"])
def test_conv_is_that_of_torch_over_the_states_without_padding(pooling):
    heads = made("conv", pooling=pooling)
    with torch.no_grad():
        expected = torch.stack([plain_conv(heads, x, pooling) for x in texts()])
        torch.testing.assert_close(heads(*padded(texts(), 9.0)), expected, atol=1e-5, rtol=1e-5)


def both_ways(recurrent, x):
    return recurrent.there(x[None])[0][0], recurrent.back(x.flip(0)[None])[0][0].flip(0)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_rnn_is_the_largest_state_of_both_ways(cell):
    heads = made("rnn", cell=cell)
    with torch.no_grad():
        expected = [torch.cat(both_ways(heads.parts["rnn"].recurrence, x), 1).amax(0) for x in texts()]
        torch.testing.assert_close(heads(*padded(texts(), 9.0)), torch.stack(expected), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_rcnn_joins_each_state_with_what_was_read_before_it_from_either_end(cell):
    heads = made("rcnn", cell=cell)
    layer, nothing = heads.parts["rcnn"], torch.zeros(SETTINGS.hidden)
    expected = []
    with torch.no_grad():
        for x in texts():
            there, back = both_ways(layer.contexts, x)
            left, right = [nothing, *there[:-1]], [*back[1:], nothing]
            joined = [torch.cat(parts) for parts in zip(left, x, right, strict=True)]
            expected.append(torch.tanh(layer.hidden(torch.stack(joined))).amax(0))
        torch.testing.assert_close(heads(*padded(texts(), 9.0)), torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_those_without_weights_by_hand():
    x, lengths = torch.tensor([[[1.0, -5], [3, 2], [9, 9]]]), torch.tensor([2])
    found = {name: Heads(name, 2)(x, lengths)[0].tolist() for name in ("cls", "last", "mean", "max")}
    assert found == {"cls": [1, -5], "last": [3, 2], "mean": [2, -1.5], "max": [3, 2]}


def test_joined_heads_stand_side_by_side_in_the_order_of_their_names():
    heads = made("rcnn+mean+conv+attention")
    states, lengths = padded(texts(), 0.0)
    with torch.no_grad():
        parts = [part(states, lengths) for part in heads.parts.values()]
        assert torch.equal(heads(states, lengths), torch.cat(parts, 1))
    assert list(heads.parts) == ["rcnn", "mean", "conv", "attention"]
    assert [part.shape[1] for part in parts] == [12, 7, 11, 7]


@pytest.mark.parametrize(("head", "changes"), KINDS, ids=str)
def test_in_bfloat16_it_is_near_and_comes_out_as_float32(head, changes):
    heads = made(head, **changes)
    states, lengths = padded(texts(), 0.0)
    with torch.no_grad():
        exact = heads(states, lengths)
        with torch.autocast("cpu", torch.bfloat16):
            rough = heads(states, lengths)
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.05 * exact.abs().max()


def test_names_that_are_no_head_are_refused_with_the_nearest():
    assert head_names(" mean + conv ") == ["mean", "conv"]
    with pytest.raises(UnknownNameError, match=r"'meen'; did you mean 'mean'\? known: attention, cls"):
        head_names("cls+meen")
    for wrong in ("", "mean+", "mean,conv", None):
        with pytest.raises(UnknownNameError):
            head_names(wrong)
    with pytest.raises(SettingError, match="twice"):
        head_names("mean+mean")
