"""Let an encoder read windows that lie end to end, without padding between them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from fenlei.exceptions import SettingError
from fenlei.layers import attention
from fenlei.layers.packing import Packed

_PROBE = (3, 5)  # tokens of the windows that are read both ways
_NEAR = 1e-3  # states of about 1 in float32
_SPREAD = 0x1E3779B97F4A7C15  # odd, so that no two places of a window share a key


def leave_packed(encoder: nn.Module, packed: Packed | None) -> None:
    """Tell the attention of all layers how the windows lie that come next; it stays so for a second pass backward."""
    for module in encoder.modules():
        if packed is not None or getattr(module, attention.PACKED, None) is not None:
            setattr(module, attention.PACKED, packed)


def positions_of(encoder: nn.Module, packed: Packed) -> Tensor:
    """Give the position of each token as the encoder counts them, shape (1, n_tokens)."""
    counted = (m for m in encoder.modules() if hasattr(m, "create_position_ids_from_input_ids"))
    embeddings: Any = next(counted, None)  # of RoBERTa and its kin, which begin behind the padding's id
    return packed.positions()[None] + (0 if embeddings is None else embeddings.padding_idx + 1)


def keys_of_tokens(keys: Tensor | None, packed: Packed) -> Tensor | None:
    """Give each token a key of its own for its dropout, from that of its window."""
    if keys is None:
        return None
    rows = packed.inside // packed.mask.shape[1]
    return keys[rows] + packed.positions() * _SPREAD


def check_packs(encoder: PreTrainedModel, name: str) -> None:
    """Let the encoder read two windows both ways.

    Raises
    ------
    SettingError
        When the states differ: its attention is not ours to set, or it reads from left to right.
    """
    try:
        difference = _difference(encoder)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        raise SettingError(f"packing is not for {name}: {error}; leave it off") from error
    finally:
        leave_packed(encoder, None)
    if not difference < _NEAR:
        raise SettingError(f"packing is not for {name}, whose layers would mix the texts of a batch; leave it off")


@torch.no_grad()
def _difference(encoder: PreTrainedModel) -> float:
    trains = encoder.training
    encoder.eval()
    n, longest = len(_PROBE), max(_PROBE)
    mask = torch.arange(longest) < torch.tensor(_PROBE)[:, None]
    ids = torch.randint(int(encoder.config.vocab_size), (n, longest), generator=torch.Generator().manual_seed(0))
    apart = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state[mask]
    places = torch.where(mask, mask.flatten().cumsum(0).view_as(mask) - 1, -1)
    packed = Packed.of(places)
    leave_packed(encoder, packed)
    together = encoder(input_ids=ids[mask][None], position_ids=positions_of(encoder, packed)).last_hidden_state[0]
    encoder.train(trains)
    return float((apart - together).abs().max())
