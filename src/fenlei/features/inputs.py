"""What a network reads: one sequence of token ids a text, or characters with the words they are part of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from fenlei._estimator import Transformer
from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.features.sequences import Sequences
from fenlei.features.vocabularies import VOCABULARIES, make_vocabulary, read_vocabulary
from fenlei.features.vocabulary import FILE, Vocabulary

BOTH = "both"
UNITS = (*sorted(VOCABULARIES), BOTH)
_WORDS = "words.json"  # the second vocabulary of "both"


class TokenInputs(Transformer):
    """Texts to ids, in one channel or two.

    Parameters
    ----------
    unit : {"token", "char", "both", "wordpiece", "bpe", "unigram"}, default="token"
        What a token is; ``both`` gives each character and, in a second channel, the word it stands in (documents are
        then lists of words).
    lowercase, min_count, max_size, unknown
        See `fenlei.features.vocabulary.Vocabulary`; they hold for each channel.

    Attributes
    ----------
    vocabularies_ : list of Vocabulary
        One a channel. The ids of the second begin where those of the first end.

    Examples
    --------
    >>> inputs = TokenInputs(unit="both", min_count=1).fit([["酒店", "好"]])
    >>> [channel[0].tolist() for channel in inputs.transform([["好", "酒店"]])]
    [[2, 4, 3], [7, 8, 8]]
    """

    def __init__(
        self, *, unit: str = "token", lowercase: bool = True, min_count: int | None = None,
        max_size: int | None = None, unknown: str = "token",
    ) -> None:  # fmt: skip
        self.unit = unit
        self.lowercase = lowercase
        self.min_count = min_count
        self.max_size = max_size
        self.unknown = unknown

    def check_settings(self) -> None:
        """Refuse settings that are out of their range."""
        if self.unit not in UNITS:
            raise UnknownNameError("unit", str(self.unit), UNITS)
        if self.unit == BOTH and self.unknown != "token":
            raise SettingError("unit='both' needs unknown='token': its characters and words stand in step")
        for vocabulary in self._make():
            vocabulary.check_settings()

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the vocabularies from texts or lists of tokens."""
        self.check_settings()
        vocabularies = self._make()
        for vocabulary, documents in zip(vocabularies, self._by_channel(X), strict=True):
            vocabulary.fit(documents)
        self.vocabularies_ = vocabularies
        return self

    def transform(self, X: Any) -> tuple[Sequences, ...]:
        """Give the ids of each channel; a text has equally many in all."""
        self._check_fitted("vocabularies_")
        channels = [
            v.transform(documents) for v, documents in zip(self.vocabularies_, self._by_channel(X), strict=True)
        ]
        if self.unit != BOTH:
            return (channels[0],)
        characters, words = channels
        widths = np.fromiter((len(word) for document in X for word in _solid(document)), np.int64, len(words.ids))
        shifted = np.repeat(words.ids + len(self.vocabularies_[0]), widths).astype(np.int32)
        return characters, Sequences(shifted, characters.bounds)

    @property
    def tokens_(self) -> list[str]:
        """The token of each id, channel after channel."""
        return [token for vocabulary in self.vocabularies_ for token in vocabulary.tokens_]

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the vocabularies are learned."""
        return hasattr(self, "vocabularies_")

    def to_files(self) -> dict[str, bytes]:
        """Give the vocabularies as files of a model folder."""
        files = self.vocabularies_[0].to_files()
        return files if self.unit != BOTH else files | {_WORDS: self.vocabularies_[1].to_files()[FILE]}

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave; raises `ModelFolderError` when it is damaged."""
        self.vocabularies_ = [read_vocabulary(files)]
        if self.unit == BOTH:
            self.vocabularies_.append(read_vocabulary({FILE: files[_WORDS]}))

    def _make(self) -> list[Vocabulary]:
        units = ("char", "token") if self.unit == BOTH else (self.unit,)
        shared = {name: value for name, value in self.get_params().items() if name != "unit"}
        return [make_vocabulary(unit, **shared) for unit in units]

    def _by_channel(self, X: Any) -> list[Any]:
        if self.unit != BOTH:
            return [X]
        words = [_solid(document) for document in X]
        return [["".join(document) for document in words], words]


def _solid(document: list[str]) -> list[str]:
    """Words without white space inside, which is no character of its own here; none is empty."""
    return [word for word in ("".join(word.split()) for word in document) if word]
