"""Make a pretrained encoder train fast on a processor, and the same way on any number of processes."""

from __future__ import annotations

from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from fenlei.encoders.strategies import find_layers
from fenlei.layers import attention
from fenlei.layers.dropout import KeyedDropout

_FIRST_SALT = 100  # of the encoder's dropout; lower ones are the head's


class InnerDropout(KeyedDropout):
    """Keyed dropout inside an encoder, whose layers hand on no keys: they are left here before each step.

    torch's draws its numbers one after another on one core, whatever text they are for.
    """

    keys: Tensor | None = None

    @property
    def p(self) -> float:
        """Rate, by the name that encoders look for."""
        return self.rate

    def forward(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """Mask `x` of shape (n, ...), or (1, n, ...) where windows lie end to end and each token has a key."""
        if not self.training:
            return x
        left = self.keys
        if left is not None and len(x) == 1 and x.dim() > 2 and len(left) == x.shape[1]:
            return super().forward(x[0], left)[None]
        return super().forward(x, left if left is not None and len(left) == len(x) else None)


def quicken(encoder: PreTrainedModel) -> None:
    """Give an encoder our attention where it can take one, keyed dropout, and in bfloat16 training states of that type.

    Otherwise autocast leaves the states between layers in float32, and each product of a layer makes its own copy.
    """
    if encoder._can_set_attn_implementation():
        encoder.set_attn_implementation(attention.NAME)
    salts = count(_FIRST_SALT)
    for module in list(encoder.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, InnerDropout(child.p, salt=next(salts)))
    layers = find_layers(encoder)
    if layers is not None:
        layers[0].register_forward_pre_hook(_in_low_precision)


def _in_low_precision(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Hand the embeddings on in the type of autocast."""
    device = inputs[0].device.type if inputs else "cpu"
    if not inputs or not torch.is_grad_enabled() or not torch.is_autocast_enabled(device):
        return inputs
    return inputs[0].to(torch.get_autocast_dtype(device)), *inputs[1:]


def leave_keys(encoder: nn.Module, keys: Tensor | None) -> None:
    """Leave the keys of a batch for its dropout: one a window, or one a token where windows lie end to end."""
    for module in encoder.modules():
        if isinstance(module, InnerDropout):
            module.keys = keys
