"""Recurrent layers as the operators that ONNX has for them; torch's own way of exporting them unrolls the text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}  # where ONNX has torch's gates
_VERSION = 14  # of the operators


def exported_states(cell: Any, x: Tensor) -> Tensor:
    """Stand for what a recurrent layer gives while a network is exported.

    Parameters
    ----------
    cell : torch.nn.LSTM, GRU or RNN
        Of one layer and one direction, batches first.
    x : tensor of shape (n_texts, longest, size)

    Returns
    -------
    tensor of shape (n_texts, longest, hidden)
    """
    kind = type(cell).__name__
    inputs, states, of_inputs, of_states = (_in_order(part, kind) for part in cell.all_weights[0])
    bias = torch.cat([of_inputs, of_states], 1)
    attributes = {"hidden_size": cell.hidden_size} | ({"linear_before_reset": 1} if kind == "GRU" else {})
    found: Any = torch.onnx.ops.symbolic_multi_out(
        f"::{kind}", (x.transpose(0, 1), inputs, states, bias), attributes, dtypes=(x.dtype,),
        shapes=((x.shape[1], 1, x.shape[0], cell.hidden_size),), version=_VERSION,
    )  # fmt: skip
    answers: Tensor = found[0].squeeze(1).transpose(0, 1)
    return answers


def _in_order(weights: Tensor, kind: str) -> Tensor:
    size = len(weights) // len(_GATES[kind])
    return torch.cat([weights[i * size : (i + 1) * size] for i in _GATES[kind]])[None]
