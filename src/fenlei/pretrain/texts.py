"""The texts of a corpus of any size: gone through once, hashed, kept on disk for a second time, and sampled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from fenlei.clean.control import replace_surrogates
from fenlei.data.corpus import Texts, batches
from fenlei.exceptions import DataError

_LONGEST_IN_SAMPLE = 100_000


class Sample:
    """A random part of texts that come one after another, in their order, of limited size.

    Each text has a random number; those above a threshold are left out, and the threshold is halved whenever the
    others are too many.

    Parameters
    ----------
    most_characters, most_texts : int
    seed : int

    Examples
    --------
    >>> sample = Sample(most_characters=30, most_texts=1000, seed=1)
    >>> for text in ["很好看"] * 100:
    ...     sample.take(text)
    >>> 10 <= sum(map(len, sample.texts)) <= 30
    True
    """

    def __init__(self, *, most_characters: int, most_texts: int, seed: int) -> None:
        self._most = (most_characters, most_texts)
        self._rng = np.random.default_rng(seed)
        self._threshold = 1.0
        self._kept: list[tuple[float, str]] = []
        self._characters = 0

    @property
    def texts(self) -> list[str]:
        """What was taken so far; of very long texts their beginning."""
        return [text for _, text in self._kept]

    def take(self, text: str) -> None:
        """Look at the next text."""
        place = self._rng.random()
        if place >= self._threshold:
            return
        text = text[:_LONGEST_IN_SAMPLE]
        self._kept.append((place, text))
        self._characters += len(text)
        while len(self._kept) > 1 and (self._characters > self._most[0] or len(self._kept) > self._most[1]):
            self._threshold /= 2
            self._kept = [(place, text) for place, text in self._kept if place < self._threshold] or self._kept[:1]
            self._characters = sum(len(text) for _, text in self._kept)


class Spool:
    """Texts in a file, a batch a line, since a stream can be read only once.

    Parameters
    ----------
    path : Path or None
        None keeps nothing, and only hashes.
    sample : Sample or None
        What to show the texts to.

    Attributes
    ----------
    digest : str
        Hash of all texts, their number and order.
    n_texts, n_characters : int
    """

    def __init__(self, path: Path | None, sample: Sample | None = None) -> None:
        self._path, self._sample = path, sample
        self.digest = ""
        self.n_texts = self.n_characters = 0

    def fill(self, texts: Texts, progress: Callable[[str], None]) -> None:
        """Go through all texts; lone surrogates become U+FFFD.

        Raises
        ------
        DataError
            When there is none, or only empty ones.
        """
        digest = hashlib.sha256()
        with nullcontext() if self._path is None else self._path.open("wb") as file:
            for batch in self._counted(texts, progress):
                line = json.dumps(batch, ensure_ascii=False).encode() + b"\n"
                digest.update(line)
                if file is not None:
                    file.write(line)
        if not self.n_characters:
            raise DataError("the corpus has no texts" if not self.n_texts else "all texts of the corpus are empty")
        self.digest = digest.hexdigest()

    def batches(self) -> Iterator[list[str]]:
        """Give the texts out again."""
        if self._path is not None:
            with self._path.open("rb") as file:
                yield from map(json.loads, file)

    def _counted(self, texts: Texts, progress: Callable[[str], None]) -> Iterator[list[str]]:
        for read in batches(texts):
            batch = list(map(replace_surrogates, read))
            if self._sample is not None:
                for text in batch:
                    self._sample.take(text)
            self.n_texts += len(batch)
            self.n_characters += sum(map(len, batch))
            yield batch
            progress(f"{self.n_texts:,} texts read")
