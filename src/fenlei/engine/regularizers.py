r"""Additions to the loss, and to the weights, that keep a network from learning its texts by heart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional

_EARLY = 10  # steps after which an average is worth its decay


def disagreement(logits: Tensor, others: Tensor, *, multi_label: bool) -> Tensor:
    r"""Measure how much two answers to the same texts differ; shape (n_texts,).

    .. math:: \tfrac12 \bigl(\operatorname{KL}(p \| q) + \operatorname{KL}(q \| p)\bigr)

    Wu et al., "R-Drop: Regularized Dropout for Neural Networks", NeurIPS 2021. For multi-label the sum over labels.

    Parameters
    ----------
    logits, others : tensors of shape (n_texts, n_classes)
        Of two passes with different dropout.
    multi_label : bool

    Examples
    --------
    >>> one, other = torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    >>> [round(value, 4) for value in disagreement(one, other, multi_label=False).tolist()]
    [0.0, 0.3808]
    """
    if multi_label:  # yes and no of each label
        logits, others = (torch.stack([each, torch.zeros_like(each)], -1) for each in (logits, others))
    p, q = functional.log_softmax(logits, -1), functional.log_softmax(others, -1)
    return ((p.exp() - q.exp()) * (p - q)).flatten(1).sum(1) / 2


@contextmanager
def adversarial(weights: list[nn.Parameter], before: list[Tensor | None], size: float) -> Iterator[None]:
    r"""Move embeddings where their gradient says the loss grows, for one more pass; afterwards they are as before.

    .. math:: r = \varepsilon \, g / \|g\|

    Miyato, Dai, Goodfellow, "Adversarial Training Methods for Semi-Supervised Text Classification", ICLR 2017 (FGM).

    Parameters
    ----------
    weights : list of parameters
        With gradients, which may be sparse; those without are left alone.
    before : list of Tensor or None
        What these gradients were before the batch, of batches whose gradients are added up; g is what has come since.
    size : float
        Length of the move of each of them.
    """
    moved: list[tuple[nn.Parameter, Tensor, Tensor]] = []
    with torch.no_grad():
        for p, earlier in zip(weights, before, strict=True):
            if p.grad is None:
                continue
            rows, gradient = touched_rows(p.grad if earlier is None else p.grad - earlier)
            norm = gradient.norm()
            if len(rows) and bool(torch.isfinite(norm)) and norm > 0:
                moved.append((p, rows, p[rows].clone()))
                p[rows] += gradient * (size / norm)
    try:
        yield
    finally:
        with torch.no_grad():
            for p, rows, unmoved in moved:
                p[rows] = unmoved


def touched_rows(gradient: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of an embedding that have a gradient, and it; one that is all 0 is none."""
    if gradient.is_sparse:
        gradient = gradient.coalesce()
        rows, values = gradient.indices()[0], gradient.values()
        some = values.any(1)
        return rows[some], values[some]
    rows = gradient.any(1).nonzero()[:, 0]
    return rows, gradient[rows]


class WeightAverage:
    r"""Exponential moving average of the weights of a training: smoother than the last ones.

    .. math:: a_t = \beta_t a_{t-1} + (1 - \beta_t) w_t, \qquad \beta_t = \min\bigl(\beta, \tfrac{1 + t}{10 + t}\bigr)

    Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.

    Parameters
    ----------
    network : nn.Module
    decay : float
        0 to below 1.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights = {name: p.detach().clone() for name, p in network.named_parameters() if p.requires_grad}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take a step's weights in."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (_EARLY + self.steps))
        for name, p in network.named_parameters():
            if name in self.weights:
                self.weights[name].lerp_(p, 1 - decay)
            elif p.requires_grad:  # has begun to learn now
                self.weights[name] = p.detach().clone()

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Let the network have the averages, for a while."""
        own = {name: p for name, p in network.named_parameters() if name in self.weights}
        self._swap(own)
        try:
            yield
        finally:
            self._swap(own)

    def load(self, weights: Mapping[str, Tensor], steps: int) -> None:
        """Take back the averages of an interrupted training."""
        self.weights, self.steps = dict(weights), steps

    @torch.no_grad()
    def _swap(self, own: Mapping[str, nn.Parameter]) -> None:
        for name, p in own.items():
            kept = p.detach().clone()
            p.copy_(self.weights[name])
            self.weights[name] = kept
