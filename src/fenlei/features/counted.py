"""Vocabularies that are counted: of the tokens that features see, of characters."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_texts
from fenlei._codepoints import codepoints
from fenlei._threads import in_threads
from fenlei.exceptions import ModelFolderError
from fenlei.features._types import I32, I64
from fenlei.features.documents import Documents, check_documents, cut, fold_table, share_out
from fenlei.features.sequences import Sequences
from fenlei.features.vocabulary import PAD, SPECIAL, UNK, Vocabulary

_N_CODES = 0x110000


class CountedVocabulary(Vocabulary):
    """Base of the vocabularies whose tokens are simply the most frequent ones.

    Texts are cut, counted and looked up a block at a time, the blocks on all cores.
    """

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
        return self.fit_blocks([X])

    def fit_blocks(self, blocks: Iterable[Any]) -> Self:
        """Learn the tokens of texts that do not fit in memory together.

        Parameters
        ----------
        blocks : iterable of sequences as `fit` takes
            Gone through once, one block in memory at a time; the blocks make no difference to what is learned.

        Examples
        --------
        >>> vocabulary = CharVocabulary().fit_blocks(block for block in (["好看", "好听"], ["好"]))
        >>> vocabulary.tokens_
        ['[PAD]', '[UNK]', '好', '听', '看']
        """
        self.check_settings()
        counts: Counter[str] = Counter()
        n_texts = 0
        for X in blocks:
            documents = self._check(X)
            n_texts += len(documents)
            for counted in in_threads(self._count, share_out(documents)):
                counts.update(counted)
        self._choose(counts, n_texts)
        return self

    def _choose(self, counts: Counter[str], n_texts: int) -> None:
        total = counts.total()
        least = self._least(n_texts)
        known = [(token, n) for token, n in counts.items() if n >= least and token not in SPECIAL]
        known.sort(key=lambda pair: (-pair[1], pair[0]))
        known = known[: None if self.max_size is None else self.max_size - len(SPECIAL)]
        if not known:
            raise self._no_token(n_texts)
        tokens, frequent = zip(*known, strict=True)
        self._take([*SPECIAL, *tokens], np.array([0, total - sum(frequent), *frequent], np.int64))

    def _encode(self, X: Any, *, skip: bool) -> Sequences:
        blocks = share_out(self._check(X))
        skipped = UNK if skip else PAD  # which no text holds
        return Sequences.concatenate(in_threads(lambda block: self._ids(block, skipped), blocks))

    @abstractmethod
    def _check(self, X: Any) -> list[Any]:
        """Return the documents, or refuse them."""

    @abstractmethod
    def _count(self, documents: Documents) -> dict[str, int]:
        """Count the tokens of one block."""

    @abstractmethod
    def _ids(self, documents: Documents, skipped: int) -> Sequences:
        """Look one block up, and leave the id `skipped` out."""


class TokenVocabulary(CountedVocabulary):
    """The tokens that the n-gram features see: characters of unspaced scripts, punctuation, words of spaced scripts.

    A space beside an unspaced script is a token too, " ". Or the tokens of a segmenter, when the texts come as lists
    of them; a vocabulary takes both.

    Parameters
    ----------
    lowercase, min_count, max_size, unknown
        See `Vocabulary`.

    Examples
    --------
    >>> vocabulary = TokenVocabulary().fit(["好看 Don't go", "好听，don't"])
    >>> vocabulary.tokens_
    ['[PAD]', '[UNK]', "don't", '好', ' ', 'go', '听', '看', '，']
    >>> [ids.tolist() for ids in vocabulary.transform(["好 GO 差"])]
    [[3, 4, 5, 4, 1]]
    """

    unit: ClassVar[str] = "token"

    def _check(self, X: Any) -> list[Any]:
        return check_documents(X)

    def _count(self, documents: Documents) -> dict[str, int]:
        from fenlei.features import _sequences

        tokens = cut(documents, fold_table(lowercase=self.lowercase), boundaries=False)
        counts, spelled, lengths = _sequences.count_tokens(tokens)
        text = spelled.tobytes().decode("utf-32-le", "surrogatepass")
        ends = np.cumsum(lengths)
        places = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
        return dict(zip((text[begin:end] for begin, end in places), counts.tolist(), strict=True))

    def _take(self, tokens: list[str], counts: I64) -> None:
        from fenlei.features import _sequences

        super()._take(tokens, counts)
        known = tokens[len(SPECIAL) :]
        codes, offsets = codepoints(known)
        self._table = _sequences.id_table(codes, np.diff(offsets), len(SPECIAL))
        self._fold = fold_table(lowercase=self.lowercase)

    def _ids(self, documents: Documents, skipped: int) -> Sequences:
        from fenlei.features import _sequences

        tokens = cut(documents, self._fold, boundaries=False)
        return Sequences(*_sequences.token_ids(self._table, tokens, skipped))


class CharVocabulary(CountedVocabulary):
    r"""Every character a token; a text reads as ``" ".join(text.split())`` does, so white space is one space at most.

    Parameters
    ----------
    lowercase, min_count, max_size, unknown
        See `Vocabulary`.

    Examples
    --------
    >>> vocabulary = CharVocabulary().fit(["好看 Ok", "好  听"])
    >>> vocabulary.tokens_
    ['[PAD]', '[UNK]', ' ', '好', 'k', 'o', '听', '看']
    >>> [ids.tolist() for ids in vocabulary.transform([" 好\tOK!"])]
    [[3, 2, 5, 4, 1]]
    """

    unit: ClassVar[str] = "char"

    def _check(self, X: Any) -> list[Any]:
        return check_texts(X)

    def _count(self, documents: Documents) -> dict[str, int]:
        from fenlei.features import _sequences

        codes, offsets = codepoints(documents)  # type: ignore[arg-type]
        counts = _sequences.count_chars(codes, offsets, fold_table(lowercase=self.lowercase), _white())
        found = np.flatnonzero(counts)
        return dict(zip(map(chr, found.tolist()), counts[found].tolist(), strict=True))

    def _take(self, tokens: list[str], counts: I64) -> None:
        if any(len(token) != 1 for token in tokens[len(SPECIAL) :]):
            raise ModelFolderError("the vocabulary holds more than single characters; train the model again")
        super()._take(tokens, counts)
        self._table, self._space = self._code_table()

    def _code_table(self) -> tuple[I32, int]:
        """Id of each code point, and of a run of white space."""
        from fenlei.features import _sequences

        ids = np.full(_N_CODES, UNK, np.int32)
        known = [ord(token) for token in self.tokens_[len(SPECIAL) :]]
        ids[known] = np.arange(len(SPECIAL), len(self.tokens_))
        space = int(ids[ord(" ")])
        table = ids[fold_table(lowercase=True)] if self.lowercase else ids
        table[_white()] = _sequences.WHITE
        return table, space

    def _ids(self, documents: Documents, skipped: int) -> Sequences:
        from fenlei.features import _sequences

        codes, offsets = codepoints(documents)  # type: ignore[arg-type]
        return Sequences(*_sequences.char_ids(self._table, codes, offsets, self._space, skipped))


@functools.cache
def _white() -> NDArray[np.bool_]:
    """Which code points are white space, as `str.split` has it; shape (0x110000,)."""
    table = np.zeros(_N_CODES, np.bool_)
    table[[code for code in range(0x10000) if chr(code).isspace()]] = True
    return table
