"""What the engine trains on: packed sequences, with words hidden anew each time, or with the next token as target."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.engine.batches import Examples
from fenlei.features._types import F32, I32, I64
from fenlei.pretrain.corpus import PackedCorpus
from fenlei.pretrain.packing import Frame, Packed
from fenlei.pretrain.settings import SHARE

_STEADY = np.uint64(0x5851F42D4C957F2D)  # for measuring, where a sequence's words are hidden as before
_OTHER = 0x2545F4914F6CDD1D


@dataclass(frozen=True)
class Task:
    """What a network is to learn from a sequence.

    Attributes
    ----------
    frame : Frame
    mask : int or None
        The token that hides others; None when the next token is to be foretold.
    fixed : array of bool, shape (vocabulary,)
        Tokens that are no text.
    fillers : array of int32
        Tokens that may stand for a hidden one.
    next_sentence : bool
        Whether to put another half behind the first half of every second sequence.
    """

    frame: Frame
    mask: int | None
    fixed: NDArray[np.bool_]
    fillers: I32
    next_sentence: bool = False

    @classmethod
    def of(cls, tokenizer: EncoderTokenizer, *, is_masked: bool, next_sentence: bool = False) -> Self:
        """Take the special tokens from a tokenizer."""
        fixed = np.zeros(len(tokenizer), bool)
        fixed[[*tokenizer.special_ids - {tokenizer.unknown_id}, tokenizer.pad_id]] = True
        text = ~fixed
        if tokenizer.unknown_id is not None:
            text[tokenizer.unknown_id] = False
        fillers = np.flatnonzero(text).astype(np.int32)
        mask = tokenizer.mask_id if is_masked else None
        return cls(Frame.of(tokenizer), mask, fixed, fillers, next_sentence)


class Visits:
    """Which sequence each example is: all equally often, one time more or less for a random part.

    Takes no memory of its own for whole passes.

    Parameters
    ----------
    rows : array of int, shape (n_rows,)
        Numbers of the sequences, rising.
    n : int, optional
        Number of examples; by default each sequence is one.
    seed : int, default=0

    Examples
    --------
    >>> visits = Visits(np.array([3, 5, 8]), 7, seed=1)
    >>> len(visits), visits[np.arange(6)].tolist()
    (7, [3, 5, 8, 3, 5, 8])
    """

    def __init__(self, rows: NDArray[Any], n: int | None = None, seed: int = 0) -> None:
        self.rows, self._n = rows, len(rows) if n is None else n
        self._rest = np.random.default_rng(seed).permutation(rows)[: self._n % len(rows)].copy()

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, order: I64) -> I64:
        found = self.rows[order % len(self.rows)].astype(np.int64)
        behind = order - (self._n - len(self._rest))
        found[behind >= 0] = self._rest[behind[behind >= 0]]
        return found

    def others(self, rows: I64, drawn: NDArray[np.uint64]) -> I64:
        """Choose for each of some sequences another one by a number drawn for it; the same where there is one alone."""
        n_others = max(1, len(self.rows) - 1)
        places = (drawn % np.uint64(n_others)).astype(np.int64)
        places += places >= np.searchsorted(self.rows, rows)
        return self.rows[places % len(self.rows)].astype(np.int64)

    def fingerprint(self) -> bytes:
        """Tell which sequences are visited, and how often."""
        return hashlib.sha256(str(self._n).encode() + self.rows.tobytes() + self._rest.tobytes()).digest()


class PackedExamples(Examples):
    """Sequences of a corpus, each as many times as it is to be seen.

    Attributes
    ----------
    corpus : PackedCorpus
    visits : Visits
        Which sequence each example is.
    task : Task
    """

    def __init__(self, corpus: PackedCorpus, visits: Visits, task: Task) -> None:
        self.corpus, self.visits, self.task = corpus, visits, task
        self.weights: F32 = np.broadcast_to(np.float32(1), len(visits))  # one number, however many they are

    @property
    def lengths(self) -> I64:
        """All of one length."""
        return np.broadcast_to(np.int64(self.corpus.length), len(self.visits))

    def fingerprint(self) -> bytes:
        """Hash what is learned from, and in which way."""
        task = f"{self.corpus.digest} {self.task.frame} {self.task.mask} {self.task.next_sentence} {SHARE}"
        return hashlib.sha256(task.encode() + self.visits.fingerprint()).digest()

    def batch(self, order: I64, keys: I64 | None = None) -> dict[str, Tensor]:
        """Give some sequences with the places whose tokens are to be foretold; the same ones when there are no keys.

        Returns
        -------
        dict of str to tensor
            ``input_ids`` of shape (n, length); ``places`` of shape (n_targets,) in the flat sequences, with
            ``targets`` and ``weights``; ``attention_mask`` where there is padding; with sentence pairs
            ``token_type_ids`` and ``follows``. In training the targets of a sequence share its weight; with no keys,
            which is for measuring, each counts 1.
        """
        rows = self.visits[order]
        seeds = rows.astype(np.uint64) * _STEADY if keys is None else keys.astype(np.uint64)
        packed, inside = self.corpus.select(rows), self.corpus.inside(rows)
        extra: dict[str, Any] = {}
        if self.task.next_sentence:
            packed, inside, extra = self._paired(rows, packed, inside, seeds)
        ids, places, targets = self._foretold(packed, inside, seeds)
        batch = {"input_ids": ids, "places": places, "targets": targets} | extra
        measures, owners = keys is None, places // self.corpus.length
        shares = _shared(owners, len(order), self.weights[order])
        batch["weights"] = np.ones_like(shares) if measures else shares
        if not inside.all():
            batch["attention_mask"] = inside.astype(np.int64)
        return {name: torch.from_numpy(value) for name, value in batch.items()}

    def _foretold(self, packed: Packed, inside: NDArray[np.bool_], seeds: NDArray[np.uint64]) -> tuple[I64, I64, I64]:
        """Give the ids that the network sees, the places to foretell, and what stands there."""
        if self.task.mask is None:
            return _next_tokens(packed.ids, inside)
        from fenlei.pretrain._masking import hide

        hidden, places = np.empty(packed.ids.shape, np.int64), np.empty(packed.ids.size, np.int64)
        n = hide(
            packed.ids, packed.starts, self.task.fixed, self.task.fillers, seeds, SHARE, self.task.mask, hidden, places
        )
        return hidden, places[:n].copy(), packed.ids.ravel()[places[:n]].astype(np.int64)

    def _paired(
        self, rows: I64, packed: Packed, inside: NDArray[np.bool_], seeds: NDArray[np.uint64]
    ) -> tuple[Packed, NDArray[np.bool_], dict[str, Any]]:
        """Part each sequence in its middle; every second one gets the second half of another.

        The middle is as a rule inside a text, whose two parts belong together: the texts of a corpus need not, so that
        nothing could be learned from those before and behind the border of two.
        """
        middle = self.corpus.length // 2
        drawn = _mixed(seeds)
        follows = (drawn & np.uint64(1)).astype(np.int64)
        others = self.visits.others(rows, drawn >> np.uint64(1))
        follows[others == rows] = 1
        foreign = np.flatnonzero(follows == 0)
        second, second_inside = self.corpus.select(others[foreign]), self.corpus.inside(others[foreign])
        behind = slice(middle + 1, None)
        packed.ids[foreign, behind] = second.ids[:, behind]
        packed.starts[foreign, behind] = second.starts[:, behind]
        inside[foreign, behind] = second_inside[:, behind]
        packed.ids[:, middle], inside[:, middle] = self.task.frame.separator[0], True
        kinds = np.zeros(packed.ids.shape, np.int64)
        kinds[:, behind] = 1
        return packed, inside, {"token_type_ids": kinds, "follows": follows}


def _next_tokens(ids: I32, inside: NDArray[np.bool_]) -> tuple[I64, I64, I64]:
    """Foretell every token but the first, from the place before it."""
    wanted = np.zeros(ids.shape, bool)
    wanted[:, :-1] = inside[:, 1:]
    places = np.flatnonzero(wanted)
    return ids.astype(np.int64), places, ids.ravel()[places + 1].astype(np.int64)


def _mixed(seeds: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Numbers that look random, other ones than those that hide words."""
    drawn = (seeds ^ (seeds >> np.uint64(29))) * np.uint64(_OTHER)
    return drawn ^ (drawn >> np.uint64(32))


def _shared(owners: I64, n: int, weights: F32) -> F32:
    """Share out the weight of each sequence among its targets."""
    return (weights / np.maximum(np.bincount(owners, minlength=n), 1)).astype(np.float32)[owners]
