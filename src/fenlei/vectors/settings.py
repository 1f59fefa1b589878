"""How vectors are to be trained: every setting, its default and its range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from fenlei._threads import n_threads
from fenlei.exceptions import SettingError, UnknownNameError, unknown_name

METHODS = {
    "skipgram": "each word foretells its neighbours",
    "cbow": "the neighbours foretell the word; faster, weaker for rare words",
    "glove": "products of vectors tell how often words stand near each other",
    "fasttext": "skipgram with character n-grams, so that unseen words have vectors too",
}
_RATES = {"skipgram": 0.025, "cbow": 0.05, "fasttext": 0.05, "glove": 0.05}  # those of the authors' programs
_GLOVE_EPOCHS = 25
_TOKENS_WANTED, _FEWEST_EPOCHS, _MOST_EPOCHS = 15_000_000, 5, 20
_LARGEST = 1 << 30


@dataclass(frozen=True)
class VectorSettings:
    """Settings of `fenlei.vectors.training.train_vectors`.

    Parameters
    ----------
    method : {"skipgram", "cbow", "glove", "fasttext"}
    dim : int, default=100
        Length of a vector.
    window : int, default=5
        Tokens to each side that count as neighbours.
    min_count : int, default=5
        Leave out tokens that are rarer.
    max_size : int or None, default=None
        Keep at most so many tokens, the most frequent.
    epochs : int or None, default=None
        Passes over the corpus. None: 25 for glove, else as many as make 15 million tokens, from 5 to 20.
    learning_rate : float or None, default=None
        At the start. None: 0.025 for skipgram, 0.05 for the others.
    negative : int, default=5
        Random words that each neighbour is told from; not for glove.
    subsample : float, default=0.001
        Pass over some occurrences of tokens that are more frequent than this share; 0 for none; not for glove.
    x_max : float or None, default=None
        Count from which a pair weighs fully in glove. None: 10, or 100 from a billion tokens on.
    min_n, max_n : int or None, default=None
        Characters of the n-grams of fasttext. None: 3 to 6, and 1 to 3 when the texts are Chinese.
    buckets : int, default=200000
        Number of vectors that the n-grams of fasttext share by hashing.
    clean : dict or None
        Settings of the cleaner that differ from its defaults.
    segmenter : str or None
        None takes each Chinese character, each spaced word and each mark as a token.
    segment : dict or None
        Settings of the segmenter.
    lowercase : bool, default=True
    seed : int, default=13
    threads : int or None, default=None
        None is one for each core. Only glove gives the same vectors on any number; the others do so on 1.

    Examples
    --------
    >>> VectorSettings.of({"method": "glove", "dim": 50}).dim
    50
    >>> VectorSettings.of({"widow": 5})
    Traceback (most recent call last):
    fenlei.exceptions.SettingError: unknown setting of word vectors 'widow'; did you mean 'window'? ...
    """

    method: str = "skipgram"
    dim: int = 100
    window: int = 5
    min_count: int = 5
    max_size: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    negative: int = 5
    subsample: float = 0.001
    x_max: float | None = None
    min_n: int | None = None
    max_n: int | None = None
    buckets: int = 200_000
    clean: dict[str, Any] | None = None
    segmenter: str | None = None
    segment: dict[str, Any] | None = None
    lowercase: bool = True
    seed: int = 13
    threads: int | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Make them from names and values; an unknown name is refused with the nearest known one."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise SettingError(unknown_name("setting of word vectors", name, known))
        return cls(**settings)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownNameError("method", str(self.method), METHODS)
        for name in (
            "dim",
            "window",
            "min_count",
            "max_size",
            "epochs",
            "negative",
            "min_n",
            "max_n",
            "buckets",
            "threads",
        ):
            _check_whole(name, getattr(self, name), 1)
        _check_whole("seed", self.seed, 0)
        for name in ("learning_rate", "x_max"):
            _check_positive(name, getattr(self, name), zero=False)
        _check_positive("subsample", self.subsample, zero=True)
        if not isinstance(self.lowercase, bool):
            raise SettingError(f"lowercase must be true or false; got {self.lowercase!r}")
        if self.min_n is not None and self.max_n is not None and self.min_n > self.max_n:
            raise SettingError(f"min_n must not be larger than max_n; got {self.min_n} and {self.max_n}")

    def for_corpus(self, n_tokens: int, language: str) -> Self:
        """Fill in what depends on the corpus."""
        from fenlei.vectors.glove import default_x_max

        passes = min(_MOST_EPOCHS, max(_FEWEST_EPOCHS, _TOKENS_WANTED // max(1, n_tokens)))
        shortest, longest = (1, 3) if language == "zh" else (3, 6)
        min_n = self.min_n or min(shortest, self.max_n or shortest)
        return replace(
            self,
            epochs=self.epochs or (_GLOVE_EPOCHS if self.method == "glove" else passes),
            learning_rate=self.learning_rate or _RATES[self.method],
            x_max=self.x_max or default_x_max(n_tokens),
            min_n=min_n,
            max_n=self.max_n or max(longest, min_n),
            threads=self.threads or n_threads(),
        )


def _check_whole(name: str, value: Any, least: int) -> None:
    if value is None and VectorSettings.__dataclass_fields__[name].default is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < _LARGEST:
        raise SettingError(f"{name} must be a whole number from {least}; got {value!r}")


def _check_positive(name: str, value: Any, *, zero: bool) -> None:
    if value is None and not zero:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (0 <= value < float("inf")) or (value == 0 and not zero):
        raise SettingError(f"{name} must be a number {'from' if zero else 'above'} 0; got {value!r}")
