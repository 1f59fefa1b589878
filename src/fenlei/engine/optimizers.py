"""Optimizers and the course of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fenlei.engine.recipe import Recipe
from fenlei.engine.regularizers import touched_rows
from fenlei.layers.embedding import SPARSE_FROM, TokenEmbedding

_DROPS, _FACTOR = 3, 0.1  # of the schedule "step": after each third of the steps, to a tenth
_CYCLE_START, _CYCLE_END, _CYCLE_RISE = 1 / 25, 1 / 25 * 1e-4, 0.3  # of OneCycleLR (Smith and Topin 2018)
_FEWEST_ROWS = 1000  # below, a plain step over the whole embedding costs nothing


class RowwiseAdamW(torch.optim.AdamW):
    """AdamW that updates only the rows of an embedding that a batch touched.

    Adam's plain step reads and writes every row and two averages of it at every step, though a batch touches a few
    hundred. Rows without a gradient rest: neither their averages nor their weights decay (as torch's ``SparseAdam``).
    Groups with ``"rows": True`` are treated so, all others by torch's fused step. The gradient may be dense or
    sparse; both end at the same weights.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:
        """Update the weights."""
        by_rows = [(group, p) for group in self.param_groups if group.get("rows") for p in group["params"]]
        gradients = [p.grad for _, p in by_rows]
        for _, p in by_rows:
            p.grad = None
        done = super().step(closure)
        for (group, p), gradient in zip(by_rows, gradients, strict=True):
            if gradient is not None:
                self._step_rows(group, p, gradient)
                p.grad = gradient
        return done

    def _step_rows(self, group: dict[str, Any], p: Tensor, gradient: Tensor) -> None:
        state = self.state[p]
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"], state["exp_avg_sq"] = _untouched_zeros(p), _untouched_zeros(p)
        state["step"] += 1
        rows, g = touched_rows(gradient)
        (beta1, beta2), step = group["betas"], state["step"].item()
        m = state["exp_avg"][rows].lerp_(g, 1 - beta1)
        v = state["exp_avg_sq"][rows].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        state["exp_avg"][rows], state["exp_avg_sq"][rows] = m, v
        scale = v.sqrt_().div_(math.sqrt(1 - beta2**step)).add_(group["eps"])
        kept = p[rows].mul_(1 - group["lr"] * group["weight_decay"])
        p[rows] = kept.addcdiv_(m, scale, value=-group["lr"] / (1 - beta1**step))


def _untouched_zeros(p: Tensor) -> Tensor:
    """Make zeros like `p` without writing them: numpy asks the system for empty pages, torch fills them.

    Of the rows that no batch touches there are then no averages in memory, two thirds of what a large embedding takes.
    """
    return torch.from_numpy(np.zeros(p.shape, np.float32)).to(p)


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Make the optimizer; weight decay spares biases and the scales of norms, which have one dimension.

    A network may have a method ``rate_of(name)``, the learning rate of a weight by the recipe's, and one
    ``begin_epoch(epoch, epochs)`` that lets weights learn which do not from the beginning.
    """
    rate_of = getattr(network, "rate_of", lambda name: 1.0)
    by_rows = {id(p) for p in _row_weights(network)} if takes_sparse_gradients(recipe) else set()
    groups: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    for name, p in network.named_parameters():
        if p.requires_grad:
            groups.setdefault((rate_of(name), p.ndim > 1, id(p) in by_rows), []).append(p)
    options = [
        {"params": params, "lr": recipe.learning_rate * rate, "weight_decay": recipe.weight_decay * decays}
        | ({"rows": True} if rows else {})
        for (rate, decays, rows), params in groups.items()
    ]
    rate = recipe.learning_rate
    if recipe.optimizer == "adamw":
        return RowwiseAdamW(options, lr=rate, fused=True)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(options, lr=rate, fused=True)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(options, lr=rate, momentum=recipe.momentum, fused=True)
    return torch.optim.RMSprop(options, lr=rate, momentum=recipe.momentum)


def takes_sparse_gradients(recipe: Recipe) -> bool:
    """Whether the optimizer can do with the gradients of those rows of an embedding that a batch touched."""
    return recipe.optimizer == "adamw"


def allow_sparse_gradients(network: nn.Module, allowed: bool) -> None:
    """Let large embeddings have sparse gradients, or not."""
    for embedding in _embeddings(network):
        large = isinstance(embedding, TokenEmbedding) or len(embedding.weight) >= SPARSE_FROM
        embedding.sparse = allowed and large


def _embeddings(network: nn.Module) -> Iterator[Any]:
    """Find what looks tokens up: our embeddings, and the largest of torch's, which has others for places.

    One whose vectors score the tokens too, as in a language model, has a gradient in every row, and is left out.
    """
    scored = {id(module.weight) for module in network.modules() if isinstance(module, nn.Linear)}
    found = [module for module in network.modules() if isinstance(module, nn.Embedding)]
    largest = max(found, key=lambda module: len(module.weight), default=None)
    if largest is not None and id(largest.weight) not in scored:
        yield largest
    yield from (module for module in network.modules() if isinstance(module, TokenEmbedding))


def embedding_weights(network: nn.Module) -> list[nn.Parameter]:
    """Find the weights that tokens are looked up in."""
    return [weight for embedding in _embeddings(network) for weight in embedding.parameters(recurse=False)]


def _row_weights(network: nn.Module) -> Iterator[nn.Parameter]:
    return (weight for weight in embedding_weights(network) if len(weight) >= _FEWEST_ROWS)


def make_schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, steps: int) -> torch.optim.lr_scheduler.LambdaLR:
    """Set the course of the learning rate over `steps`."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, partial(rate_at, recipe.schedule, recipe.warmup, steps))


def rate_at(schedule: str, warmup: float, steps: int, step: int) -> float:
    """Give the share of the highest learning rate at a step.

    Examples
    --------
    >>> [round(rate_at("linear", 0.5, 4, step), 2) for step in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    >>> [round(rate_at("cosine", 0.0, 4, step), 2) for step in range(5)]
    [1.0, 0.85, 0.5, 0.15, 0.0]
    """
    if schedule == "one-cycle":
        return _one_cycle(warmup or _CYCLE_RISE, steps, step)
    rising = round(warmup * steps)
    if step < rising:
        return (step + 1) / rising
    done = min(1.0, (step - rising) / max(1, steps - rising))
    if schedule == "linear":
        return 1 - done
    if schedule == "cosine":
        return _between(1.0, 0.0, done)
    if schedule == "step":
        return float(_FACTOR ** min(_DROPS - 1, int(done * _DROPS)))
    return 1.0


def _one_cycle(rise: float, steps: int, step: int) -> float:
    """Rise from a 25th to the whole rate, and fall to next to nothing at the last step; as torch's OneCycleLR."""
    top = max(rise * steps - 1, 0.0)
    if step <= top:
        return _between(_CYCLE_START, 1.0, step / top if top else 1.0)
    return _between(1.0, _CYCLE_END, (step - top) / max(1.0, steps - 1 - top))


def _between(first: float, last: float, done: float) -> float:
    """Go from `first` to `last` along half a cosine."""
    return last + (first - last) * (1 + math.cos(math.pi * min(1.0, done))) / 2
