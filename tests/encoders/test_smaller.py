"""Smaller encoders: without what nobody hears, the answers are the same, whatever the kind of network."""

from __future__ import annotations

import copy

import pytest
import torch
from transformers import BertConfig, GPT2Config, ModernBertConfig, Qwen3Config, XLMRobertaConfig

from fenlei.encoders.bare import empty_encoder, quiet
from fenlei.encoders.smaller import (
    cut_heads,
    cut_units,
    inputs_first,
    n_heads,
    n_units,
    with_tokens,
    without_layers,
    without_units,
)
from fenlei.exceptions import SettingError

SIZES = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 24,
    "max_position_embeddings": 32,
}  # fmt: skip
MARKS = {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: XLMRobertaConfig(**SIZES),
    "modernbert": lambda: ModernBertConfig(**SIZES, **MARKS),
    "qwen3": lambda: Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=6),
    "gpt2": lambda: GPT2Config(vocab_size=50, n_embd=16, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0),
}


def make(kind):
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(2)
        network = empty_encoder(CONFIGS[kind]().to_dict()).eval()
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return network


def answer(network, ids=None):
    ids = torch.arange(5, 19).view(2, 7) if ids is None else ids
    with torch.no_grad():
        return network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state


def halved(network, cut, n):
    """The network with every second unit silent, and without those."""
    network = copy.deepcopy(network)
    sizes = [len(inputs_first(network.get_submodule(name))) for name in cut.takers]
    for name, size in zip(cut.takers, sizes, strict=True):
        inputs_first(network.get_submodule(name))[cut.places(range(1, n, 2), size)] = 0
    kept = [range(0, n, 2)] * len(sizes)
    return network, without_units(network, cut, kept, [torch.zeros(size) for size in sizes])


@pytest.mark.parametrize("kind", CONFIGS)
def test_hidden_units(kind):
    network = make(kind)
    n = n_units(network)
    silent, small = halved(network, cut_units(network, n // 2), n)
    assert not torch.allclose(answer(silent), answer(network), atol=1e-3)
    torch.testing.assert_close(answer(small), answer(silent), atol=1e-5, rtol=1e-5)
    assert n_units(small) == n // 2


def test_heads_where_the_configuration_knows_their_size():
    network = make("qwen3")
    assert n_heads(network) == 2  # of four, two share keys and values
    silent, small = halved(network, cut_heads(network, 1), 2)
    torch.testing.assert_close(answer(small), answer(silent), atol=1e-5, rtol=1e-5)
    assert (small.config.num_attention_heads, small.config.num_key_value_heads, small.config.head_dim) == (2, 1, 6)


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert", "gpt2"])
def test_heads_where_it_does_not(kind):
    with pytest.raises(SettingError, match="cannot say that it has fewer heads of the same size"):
        cut_heads(make(kind), 2)


@pytest.mark.parametrize("kind", CONFIGS)
def test_layers(kind):
    network = make(kind)
    small = without_layers(network, [0, 2])
    assert small.config.num_hidden_layers == 2
    handles = []
    for name, module in network.named_modules():
        if name.endswith(("layer.1", "layers.1", "h.1")):
            handles.append(module.register_forward_hook(lambda one, inputs, out: inputs[0]))
    assert len(handles) == 1
    torch.testing.assert_close(answer(small), answer(network), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "roberta", "gpt2"])
def test_tokens(kind):
    network = make(kind)
    rows = [0, 1, 2, 7, 9, 30, 49]
    small = with_tokens(network, rows)
    assert small.config.vocab_size == 7
    assert small.get_input_embeddings().weight.shape[0] == 7
    new, old = torch.tensor([[3, 6, 5, 4]]), torch.tensor([[7, 49, 30, 9]])
    torch.testing.assert_close(answer(small, new), answer(network, old), atol=1e-6, rtol=1e-6)


def test_layers_that_share_their_weights():
    from transformers import AlbertConfig

    network = empty_encoder(AlbertConfig(**SIZES, embedding_size=8).to_dict())
    with pytest.raises(SettingError, match="the layers of a albert are not apart from one another"):
        without_layers(network, [0])
