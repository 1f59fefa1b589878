"""Texts of any length laid end to end into sequences of one length, so that no step computes padding."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.features._types import I32
from fenlei.features.sequences import Sequences


class Frame(NamedTuple):
    """What stands around the tokens of a sequence, and between its texts."""

    prefix: tuple[int, ...]
    separator: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int

    @classmethod
    def of(cls, tokenizer: EncoderTokenizer) -> Self:
        """Take what the tokenizer puts around a text.

        Texts are parted by its last token; where nothing is put behind a text, as for most decoders, by the token that
        ends a document, or by the one that begins a text.

        Examples
        --------
        >>> from fenlei.pretrain.tokenizer import train_tokenizer
        >>> Frame.of(EncoderTokenizer(train_tokenizer(["好看"], "wordpiece", size=300)))
        Frame(prefix=(2,), separator=(3,), suffix=(3,), pad=0)
        """
        end = () if tokenizer.end_id is None else (tokenizer.end_id,)
        separator = tokenizer.suffix[-1:] or end or tokenizer.prefix[-1:]
        return cls(tokenizer.prefix, separator, tokenizer.suffix, tokenizer.pad_id)

    def room(self, length: int) -> int:
        """Count the tokens of texts that a sequence has."""
        return length - len(self.prefix) - len(self.suffix)


class Packed(NamedTuple):
    """Sequences, and which of their tokens begin a word; both of shape (n, length)."""

    ids: I32
    starts: NDArray[np.bool_]


class Packer:
    """Lays texts end to end, a separator between two, and cuts the whole into sequences.

    A text that does not fit goes on in the next sequence; only the last sequence of all is padded.

    Parameters
    ----------
    frame : Frame
    length : int
        Of a sequence, with prefix and suffix.

    Examples
    --------
    >>> packer = Packer(Frame((2,), (3,), (3,), 0), 6)
    >>> texts = Sequences.of([[5, 6], [7, 8, 9]])
    >>> packer.push(texts, np.ones(5, bool)).ids.tolist(), packer.finish().ids.tolist()
    ([[2, 5, 6, 3, 7, 3]], [[2, 8, 9, 3, 0, 0]])
    """

    def __init__(self, frame: Frame, length: int) -> None:
        self._frame, self._length = frame, length
        self._room = frame.room(length)
        self._ids = np.empty(0, np.int32)
        self._starts = np.empty(0, bool)
        self._is_first = True

    @property
    def waiting(self) -> int:
        """Tokens of the sequence that `finish` would give, without padding; 0 when there is none."""
        return self._length - self._room + len(self._ids) if len(self._ids) else 0

    def push(self, texts: Sequences, starts: NDArray[np.bool_]) -> Packed:
        """Take some texts, and give the sequences that are full."""
        before = texts.bounds[:-1][texts.lengths > 0]
        if self._is_first and len(before):
            before, self._is_first = before[1:], False
        places = np.repeat(before, len(self._frame.separator))
        marks = np.tile(np.array(self._frame.separator, np.int32), len(before))
        ids = np.concatenate([self._ids, np.insert(texts.ids, places, marks)])
        begins = np.concatenate([self._starts, np.insert(starts, places, True)])
        full = len(ids) // self._room * self._room
        self._ids, self._starts = ids[full:], begins[full:]
        return self._framed(ids[:full].reshape(-1, self._room), begins[:full].reshape(-1, self._room))

    def finish(self) -> Packed:
        """Give what is left as one sequence, padded; none when nothing is."""
        if not len(self._ids):
            return Packed(np.empty((0, self._length), np.int32), np.empty((0, self._length), bool))
        last = self._framed(self._ids[None], self._starts[None])
        space = ((0, 0), (0, self._length - last.ids.shape[1]))
        self._ids, self._starts = self._ids[:0], self._starts[:0]
        return Packed(np.pad(last.ids, space, constant_values=self._frame.pad), np.pad(last.starts, space))

    def _framed(self, ids: I32, starts: NDArray[np.bool_]) -> Packed:
        ends = [np.tile(np.array(end, np.int32), (len(ids), 1)) for end in (self._frame.prefix, self._frame.suffix)]
        flags = [np.ones(end.shape, bool) for end in ends]
        return Packed(
            np.concatenate([ends[0], ids, ends[1]], axis=1).astype(np.int32),
            np.concatenate([flags[0], starts, flags[1]], axis=1),
        )
