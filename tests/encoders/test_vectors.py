"""Vectors of texts from batches of windows: the same in any order and batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from fenlei.encoders import padding
from fenlei.encoders.vectors import encode_vectors
from fenlei.encoders.windows import Windows
from fenlei.features.sequences import Sequences

IDS = Sequences.of([[3, 4, 5], [6], [7, 8], [9, 9, 9, 9], [2]])


def embed(ids: Tensor, mask: Tensor) -> Tensor:
    """Number of tokens, and their sum."""
    return torch.stack([mask.sum(1), (ids * mask).sum(1)], 1).double()


@pytest.mark.parametrize("tokens", [padding._TOKENS, 4], ids=["one batch", "several"])
def test_texts_keep_their_order(tokens: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(padding, "_TOKENS", tokens)
    told: list[tuple[int, int]] = []
    found = encode_vectors(embed, Windows(IDS, np.arange(6)), 77, progress=lambda *far: told.append(far))
    assert found.dtype == np.float32
    assert found.tolist() == [[3, 12], [1, 6], [2, 15], [4, 36], [1, 2]]
    assert told[-1] == (5, 5)
    assert len(told) == (1 if tokens > 4 else 4)


def test_of_several_windows_the_mean_is_taken() -> None:
    found = encode_vectors(embed, Windows(IDS, np.array([0, 2, 3, 5])), 0)
    assert found.tolist() == [[2, 9], [2, 15], [2.5, 19]]
