"""Attention with fewer heads than a configuration of transformers can say.

In BERT and its kin the size of a head is the network's size by the number of heads, so that no configuration tells of
fewer heads of the same size. Ours may hold a setting of its own, ``kept_heads``: the network is made as the rest says,
and the matrices of its attention narrowed. The attention itself counts its heads by what the matrices give. Plain
``AutoModel`` does not know the setting, and refuses the weights for their shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from fenlei.exceptions import ModelFolderError

KEPT_HEADS = "kept_heads"
_KINDS = frozenset((  # others have the same matrices, and more that knows how many heads there are
    "bert", "camembert", "data2vec-text", "distilbert", "electra", "ernie", "esm", "megatron-bert", "mobilebert",
    "modernbert", "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer", "xlm-roberta", "xlm-roberta-xl",
    "xmod",
))  # fmt: skip
_MATRICES = (  # what makes queries, keys and values, and what takes the answers of the heads
    (("self.query", "self.key", "self.value"), "output.dense"),
    (("q_lin", "k_lin", "v_lin"), "out_lin"),  # DistilBERT
    (("Wqkv",), "Wo"),  # ModernBERT
)


def narrow_heads(network: PreTrainedModel) -> None:
    """Leave as many heads in each layer as the configuration's ``kept_heads`` says; without it, all.

    Raises
    ------
    ModelFolderError
        When it is no number of heads that there can be, or this kind of network cannot do with fewer.
    """
    config: Any = network.config
    kept = getattr(config, KEPT_HEADS, None)
    if kept is None:
        return
    heads = int(config.num_attention_heads)
    if type(kept) is not int or not 1 <= kept <= heads:
        raise ModelFolderError(f"encoder: kept_heads is {str(kept)[:80]}, of {heads} heads")
    if config.model_type not in _KINDS:
        raise ModelFolderError(f"encoder: the heads of a {config.model_type} cannot be cut")
    for attention, inputs, output in list(_attention(network)):
        for name in inputs:
            old = attention.get_submodule(name)
            _replace(attention, name, old.in_features, old.out_features // heads * kept)
        old = attention.get_submodule(output)
        width = old.in_features // heads * kept
        _replace(attention, output, width, old.out_features)
        for part in attention.modules():
            if hasattr(part, "all_head_size"):  # RoFormer and some others shape their answer by it
                part.all_head_size = width


def kept_heads(config: Any) -> int:
    """Heads of each layer."""
    return int(getattr(config, KEPT_HEADS, None) or config.num_attention_heads)


def _attention(network: PreTrainedModel) -> Iterator[tuple[Any, tuple[str, ...], str]]:
    """Find what attends, and the names of the matrices in it."""
    for module in network.modules():
        names = {name for name, part in module.named_modules() if isinstance(part, nn.Linear)}
        yield from ((module, inputs, output) for inputs, output in _MATRICES if names.issuperset((*inputs, output)))


def _replace(attention: Any, name: str, n_in: int, n_out: int) -> None:
    parent, _, last = name.rpartition(".")
    biased = attention.get_submodule(name).bias is not None
    setattr(attention.get_submodule(parent), last, nn.Linear(n_in, n_out, bias=biased))
