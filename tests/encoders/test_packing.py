"""Encoders that read windows end to end, and those that cannot."""

from __future__ import annotations

import pytest
import torch
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    GPT2Config,
    ModernBertConfig,
    MPNetConfig,
    RobertaConfig,
    T5Config,
    T5EncoderModel,
)

from fenlei.encoders.packing import check_packs, keys_of_tokens
from fenlei.encoders.training import quicken
from fenlei.exceptions import SettingError
from fenlei.layers import attention
from fenlei.layers.packing import Packed

SMALL = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 40,
    "max_position_embeddings": 20,
}  # fmt: skip


def made(kind, **settings):
    torch.manual_seed(0)
    network = T5EncoderModel(kind(**settings)) if kind is T5Config else AutoModel.from_config(kind(**settings))
    quicken(network)
    return network


@pytest.mark.parametrize("kind", [BertConfig, RobertaConfig, ElectraConfig])
def test_those_whose_attention_can_be_set_take_it(kind):
    network = made(kind, **SMALL)
    check_packs(network, "tiny")
    assert all(getattr(module, attention.PACKED, None) is None for module in network.modules())


def test_one_that_turns_its_queries_by_position():
    check_packs(made(ModernBertConfig, **SMALL, pad_token_id=0, global_attn_every_n_layers=1), "tiny")


def test_one_whose_layers_see_a_window_of_the_text_is_refused():
    with pytest.raises(SettingError, match="packing is not for tiny: its attention looks at a window"):
        check_packs(made(ModernBertConfig, **SMALL, pad_token_id=0, local_attention=64), "tiny")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (GPT2Config, {"n_embd": 16, "n_layer": 1, "n_head": 2, "vocab_size": 40}),
        (T5Config, {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": 40}),
        (DebertaV2Config, SMALL),
        (MPNetConfig, SMALL),
        (DistilBertConfig, {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 16, "vocab_size": 40}),
    ],
)
def test_others_do_or_are_refused_in_one_line(kind, settings):
    """Which of them can may change with transformers; what must not happen is that texts are mixed."""
    try:
        check_packs(made(kind, **settings), "tiny")
    except SettingError as error:
        assert str(error).startswith("packing is not for tiny") and "\n" not in str(error)
    else:
        assert kind is DistilBertConfig


def test_each_token_has_a_key_of_its_own():
    packed = Packed.of(torch.tensor([[0, 1], [2, -1]]))
    keys = keys_of_tokens(torch.tensor([2**61, 7]), packed)
    assert keys is not None and len(set(keys.tolist())) == 3
    again = keys_of_tokens(torch.tensor([7]), Packed.of(torch.tensor([[0]])))
    assert again is not None and again[0] == keys[2]
    assert keys_of_tokens(None, packed) is None
