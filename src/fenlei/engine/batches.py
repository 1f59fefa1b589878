"""Texts in batches of about one length: padding is work for nothing, and most of the work where texts differ much."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from fenlei.exceptions import SettingError
from fenlei.features import padding
from fenlei.features.padding import padded_channels
from fenlei.features.sequences import Sequences

_POOL = 50  # batches sorted by length together; more would pad less and mix less
_LARGE = 2**31


class Examples(Dataset[dict[str, Tensor]], ABC):
    """What an engine trains on: texts, whatever they are made of, with what a loss needs.

    Attributes
    ----------
    weights : array of float32, shape (n_texts,)
        How much each text counts.
    """

    weights: NDArray[np.float32]
    most_places: ClassVar[int] = 2**16
    """Places of the texts that are scored together, padding among them: bounds the memory."""
    most_learned: ClassVar[int | None] = None
    """Places of the texts whose gradients are computed together; None where the texts of a batch belong together."""

    def __len__(self) -> int:
        return len(self.weights)

    @property
    @abstractmethod
    def lengths(self) -> NDArray[np.int64]:
        """Places of each text; those of about one length come into a batch."""

    @abstractmethod
    def batch(self, order: NDArray[np.int64], keys: NDArray[np.int64] | None = None) -> dict[str, Tensor]:
        """Give some texts as the network takes them by keyword, and ``targets`` and ``weights`` for the loss.

        Parameters
        ----------
        order : array of int64, shape (n,)
            Which texts.
        keys : array of int64, shape (n,), optional
            What is random about each text in training depends on; without, nothing is.

        Returns
        -------
        dict of str to tensor
            A row of ``targets`` and of ``weights`` for each row of the network's logits. The weights of a text's rows
            add up to its own.
        """

    @abstractmethod
    def fingerprint(self) -> bytes:
        """Tell data apart, so that no training goes on with other texts."""

    def __getitems__(self, batch: Batch) -> list[dict[str, Tensor]]:
        """Give one process's share of a batch in pieces that fit, each as the network and the loss take it."""
        pieces = zip(np.array_split(batch.order, batch.pieces), np.array_split(batch.keys, batch.pieces), strict=True)
        return [
            self.batch(order, keys) | {
                "keys": torch.from_numpy(keys),
                "batch_key": torch.tensor([batch.key]),
                "total": torch.tensor(batch.total),
            }
            for order, keys in pieces
        ]  # fmt: skip


@dataclass(frozen=True)
class TokenExamples(Examples):
    """Token ids with the class of each text.

    Attributes
    ----------
    channels : tuple of Sequences
        One, or several whose tokens stand at the same places.
    targets : array of int64, shape (n_texts,), or of float32, shape (n_texts, n_classes)
        The class of each text, or for multi-label 0 and 1.
    weights : array of float32, shape (n_texts,)
        How much each text counts.
    """

    channels: tuple[Sequences, ...]
    targets: NDArray[np.int64] | NDArray[np.float32]
    weights: NDArray[np.float32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text."""
        return self.channels[0].lengths

    def select(self, chosen: NDArray[Any]) -> Self:
        """Keep some texts: by their numbers, or by true and false."""
        channels = tuple(channel.select(chosen) for channel in self.channels)
        return replace(self, channels=channels, targets=self.targets[chosen], weights=self.weights[chosen])

    def padded(self, order: NDArray[np.int64]) -> Tensor:
        """Ids of some texts, 0 beyond each one's end; shape (n, longest) or (n, longest, n_channels)."""
        return torch.from_numpy(padded_channels([channel.select(order) for channel in self.channels]))

    def batch(self, order: NDArray[np.int64], keys: NDArray[np.int64] | None = None) -> dict[str, Tensor]:
        """Give the padded ids of some texts, and their classes and weights."""
        return {
            "input_ids": self.padded(order),
            "targets": torch.from_numpy(self.targets[order]),
            "weights": torch.from_numpy(self.weights[order]),
        }

    def fingerprint(self) -> bytes:
        """Hash ids, classes and weights."""
        arrays = [array for channel in self.channels for array in (channel.ids, channel.bounds)]
        digest = hashlib.sha256()
        for array in (*arrays, self.targets, self.weights):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.digest()


class Batch(NamedTuple):
    """One process's share of a batch.

    Attributes
    ----------
    order : array of int64, shape (n,)
        Which texts.
    keys : array of int64, shape (n,)
        Key of each text's dropout in this epoch.
    key : int
        Key of the dropout of the whole batch.
    total : float
        Sum of the weights of the whole batch, of all processes.
    pieces : int
        Into how many the texts are divided, so that they fit; every process has as many.
    """

    order: NDArray[np.int64]
    keys: NDArray[np.int64]
    key: int
    total: float
    pieces: int = 1

    def __len__(self) -> int:
        """Count the texts: a named tuple would count its fields."""
        return len(self.order)


class LengthBatches(Sampler[Batch]):
    """Batches of texts of about one length, in an order that the seed and the epoch decide.

    All texts are shuffled; of every 50 batches the texts are sorted by length and cut into batches; the batches are
    shuffled. Sizes differ by one at most: a few texts left over would be a step as large as any. Each process takes
    every n-th text of a batch, so the batches are the same on any number of processes.

    Parameters
    ----------
    examples : Examples
    batch_size : int
        Texts of a batch at most, of all processes together.
    seed : int
    rank, world : int
        Which process of how many this is.

    Examples
    --------
    >>> ids = Sequences.of([[2], [2, 2, 2], [2], [2, 2, 2]])
    >>> batches = LengthBatches(TokenExamples((ids,), np.zeros(4, np.int64), np.ones(4, np.float32)), 2, seed=1)
    >>> sorted(sorted(batch.order.tolist()) for batch in batches)
    [[0, 2], [1, 3]]
    """

    def __init__(self, examples: Examples, batch_size: int, *, seed: int, rank: int = 0, world: int = 1) -> None:
        self.examples = examples
        self.batch_size = batch_size
        self.seed = seed
        self.rank, self.world = rank, world
        self.epoch = 0
        self._lengths = examples.lengths
        smallest = len(examples) // len(self)
        if smallest < world:
            raise SettingError(f"{world} processes cannot share a batch of {smallest} texts; raise batch_size")

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of this epoch, counted from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.examples) / self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng((self.seed, self.epoch))
        n, n_batches = len(self.examples), len(self)
        order = np.arange(n, dtype=smallest_ints(n))  # with the keys 8 bytes a text: a corpus may have billions
        rng.shuffle(order)
        keys = rng.integers(_LARGE, size=n, dtype=np.int32)
        for first in range(0, n_batches, _POOL):
            pool = order[first * n // n_batches : min(first + _POOL, n_batches) * n // n_batches]
            pool[:] = pool[np.argsort(self._lengths[pool], kind="stable")]
        for i in map(int, rng.permutation(n_batches)):
            whole = order[i * n // n_batches : (i + 1) * n // n_batches].astype(np.int64)
            mine = whole[self.rank :: self.world]
            total = float(self.examples.weights[whole].sum()) or 1.0  # texts without weight teach nothing
            own = keys[mine].astype(np.int64) * _LARGE + mine
            yield Batch(mine, own, int(keys[i]) * _LARGE >> 20, total, self._pieces(whole))

    def _pieces(self, whole: NDArray[np.int64]) -> int:
        """Divide the largest share of a batch by the texts whose gradients fit at once."""
        most, share = self.examples.most_learned, math.ceil(len(whole) / self.world)
        if most is None:
            return 1
        together = max(1, most // max(1, int(self._lengths[whole].max())))
        return min(math.ceil(share / together), len(whole) // self.world)


def smallest_ints(n: int) -> type[np.int32] | type[np.int64]:
    """Choose the type of numbers below `n`."""
    return np.int32 if n <= _LARGE else np.int64


def in_length_order(examples: Examples, batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Give all texts once, longest first; of long texts fewer than `batch_size` come together."""
    return padding.in_length_order(examples.lengths, batch_size, examples.most_places)
