r"""What a network is trained to make small.

Single-label: cross-entropy over classes. Multi-label: the sum of one binary cross-entropy a class. Focal loss (Lin et
al. 2017, eq. 4) multiplies each by :math:`(1 - p)^\gamma`, p being the probability given to the truth: texts that are
right already count less.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


class Loss(Protocol):
    """Loss of each text, shape (n,), from logits of shape (n, n_classes) and targets."""

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor: ...  # noqa: D102


def make_loss(*, multi_label: bool, smoothing: float, focal: float, class_weights: Tensor | None) -> Loss:
    """Choose the loss.

    Parameters
    ----------
    multi_label : bool
    smoothing : float
        Probability taken from the truth and spread over the classes (over yes and no for multi-label).
    focal : float
        Exponent of the focal loss; 0 for none.
    class_weights : tensor of shape (n_classes,), or None
        How much each class counts.

    Examples
    --------
    >>> loss = make_loss(multi_label=False, smoothing=0.0, focal=0.0, class_weights=None)
    >>> loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1])).round(decimals=4).tolist()
    [0.6931]
    """
    kind = _binary if multi_label else _categorical
    return partial(kind, smoothing=smoothing, focal=focal, class_weights=class_weights)


def _categorical(
    logits: Tensor, targets: Tensor, *, smoothing: float, focal: float, class_weights: Tensor | None
) -> Tensor:
    each = functional.cross_entropy(logits, targets, label_smoothing=smoothing, reduction="none")
    if focal:
        p = logits.softmax(1).gather(1, targets[:, None])[:, 0]
        each = each * (1 - p) ** focal
    return each if class_weights is None else each * class_weights[targets]


def _binary(logits: Tensor, targets: Tensor, *, smoothing: float, focal: float, class_weights: Tensor | None) -> Tensor:
    smooth = targets * (1 - smoothing) + smoothing / 2
    each = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
    if focal:
        p = torch.where(targets > 0.5, logits.sigmoid(), 1 - logits.sigmoid())
        each = each * (1 - p) ** focal
    return (each if class_weights is None else each * torch.where(targets > 0.5, class_weights, 1.0)).sum(1)
