"""Train a tokenizer on a corpus, in the form that Hugging Face models have: special tokens, a file of its own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from fenlei._optional import require
from fenlei._strict_json import dump
from fenlei.clean.control import replace_surrogates
from fenlei.features.subwords import BpeVocabulary, SubwordVocabulary, UnigramVocabulary, WordpieceVocabulary
from fenlei.features.vocabulary import SPECIAL

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAMES = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
"""Special tokens by what they are for; their ids are 0 to 4."""
_KINDS: dict[str, type[Any]] = {"bpe": BpeVocabulary, "unigram": UnigramVocabulary, "wordpiece": WordpieceVocabulary}
_CHARACTERS_A_COUNT = 2_000_000  # a token of one in so many characters is worth no row of a network
_FEW_TEXTS = 1000
_WORDS = 4  # the share of the vocabulary that Chinese words have is one in so many, and what the others leave
_LONGEST = 8
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")


def train_tokenizer(
    texts: Sequence[str], kind: str, *, size: int, lowercase: bool = True, words: bool = False
) -> Tokenizer:
    """Train a tokenizer with "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]" as ids 0 to 4; each text is [CLS] x [SEP].

    Parameters
    ----------
    texts : sequence of str
        All that is looked at; a sample of a large corpus will do.
    kind : {"wordpiece", "bpe", "unigram"}
    size : int
        Most tokens.
    lowercase : bool, default=True
    words : bool, default=False
        Let frequent Chinese words be tokens. wordpiece, which else takes each character alone, gets those that jieba
        finds most often, and takes the longest that fits; in bpe no token reaches over a word's border.

    Returns
    -------
    tokenizers.Tokenizer
        Equal texts and settings give an equal one.

    Raises
    ------
    DataError
        When no character is frequent enough.
    MissingExtraError
        When `tokenizers` is not installed.

    Examples
    --------
    >>> tokenizer = train_tokenizer(["好看 going", "好听 going"] * 5, "wordpiece", size=300)
    >>> tokenizer.encode("好看").tokens
    ['[CLS]', '好', '看', '[SEP]']
    """
    room = size - (len(NAMES) - len(SPECIAL))
    chinese = _frequent_words(texts) if words and kind == "wordpiece" else []
    vocabulary: SubwordVocabulary = _KINDS[kind](
        lowercase=lowercase,
        min_count=_min_count(texts),
        max_size=max(room - min(len(chinese), size // _WORDS), room // 2),
    )
    trained = vocabulary.train([_apart(text) for text in texts] if words and kind == "bpe" else texts)
    return _dressed(trained, chinese[: room - trained.get_vocab_size()])


def tokenizer_files(tokenizer: bytes, length: int, *, is_masked: bool) -> dict[str, bytes]:
    """Give the two files from which ``AutoTokenizer`` makes it.

    Parameters
    ----------
    tokenizer : bytes
        The first of them.
    length : int
        Most tokens of a text.
    is_masked : bool
        Whether it is for a network that sees both sides; a decoder calls the tokens at the ends otherwise.
    """
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    ends = {} if is_masked else {"bos_token": NAMES["cls_token"], "eos_token": NAMES["sep_token"]}
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": length,
        "clean_up_tokenization_spaces": False,
        "model_input_names": inputs if is_masked else [name for name in inputs if name != "token_type_ids"],
        **NAMES,
        **ends,
    }
    return {"tokenizer.json": tokenizer, "tokenizer_config.json": dump(config, indent=2)}


def _min_count(texts: Sequence[str]) -> int:
    least = 2 if len(texts) >= _FEW_TEXTS else 1
    return max(least, sum(map(len, texts)) // _CHARACTERS_A_COUNT)


def _frequent_words(texts: Sequence[str]) -> list[str]:
    """Chinese words of two characters and more, the most frequent first; the rare ones are left out."""
    counts = Counter(word for text in texts for word in _cut(text) if 1 < len(word) <= _LONGEST and _is_han(word))
    least = max(2, _min_count(texts))
    frequent = [word for word, count in counts.items() if count >= least]
    return sorted(frequent, key=lambda word: (-counts[word], word))


def _apart(text: str) -> str:
    """Put a space between Chinese words, over which no token of a text then reaches.

    The spaces are for the trainer alone: they leave no mark before Chinese.
    """
    words = _cut(text)
    spaced = (" " + word if _is_han(before) and _is_han(word) else word for before, word in pairwise(words))
    return "".join([*words[:1], *spaced])


def _cut(text: str) -> list[str]:
    from fenlei.segment.jieba import load_jieba

    words: list[str] = load_jieba(()).cut(replace_surrogates(text), True)
    return words


def _is_han(word: str) -> bool:
    return _HAN.fullmatch(word) is not None


def _dressed(trained: Tokenizer, words: Sequence[str]) -> Tokenizer:
    """Give a trained tokenizer its special tokens, Chinese words, template and decoder."""
    tokenizers = require("tokenizers", extra="neural")
    state = json.loads(trained.to_str())
    state["model"]["vocab"] = _renumbered(state["model"]["vocab"], words)
    special = [(i, token) for i, token in enumerate(NAMES.values())]
    added = [_added(i, token, special=True) for i, token in special]
    if words:
        ids = state["model"]["vocab"]
        added += [_added(ids[word], word, special=False) for word in words]
    state["added_tokens"] = added
    made = tokenizers.Tokenizer.from_str(dump(state).decode())
    first, last = NAMES["cls_token"], NAMES["sep_token"]
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, i) for i, token in special if token in (first, last)],
    )  # fmt: skip
    made.decoder = _decoder(state["model"]["type"])
    return made


def _renumbered(vocabulary: Any, words: Sequence[str]) -> Any:
    """Put the special tokens before the others, and the Chinese words behind."""
    if isinstance(vocabulary, Mapping):
        known = sorted(vocabulary.keys() - set(SPECIAL), key=vocabulary.__getitem__)
        tokens = dict.fromkeys([*NAMES.values(), *known, *words])
        return {token: i for i, token in enumerate(tokens)}
    pieces = sorted((piece for piece in vocabulary if piece[0] not in SPECIAL), key=lambda piece: (-piece[1], piece[0]))
    return [*([token, 0.0] for token in NAMES.values()), *pieces]


def _added(number: int, token: str, *, special: bool) -> dict[str, Any]:
    switches = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": token, **switches, "special": special}


def _decoder(model: str) -> Any:
    decoders = require("tokenizers.decoders", extra="neural")
    if model == "WordPiece":
        return decoders.WordPiece(cleanup=False)
    if model == "BPE":
        return decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    return decoders.Metaspace()
