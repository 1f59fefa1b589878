"""Vocabularies of subwords, trained with the package `tokenizers`: frequent words whole, rare ones in pieces."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from fenlei._checks import check_texts
from fenlei._optional import require
from fenlei._strict_json import dump, parse
from fenlei.clean.control import replace_surrogates
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.features._types import I64
from fenlei.features.sequences import Sequences
from fenlei.features.vocabulary import SPECIAL, UNK, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

DEFAULT_SIZE = 8000
_FILE = "tokenizer.json"
_TEXTS_AT_ONCE = 10_000
_DIGITS, _STEP = 6, 1e-4  # of a unigram's score; see `_steady`
# The mark of a space stays where words are told apart by it, not before Chinese, Japanese or punctuation.
_NOT_BEFORE_A_WORD = r"▁(?![\p{L}\p{N}])|▁(?=[\p{Han}\p{Hiragana}\p{Katakana}])"


class SubwordVocabulary(Vocabulary):
    """Base of the subword vocabularies; needs the extra ``neural``.

    Training is deterministic: equal texts and settings give equal files.

    Parameters
    ----------
    lowercase : bool, default=True
        Let "Good" and "good" be the same tokens.
    min_count : int or None, default=None
        Leave out characters, and merge no pairs, that are rarer than this. None is 2 from 1,000 texts on and 1 below.
    max_size : int or None, default=None
        Most tokens, the special two among them; None is 8,000.
    unknown : {"token", "skip"}, default="token"
        Give what is not in the vocabulary the id 1, or leave it out of the sequences.

    Attributes
    ----------
    tokens_ : list of str, shape (size,)
    counts_ : array of int64, shape (size,)
        How often each stands in the training texts.
    tokenizer_ : tokenizers.Tokenizer
        Without special tokens of its own: "[PAD]" written in a text is five characters.
    """

    reserved: ClassVar[tuple[str, ...]] = ()
    """Tokens that need a place, whatever the texts."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the subwords.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)

        Raises
        ------
        DataError
            When no character is frequent enough.
        MissingExtraError
            When `tokenizers` is not installed.
        """
        texts = check_texts(X)
        self.tokenizer_ = trained = self.train(texts)
        counts = np.bincount(self._encode(texts, skip=False).ids, minlength=trained.get_vocab_size())
        self._sort(counts)
        return self

    def train(self, X: Any) -> Tokenizer:
        """Learn the subwords without counting them; this alone changes nothing here.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)

        Returns
        -------
        tokenizers.Tokenizer
            Its ids are in the order in which the trainer found them.

        Raises
        ------
        DataError
            When no character is frequent enough.
        """
        self.check_settings()
        texts = [replace_surrogates(text) for text in check_texts(X)]
        blank = self._blank()
        normal = [blank.normalizer.normalize_str(text) for text in texts]
        alphabet = self._alphabet(normal)
        if not alphabet:
            raise self._no_token(len(texts))
        return self._train(_only(normal, alphabet), alphabet, self._least(len(texts)))

    def check_settings(self) -> None:
        """Refuse settings that are out of their range."""
        super().check_settings()
        least = len(SPECIAL) + len(self.reserved) + 2  # one character, at a word's beginning and inside it
        if self._size < least:
            raise SettingError(f"max_size must be None or a whole number from {least}; got {self.max_size!r}")

    def to_files(self) -> dict[str, bytes]:
        """Give settings and tokens as JSON, and the tokenizer as its own JSON."""
        files = super().to_files()
        return {**files, _FILE: self.tokenizer_.to_str().encode()}

    def restore(self, content: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Take back the parsed file of a vocabulary, and the tokenizer; nothing is fetched."""
        super().restore(content, files)
        if _FILE not in files:
            raise ModelFolderError(f"{_FILE}: is missing; restore the folder from a copy, or train again")
        self.tokenizer_ = _rebuilt(parse(files[_FILE], _FILE))
        ids = {token: i for i, token in enumerate(self.tokens_)}
        if self.tokenizer_.get_vocab() != ids or self.tokenizer_.get_added_tokens_decoder():
            raise ModelFolderError(f"{_FILE}: does not fit the vocabulary; train the model again")

    @property
    def _size(self) -> int:
        return DEFAULT_SIZE if self.max_size is None else int(self.max_size)

    @abstractmethod
    def _blank(self) -> Tokenizer:
        """Make the untrained tokenizer."""

    @abstractmethod
    def _train(self, texts: list[str], alphabet: list[str], least: int) -> Tokenizer:
        """Train on texts of these characters and white space only."""

    def _alphabet(self, texts: list[str]) -> list[str]:
        """Choose the characters that are tokens, the most frequent first."""
        counts = Counter(chain.from_iterable(texts))
        least = self._least(len(texts))
        known = [char for char, n in counts.items() if n >= least and not char.isspace()]
        known.sort(key=lambda char: (-counts[char], char))
        return known[: self._size - len(SPECIAL) - len(self.reserved)]

    def _sort(self, counts: I64) -> None:
        """Give the ids anew, by falling count."""
        state = json.loads(self.tokenizer_.to_str())
        ids = self.tokenizer_.get_vocab()
        known = sorted(ids.keys() - set(SPECIAL), key=lambda token: (-counts[ids[token]], token))
        tokens = [*SPECIAL, *known]
        vocabulary = state["model"]["vocab"]
        if isinstance(vocabulary, dict):
            state["model"]["vocab"] = {token: i for i, token in enumerate(tokens)}
        else:
            state["model"]["vocab"] = [vocabulary[ids[token]] for token in tokens]
        self.tokenizer_ = _rebuilt(state)
        self._take(tokens, counts[[ids[token] for token in tokens]].astype(np.int64))

    def _encode(self, X: Any, *, skip: bool) -> Sequences:
        texts = check_texts(X)
        blocks = [texts[i : i + _TEXTS_AT_ONCE] for i in range(0, len(texts), _TEXTS_AT_ONCE)]
        found = Sequences.concatenate(self._ids(block) for block in blocks)
        if not skip:
            return found
        kept = found.ids != UNK
        return Sequences(found.ids[kept], np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)[found.bounds])

    def _ids(self, texts: list[str]) -> Sequences:
        found = self.tokenizer_.encode_batch_fast(list(map(replace_surrogates, texts)), add_special_tokens=False)
        return Sequences.of([encoding.ids for encoding in found])


class WordpieceVocabulary(SubwordVocabulary):
    """WordPiece as BERT has it: Chinese characters stand alone, words of other scripts come in pieces ("##ing").

    Schuster and Nakajima, "Japanese and Korean Voice Search", ICASSP 2012. Needs the extra ``neural``.

    Parameters
    ----------
    lowercase, min_count, max_size, unknown
        See `SubwordVocabulary`.

    Examples
    --------
    >>> vocabulary = WordpieceVocabulary(min_count=2).fit(["好看 going", "好听 going"])
    >>> vocabulary.tokens_[2:4], vocabulary.transform(["好 going"])[0].tolist()
    (['going', '好'], [3, 2])
    """

    unit: ClassVar[str] = "wordpiece"

    def _blank(self) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        blank = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=SPECIAL[UNK]))
        blank.normalizer = tokenizers.normalizers.BertNormalizer(strip_accents=False, lowercase=self.lowercase)
        blank.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        return blank

    def _train(self, texts: list[str], alphabet: list[str], least: int) -> Tokenizer:
        forms = self._fit_on(texts, [], len(alphabet), 0, least).get_vocab()
        alphabet = _affordable(alphabet, forms, self._size - len(SPECIAL))
        inside = [f"##{char}" for char in alphabet if f"##{char}" in forms]
        single = sorted(alphabet) + sorted(inside)  # in a fixed order, on which the choice between equal pairs depends
        return self._fit_on(_only(texts, alphabet), single, len(alphabet), self._size, least)

    def _fit_on(self, texts: list[str], single: list[str], n_chars: int, size: int, least: int) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        trainer = tokenizers.trainers.WordPieceTrainer(
            vocab_size=size, min_frequency=least, special_tokens=[*SPECIAL, *single],
            limit_alphabet=n_chars, show_progress=False,
        )  # fmt: skip
        return _trained(self._blank(), texts, trainer)


class _MetaspaceVocabulary(SubwordVocabulary):
    """What "bpe" and "unigram" share: a word of a spaced script begins with "▁", punctuation stands alone."""

    reserved: ClassVar[tuple[str, ...]] = ("▁",)

    def _prepare(self, model: Any) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        pre = tokenizers.pre_tokenizers
        blank = tokenizers.Tokenizer(model)
        steps = [tokenizers.normalizers.Lowercase()] if self.lowercase else []
        spaces = tokenizers.normalizers.Replace(tokenizers.Regex(r"\s+"), " ")
        blank.normalizer = tokenizers.normalizers.Sequence([*steps, spaces])
        marks = pre.Split(tokenizers.Regex(_NOT_BEFORE_A_WORD), "removed")
        blank.pre_tokenizer = pre.Sequence([pre.Metaspace(), marks, pre.Punctuation()])
        return blank


class BpeVocabulary(_MetaspaceVocabulary):
    """Byte-pair encoding: the most frequent pair of neighbours becomes one token, again and again.

    Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", ACL 2016. A character that
    is no token is written as its UTF-8 bytes ("<0xE5>"), so nothing is unknown. Needs the extra ``neural``.

    Parameters
    ----------
    lowercase, min_count, max_size, unknown
        See `SubwordVocabulary`.

    Examples
    --------
    >>> vocabulary = BpeVocabulary().fit(["好看，好听", "好看！好听"])
    >>> vocabulary.tokens_[2:5], vocabulary.unknown_share(["你"])
    (['好听', '好看', '！'], 0.0)
    """

    unit: ClassVar[str] = "bpe"
    reserved: ClassVar[tuple[str, ...]] = ("▁", *(f"<0x{byte:02X}>" for byte in range(256)))

    def _blank(self) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        return self._prepare(tokenizers.models.BPE(unk_token=SPECIAL[UNK], byte_fallback=True))

    def _train(self, texts: list[str], alphabet: list[str], least: int) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=self._size, min_frequency=least, special_tokens=[*SPECIAL, *self.reserved],
            limit_alphabet=len(alphabet) + 1, show_progress=False,
        )  # fmt: skip
        return _trained(self._blank(), texts, trainer)


class UnigramVocabulary(_MetaspaceVocabulary):
    """Unigram language model: the pieces that make the training texts most likely.

    Kudo, "Subword Regularization", ACL 2018. Needs the extra ``neural``.

    Parameters
    ----------
    lowercase, min_count, max_size, unknown
        See `SubwordVocabulary`; pairs are not counted here, only characters.

    Examples
    --------
    >>> vocabulary = UnigramVocabulary().fit(["好看的书", "好看的花"])
    >>> vocabulary.unknown_share(["好看的书"]), vocabulary.transform(["你"])[0].tolist()
    (0.0, [1])
    """

    unit: ClassVar[str] = "unigram"
    reserved: ClassVar[tuple[str, ...]] = ("▁", "")  # the trainer grows without end when characters fill all places

    def _blank(self) -> Tokenizer:
        return self._prepare(require("tokenizers", extra="neural").models.Unigram())

    def _train(self, texts: list[str], alphabet: list[str], least: int) -> Tokenizer:
        tokenizers = require("tokenizers", extra="neural")
        trainer = tokenizers.trainers.UnigramTrainer(
            vocab_size=self._size, special_tokens=list(SPECIAL), unk_token=SPECIAL[UNK],
            n_sub_iterations=1,  # a second one takes two thirds longer, and cuts texts no shorter
            show_progress=False,
        )  # fmt: skip
        return _trained(self._blank(), texts, trainer)


def _trained(blank: Tokenizer, texts: list[str], trainer: Any) -> Tokenizer:
    """Train, then take back the special tokens that the trainer registers: it needs them, texts must not match them."""
    blank.train_from_iterator(texts, trainer, length=len(texts))
    state = json.loads(blank.to_str())
    state["added_tokens"] = []
    if isinstance(state["model"]["vocab"], list):
        state["model"]["vocab"] = _steady(state["model"]["vocab"])
    return _rebuilt(state)


def _steady(pieces: list[list[Any]]) -> list[list[Any]]:
    """Take out of the scores what comes from the order of the trainer's hash tables, which changes from run to run.

    It adds up in that order, and it gives characters that are no likely pieces the lowest score plus 0, 1, 2 ...
    times 0.0001, in that order too: all of them get the lowest score here.
    """
    chars = sum(len(token) == 1 for token, _ in pieces)
    lowest = min(score for _, score in pieces)
    edge = lowest + _STEP * chars
    return [[token, round(lowest if len(token) == 1 and score < edge else score, _DIGITS)] for token, score in pieces]


def _rebuilt(state: Any) -> Tokenizer:
    """Make a tokenizer from its JSON."""
    tokenizers = require("tokenizers", extra="neural")
    try:
        made = tokenizers.Tokenizer.from_str(dump(state).decode())
    except Exception as error:  # the package raises nothing narrower
        raise ModelFolderError(f"{_FILE}: is not a tokenizer: {error}; train the model again") from error
    made.no_padding()
    made.no_truncation()
    return made


def _affordable(alphabet: Sequence[str], forms: Mapping[str, int], room: int) -> list[str]:
    """First characters of the alphabet that fit, with the form that each has inside a word."""
    costs = accumulate(1 + (f"##{char}" in forms) for char in alphabet)
    return [char for char, cost in zip(alphabet, costs, strict=True) if cost <= room]


def _only(texts: list[str], alphabet: Sequence[str]) -> list[str]:
    """Put a space for every character that is not of the alphabet."""
    others = set(chain.from_iterable(texts)).difference(alphabet)
    blanks = dict.fromkeys(map(ord, others), " ")
    return [text.translate(blanks) for text in texts]
