"""CBOW, skip-gram and fastText, trained by gensim's compiled loops from a file, so that memory stays flat.

References
----------
T. Mikolov, I. Sutskever, K. Chen, G. Corrado, J. Dean, "Distributed Representations of Words and Phrases and their
Compositionality", NIPS 2013. P. Bojanowski et al., "Enriching Word Vectors with Subword Information", TACL 2017.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fenlei._optional import require
from fenlei.features._types import F32
from fenlei.vectors.corpus import Corpus
from fenlei.vectors.settings import VectorSettings
from fenlei.vectors.subwords import Subwords

_TEXTS_AT_ONCE = 1000


def train_word2vec(
    corpus: Corpus, folder: Path, settings: VectorSettings, progress: Callable[[int], None]
) -> tuple[F32, Subwords | None]:
    """Train on a corpus; `settings` are complete, `progress` is told the number of epochs done.

    Returns
    -------
    matrix : array of float32, shape (n_tokens, dim)
        In the order of ``corpus.tokens``.
    subwords : Subwords or None
        For fasttext.
    """
    models = require("gensim.models", extra="vectors")
    names = corpus.tokens if settings.method == "fasttext" else [str(i) for i in range(len(corpus.tokens))]
    file = folder / "sentences"
    _write_sentences(corpus, names, file)
    with _silent():
        model = _make(models, settings)
        model.build_vocab_from_freq(dict(zip(names, corpus.counts, strict=True)), corpus_count=corpus.n_texts)
        model.train(
            corpus_file=str(file), total_examples=len(corpus.sequences), total_words=len(corpus.sequences.ids),
            epochs=settings.epochs, callbacks=[_Callback(progress)],
        )  # fmt: skip
    order = [model.wv.key_to_index[name] for name in names]
    if settings.method != "fasttext":
        return model.wv.vectors[order], None
    return model.wv.vectors[order], Subwords(model.wv.vectors_ngrams, model.wv.min_n, model.wv.max_n)


def _make(models: Any, settings: VectorSettings) -> Any:
    """Rare tokens are left out already, hence `min_count` 1; `hash` would differ from one process to the next."""
    common = {
        "vector_size": settings.dim,
        "window": settings.window,
        "min_count": 1,
        "alpha": settings.learning_rate,
        "negative": settings.negative,
        "sample": settings.subsample,
        "seed": settings.seed,
        "workers": settings.threads,
        "sg": int(settings.method != "cbow"),
        "hashfxn": _hash,
    }
    if settings.method != "fasttext":
        return models.Word2Vec(**common)
    return models.FastText(**common, min_n=settings.min_n, max_n=settings.max_n, bucket=settings.buckets)


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


def _write_sentences(corpus: Corpus, names: list[str], target: Path) -> None:
    ids, bounds = corpus.sequences.ids, corpus.sequences.bounds
    table = np.array(names, dtype=object)
    with target.open("w", encoding="utf-8", newline="\n") as file:
        for begin in range(0, len(bounds) - 1, _TEXTS_AT_ONCE):
            cuts = bounds[begin : begin + _TEXTS_AT_ONCE + 1]
            words = table[ids[cuts[0] : cuts[-1]]].tolist()
            places = (cuts - cuts[0]).tolist()
            file.writelines(" ".join(words[a:b]) + "\n" for a, b in pairwise(places) if b > a)


class _Callback:
    """What gensim calls; it asks for these four names."""

    def __init__(self, progress: Callable[[int], None]) -> None:
        self._progress, self._done = progress, 0

    def on_train_begin(self, model: Any) -> None:
        """Nothing to do."""

    def on_epoch_begin(self, model: Any) -> None:
        """Nothing to do."""

    def on_epoch_end(self, model: Any) -> None:
        """Pass the number of epochs on."""
        self._done += 1
        self._progress(self._done)

    def on_train_end(self, model: Any) -> None:
        """Nothing to do."""


@contextmanager
def _silent() -> Iterator[None]:
    """Hold gensim's advice about batch sizes back; what matters is raised."""
    logger = logging.getLogger("gensim")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
