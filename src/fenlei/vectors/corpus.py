"""A corpus of any size as token ids on disk: texts prepared once, counted, and looked up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fenlei.data.corpus import Texts, batches
from fenlei.exceptions import DataError
from fenlei.features._types import I32, I64
from fenlei.features.counted import TokenVocabulary
from fenlei.features.sequences import Sequences
from fenlei.features.vocabulary import SPECIAL
from fenlei.preparation import Preparation
from fenlei.vectors.text_format import is_writable


class Corpus(NamedTuple):
    """Texts as ids, the most frequent token 0.

    Attributes
    ----------
    tokens : list of str
        Spelling of each id.
    counts : list of int
        How often each stands in the corpus.
    sequences : Sequences
        The ids lie in a file; tokens that are too rare are left out, so that the others move together.
    n_texts, n_tokens : int
        Of the corpus, rare tokens included.
    """

    tokens: list[str]
    counts: list[int]
    sequences: Sequences
    n_texts: int
    n_tokens: int


def read_corpus(
    corpus: Texts,
    folder: Path,
    preparation: Preparation,
    *,
    lowercase: bool,
    min_count: int,
    max_size: int | None = None,
    progress: Callable[[str], None],
) -> Corpus:
    """Prepare all texts, choose the tokens, and write their ids to a file in `folder`.

    The texts are gone through once, a batch in memory at a time; `preparation` is fitted to the first.

    Raises
    ------
    DataError
        When fewer than two tokens are frequent enough.
    """
    spool = _Spool(folder / "prepared.jsonl", preparation, progress)
    vocabulary = TokenVocabulary(
        lowercase=lowercase, min_count=min_count, max_size=max_size and max_size + len(SPECIAL), unknown="skip"
    ).fit_blocks(spool.fill(corpus))
    places = _places(vocabulary.tokens_)
    kept = np.flatnonzero(places >= 0)
    if len(kept) < 2:
        raise DataError(
            f"fewer than two tokens stand {min_count} times in the corpus; lower min_count, or give more text"
        )
    sequences = _write_ids(spool, folder / "ids", vocabulary, places)
    tokens = [vocabulary.tokens_[place] for place in kept]
    return Corpus(tokens, vocabulary.counts_[kept].tolist(), sequences, spool.n_texts, int(vocabulary.counts_.sum()))


class _Spool:
    """Prepared texts in a file, a batch a line: segmenting twice would cost more."""

    def __init__(self, path: Path, preparation: Preparation, progress: Callable[[str], None]) -> None:
        self._path, self._preparation, self._progress = path, preparation, progress
        self.n_texts = 0

    def fill(self, corpus: Texts) -> Iterator[Any]:
        """Prepare all texts, write them down and give them out."""
        with self._path.open("w", encoding="ascii") as file:
            for batch in batches(corpus):
                if not self.n_texts:
                    self._preparation.fit(batch)
                prepared = self._preparation.transform(batch)
                json.dump(prepared, file)
                file.write("\n")
                self.n_texts += len(batch)
                yield prepared
                self._progress(f"{self.n_texts:,} texts read")
        if not self.n_texts:
            raise DataError("the corpus has no texts")

    def empty(self) -> Iterator[Any]:
        """Give the prepared texts out again and remove the file."""
        done = 0
        with self._path.open(encoding="ascii") as file:
            for line in file:
                prepared = json.loads(line)
                yield prepared
                done += len(prepared)
                self._progress(f"{done:,} of {self.n_texts:,} texts looked up")
        self._path.unlink()


def _places(tokens: list[str]) -> I32:
    """Id of the corpus for each id of the vocabulary; -1 for those that are no tokens, or that no file could hold."""
    kept = np.array([number >= len(SPECIAL) and is_writable(token) for number, token in enumerate(tokens)])
    return np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)


def _write_ids(spool: _Spool, target: Path, vocabulary: TokenVocabulary, places: I32) -> Sequences:
    lengths: list[I64] = []
    with target.open("wb") as file:
        for prepared in spool.empty():
            sequences = vocabulary.transform(prepared)
            ids = places[sequences.ids]
            before = np.concatenate([[0], np.cumsum(ids >= 0)])
            lengths.append(np.diff(before[sequences.bounds]))
            ids[ids >= 0].tofile(file)
    bounds = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    ids = np.memmap(target, np.int32, "r") if bounds[-1] else np.empty(0, np.int32)
    return Sequences(ids, bounds)
