"""Mixout: its expectation, its two limits, and that nothing is left of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.encoders.mixout import Mixout, add_mixout, remove_mixout
from fenlei.exceptions import SettingError


@pytest.fixture
def layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.LayerNorm(5), nn.Embedding(4, 3), nn.Linear(5, 4))


def move(layers):
    """Something that training might have done."""
    torch.manual_seed(1)
    with torch.no_grad():
        for p in layers.parameters():
            p.add_(torch.randn_like(p))


@pytest.mark.parametrize("rate", [0.2, 0.7])
def test_each_value_is_the_pretrained_or_the_trained_and_on_average_the_trained(rate):
    torch.manual_seed(3)
    before, now = torch.randn(20, 30), torch.randn(20, 30)
    mixout = Mixout(before, rate)
    draws = torch.stack([mixout(now) for _ in range(4000)])
    trained = (now - rate * before) / (1 - rate)
    is_old = draws == before
    torch.testing.assert_close(draws[~is_old], trained.expand_as(draws)[~is_old])
    assert is_old.float().mean().item() == pytest.approx(rate, abs=0.002)
    spread = (rate / (1 - rate)) ** 0.5 * (now - before).abs()
    assert ((draws.mean(0) - now).abs() <= 5 * spread / 4000**0.5 + 1e-4).all()
    assert torch.equal(mixout.eval()(now), now)


def test_while_nothing_has_moved_nothing_is_mixed(layers):
    x = torch.randn(3, 6)
    expected = layers[3](layers[1](layers[0](x)))
    add_mixout(layers.train(), 0.5)
    torch.testing.assert_close(layers[3](layers[1](layers[0](x))), expected, atol=1e-5, rtol=1e-5)


def test_it_is_drawn_anew_at_each_step_and_not_in_prediction(layers):
    add_mixout(layers.train(), 0.5)
    move(layers)
    assert not torch.equal(layers[0].weight, layers[0].weight)
    layers.eval()
    assert torch.equal(layers[0].weight, layers[0].parametrizations.weight.original)


def test_the_trained_share_learns_and_the_pretrained_does_not(layers):
    before = layers[0].weight.detach().clone()
    add_mixout(layers.train(), 0.5)
    move(layers)
    weight = layers[0].weight
    weight.sum().backward()
    gradient = layers[0].parametrizations.weight.original.grad
    assert set(gradient.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(gradient == 0, weight.detach() == before)


def test_removed_it_leaves_the_trained_weights_under_their_plain_names(layers):
    names = list(layers.state_dict())
    add_mixout(layers.train(), 0.9)
    move(layers)
    trained = layers[0].parametrizations.weight.original.detach().clone()
    remove_mixout(layers)
    assert sorted(layers.state_dict()) == sorted(names)
    assert torch.equal(layers[0].weight, trained)
    assert type(layers[0]) is nn.Linear
    assert all(isinstance(p, nn.Parameter) for p in layers.parameters())


def test_the_pretrained_weights_are_not_saved(layers):
    add_mixout(layers, 0.5)
    assert not [name for name in layers.state_dict() if "pretrained" in name]


def test_only_matrices_of_linear_layers_that_learn_are_mixed(layers):
    layers[0].requires_grad_(False)
    add_mixout(layers, 0.5)
    assert [i for i, layer in enumerate(layers) if hasattr(layer, "parametrizations")] == [3]


def test_where_there_is_nothing_to_mix_it_is_refused(layers):
    with pytest.raises(SettingError, match="mixout found no linear layers that learn"):
        add_mixout(layers.requires_grad_(False), 0.5)
