"""The states that a frozen encoder gives, computed once for each text and kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fenlei.encoders.padding import padded_batches
from fenlei.encoders.windows import Windows

_CPU = torch.device("cpu")
_IN_MEMORY = 2**30  # bytes; more states go to a file, of which the system keeps in memory what it has room for


def encode_states(
    read: Callable[[Tensor, Tensor], Tensor], windows: Windows, pad_id: int, *, bf16: bool = False,
    device: torch.device = _CPU, progress: Callable[[int, int], None] = lambda done, total: None,
) -> NDArray[np.uint16]:  # fmt: skip
    """Run an encoder over windows.

    Parameters
    ----------
    read : callable
        Takes ids and attention mask, gives states of shape (n, longest, n_layers, size).
    windows : Windows
    pad_id : int
    bf16 : bool, default=False
        Whether matrix products run in bfloat16.
    device : torch.device, default=cpu
        Where `read` takes ids and mask.
    progress : callable
        Called with the windows that are done, and how many there are.

    Returns
    -------
    array of uint16, shape (n_tokens, n_layers, size)
        The states of the tokens of all windows, end to end, as bfloat16 (to 3 digits: next to the noise of training).
    """
    ids, bounds = windows.ids, windows.ids.bounds
    found: NDArray[np.uint16] | None = None
    done = 0
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for order, padded, mask in padded_batches(ids, pad_id):
            states = read(padded.to(device), mask.to(device)).bfloat16().cpu()
            values = states.view(torch.uint16).numpy()
            if found is None:
                found = _room((int(bounds[-1]), *values.shape[2:]))
            for row, window in enumerate(order):
                begin, end = bounds[window], bounds[window + 1]
                found[begin:end] = values[row, : end - begin]
            done += len(order)
            progress(done, len(ids))
    return np.zeros((0, 1, 1), np.uint16) if found is None else found


def _room(shape: tuple[int, ...]) -> NDArray[Any]:
    if 2 * int(np.prod(shape)) <= _IN_MEMORY:
        return np.empty(shape, np.uint16)
    with tempfile.TemporaryFile() as file:  # has no name that could be left over; the array keeps its content
        return np.memmap(file, np.uint16, "w+", shape=shape)
