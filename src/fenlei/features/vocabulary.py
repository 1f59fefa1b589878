"""What every vocabulary is: a transformer from texts to sequences of token ids, rebuilt from JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from fenlei._estimator import Transformer
from fenlei._strict_json import dump, parse
from fenlei.exceptions import DataError, ModelFolderError, SettingError
from fenlei.features._types import I64
from fenlei.features.sequences import Sequences

PAD, UNK = 0, 1
SPECIAL = ("[PAD]", "[UNK]")
"""Spelling of the first two ids: padding, which no text holds, and the tokens that are not in the vocabulary."""
FILE = "vocabulary.json"


class Vocabulary(Transformer, ABC):
    """Base of the vocabularies; a subclass says what a token is.

    Id 0 is padding and no token of any text, id 1 stands for every unknown token; the known ones follow by falling
    count, those of one count by their code points. "[PAD]" or "[UNK]" written in a text is text like any other.

    Parameters
    ----------
    lowercase : bool, default=True
        Let "Good" and "good" be one token.
    min_count : int or None, default=None
        Leave out tokens that are rarer than this in the training texts. None is 2 from 1,000 texts on and 1 below.
    max_size : int or None, default=None
        Keep the most frequent tokens only, so that with the special two there are at most this many.
    unknown : {"token", "skip"}, default="token"
        Give tokens that are not in the vocabulary the id 1, or leave them out of the sequences.

    Attributes
    ----------
    tokens_ : list of str, shape (size,)
        The token of each id.
    counts_ : array of int64, shape (size,)
        How often each stands in the training texts; of "[UNK]", how many tokens were left out of the vocabulary.
    """

    unit: ClassVar[str]
    """What `fenlei.features.vocabularies.make_vocabulary` knows it by."""

    def __init__(
        self,
        *,
        lowercase: bool = True,
        min_count: int | None = None,
        max_size: int | None = None,
        unknown: str = "token",
    ) -> None:
        self.lowercase = lowercase
        self.min_count = min_count
        self.max_size = max_size
        self.unknown = unknown

    @abstractmethod
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the tokens.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)

        Raises
        ------
        DataError
            When no token is left.
        """

    def transform(self, X: Any) -> Sequences:
        """Turn each text into the ids of its tokens; an empty text has none.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)
        """
        self._check_fitted("tokens_")
        return self._encode(X, skip=self.unknown == "skip")

    def unknown_share(self, X: Any) -> float:
        """Share of the tokens of these texts that the vocabulary does not know, whatever becomes of them; 0 to 1."""
        self._check_fitted("tokens_")
        ids = self._encode(X, skip=False).ids
        return float(np.mean(ids == UNK)) if len(ids) else 0.0

    def __len__(self) -> int:
        self._check_fitted("tokens_")
        return len(self.tokens_)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether the tokens are learned."""
        return hasattr(self, "tokens_")

    def check_settings(self) -> None:
        """Refuse settings that are out of their range."""
        if not isinstance(self.lowercase, bool):
            raise SettingError(f"lowercase must be True or False; got {self.lowercase!r}")
        if self.unknown not in ("token", "skip"):
            raise SettingError(f"unknown must be 'token' or 'skip'; got {self.unknown!r}")
        for name, least in (("min_count", 1), ("max_size", len(SPECIAL) + 1)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if value is not None and not (whole and value >= least):
                raise SettingError(f"{name} must be None or a whole number from {least}; got {value!r}")

    def to_files(self) -> dict[str, bytes]:
        """Give settings and tokens as JSON, from which `read_vocabulary` makes the same vocabulary again."""
        self._check_fitted("tokens_")
        settings = {name: _plain(value) for name, value in self.get_params().items()}
        counts = self.counts_.tolist()
        return {FILE: dump({"unit": self.unit, "settings": settings, "tokens": self.tokens_, "counts": counts})}

    def from_files(self, files: Mapping[str, bytes]) -> None:
        """Take back what `to_files` gave, settings and all.

        Raises
        ------
        ModelFolderError
            When it is damaged, or of another kind of vocabulary.
        """
        self.restore(read_content(files), files)

    def restore(self, content: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Take back what `read_content` found in these files."""
        if content["unit"] != self.unit:
            raise ModelFolderError(f"{FILE}: holds a vocabulary of the unit {content['unit']!r}, not {self.unit!r}")
        try:
            self.set_params(**content["settings"])
            self.check_settings()
        except SettingError as error:
            raise ModelFolderError(f"{FILE}: {error}; load it with the fenlei that wrote it, or a newer one") from error
        self._take(content["tokens"], np.array(content["counts"], np.int64))

    def _least(self, n_texts: int) -> int:
        return (2 if n_texts >= 1000 else 1) if self.min_count is None else int(self.min_count)

    def _no_token(self, n_texts: int) -> DataError:
        return DataError(
            f"no token stands {self._least(n_texts)} times or more in the {n_texts} texts; lower min_count, "
            "or give more text"
        )

    def _take(self, tokens: list[str], counts: I64) -> None:
        """Set what was learned."""
        self.tokens_, self.counts_ = tokens, counts

    @abstractmethod
    def _encode(self, X: Any, *, skip: bool) -> Sequences:
        """Turn texts into ids, unknown tokens as 1 or, when `skip`, not at all."""


def read_content(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Parse the file of a vocabulary and check that its parts fit together.

    Raises
    ------
    ModelFolderError
    """
    if FILE not in files:
        raise ModelFolderError(f"{FILE}: is missing; restore the folder from a copy, or train again")
    content = parse(files[FILE], FILE)
    if not _is_sound(content):
        raise ModelFolderError(f"{FILE}: is not a vocabulary as it was written; train the model again")
    return dict(content)


def _is_sound(content: Any) -> bool:
    kinds = {"unit": str, "settings": dict, "tokens": list, "counts": list}
    if not isinstance(content, dict) or content.keys() != kinds.keys():
        return False
    if not all(isinstance(content[name], kind) for name, kind in kinds.items()):
        return False
    tokens, counts = content["tokens"], content["counts"]
    return (
        tuple(tokens[:2]) == SPECIAL
        and {*map(type, tokens)} == {str}
        and len(tokens) == len(set(tokens)) == len(counts)
        and {*map(type, counts)} == {int}
        and min(counts) >= 0
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
