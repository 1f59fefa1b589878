"""The tokenizer of a pretrained encoder, in the one file ``tokenizer.json`` that the package `tokenizers` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_texts
from fenlei._optional import require
from fenlei._strict_json import dump
from fenlei.clean.control import replace_surrogates
from fenlei.encoders.files import TOKENIZER
from fenlei.exceptions import ModelFolderError
from fenlei.features.sequences import Sequences

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_PROBES = ("a", "的", "1", ".")  # a tokenizer that knows none of these reads nothing
_PADS = ("[PAD]", "<pad>", "<PAD>", "<|pad|>")
_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>")
_NO_CHARACTER = "\U0010ffff"  # never given out by Unicode, so no vocabulary has it
_TEXTS_AT_ONCE = 10_000
_LARGEST = 1 << 24  # tokens; published tokenizers have up to some 260,000


class EncoderTokenizer:
    """Texts to token ids, as the encoder saw them when it was trained. Needs the extra ``neural``.

    Special tokens written in a text, such as "[SEP]", are plain text: they come as pieces, or as the unknown token
    where the vocabulary has no pieces for them.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Is changed: no padding, no truncation, special tokens in texts not matched.
    pad_id : int, optional
        By default what the tokenizer's own padding says, else the token "[PAD]" or "<pad>", else 0.

    Attributes
    ----------
    prefix, suffix : tuple of int
        Ids that stand before and after a single text, such as those of "[CLS]" and "[SEP]"; may be empty.
    pad_id : int
        What shorter texts are filled up with; the attention mask tells it from text.
    told_pad_id : int or None
        The padding id that the tokenizer itself knows of.
    mask_id : int or None
        The special token that has "mask" in its name.
    end_id : int or None
        The special token that ends a document, as decoders have it.
    unknown_id : int or None
    special_ids : frozenset of int
        Ids that no text is given.
    largest_id : int
        The largest id that `encode` gives, or `prefix` and `suffix` hold.

    Examples
    --------
    >>> from tokenizers import Tokenizer, models, pre_tokenizers
    >>> words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2, "a": 3}, unk_token="[UNK]"))
    >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
    >>> tokenizer = EncoderTokenizer(words)
    >>> tokenizer.encode(["a good film"])[0].tolist(), tokenizer.pad_id, tokenizer.prefix
    ([3, 2, 1], 0, ())
    """

    def __init__(self, tokenizer: Tokenizer, *, pad_id: int | None = None) -> None:
        self._tokenizer = tokenizer
        self.told_pad_id = _pad_id(tokenizer)
        self.pad_id = (self.told_pad_id or 0) if pad_id is None else pad_id
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
        added = tokenizer.get_added_tokens_decoder()
        special = {i: token.content for i, token in added.items() if token.special}
        self.prefix, self.suffix = _around(tokenizer)
        self.mask_id = next((i for i, name in sorted(special.items()) if "mask" in name.lower()), None)
        self.end_id = next((i for i, name in sorted(special.items()) if name in _ENDS), None)
        self.unknown_id = _unknown_id(tokenizer)
        ids = set(tokenizer.get_vocab().values())
        self._size = max(ids, default=-1) + 1
        self.special_ids = frozenset(special) | {*self.prefix, *self.suffix}
        self.largest_id = max({*(ids - self.special_ids), *self.prefix, *self.suffix}, default=0)
        if self._size > _LARGEST:
            raise ModelFolderError(f"{TOKENIZER}: has ids up to {self._size:,}, which no tokenizer has; do not load it")
        if not 0 <= self.pad_id < self._size:
            raise ModelFolderError(f"{TOKENIZER}: the padding id {self.pad_id} is none of its {self._size:,} tokens")

    def __len__(self) -> int:
        return self._size

    def encode(self, texts: list[str]) -> Sequences:
        """Give the ids of each text: whole, without `prefix` and `suffix`.

        Parameters
        ----------
        texts : list of str, shape (n_texts,)
            Anything, lone surrogates too.

        Returns
        -------
        Sequences
            An empty text has none.
        """
        texts = check_texts(texts)
        blocks = [texts[i : i + _TEXTS_AT_ONCE] for i in range(0, len(texts), _TEXTS_AT_ONCE)]
        found = Sequences.concatenate(self._ids(block) for block in blocks)
        return Sequences(self._without_special(found.ids), found.bounds)

    def tokens(self, ids: Any) -> list[str]:
        """Give the written form of ids, "" for such that are none."""
        return [self._tokenizer.id_to_token(int(i)) or "" for i in ids]

    def id_of(self, token: str | None) -> int | None:
        """Give the id of a token as it is written in the vocabulary; None when it is not in it."""
        return None if token is None else self._tokenizer.token_to_id(token)

    def to_bytes(self) -> bytes:
        """Write ``tokenizer.json``; the padding id goes into its field for padding."""
        state = json.loads(self._tokenizer.to_str())
        state["padding"] = {
            "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": self.pad_id,
            "pad_type_id": 0, "pad_token": self._tokenizer.id_to_token(self.pad_id) or "",
        }  # fmt: skip
        return dump(state)

    @classmethod
    def from_bytes(cls, data: bytes, *, pad_id: int | None = None) -> Self:
        """Read ``tokenizer.json``, the file of `to_bytes` or of a checkpoint.

        Raises
        ------
        ModelFolderError
            When it is damaged.
        MissingExtraError
            When `tokenizers` is not installed.
        """
        tokenizers = require("tokenizers", extra="neural")
        try:
            return cls(tokenizers.Tokenizer.from_buffer(data), pad_id=pad_id)
        except ModelFolderError:
            raise
        except Exception as error:  # the package raises nothing narrower
            raise ModelFolderError(f"{TOKENIZER}: is not a sound tokenizer: {error}; restore it from a copy") from error

    def _ids(self, texts: list[str]) -> Sequences:
        plain = list(map(replace_surrogates, texts))
        found = self._tokenizer.encode_batch_fast(plain, add_special_tokens=False)
        return Sequences.of([encoding.ids for encoding in found])

    def _without_special(self, ids: NDArray[np.int32]) -> NDArray[np.int32]:
        """Unigram and word-level vocabularies hold "<s>" as a piece among others, which a text must not reach."""
        if self.unknown_id is None or not len(ids):
            return ids
        hidden = np.zeros(self._size, bool)
        hidden[list(self.special_ids)] = True
        return np.where(hidden[ids], np.int32(self.unknown_id), ids)


def _around(tokenizer: Tokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find what is put around a text by letting the tokenizer do it."""
    for probe in _PROBES:
        bare = tokenizer.encode(probe, add_special_tokens=False).ids
        dressed = tokenizer.encode(probe, add_special_tokens=True).ids
        for start in range(len(dressed) - len(bare) + 1) if bare else ():
            if dressed[start : start + len(bare)] == bare:
                return tuple(dressed[:start]), tuple(dressed[start + len(bare) :])
    raise ModelFolderError(f"{TOKENIZER}: gives no tokens for letters and digits; restore it from a copy")


def _pad_id(tokenizer: Tokenizer) -> int | None:
    if tokenizer.padding is not None:
        return int(tokenizer.padding["pad_id"])
    return next((i for i in map(tokenizer.token_to_id, _PADS) if i is not None), None)


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    """Id of the unknown token: models give it by name, but Unigram by giving it to what no piece covers."""
    model = tokenizer.model
    if type(model).__name__ != "Unigram":
        name = getattr(model, "unk_token", None)
        return None if name is None else tokenizer.token_to_id(name)
    pieces = model.tokenize(_NO_CHARACTER)
    return int(pieces[0].id) if len(pieces) == 1 else None  # several: its bytes
