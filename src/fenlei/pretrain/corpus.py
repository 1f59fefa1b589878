"""A corpus as sequences of token ids in flat files: written once, then read from the disk as training needs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fenlei._atomic import atomic_file
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.exceptions import DataError
from fenlei.features._types import I64, U8
from fenlei.pretrain.packing import Frame, Packed, Packer
from fenlei.pretrain.words import WordFinder

_SEQUENCES, _WORDS, _FACTS = "sequences.bin", "words.bin", "corpus.json"
CORPUS_FILES = (_SEQUENCES, _WORDS, _FACTS)
_SMALL = 1 << 16


@dataclass(frozen=True)
class Counts:
    """What a corpus comes to.

    Attributes
    ----------
    texts, characters, tokens, sequences : int
    unknown : int
        Tokens that stand for what the vocabulary does not know.
    """

    texts: int
    characters: int
    tokens: int
    sequences: int
    unknown: int


@dataclass(frozen=True)
class PackedCorpus:
    """Sequences of token ids that lie in files.

    Attributes
    ----------
    ids : array of uint16 or uint32, shape (n_sequences, length)
    words : array of uint8, shape (n_sequences, ceil(length / 8))
        A bit for each token, whether a word begins with it.
    last : int
        Tokens of the last sequence, the only one that may be shorter.
    counts : Counts
    digest : str
        Of the texts, the tokenizer and all that decides how they become sequences.
    """

    ids: NDArray[np.uint16] | NDArray[np.uint32]
    words: U8
    last: int
    counts: Counts
    digest: str

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return int(self.ids.shape[1])

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, rows: I64) -> Packed:
        """Read some sequences."""
        bits = np.unpackbits(self.words[rows], axis=1, count=self.length)
        return Packed(self.ids[rows].astype(np.int32), bits.astype(bool))

    def inside(self, rows: I64) -> NDArray[np.bool_]:
        """Tell tokens from padding; shape (n, length)."""
        sizes = np.where(rows == len(self) - 1, self.last, self.length)
        return np.arange(self.length) < sizes[:, None]


def write_corpus(
    batches: Iterable[list[str]], tokenizer: EncoderTokenizer, folder: Path, *, length: int, whole_words: bool,
    digest: str, progress: Callable[[str], None],
) -> PackedCorpus:  # fmt: skip
    """Turn texts into sequences, a batch of them in memory at a time.

    Parameters
    ----------
    batches : iterable of list of str
    tokenizer : EncoderTokenizer
    folder : Path
        Where the files go.
    length : int
        Of a sequence.
    whole_words : bool
        Whether to find out where words begin; else each token counts as a word.
    digest : str
        What to know the corpus by.
    progress : callable
        Told how far it is.

    Raises
    ------
    DataError
        When there are fewer than two sequences: one to learn from and one to measure on.
    """
    frame = Frame.of(tokenizer)
    packer, finder = Packer(frame, length), WordFinder(tokenizer) if whole_words else None
    kind = np.uint16 if len(tokenizer) <= _SMALL else np.uint32
    n_texts = n_characters = n_tokens = n_unknown = n_sequences = 0
    with (folder / _SEQUENCES).open("wb") as sequences, (folder / _WORDS).open("wb") as words:

        def write(packed: Packed) -> int:
            packed.ids.astype(kind).tofile(sequences)
            np.packbits(packed.starts, axis=1).tofile(words)
            return len(packed.ids)

        for batch in batches:
            found = tokenizer.encode(batch)
            starts = np.ones(len(found.ids), bool) if finder is None else finder.starts(found)
            n_sequences += write(packer.push(found, starts))
            n_texts += len(batch)
            n_characters += sum(map(len, batch))
            n_tokens += len(found.ids)
            n_unknown += int((found.ids == tokenizer.unknown_id).sum())
            progress(f"{n_tokens:,} tokens of {n_texts:,} texts")
        last = packer.waiting
        n_sequences += write(packer.finish())
    if n_sequences < 2:
        raise DataError(
            f"the corpus has {n_tokens:,} tokens, not enough for two sequences of {length} (one is to measure on); "
            "give more text, or lower length"
        )
    counts = Counts(n_texts, n_characters, n_tokens, n_sequences, n_unknown)
    facts = {"counts": asdict(counts), "length": length, "small": kind is np.uint16, "last": last or length}
    facts["digest"] = digest
    with atomic_file(folder / _FACTS) as file:
        file.write(json.dumps(facts).encode())
    return open_corpus(folder)


def has_corpus(folder: Path) -> bool:
    """Whether a corpus was written there to its end."""
    return (folder / _FACTS).is_file()


def open_corpus(folder: Path) -> PackedCorpus:
    """Read what `write_corpus` wrote, without holding it in memory.

    Raises
    ------
    DataError
        When the files do not fit together.
    """
    try:
        facts = json.loads((folder / _FACTS).read_bytes())
        counts, length = Counts(**facts["counts"]), int(facts["length"])
        ids = np.memmap(folder / _SEQUENCES, np.uint16 if facts["small"] else np.uint32, "r")
        words = np.memmap(folder / _WORDS, np.uint8, "r")
        shape = (counts.sequences, length)
        bits = words.reshape(counts.sequences, -1)
        return PackedCorpus(ids.reshape(shape), bits, int(facts["last"]), counts, str(facts["digest"]))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(f"is damaged ({error}); remove the folder and begin anew", source=str(folder)) from error
