r"""How much a network's units matter: what its answers lose when a unit gives its mean instead of what it sees.

A unit j gives :math:`x_j` to a linear layer of weights W. If the layer's bias takes over the mean, leaving the unit out
moves what the layer gives by :math:`W_j (x_j - \bar x_j)`, whose expected square is

.. math:: \|W_j\|^2 \operatorname{Var}(x_j)

and without a bias :math:`\|W_j\|^2 \operatorname{E}(x_j^2)`. Both take texts, but no labels and no gradients. So An,
Zhao, Yu, Tang, Wang, "Fluctuation-based Adaptive Structured Pruning for Large Language Models", AAAI 2024, choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fenlei.engine.batches import Examples

Numbers = NDArray[np.float64]
_AT_ONCE = 64  # texts


@dataclass
class Seen:
    """What has gone into a layer.

    Attributes
    ----------
    n : int
        Vectors.
    total, squares : arrays of float64, shape (n_inputs,)
        Sums of each number and of its square.
    """

    n: int
    total: Numbers
    squares: Numbers

    @property
    def mean(self) -> Numbers:
        """Mean of each number."""
        return self.total / max(self.n, 1)

    def power(self, *, centred: bool) -> Numbers:
        """Variance of each number, or the mean of its square."""
        squares = self.squares / max(self.n, 1)
        return (squares - self.mean**2).clip(min=0) if centred else squares


def watch(network: Any, modules: Sequence[nn.Module], examples: Examples) -> list[Seen]:
    """Let a network score texts, and sum up what goes into some of its layers; padding does not count.

    Parameters
    ----------
    network : PreTrainedModel
        Takes what the examples give.
    modules : sequence of nn.Module
        Layers that the network calls with one tensor, once for each batch.
    examples : Examples
    """
    import torch

    from fenlei.engine.batches import in_length_order

    network.eval()
    with torch.inference_mode(), _listening(modules) as (seen, inside):
        for order in in_length_order(examples, _AT_ONCE):
            batch = {name: value.to(network.device) for name, value in examples.batch(order).items()}
            del batch["targets"], batch["weights"]
            inside[0] = batch.get("attention_mask")
            network(**batch)
    return seen


@contextmanager
def _listening(modules: Sequence[nn.Module]) -> Iterator[tuple[list[Seen], list[Tensor | None]]]:
    """Give what will have been seen, and a place for the mask of the batch."""
    seen = [Seen(0, np.zeros(1), np.zeros(1)) for _ in modules]
    inside: list[Tensor | None] = [None]

    def hook(own: Seen) -> Any:
        def take(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0]
            rows = x[inside[0].bool()] if inside[0] is not None and x.dim() == 3 else x.reshape(-1, x.shape[-1])
            values = rows.double().cpu().numpy()
            own.n += len(values)
            own.total = own.total + values.sum(0)
            own.squares = own.squares + (values**2).sum(0)

        return take

    handles = [module.register_forward_pre_hook(hook(own)) for module, own in zip(modules, seen, strict=True)]
    try:
        yield seen, inside
    finally:
        for handle in handles:
            handle.remove()


def most_important(scores: Numbers, n: int) -> list[int]:
    """Choose the `n` units of the highest scores, in their order; of equals the first.

    Examples
    --------
    >>> most_important(np.array([0.1, 3.0, 2.0, 0.0]), 2)
    [1, 2]
    """
    return sorted(np.argsort(-scores, kind="stable")[:n].tolist())


def n_kept(n: int, share: float) -> int:
    """Count the units of `n` that a share is, rounded, at least one.

    Examples
    --------
    >>> n_kept(12, 0.5), n_kept(3, 0.1)
    (6, 1)
    """
    return max(1, round(share * n))
