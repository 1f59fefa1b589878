"""Dropout that is a function of the example, not of the order in which random numbers are drawn."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from fenlei.layers._dropout import fill_mask


class KeyedDropout(nn.Module):
    """Dropout (Srivastava et al. 2014) whose mask follows from one key a row.

    The same example in the same epoch is masked the same way wherever it stands in a batch, on whatever process. So a
    training on two processes, or one that was interrupted, ends at the same weights.

    Parameters
    ----------
    rate : float
        Share of the values set to 0; the others are divided by ``1 - rate``. 0 to below 1.
    salt : int, default=0
        Tells apart the layers of a network, which get the same keys.

    Examples
    --------
    >>> layer, keys = KeyedDropout(0.5), torch.tensor([7, 8])
    >>> first, second = layer(torch.ones(2, 64), keys), layer(torch.ones(1, 64), keys[1:])
    >>> bool((first[1] == second[0]).all()), bool((first[0] == first[1]).all())
    (True, False)
    """

    def __init__(self, rate: float, salt: int = 0) -> None:
        super().__init__()
        self.rate = rate
        self.salt = salt

    def forward(self, x: Tensor, keys: Tensor | None) -> Tensor:
        """Mask `x` of shape (n, ...) by `keys` of shape (n,); without keys they are drawn from torch's generator."""
        if not self.training or self.rate == 0:
            return x
        if keys is None:
            keys = torch.randint(2**62, (len(x),))
        mask = np.empty((len(x), x[0].numel() if len(x) else 0), np.float32)
        fill_mask(keys.cpu().numpy().view(np.uint64), np.uint64(self.salt), self.rate, mask)
        return x * torch.from_numpy(mask).view(x.shape).to(x.device, x.dtype)

    def extra_repr(self) -> str:
        """Tell `repr` the settings."""
        return f"rate={self.rate}, salt={self.salt}"
