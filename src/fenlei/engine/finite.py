"""Whether weights are numbers."""

from __future__ import annotations

import torch
from torch import Tensor


def is_finite(value: Tensor) -> bool:
    """Whether no number is NaN or infinite; the sum tells, ten times faster, unless it overflows.

    Examples
    --------
    >>> is_finite(torch.tensor([1.0, 2.0])), is_finite(torch.tensor([1.0, float("nan")]))
    (True, False)
    >>> is_finite(torch.tensor([3e38, 3e38]))
    True
    """
    return bool(torch.isfinite(value.sum())) or bool(torch.isfinite(value).all())
