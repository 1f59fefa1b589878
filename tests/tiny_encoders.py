"""Pretrained networks of a few kilobytes with random weights, in folders as the Hub has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    GPT2Config,
    GPT2Model,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2Model,
)

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'：，。！？"
_CHARACTERS = (
    "很好不房间干净下次还来服务热情早餐吃满意位置方便舒脏会再冷淡又难失望偏僻吵国足比赛进球了队赢得冠军股票大涨基金上"
    "央行降息市场新款手机发布芯片与系统天气雨说的我喜欢这电影差快慢红圆方蓝灰同"
)
_WORDS = (
    "a the of and in its with to too good bad great warm funny film films cast acting moving story loved hated one "
    "year wonderful wise dull boring weak awful terrible team won match late goal stocks funds rise bank cut interest "
    "rate new phone better chip runs operating system rain stock so it same text other words"
)


def tiny_tokenizer() -> Tokenizer:
    """WordPiece over single characters, letters and a few words."""
    characters = list(dict.fromkeys(_LETTERS + _CHARACTERS))
    tokens = dict.fromkeys([*_SPECIAL, *characters, *(f"##{char}" for char in characters), *_WORDS.split()])
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(tokens)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def make_encoder(folder: Path) -> Path:
    """Write a BERT of 2 layers, 32 values a state and 64 places."""
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tiny_tokenizer(), pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        mask_token="[MASK]", model_max_length=64,
    )  # fmt: skip
    fast.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = BertConfig(
            vocab_size=len(fast), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=64, initializer_range=0.05,
        )  # fmt: skip
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


def gpt2(size: int) -> PreTrainedModel:
    """Make a GPT-2 of 2 layers and 32 values a state."""
    config = GPT2Config(
        vocab_size=size, n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0,
        initializer_range=0.05,
    )  # fmt: skip
    return GPT2Model(config)


def qwen(size: int) -> PreTrainedModel:
    """Make a Qwen of 2 layers and 32 values a state, with rotary positions and two heads for each key."""
    config = Qwen2Config(
        vocab_size=size, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=64, max_position_embeddings=64, bos_token_id=0, eos_token_id=0, initializer_range=0.05,
    )  # fmt: skip
    return Qwen2Model(config)


def make_decoder(folder: Path, network: Callable[[int], PreTrainedModel] = gpt2) -> Path:
    """Write a decoder whose tokenizer has no padding."""
    characters = list(dict.fromkeys(_LETTERS + _CHARACTERS))
    tokens = {token: i for i, token in enumerate(["<|endoftext|>", *characters])}
    tokenizer = Tokenizer(models.WordLevel(tokens, unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", unk_token="<|endoftext|>")
    fast.save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network(len(fast)).save_pretrained(folder)
    return folder
