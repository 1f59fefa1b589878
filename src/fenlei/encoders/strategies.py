"""Fine-tuning strategies: which weights of a pretrained encoder learn, and how fast.

===========  =======================================================================================================
``full``     all weights
``frozen``   none: the encoder runs once over the texts, and only the head learns
``last``     those of the last k layers
``gradual``  the head first, then layer after layer from the top, all in the last epoch (Howard and Ruder, "Universal
             Language Model Fine-tuning for Text Classification", ACL 2018)
``lora``     low-rank additions to the attention's matrices (Hu et al., "LoRA", ICLR 2022), through PEFT; they are added
             in at the end, so the model has no more weights than before
``bitfit``   the biases (Ben Zaken et al., "BitFit", ACL 2022)
===========  =======================================================================================================

With a layer decay d below 1 the rate of a layer is d times that of the layer above.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from fenlei._optional import require
from fenlei.exceptions import SettingError

STRATEGIES = ("full", "frozen", "last", "gradual", "lora", "bitfit")
_ATTENTION = re.compile(r"(^|[._])(([qkv]|query|key|value)(_proj|_lin)?|c_attn|qkv|Wqkv)$")


def find_layers(encoder: nn.Module) -> nn.ModuleList | None:
    """Find the transformer layers, lowest first; None when there is no list of as many as the configuration says."""
    n_layers = getattr(encoder.config, "num_hidden_layers", None)
    stacks = [one for one in encoder.modules() if isinstance(one, nn.ModuleList) and len(one) == n_layers]
    return max(stacks, key=lambda stack: sum(p.numel() for p in stack.parameters()), default=None)


def layers_of(encoder: nn.Module) -> nn.ModuleList:
    """Give the transformer layers, lowest first.

    Raises
    ------
    SettingError
        When the encoder has no list of layers.
    """
    layers = find_layers(encoder)
    if layers is None:
        raise SettingError("the layers of this encoder were not found; use strategy=full, frozen or bitfit")
    return layers


def depths(encoder: nn.Module) -> dict[str, int]:
    """Tell for each weight how many layers are above its own; those above all layers have -1, embeddings the most."""
    layers = layers_of(encoder)
    above = {id(p): len(layers) - 1 - i for i, layer in enumerate(layers) for p in layer.parameters()}
    below = {id(p) for p in _embedding_weights(encoder, layers)}
    return {
        name: above.get(id(p), len(layers) if id(p) in below else -1) for name, p in encoder.named_parameters()
    }  # fmt: skip


def _embedding_weights(encoder: nn.Module, layers: nn.ModuleList) -> list[nn.Parameter]:
    """Give the weights of those parts of the encoder that come before the layers."""
    first = next(iter(layers.parameters()))
    found: list[nn.Parameter] = []
    for p in encoder.parameters():
        if p is first:
            return found
        found.append(p)
    return found


def choose_weights(encoder: PreTrainedModel, strategy: str, last: int) -> None:
    """Let those weights of the encoder learn that the strategy says, and no others.

    Parameters
    ----------
    encoder : PreTrainedModel
    strategy : {"full", "frozen", "last", "gradual", "lora", "bitfit"}
    last : int
        Layers of ``last``.

    Raises
    ------
    SettingError
        When the encoder has no weights of the kind that the strategy names.

    Examples
    --------
    >>> from transformers import BertConfig, BertModel
    >>> sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 1, "intermediate_size": 8}
    >>> encoder = BertModel(BertConfig(vocab_size=9, **sizes), add_pooling_layer=False)
    >>> choose_weights(encoder, "last", 1)
    >>> sorted({name[:15] for name, p in encoder.named_parameters() if p.requires_grad})
    ['encoder.layer.1']
    """
    if strategy in ("full", "gradual", "lora"):
        encoder.requires_grad_(strategy != "lora")
        return
    encoder.requires_grad_(False)
    if strategy == "bitfit":
        _unfreeze_biases(encoder)
    if strategy == "last":
        unfreeze_top(encoder, last)


def _unfreeze_biases(encoder: PreTrainedModel) -> None:
    biases = [p for name, p in encoder.named_parameters() if name.rpartition(".")[2] == "bias"]
    if not biases:
        raise SettingError("this encoder has no biases for strategy=bitfit to train; use strategy=lora, last or frozen")
    for p in biases:
        p.requires_grad_(True)


def unfreeze_top(encoder: PreTrainedModel, n_layers: int) -> None:
    """Let the last `n_layers` layers and what is above them learn; with more than there are, the embeddings too."""
    for (_, p), depth in zip(encoder.named_parameters(), depths(encoder).values(), strict=True):
        p.requires_grad_(depth < n_layers and n_layers > 0)


def add_lora(encoder: PreTrainedModel, rank: int, alpha: float) -> PreTrainedModel:
    """Put low-rank additions beside the attention's matrices; only they learn.

    Raises
    ------
    MissingExtraError
        When PEFT is not installed.
    SettingError
        When no attention matrices are found.
    """
    peft = require("peft", extra="encoders")
    names = [name for name, _ in encoder.named_modules() if _ATTENTION.search(name)]
    if not names:
        raise SettingError("the attention of this encoder was not found; use another strategy than lora")
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=names, lora_dropout=0.0, bias="none")
    with warnings.catch_warnings():
        for message in ("`is_gradient_checkpointing` is deprecated", "fan_in_fan_out is set to False"):
            warnings.filterwarnings("ignore", message)  # PEFT asks the one, and finds the other out by itself
        adapted: Any = peft.get_peft_model(encoder, config)
    return adapted


def merge_lora(encoder: Any) -> PreTrainedModel:
    """Add what was learned to the matrices, and give the plain encoder."""
    merged: PreTrainedModel = encoder.merge_and_unload()
    return merged.requires_grad_(True)


def renew_top(encoder: PreTrainedModel, n_layers: int) -> None:
    """Draw the weights of the top layers anew, as before pretraining."""
    if n_layers == 0:
        return
    layers = layers_of(encoder)
    if n_layers > len(layers):
        raise SettingError(f"fresh_layers={n_layers}, but the encoder has {len(layers)} layers")
    for layer in layers[len(layers) - n_layers :]:
        for module in layer.modules():
            for p in module.parameters(recurse=False):
                p._is_hf_initialized = False  # type: ignore[attr-defined]
            encoder._init_weights(module)


def set_dropout(encoder: nn.Module, rate: float) -> None:
    """Set the rate of all dropout of an encoder."""
    for module in encoder.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
        for name in ("dropout_prob", "attention_dropout", "attn_dropout", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, rate)
