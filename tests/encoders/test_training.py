"""An encoder made ready for training: keyed dropout, which does not depend on who else is in the batch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fenlei.encoders.load import load_encoder
from fenlei.encoders.strategies import set_dropout
from fenlei.encoders.training import InnerDropout, leave_keys, quicken
from fenlei.layers.attention import NAME


@pytest.fixture(params=["tiny_encoder", "tiny_decoder"])
def network(request):
    loaded = load_encoder(str(request.getfixturevalue(request.param))).network
    set_dropout(loaded, 0.4)
    quicken(loaded)
    return loaded.train()


IDS = torch.randint(5, 60, (3, 6), generator=torch.Generator().manual_seed(0))
MASK = (torch.arange(6) < torch.tensor([6, 3, 5])[:, None]).long()
KEYS = torch.tensor([70, 80, 90])


def states(network, keys, rows=slice(None)):
    leave_keys(network, keys)
    return network(input_ids=IDS[rows], attention_mask=MASK[rows]).last_hidden_state


def test_every_dropout_is_keyed_and_none_drops_as_another(network):
    inner = [module for module in network.modules() if isinstance(module, InnerDropout)]
    assert not [module for module in network.modules() if isinstance(module, nn.Dropout)]
    assert len(inner) >= 5
    assert len({module.salt for module in inner}) == len(inner)
    assert min(module.salt for module in inner) > 2, "lower ones are those of embedding and head"
    assert {module.p for module in inner} == {0.4}
    assert network.config._attn_implementation == NAME


def test_a_text_is_dropped_alike_wherever_it_stands(network):
    together = states(network, KEYS)
    alone = torch.cat([states(network, KEYS[i : i + 1], slice(i, i + 1)) for i in range(3)])
    backwards = states(network, KEYS.flip(0), [2, 1, 0]).flip(0)
    shown = MASK[..., None]
    for other in (alone, backwards):
        torch.testing.assert_close(other * shown, together * shown, atol=1e-5, rtol=1e-4)
    assert (states(network, KEYS + 1) - together).abs().max() > 0.1


def test_without_keys_it_is_drawn_from_torch(network):
    torch.manual_seed(1)
    first, second = states(network, None), states(network, None)
    torch.manual_seed(1)
    again = states(network, None)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_keys_of_another_batch_are_not_taken(network):
    leave_keys(network, torch.tensor([1]))
    torch.manual_seed(1)
    found = network(input_ids=IDS, attention_mask=MASK).last_hidden_state
    torch.manual_seed(1)
    assert torch.equal(found, states(network, None))


def test_in_prediction_it_is_the_encoder_as_it_was(network, request):
    folder = request.getfixturevalue("tiny_encoder" if network.config.model_type == "bert" else "tiny_decoder")
    with torch.no_grad():
        expected = load_encoder(str(folder)).network.eval()(input_ids=IDS, attention_mask=MASK).last_hidden_state
        torch.testing.assert_close(states(network.eval(), KEYS) * MASK[..., None], expected * MASK[..., None])


def test_the_share_that_is_dropped_is_the_rate():
    dropout = InnerDropout(0.4).train()
    leave_keys(nn.Sequential(dropout), torch.arange(50))
    found = dropout(torch.ones(50, 400))
    assert (found == 0).float().mean().item() == pytest.approx(0.4, abs=0.02)
    assert found.mean().item() == pytest.approx(1, abs=0.03)
