"""KeyedDropout: a function of key, salt and place; and a fair coin."""

from __future__ import annotations

import pytest
import torch

from fenlei.layers.dropout import KeyedDropout

KEYS = torch.arange(1, 9) * 7_000_000_007


def masks(rate=0.5, salt=0, keys=KEYS, shape=(40,)):
    return KeyedDropout(rate, salt)(torch.ones(len(keys), *shape), keys)


def test_order_and_sharding_make_no_difference():
    whole = masks()
    order = torch.tensor([3, 1, 7, 0])
    assert torch.equal(masks(keys=KEYS[order]), whole[order])
    assert torch.equal(
        torch.cat([masks(keys=KEYS[rank::2]) for rank in range(2)]), torch.cat([whole[::2], whole[1::2]])
    )


def test_a_longer_padding_makes_no_difference():
    assert torch.equal(masks(shape=(9, 5))[:, :4], masks(shape=(4, 5)))


def test_keys_and_salts_tell_apart():
    whole = masks()
    assert len({tuple(row.tolist()) for row in whole}) == len(KEYS)
    assert not torch.equal(masks(salt=1), whole)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_is_the_rate_and_the_mean_stays(rate):
    drawn = masks(rate, keys=torch.arange(50), shape=(1000,))
    assert (drawn == 0).float().mean().item() == pytest.approx(rate, abs=0.01)
    assert drawn.mean().item() == pytest.approx(1, abs=0.05)
    kept = drawn[drawn > 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)))


def test_neighbouring_values_are_independent():
    dropped = (masks(keys=torch.arange(200), shape=(400,)) == 0).float() - 0.5
    for step in (1, 2, 3, 4, 16):
        assert (dropped[:, step:] * dropped[:, :-step]).mean().abs() < 0.005
    assert (dropped[1:] * dropped[:-1]).mean().abs() < 0.005


def test_nothing_is_dropped_outside_training_or_at_rate_0():
    layer = KeyedDropout(0.5).eval()
    x = torch.randn(8, 3)
    assert layer(x, KEYS) is x
    assert KeyedDropout(0.0)(x, KEYS) is x


def test_without_keys_the_generator_decides():
    layer, x = KeyedDropout(0.5), torch.ones(4, 64)
    torch.manual_seed(1)
    first, second = layer(x, None), layer(x, None)
    torch.manual_seed(1)
    assert torch.equal(layer(x, None), first)
    assert not torch.equal(first, second)


def test_the_gradient_goes_where_the_value_went():
    x = torch.ones(8, 10, requires_grad=True)
    out = KeyedDropout(0.5)(x, KEYS)
    out.sum().backward()
    assert torch.equal(x.grad, out)


def test_no_texts():
    assert KeyedDropout(0.5)(torch.ones(0, 3), KEYS[:0]).shape == (0, 3)
