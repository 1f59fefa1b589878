r"""What a network is trained to make small.

Single-label: cross-entropy over classes. Multi-label: the sum of one binary cross-entropy a class. Focal loss (Lin et
al. 2017, eq. 4) multiplies each by :math:`(1 - p)^\gamma`, p being the probability given to the truth: texts that are
right already count less.

Targets may be another model's probabilities instead of classes (Hinton, Vinyals, Dean, "Distilling the Knowledge in a
Neural Network", 2015): with a temperature T, by which the logits are divided, the loss is multiplied by
:math:`T^2`, since its gradients shrink as :math:`1 / T^2`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Loss:
    """Loss of each text, shape (n,), from logits of shape (n, n_classes) and targets.

    Parameters
    ----------
    multi_label : bool
    smoothing : float
        Probability taken from the truth and spread over the classes (over yes and no for multi-label).
    focal : float
        Exponent of the focal loss; 0 for none.
    class_weights : tensor of shape (n_classes,), or None
        How much each class counts.
    temperature : float
        What logits are divided by, above 0; targets must have been softened by the same.

    Examples
    --------
    >>> loss = Loss(multi_label=False)
    >>> round(float(loss(torch.tensor([[0.0, 0.0]]), torch.tensor([1]))), 4)
    0.6931
    >>> round(float(loss(torch.tensor([[0.0, 0.0]]), torch.tensor([[0.3, 0.7]]))), 4)
    0.6931
    """

    multi_label: bool
    smoothing: float = 0.0
    focal: float = 0.0
    class_weights: Tensor | None = None
    temperature: float = 1.0

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Measure each text.

        Parameters
        ----------
        logits : tensor of shape (n, n_classes)
        targets : tensor
            Of int64, shape (n,): classes. Of float, shape (n, n_classes): for multi-label 0 and 1 or probabilities
            between, else a distribution over the classes in each row.
        """
        if self.temperature == 1:
            return self._at_one(logits, targets)
        return self.temperature**2 * self._at_one(logits / self.temperature, targets)

    def _at_one(self, logits: Tensor, targets: Tensor) -> Tensor:
        weights = None if self.class_weights is None else self.class_weights.to(logits.device)
        if self.multi_label:
            return self._binary(logits, targets, weights)
        return self._categorical(logits, targets, weights)

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Whether each text is answered rightly; of multi-label the share of right yes-or-no answers."""
        if self.multi_label:
            return ((logits > 0) == (targets > 0.5)).float().mean(1)
        return (logits.argmax(1) == (targets if targets.dim() == 1 else targets.argmax(1))).float()

    def _categorical(self, logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        each = functional.cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        if self.focal:
            each = each * _unsure(functional.cross_entropy(logits, targets, reduction="none")) ** self.focal
        if weights is None:
            return each
        return each * (weights[targets] if targets.dim() == 1 else targets @ weights)

    def _binary(self, logits: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        smooth = targets * (1 - self.smoothing) + self.smoothing / 2
        each = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        if self.focal:
            plain = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            each = each * _unsure(plain) ** self.focal
        return (each if weights is None else each * torch.where(targets > 0.5, weights, 1.0)).sum(1)


def _unsure(cross_entropy: Tensor) -> Tensor:
    """Give 1 - p, p being the probability of the truth; never 0, where a power below 1 has no slope."""
    return -torch.expm1(-cross_entropy.clamp(min=1e-7))


def plain_loss(logits: Tensor, labels: Tensor | None) -> Tensor | None:
    """Give the mean loss that a Hugging Face model returns when it is asked with labels.

    Parameters
    ----------
    logits : tensor of shape (n_texts, n_labels)
    labels : tensor, optional
        Of int64, shape (n_texts,), for cross-entropy; of float, shape (n_texts, n_labels), for binary cross-entropy.
    """
    if labels is None:
        return None
    if labels.dim() == 1:
        return functional.cross_entropy(logits, labels)
    return functional.binary_cross_entropy_with_logits(logits, labels.float())
