"""Attention of encoders: torch's, forward and backward, and what encoders that train through it learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional
from transformers import AutoModel, LlamaConfig, LlamaModel

from fenlei.layers import attention
from fenlei.layers.attention import NAME, attend

SHAPE = (3, 2, 5, 4)


def parts(dtype=torch.float64, seed=0):
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(SHAPE, generator=random, dtype=torch.float64).to(dtype).requires_grad_() for _ in range(3)]


def masks():
    seen = torch.arange(5) < torch.tensor([5, 2, 1])[:, None]
    causal = torch.ones(5, 5).tril().bool()
    return {
        "none": None,
        "padding": seen[:, None, None].expand(-1, 1, 5, 5),
        "broadcast": seen[:, None, None],
        "causal": (seen[:, None, None] & causal),
        "added": torch.randn(3, 1, 5, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64),
        "added to each head": torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64),
    }


@pytest.mark.parametrize("scale", [None, 0.3])
@pytest.mark.parametrize("kind", masks())
def test_it_is_that_of_torch_forward_and_backward(kind, scale):
    mask = masks()[kind]
    ours, theirs = parts(), parts()
    found = attend(*ours, mask, scale)
    expected = functional.scaled_dot_product_attention(*theirs, attn_mask=mask, scale=scale)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-12)
    weight = torch.randn(SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    (found * weight).sum().backward()
    (expected * weight).sum().backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-12, rtol=1e-10)


@pytest.mark.parametrize("kind", ["none", "causal", "added"])
def test_gradients_are_differences(kind):
    mask = masks()[kind]
    assert torch.autograd.gradcheck(lambda q, k, v: attend(q, k, v, mask, 0.7), parts())


def test_what_comes_in_is_left_as_it_was():
    inside, mask = parts(torch.float32), masks()["added"].float()
    before = [x.detach().clone() for x in (*inside, mask)]
    attend(*inside, mask).sum().backward()
    assert all(torch.equal(x, b) for x, b in zip((*inside, mask), before, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_place_that_sees_nothing_is_no_nan(dtype):
    inside = parts(dtype)
    mask = masks()["padding"].clone()
    mask[1] = False
    found = attend(*inside, mask)
    found.float().square().sum().backward()
    assert torch.isfinite(found).all()
    assert all(torch.isfinite(x.grad).all() for x in inside)
    torch.testing.assert_close(found[1, 0, 0], inside[2][1, 0].mean(0), atol=0.01, rtol=0.01)
    expected = functional.scaled_dot_product_attention(*inside, attn_mask=masks()["padding"])
    torch.testing.assert_close(found[[0, 2]], expected[[0, 2]], atol=0.03, rtol=0.03)


def test_in_bfloat16_values_and_gradients_are_near():
    exact, rough = parts(torch.float32), parts(torch.bfloat16)
    mask = masks()["padding"]
    for inside in (exact, rough):
        attend(*inside, mask).float().square().sum().backward()
    torch.testing.assert_close(attend(*rough, mask).float(), attend(*exact, mask), atol=0.03, rtol=0.03)
    for one, other in zip(rough, exact, strict=True):
        assert one.grad.dtype == torch.bfloat16
        torch.testing.assert_close(one.grad.float(), other.grad, atol=0.05, rtol=0.05)


def test_mixed_types_under_autocast_are_brought_together():
    """Encoders that rotate queries and keys leave them in float32."""
    q, k, v = parts(torch.float32)
    expected = attend(q, k, v)
    with torch.autocast("cpu", torch.bfloat16):
        found = attend(q, k, v.bfloat16())
    found.float().sum().backward()
    assert found.dtype == torch.bfloat16
    assert q.grad.dtype == torch.float32
    torch.testing.assert_close(found.float(), expected, atol=0.03, rtol=0.03)


@pytest.fixture
def taken(monkeypatch):
    """How often our attention was taken."""
    calls = []
    monkeypatch.setattr(attention, "attend", lambda *args: calls.append(args) or attend(*args))
    return calls


def gradients(folder, how, ids, mask, dtype=None):
    network = AutoModel.from_pretrained(folder, attn_implementation=how, local_files_only=True)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    network.train()
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype is not None):
        states = network(input_ids=ids, attention_mask=mask).last_hidden_state
    shown = states.float() * mask[..., None]  # what stands at padding is nobody's business
    weight = torch.randn(shown.shape, generator=torch.Generator().manual_seed(4))
    (shown * weight).sum().backward()
    return shown.detach(), {name: p.grad for name, p in network.named_parameters() if p.grad is not None}


@pytest.fixture
def batch():
    ids = torch.randint(5, 80, (3, 9), generator=torch.Generator().manual_seed(2))
    return ids, (torch.arange(9) < torch.tensor([9, 4, 1])[:, None]).long()


@pytest.mark.parametrize("other", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["tiny_encoder", "tiny_decoder"])
@pytest.mark.parametrize("is_padded", [True, False])
def test_encoders_learn_the_same_through_it(kind, other, is_padded, batch, request, taken):
    folder = request.getfixturevalue(kind)
    ids, mask = batch if is_padded else (batch[0], torch.ones_like(batch[1]))
    states, ours = gradients(folder, NAME, ids, mask)
    assert len(taken) == (2 if is_padded or kind == "tiny_encoder" else 0)  # causal without mask is torch's
    expected, theirs = gradients(folder, other, ids, mask)
    torch.testing.assert_close(states, expected, atol=1e-5, rtol=1e-4)
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], atol=1e-4, rtol=1e-3, msg=lambda m, n=name: f"{n}: {m}")


def test_encoders_learn_nearly_the_same_in_bfloat16(tiny_encoder, batch, taken):
    _, rough = gradients(tiny_encoder, NAME, *batch, torch.bfloat16)
    _, exact = gradients(tiny_encoder, "sdpa", *batch)
    assert len(taken) == 2
    for name, gradient in exact.items():
        if name.endswith("key.bias"):
            continue  # moves all scores of a place alike: its gradient is 0, and rounding
        assert (rough[name] - gradient).norm() < 0.05 * gradient.norm() + 1e-3, name


def test_a_network_that_rotates_its_queries_trains_in_bfloat16(batch, taken):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=80, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        intermediate_size=32, max_position_embeddings=16,
    )  # fmt: skip
    network = LlamaModel(config).train()
    network.set_attn_implementation(NAME)
    ids, mask = batch
    exact = network(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state * mask[..., None]
    with torch.autocast("cpu", torch.bfloat16):
        rough = network(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state * mask[..., None]
    rough.float().square().sum().backward()
    assert len(taken) == 4
    assert (rough - exact).norm() < 0.05 * exact.norm()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("is_padded", [True, False])
def test_a_decoder_sees_nothing_of_the_future(tiny_decoder, is_padded, batch):
    network = AutoModel.from_pretrained(tiny_decoder, attn_implementation=NAME, local_files_only=True)
    vectors = network.get_input_embeddings()(batch[0]).detach().requires_grad_()
    mask = batch[1] if is_padded else None
    states = network(inputs_embeds=vectors, attention_mask=mask, use_cache=False).last_hidden_state
    states[0, 4].square().sum().backward()
    assert not vectors.grad[0, 5:].any()
    assert vectors.grad[0, :5].abs().sum(1).gt(0).all()
    assert not vectors.grad[1:].any()


def test_prediction_is_left_to_torch(tiny_encoder, batch, taken):
    network = AutoModel.from_pretrained(tiny_encoder, attn_implementation=NAME, local_files_only=True).eval()
    with torch.no_grad():
        found = network(input_ids=batch[0], attention_mask=batch[1]).last_hidden_state
        network.set_attn_implementation("sdpa")
        assert torch.equal(found, network(input_ids=batch[0], attention_mask=batch[1]).last_hidden_state)
    assert not taken


@pytest.mark.parametrize("learns", [True, False])
def test_probabilities_are_not_dropped(tiny_encoder, batch, learns):
    """Neither where weights learn nor below them, so that no random numbers are drawn."""
    how = {"attention_probs_dropout_prob": 0.9, "hidden_dropout_prob": 0.0}
    network = AutoModel.from_pretrained(tiny_encoder, attn_implementation=NAME, local_files_only=True, **how)
    network.train().requires_grad_(learns)
    first, second = (network(input_ids=batch[0], attention_mask=batch[1]).last_hidden_state for _ in range(2))
    assert torch.equal(first, second)


def test_the_scale_is_one_over_the_root_of_the_size():
    q = k = torch.tensor([[[[2.0, 0, 0, 0], [0, 0, 0, 0]]]])
    v = torch.tensor([[[[1.0, 0, 0, 0], [0, 0, 0, 0]]]])
    assert attend(q, k, v)[0, 0, 0, 0].item() == pytest.approx(math.e**2 / (math.e**2 + 1))
