"""Long texts: what of a text an encoder with a limited number of places reads.

``head`` reads the beginning, ``tail`` the end, ``head+tail`` a quarter from the beginning and the rest from the end
(Sun et al., "How to Fine-Tune BERT for Text Classification?", 2019, found both ends to tell more than either),
``windows`` all of it, in windows that overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fenlei.exceptions import SettingError
from fenlei.features._types import I64
from fenlei.features.padding import inside, padded
from fenlei.features.sequences import Sequences

LONG_TEXTS = ("head", "tail", "head+tail", "windows")
_HEAD = 0.25  # of head+tail


@dataclass(frozen=True, eq=False)
class Windows:
    """What an encoder reads of many texts: one window of each, or several.

    Attributes
    ----------
    ids : Sequences
        The token ids of each window, special tokens among them.
    bounds : array of int64, shape (n_texts + 1,)
        The windows of text i are those from ``bounds[i]`` to before ``bounds[i + 1]``.
    n_texts : int
        Texts of which something is not read.
    n_ids : int
        Tokens that are not read, of all texts together.
    """

    ids: Sequences
    bounds: I64
    n_texts: int = 0
    n_ids: int = 0

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> I64:
        """Tokens of all windows of each text."""
        return np.diff(self.ids.bounds[self.bounds])

    def select(self, order: I64) -> Windows:
        """Take some texts, in the order given; an array of true and false keeps the true ones."""
        order = np.flatnonzero(order) if order.dtype == bool else order
        counts = np.diff(self.bounds)[order]
        bounds = np.concatenate([[0], np.cumsum(counts)])
        which = np.repeat(self.bounds[:-1][order] - bounds[:-1], counts) + np.arange(bounds[-1])
        return Windows(self.ids.select(which), bounds)

    def arrays(self, pad_id: int) -> dict[str, I64]:
        """Give all windows side by side, as a network takes them by keyword.

        Returns
        -------
        dict of str to array of int64
            ``input_ids`` and ``attention_mask``, shape (n_windows, longest); and where any text has several windows,
            ``windows``, which `windows_of` gives.
        """
        mask = inside(self.ids.lengths)
        found = {"input_ids": padded(self.ids, pad_id), "attention_mask": mask.astype(np.int64)}
        return found if len(self.ids) == len(self) else found | {"windows": windows_of(self.bounds)}

    def packed_arrays(self) -> dict[str, I64]:
        """Give all windows end to end.

        Returns
        -------
        dict of str to array of int64
            ``input_ids``, shape (1, n_tokens); ``places``, shape (n_windows, longest), the number of the token at each
            place of a window, -1 beyond its end; and ``windows`` as of `arrays`.
        """
        ids = self.ids
        found = {"input_ids": ids.ids.astype(np.int64)[None], "places": windows_of(ids.bounds)}
        return found if len(ids) == len(self) else found | {"windows": windows_of(self.bounds)}


def windows_of(bounds: I64) -> I64:
    """Give the numbers of the windows of each text, -1 beyond its last; shape (n_texts, most).

    Parameters
    ----------
    bounds : array of int64, shape (n_texts + 1,)
        The windows of text i are those from ``bounds[i]`` to before ``bounds[i + 1]``.

    Examples
    --------
    >>> windows_of(np.array([0, 1, 3])).tolist()
    [[0, -1], [1, 2]]
    """
    return padded(Sequences(np.arange(bounds[-1], dtype=np.int32), bounds), -1)


def cut_windows(
    ids: Sequences, limit: int, *, prefix: Sequence[int] = (), suffix: Sequence[int] = (), how: str = "head",
    overlap: int = 0,
) -> Windows:  # fmt: skip
    """Choose what is read of each text, and put the special tokens around it.

    Parameters
    ----------
    ids : Sequences
        Tokens of each text, without special ones.
    limit : int
        Tokens of a window at most, special ones among them.
    prefix, suffix : sequences of int
        Special tokens before and after each window.
    how : {"head", "tail", "head+tail", "windows"}
    overlap : int
        Tokens that a window shares with the one before, for ``windows``.

    Raises
    ------
    SettingError
        When the limit leaves no room for tokens, or the overlap none for new ones.

    Examples
    --------
    >>> ids = Sequences.of([[11, 12, 13, 14, 15], [21]])
    >>> def rows(how): return [row.tolist() for row in cut_windows(ids, 4, prefix=[1], suffix=[2], how=how).ids]
    >>> rows("head"), rows("tail")
    ([[1, 11, 12, 2], [1, 21, 2]], [[1, 14, 15, 2], [1, 21, 2]])
    >>> rows("windows")
    [[1, 11, 12, 2], [1, 13, 14, 2], [1, 15, 2], [1, 21, 2]]
    """
    room = limit - len(prefix) - len(suffix)
    if room < 1:
        raise SettingError(f"max_length={limit} leaves no room for tokens beside the special ones; raise it")
    if not 0 <= overlap < room:
        raise SettingError(f"windows of {room} tokens cannot share {overlap} with the one before")
    if how == "windows":
        return _all_windows(ids, room, overlap, prefix, suffix)
    lengths = ids.lengths
    kept = np.minimum(lengths, room)
    first = {"head": kept, "tail": np.zeros_like(kept), "head+tail": (kept * _HEAD).astype(np.int64)}[how]
    first = np.where(lengths <= room, kept, first)
    begins, ends = ids.bounds[:-1], ids.bounds[1:]
    chosen = _joined(ids, (begins, first), (ends - (kept - first), kept - first), prefix, suffix)
    cut = lengths > room
    return Windows(chosen, np.arange(len(ids) + 1), int(cut.sum()), int((lengths - kept).sum()))


def never_empty(ids: Sequences, filler: int) -> Sequences:
    """Give texts without tokens one: an encoder that puts no special ones around a text must read something.

    Examples
    --------
    >>> [row.tolist() for row in never_empty(Sequences.of([[], [5, 6], []]), 9)]
    [[9], [5, 6], [9]]
    """
    lengths = ids.lengths
    filled = np.insert(ids.ids, ids.bounds[:-1][lengths == 0], filler)
    return Sequences(filled, np.concatenate([[0], np.cumsum(np.maximum(lengths, 1))]))


def _all_windows(ids: Sequences, room: int, overlap: int, prefix: Sequence[int], suffix: Sequence[int]) -> Windows:
    step = room - overlap
    lengths = ids.lengths
    counts = 1 + np.maximum(0, -(-(lengths - room) // step))
    bounds = np.concatenate([[0], np.cumsum(counts)])
    number = np.arange(bounds[-1]) - np.repeat(bounds[:-1], counts)
    begins = np.repeat(ids.bounds[:-1], counts) + number * step
    taken = np.minimum(room, np.repeat(ids.bounds[1:], counts) - begins)
    nothing = np.zeros_like(taken)
    return Windows(_joined(ids, (begins, taken), (begins, nothing), prefix, suffix), bounds)


def _joined(
    ids: Sequences, first: tuple[I64, I64], second: tuple[I64, I64], prefix: Sequence[int], suffix: Sequence[int]
) -> Sequences:
    """Lay special tokens and two pieces of each window, told by begin and length, end to end."""
    fixed = np.array([*prefix, *suffix], np.int32)
    flat = np.concatenate([ids.ids, fixed])
    n, before = len(first[0]), np.full(len(first[0]), len(prefix))
    marks = np.full(n, len(ids.ids))
    pieces = [(marks, before), first, second, (marks + len(prefix), np.full(n, len(suffix)))]
    begins = np.stack([begin for begin, _ in pieces], 1).ravel()
    lengths = np.stack([length for _, length in pieces], 1).ravel()
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    places = np.repeat(begins - bounds[:-1], lengths) + np.arange(bounds[-1])
    return Sequences(flat[places], bounds[:: len(pieces)])
