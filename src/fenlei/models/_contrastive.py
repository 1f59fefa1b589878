r"""Contrastive training: an encoder learns to give texts of one class vectors that point the same way.

.. math:: \ell_i = - \sum_{j \ne i} t_{ij} \ln \frac{\exp(x_i x_j / \tau)}{\sum_{a \ne i} \exp(x_i x_a / \tau)}

Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2: x are vectors of length 1, and t is evenly
spread over those texts of the batch that have the class of text i. For multi-label t is spread by how much the sets of
labels overlap, :math:`|A \cap B| / |A \cup B|`, which is 1 for two texts without any label.

Every pair of a batch is learned from at the price of encoding each of its texts once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from fenlei.encoders.examples import WindowExamples
from fenlei.encoders.training import leave_keys
from fenlei.encoders.windows import Windows
from fenlei.engine.batches import Examples
from fenlei.engine.losses import Loss
from fenlei.features._types import F32, I64
from fenlei.models._encoder import EncoderClassifierNetwork, keys_of_windows
from fenlei.targets import Targets

_HIDDEN = -1e4  # in place of a text's likeness to itself


@dataclass(frozen=True)
class Draws(Examples):
    """Draws of two texts that share a label; every label is drawn as often as any other.

    Of many texts not all are drawn, of few each is drawn many times; the heavier ones more often.

    Attributes
    ----------
    texts : WindowExamples
        Their targets are an indicator of shape (n_texts, n_classes), their weights tell how often each is drawn.
    groups : tuple of arrays of int64
        The texts of each label; those without any are one group more.
    firsts : array of int64, shape (n_draws,)
        The first text of each draw; its group is that of the draw's number by the number of groups. The second is drawn
        anew whenever a batch is made.
    """

    texts: WindowExamples
    groups: tuple[I64, ...]
    firsts: I64

    @classmethod
    def of(cls, windows: Windows, pad_id: int, targets: Targets, weights: NDArray[np.float64], n_draws: int) -> Draws:
        """Lay `n_draws` draws out."""
        indicator = targets.indicator
        members = [np.flatnonzero(column) for column in (*indicator.T, ~indicator.any(axis=1))]
        groups = tuple(group for group in members if len(group))
        texts = WindowExamples(windows, indicator.astype(np.float32), weights.astype(np.float32), pad_id)
        firsts = np.empty(n_draws, np.int64)
        for g, group in enumerate(groups):
            places = np.arange(g, n_draws, len(groups))
            firsts[places] = group[_spread(weights[group], (np.arange(len(places)) + 0.5) / max(1, len(places)))]
        return cls(texts, groups, firsts)

    @property
    def weights(self) -> F32:  # type: ignore[override]
        """All draws count the same."""
        return np.ones(len(self.firsts), np.float32)

    @property
    def lengths(self) -> I64:
        """All the same: batches are not of one length, which would often be of one class."""
        return np.ones(len(self.firsts), np.int64)

    def batch(self, order: I64, keys: I64 | None = None) -> dict[str, Tensor]:
        """Give the first texts of some draws, then the second ones, and how alike any two of them are."""
        keys = np.zeros(len(order), np.int64) if keys is None else keys
        seconds = [self._second(int(draw), int(key)) for draw, key in zip(order, keys, strict=True)]
        chosen = np.concatenate([self.firsts[order], np.array(seconds, np.int64)])
        inputs = self.texts.batch(chosen)
        weights = torch.full((len(chosen),), 0.5)
        return inputs | {"targets": alike(inputs["targets"]), "weights": weights}

    def fingerprint(self) -> bytes:
        """Hash texts and draws."""
        return hashlib.sha256(self.texts.fingerprint() + self.firsts.tobytes()).digest()

    def _second(self, draw: int, key: int) -> int:
        """Draw another text of the group; the same one when there is no other, which dropout makes differ."""
        group = self.groups[draw % len(self.groups)]
        others = group[group != self.firsts[draw]]
        if not len(others):
            return int(self.firsts[draw])
        where = np.random.default_rng(key).random(1)
        return int(others[_spread(self.texts.weights[others], where)[0]])


def _spread(weights: NDArray[Any], where: NDArray[np.float64]) -> I64:
    """Find the texts at some places, from 0 to 1, of a line on which each has the room of its weight."""
    ends = np.cumsum(weights.astype(np.float64))
    return np.minimum(np.searchsorted(ends, where * ends[-1], side="right"), len(weights) - 1)


def alike(indicator: Tensor) -> Tensor:
    """Tell how a text's likeness is spread over the others; rows sum to 1, or are 0 for a text like no other.

    Examples
    --------
    >>> found = alike(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    >>> [round(share, 2) for share in found[0].tolist()]
    [0.0, 0.67, 0.0, 0.33]
    """
    shared = indicator @ indicator.T
    sizes = indicator.sum(1)
    either = sizes[:, None] + sizes - shared
    overlap = torch.where(either > 0, shared / either.clamp(min=1), 1.0).fill_diagonal_(0.0)
    return overlap / overlap.sum(1, keepdim=True).clamp(min=1e-9)


class ContrastiveLoss(Loss):
    """Cross-entropy with targets that are spread over several texts."""

    def right(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Whether the nearest text shares a label."""
        return (targets.gather(1, logits.argmax(1, keepdim=True))[:, 0] > 0).float()


class ContrastiveNetwork(PreTrainedModel):
    """A network that is trained to give like texts like vectors.

    Parameters
    ----------
    network : EncoderClassifierNetwork
        Its `vectors` are trained, its linear layer is not.
    temperature : float
        Cosines are divided by it.
    """

    def __init__(self, network: EncoderClassifierNetwork, temperature: float) -> None:
        super().__init__(network.config)
        self.network = network
        self.temperature = temperature

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, windows: Tensor | None = None,
        keys: Tensor | None = None, **kwargs: Any,
    ) -> SequenceClassifierOutput:  # fmt: skip
        """Give each text's cosine with each of the others, by the temperature.

        Parameters
        ----------
        input_ids, attention_mask, windows : tensors
            As of `EncoderClassifierNetwork.forward`, of 2 n texts.
        keys : tensor of int64, shape (n,), optional
            What the dropout of a draw's texts depends on.

        Returns
        -------
        SequenceClassifierOutput
            ``logits`` of shape (2 n, 2 n).
        """
        both = None if keys is None else torch.cat([keys, ~keys])
        leave_keys(self.network.encoder, keys_of_windows(both, windows))
        found = self.network.vectors(input_ids, attention_mask, windows=windows)
        with torch.autocast(found.device.type, enabled=False):  # cosines near 1 need more than 3 digits
            vectors = functional.normalize(found.float(), dim=-1)
            likeness = vectors @ vectors.T / self.temperature
        likeness.fill_diagonal_(_HIDDEN)
        return SequenceClassifierOutput(logits=likeness)
