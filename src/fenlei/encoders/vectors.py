"""One vector of each text from an encoder that does not learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from fenlei.encoders.padding import padded_batches
from fenlei.encoders.windows import Windows
from fenlei.features._types import F32


def encode_vectors(
    embed: Callable[[Tensor, Tensor], Tensor], windows: Windows, pad_id: int,
    *, progress: Callable[[int, int], None] = lambda done, total: None,
) -> F32:  # fmt: skip
    """Embed windows in batches of about one length; of a text in several windows take the mean.

    Parameters
    ----------
    embed : callable
        Takes ids and attention mask of shape (n, longest), gives vectors of shape (n, size).
    windows : Windows
        Of one text or more.
    pad_id : int
    progress : callable
        Called with the windows that are done, and how many there are.

    Returns
    -------
    array of float32, shape (n_texts, size)
    """
    found: F32 | None = None
    done = 0
    with torch.inference_mode():
        for order, padded, mask in padded_batches(windows.ids, pad_id):
            vectors = embed(padded, mask).float().numpy()
            if found is None:
                found = np.empty((len(windows.ids), vectors.shape[1]), np.float32)
            found[order] = vectors
            done += len(order)
            progress(done, len(windows.ids))
    assert found is not None  # noqa: S101  (a text has a window at least)
    return _one_a_text(found, windows)


def _one_a_text(vectors: F32, windows: Windows) -> F32:
    counts = np.diff(windows.bounds)
    if (counts == 1).all():
        return vectors
    return (np.add.reduceat(vectors, windows.bounds[:-1], axis=0) / counts[:, None]).astype(np.float32)
