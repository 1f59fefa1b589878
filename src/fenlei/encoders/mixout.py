r"""Mixout: at each step a share of the encoder's weights is the pretrained one again.

.. math:: w = \frac{m \odot w_0 + (1 - m) \odot w_t - p w_0}{1 - p}, \qquad m \sim \operatorname{Bernoulli}(p)

so that the weights stay near those of pretraining, as dropout keeps them near 0. Lee, Cho, Kang, "Mixout: Effective
Regularization to Finetune Large-scale Pretrained Language Models", ICLR 2020.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization, remove_parametrizations

from fenlei.exceptions import SettingError


class Mixout(nn.Module):
    """The weight as it is used in a step of training.

    Parameters
    ----------
    weight : tensor
        The pretrained one.
    rate : float
        Share of its values that stand for the trained ones, 0 to below 1.
    """

    pretrained: Tensor

    def __init__(self, weight: Tensor, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.register_buffer("pretrained", weight.detach().clone(), persistent=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Mix, in training; the expectation is `weight`."""
        if not self.training:
            return weight
        mask = torch.rand_like(weight) < self.rate
        return torch.where(mask, self.pretrained, (weight - self.rate * self.pretrained) / (1 - self.rate))


def add_mixout(encoder: nn.Module, rate: float) -> None:
    """Mix the matrices of all linear layers that learn.

    Raises
    ------
    SettingError
        When there are none.

    Examples
    --------
    >>> layer = nn.Sequential(nn.Linear(2, 2)).eval()
    >>> before = layer[0].weight.detach().clone()
    >>> add_mixout(layer, 0.5)
    >>> remove_mixout(layer)
    >>> bool((layer[0].weight == before).all()), sorted(layer.state_dict())
    (True, ['0.bias', '0.weight'])
    """
    mixed = [m for m in encoder.modules() if isinstance(m, nn.Linear) and m.weight.requires_grad]
    if not mixed:
        raise SettingError("mixout found no linear layers that learn in this encoder; leave it out")
    for module in mixed:
        register_parametrization(module, "weight", Mixout(module.weight, rate))


def remove_mixout(encoder: nn.Module) -> None:
    """Leave the trained matrices as plain weights."""
    encoder.eval()
    for module in list(encoder.modules()):
        if isinstance(module, nn.Linear) and is_parametrized(module, "weight"):
            remove_parametrizations(module, "weight", leave_parametrized=True)
