"""Smaller encoders: without what nobody hears, the answers are the same, whatever the kind of network."""

from __future__ import annotations

import copy
import json

import pytest
import torch
from transformers import (
    CONFIG_MAPPING,
    BertConfig,
    DistilBertConfig,
    EuroBertConfig,
    Gemma3TextConfig,
    GPT2Config,
    GteConfig,
    LlamaConfig,
    ModernBertConfig,
    NomicBertConfig,
    Qwen3Config,
    RoFormerConfig,
    T5Config,
    UMT5Config,
    XLMRobertaConfig,
)

from fenlei.encoders.bare import config_bytes, empty_encoder, quiet
from fenlei.encoders.fewer_heads import _KINDS
from fenlei.encoders.smaller import (
    cut_heads,
    cut_units,
    inputs_first,
    n_heads,
    n_units,
    named_layers,
    with_tokens,
    without_layers,
    without_units,
)
from fenlei.exceptions import ModelFolderError, SettingError

SIZES = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 24,
    "max_position_embeddings": 32,
}  # fmt: skip
MARKS = {"pad_token_id": 0, "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2}
CONFIGS = {
    "bert": lambda: BertConfig(**SIZES),
    "roberta": lambda: XLMRobertaConfig(**SIZES),
    "roformer": lambda: RoFormerConfig(**SIZES),
    "distilbert": lambda: DistilBertConfig(
        vocab_size=50, dim=16, n_layers=3, n_heads=4, hidden_dim=24, max_position_embeddings=32
    ),
    "modernbert": lambda: ModernBertConfig(**SIZES, **MARKS),
    "qwen3": lambda: Qwen3Config(**SIZES, num_key_value_heads=2, head_dim=6),
    "gpt2": lambda: GPT2Config(vocab_size=50, n_embd=16, n_layer=3, n_head=4, bos_token_id=0, eos_token_id=0),
    "llama": lambda: LlamaConfig(**SIZES),
    "gemma3": lambda: Gemma3TextConfig(**SIZES, num_key_value_heads=1, head_dim=6),
    "eurobert": lambda: EuroBertConfig(**SIZES, **MARKS, mask_token_id=3, num_key_value_heads=2),
    "nomic_bert": lambda: NomicBertConfig(**SIZES),
    "gte": lambda: GteConfig(**SIZES),
    "t5": lambda: T5Config(vocab_size=50, d_model=16, d_kv=6, d_ff=24, num_layers=3, num_heads=4),
    "umt5": lambda: UMT5Config(vocab_size=50, d_model=16, d_kv=6, d_ff=24, num_layers=3, num_heads=4),
}
OWN_SETTING = ("bert", "roberta", "roformer", "distilbert", "modernbert")  # how many heads are kept


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


@pytest.mark.parametrize("kind", [kind for kind in CONFIGS if kind != "gpt2"])
def test_heads(kind):
    network = make(kind)
    n = n_heads(network)
    silent, small = halved(network, cut_heads(network, n // 2), n)
    assert not torch.allclose(answer(silent), answer(network), atol=1e-3)
    torch.testing.assert_close(answer(small), answer(silent), atol=1e-5, rtol=1e-5)
    assert small.config.num_attention_heads == (4 if kind in OWN_SETTING else 2)
    again = empty_encoder(json.loads(config_bytes(small))).eval()
    again.load_state_dict(small.state_dict())
    torch.testing.assert_close(answer(again), answer(small))


@pytest.mark.parametrize(("kind", "n", "left"), [("qwen3", 2, (2, 1, 6)), ("gemma3", 4, (2, 1, 6))])
def test_heads_that_share_keys_and_values_are_one_unless_all_do(kind, n, left):
    network = make(kind)
    assert n_heads(network) == n
    _, small = halved(network, cut_heads(network, n // 2), n)
    config = small.config
    assert (config.num_attention_heads, config.num_key_value_heads, config.head_dim) == left


@pytest.mark.parametrize("kind", sorted(_KINDS))
def test_heads_of_all_kinds_that_are_said_to_do_with_fewer(kind, monkeypatch):
    own = {"languages": ["zh"], "default_language": "zh", "mask_token_id": 4, "intra_bottleneck_size": 8}
    sizes = SIZES | MARKS | own if kind != "distilbert" else CONFIGS[kind]().to_dict()
    config = CONFIG_MAPPING[kind](**{name: value for name, value in sizes.items() if name != "model_type"})
    monkeypatch.setitem(CONFIGS, kind, lambda: config)
    network = make(kind)
    silent, small = halved(network, cut_heads(network, 2), 4)
    assert not torch.allclose(answer(silent), answer(network), atol=1e-4)
    torch.testing.assert_close(answer(small), answer(silent), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", OWN_SETTING)
def test_heads_units_and_layers_one_after_another(kind):
    network = make(kind)
    _, small = halved(network, cut_heads(network, 2), 4)
    small = without_layers(small, [0, 2])
    _, small = halved(small, cut_units(small, 12), 24)
    silent, last = halved(small, cut_heads(small, 1), 2)
    assert (n_heads(last), n_units(last), last.config.num_hidden_layers) == (1, 12, 2)
    torch.testing.assert_close(answer(last), answer(silent), atol=1e-5, rtol=1e-5)


def test_heads_that_cannot_be_cut():
    with pytest.raises(SettingError, match="the heads of a gpt2 cannot be cut"):
        cut_heads(make("gpt2"), 2)


@pytest.mark.parametrize("kept", [0, 5, "2", 2.0, True])
def test_a_number_of_heads_that_there_cannot_be(kept):
    with pytest.raises(ModelFolderError, match=r"kept_heads is .* of 4 heads"):
        empty_encoder(CONFIGS["bert"]().to_dict() | {"kept_heads": kept})


def test_heads_of_a_kind_that_cannot_do_with_fewer():
    with pytest.raises(ModelFolderError, match="the heads of a gpt2 cannot be cut"):
        empty_encoder(CONFIGS["gpt2"]().to_dict() | {"kept_heads": 2})


@pytest.mark.parametrize("kind", CONFIGS)
def test_layers(kind):
    network = make(kind)
    small = without_layers(network, [0, 2])
    assert small.config.num_hidden_layers == 2

    def skip(layer, inputs, out):
        return (inputs[0], *out[1:]) if isinstance(out, tuple) else inputs[0]

    named_layers(network)[1][1].register_forward_hook(skip)
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
