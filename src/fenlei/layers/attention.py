r"""Attention of encoders in training, on processors.

.. math:: y = \operatorname{softmax}\Bigl(\frac{q k^\top}{\sqrt d} + m\Bigr) v

Vaswani et al., "Attention Is All You Need", 2017. torch's fused attention is fast forward but slow backward on a
processor: for 32 texts of 128 tokens and 12 heads of 32 values in bfloat16, both together took 78 ms, its plain form
46 ms, and the seven batched products below, with the probabilities kept from forward to backward, 14 ms
(``benchmarks/attention_speed.py``).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from fenlei.layers.packing import Packed

NAME = "fenlei"
"""What this attention is called among those of transformers."""
PACKED = "fenlei_packed"
"""Attribute of a module that says how the sequences lie which come end to end; None or not there: side by side."""


class _Attention(torch.autograd.Function):
    """Softmax of scaled products, its gradient by the same products turned round."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float) -> Tensor:
        shape = query.shape
        q, k, v = (part.reshape(-1, *part.shape[2:]) for part in (query * scale, key, value))
        scores = torch.bmm(q, k.transpose(1, 2))
        if mask is not None:
            scores.view(*shape[:2], *scores.shape[1:]).add_(mask)
        chances = scores.softmax(-1)
        ctx.save_for_backward(q, k, v, chances)
        ctx.scale = scale
        return torch.bmm(chances, v).view(shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, chances = ctx.saved_tensors
        n, heads = gradient.shape[:2]
        g = gradient.reshape(-1, *gradient.shape[2:])
        to_value = torch.bmm(chances.transpose(1, 2), g)
        to_chances = torch.bmm(g, v.transpose(1, 2))
        to_scores = torch._softmax_backward_data(to_chances, chances, -1, chances.dtype)
        to_query = torch.bmm(to_scores, k).mul_(ctx.scale)
        to_key = torch.bmm(to_scores.transpose(1, 2), q)
        return *(part.view(n, heads, *part.shape[1:]) for part in (to_query, to_key, to_value)), None, None


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Attend from each place to all that the mask lets it see.

    Parameters
    ----------
    query, key, value : tensors of shape (n_texts, n_heads, longest, size)
    mask : tensor, optional
        Of bool, true where a place is seen, or of numbers that are added to the scores; of a shape that broadcasts to
        (n_texts, n_heads, longest, longest).
    scale : float, optional
        By default one over the root of `size`.

    Returns
    -------
    tensor of the shape of `query`

    Examples
    --------
    >>> value = torch.tensor([[[[2.0], [4.0]]]])
    >>> attend(torch.zeros(1, 1, 2, 1), torch.zeros(1, 1, 2, 1), value)[0, 0, :, 0].tolist()
    [3.0, 3.0]
    """
    if torch.is_autocast_enabled(query.device.type):  # rotations leave queries and keys in float32
        query, key, value = (part.to(torch.get_autocast_dtype(query.device.type)) for part in (query, key, value))
    if mask is not None and mask.dtype == torch.bool:
        lowest = torch.finfo(query.dtype).min / 2  # a text of padding alone has a mean instead of NaN
        mask = torch.zeros(mask.shape, dtype=query.dtype, device=mask.device).masked_fill_(~mask, lowest)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    attended: Tensor = _Attention.apply(query, key, value, mask, scale)
    return attended


def _forward(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None,
    dropout: float = 0.0, scaling: float | None = None, **kwargs: Any,
) -> tuple[Tensor, None]:  # fmt: skip
    """Do as transformers asks; what is not training on a processor is left to torch.

    Probabilities are not dropped: that would take a random number for each pair of places and head.

    Raises
    ------
    ValueError
        When sequences are packed and the layer sees only a window of each.
    """
    packed: Packed | None = getattr(module, PACKED, None)
    if packed is not None:
        if kwargs.get("sliding_window") is not None:
            raise ValueError("its attention looks at a window of tokens")
        return _attend_packed(packed, query, key, value, scaling), None
    if not _is_plain(module, query, key, attention_mask, kwargs):
        dropout = 0.0 if query.device.type == "cpu" else dropout
        plain: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **kwargs
        )
        return plain
    return attend(query, key, value, attention_mask, scaling).transpose(1, 2).contiguous(), None


def _attend_packed(packed: Packed, query: Tensor, key: Tensor, value: Tensor, scaling: float | None) -> Tensor:
    """Attend within each of the sequences that lie end to end; tensors of shape (1, n_heads, n_tokens, size)."""
    q, k, v = (packed.padded(part[0].transpose(0, 1)).transpose(1, 2) for part in (query, key, value))
    attended = attend(q, k, v, packed.mask[:, None, None], scaling)
    return packed.unpadded(attended.transpose(1, 2))[None]


def _is_plain(module: nn.Module, query: Tensor, key: Tensor, mask: Tensor | None, how: dict[str, Any]) -> bool:
    trains = query.device.type == "cpu" and torch.is_grad_enabled() and query.requires_grad
    causal = how.get("is_causal")
    causal = getattr(module, "is_causal", False) if causal is None else causal
    extras = any(how.get(name) is not None for name in ("position_bias", "softcap", "cache", "s_aux"))
    return trains and query.shape == key.shape and (mask is not None or not causal) and not extras


AttentionInterface.register(NAME, _forward)
AttentionMaskInterface.register(NAME, sdpa_mask)
