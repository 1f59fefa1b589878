"""What an encoder's classifier trains on: windows of token ids, or states that a frozen encoder gave once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fenlei.encoders.windows import Windows, windows_of
from fenlei.engine.batches import Examples
from fenlei.features._types import I64
from fenlei.features.padding import inside

_PLACES = 2**11  # computed together: the states of more are fetched from the system anew each time, page by page


@dataclass(frozen=True)
class WindowExamples(Examples):
    """Windows of token ids with the class of each text.

    Attributes
    ----------
    windows : Windows
    targets : array of int64, shape (n_texts,), or of float32, shape (n_texts, n_classes)
    weights : array of float32, shape (n_texts,)
    pad_id : int
        Id that stands beyond a window's end.
    packed : bool, default=False
        Whether the windows of a batch lie end to end instead.
    """

    windows: Windows
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    pad_id: int
    packed: bool = False
    most_places: ClassVar[int] = _PLACES
    most_learned: ClassVar[int | None] = _PLACES

    @property
    def lengths(self) -> I64:
        """Tokens of each text."""
        return self.windows.lengths

    def select(self, chosen: NDArray[Any]) -> Self:
        """Keep some texts: by their numbers, or by true and false."""
        return replace(
            self, windows=self.windows.select(chosen), targets=self.targets[chosen], weights=self.weights[chosen]
        )

    def batch(self, order: I64, keys: I64 | None = None) -> dict[str, Tensor]:
        """Give padded ids and their mask, or packed ones; of texts in several windows which ones each has."""
        chosen = self.windows.select(order)
        inputs = chosen.packed_arrays() if self.packed else chosen.arrays(self.pad_id)
        return {name: torch.from_numpy(array) for name, array in inputs.items()} | _answers(self, order)

    def fingerprint(self) -> bytes:
        """Hash ids, classes and weights."""
        windows = self.windows
        return _hash(windows.ids.ids, windows.ids.bounds, windows.bounds, self.targets, self.weights)


@dataclass(frozen=True)
class StateExamples(Examples):
    """States of a frozen encoder, computed once, with the class of each text.

    Attributes
    ----------
    states : array of uint16, shape (n_tokens, n_layers, size)
        The states of the tokens of all windows, as bfloat16.
    offsets : array of int64, shape (n_windows + 1,)
        Where the states of each window begin.
    bounds : array of int64, shape (n_texts + 1,)
        Where the windows of each text begin.
    targets, weights
        As of `WindowExamples`.
    """

    states: NDArray[np.uint16]
    offsets: I64
    bounds: I64
    targets: NDArray[Any]
    weights: NDArray[np.float32]
    most_places: ClassVar[int] = _PLACES

    @property
    def lengths(self) -> I64:
        """Tokens of each text."""
        return np.diff(self.offsets[self.bounds])

    def batch(self, order: I64, keys: I64 | None = None) -> dict[str, Tensor]:
        """Give padded states, shape (n_windows, longest, n_layers, size), and their mask."""
        counts = np.diff(self.bounds)[order]
        bounds = np.concatenate([[0], np.cumsum(counts)])
        which = np.repeat(self.bounds[:-1][order] - bounds[:-1], counts) + np.arange(bounds[-1])
        mask = inside(np.diff(self.offsets)[which])
        padded = np.zeros((*mask.shape, *self.states.shape[1:]), np.uint16)
        for row, window in enumerate(which):
            begin, end = self.offsets[window], self.offsets[window + 1]
            padded[row, : end - begin] = self.states[begin:end]
        states = torch.from_numpy(padded).view(torch.bfloat16)
        inputs = {"states": states, "attention_mask": torch.from_numpy(mask.astype(np.int64))}
        return inputs | _divided(bounds) | _answers(self, order)

    def fingerprint(self) -> bytes:
        """Hash states, classes and weights."""
        return _hash(self.states, self.offsets, self.bounds, self.targets, self.weights)


def _divided(bounds: I64) -> dict[str, Tensor]:
    """Say which windows each text has, where any has several."""
    return {} if len(bounds) == bounds[-1] + 1 else {"windows": torch.from_numpy(windows_of(bounds))}


def _answers(examples: Any, order: I64) -> dict[str, Tensor]:
    return {
        "targets": torch.from_numpy(examples.targets[order]), "weights": torch.from_numpy(examples.weights[order])
    }  # fmt: skip


def _hash(*arrays: NDArray[Any]) -> bytes:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
