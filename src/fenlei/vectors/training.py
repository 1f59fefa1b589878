"""Train word vectors on a corpus."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fenlei import __version__
from fenlei._optional import require
from fenlei.data.corpus import Texts
from fenlei.exceptions import DataError
from fenlei.features._types import F32
from fenlei.preparation import Preparation
from fenlei.vectors.corpus import Corpus, read_corpus
from fenlei.vectors.settings import VectorSettings
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

_USED_BY = {  # settings that mean nothing to the other methods
    "negative": ("skipgram", "cbow", "fasttext"),
    "subsample": ("skipgram", "cbow", "fasttext"),
    "x_max": ("glove",),
    "min_n": ("fasttext",),
    "max_n": ("fasttext",),
    "buckets": ("fasttext",),
}
_PREPARATION = ("clean", "segmenter", "segment", "lowercase")

Tell = Callable[[str], None]


def train_vectors(corpus: Texts, *, progress: Tell | None = None, **settings: Any) -> WordVectors:
    """Train word vectors.

    Parameters
    ----------
    corpus : iterable of str, Path or list of Path
        Texts, gone through once; or files of any format that `fenlei.data.readers.stream` reads, labels ignored.
        What is read is kept as numbers in temporary files, so that memory does not grow with it.
    progress : callable, optional
        Told in words what is being done: texts read; epoch, loss, words per second and the time left.
    **settings
        Those of `VectorSettings`: `method`, `dim`, `window`, `min_count`, `epochs`, `segmenter`, `seed`, `threads` ...

    Returns
    -------
    WordVectors
        The most frequent token first. `info` has all settings, the size of the corpus, and how texts are prepared.

    Raises
    ------
    MissingExtraError
        When gensim is not installed, which every method but glove needs.
    DataError
        When the corpus cannot be read, or has fewer than two tokens that are frequent enough.
    SettingError, UnknownNameError
        When a setting is unknown or out of its range.

    Examples
    --------
    >>> texts = ["我 喜欢 看 电影", "我 喜欢 看 书"] * 20
    >>> vectors = train_vectors(texts, method="glove", dim=8, segmenter="jieba")
    >>> sorted(vectors.tokens), vectors.info["corpus"]["tokens"]
    (['书', '喜欢', '我', '电影', '看'], 160)
    """
    wanted = VectorSettings.of(settings)
    if wanted.method != "glove":
        require("gensim.models", extra="vectors")  # before long work
    tell = progress or (lambda what: None)
    preparation = Preparation(clean=wanted.clean, segmenter=wanted.segmenter, segment=wanted.segment)
    with tempfile.TemporaryDirectory(prefix="fenlei-", ignore_cleanup_errors=True) as folder:
        found = read_corpus(
            corpus, Path(folder), preparation, lowercase=wanted.lowercase, min_count=wanted.min_count,
            max_size=wanted.max_size, progress=tell,
        )  # fmt: skip
        used = wanted.for_corpus(len(found.sequences.ids), preparation.language_["name"])
        matrix, subwords, facts = _train(found, Path(folder), used, tell)
        info = _info(found, used, preparation) | facts
    if not np.isfinite(matrix).all():
        raise DataError(f"the vectors grew without bound; lower learning_rate ({used.learning_rate:g})")
    return WordVectors(found.tokens, matrix, info=info, subwords=subwords)


def _train(
    corpus: Corpus, folder: Path, settings: VectorSettings, tell: Tell
) -> tuple[F32, Subwords | None, dict[str, Any]]:
    report = _Report(settings.epochs or 0, len(corpus.sequences.ids), tell)
    if settings.method == "glove":
        matrix, losses = _train_glove(corpus, settings, report)
        return matrix, None, {"losses": [round(loss, 6) for loss in losses]}
    from fenlei.vectors.word2vec import train_word2vec

    matrix, subwords = train_word2vec(corpus, folder, settings, report.epoch_done)
    return matrix, subwords, {}


def _train_glove(corpus: Corpus, settings: VectorSettings, report: _Report) -> tuple[F32, list[float]]:
    from fenlei.vectors.glove import count_cooccurrences, train_glove

    threads = settings.threads or 1
    report.tell("counting pairs of words")
    pairs = count_cooccurrences(corpus.sequences, settings.window, threads=threads)
    if not len(pairs.rows):
        raise DataError("no text of the corpus has two tokens; glove has nothing to count")
    report.start()
    return train_glove(
        pairs, len(corpus.tokens), dim=settings.dim, epochs=settings.epochs or 1, threads=threads, seed=settings.seed,
        learning_rate=settings.learning_rate or 0.05, x_max=settings.x_max or 10.0, progress=report.epoch_done,
    )  # fmt: skip


class _Report:
    """Tells how far the training is, how fast, and how long it will take."""

    def __init__(self, epochs: int, words: int, tell: Tell) -> None:
        self._epochs, self._words, self.tell = epochs, words, tell
        self.start()

    def start(self) -> None:
        self._begun = time.monotonic()
        self.tell(f"epoch 1 of {self._epochs}")

    def epoch_done(self, done: int, loss: float | None = None) -> None:
        seconds = max(time.monotonic() - self._begun, 1e-6)
        left = seconds / done * (self._epochs - done)
        shown = "" if loss is None else f"loss {loss:.4f}, "
        speed = f"{self._words * done / seconds:,.0f} words/s"
        self.tell(f"epoch {min(done + 1, self._epochs)} of {self._epochs}: {shown}{speed}, {left:,.0f} s left")


def _info(corpus: Corpus, settings: VectorSettings, preparation: Preparation) -> dict[str, Any]:
    """Write down everything that the vectors depend on, and nothing that differs between equal runs."""
    used = {
        name: value
        for name, value in asdict(settings).items()
        if settings.method in _USED_BY.get(name, (settings.method,)) and name not in _PREPARATION
    }
    return {
        **used,
        "corpus": {
            "texts": corpus.n_texts,
            "tokens": corpus.n_tokens,
            "tokens_kept": len(corpus.sequences.ids),
            "vocabulary": len(corpus.tokens),
        },
        "preparation": preparation.settings() | {"lowercase": settings.lowercase},
        "fenlei": __version__,
    }
