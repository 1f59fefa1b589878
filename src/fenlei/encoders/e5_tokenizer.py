"""The tokenizer of multilingual-e5-small with the pieces that Chinese and English texts need.

Of its 250,002 pieces those are kept that are one character, of any script, so that no character becomes unknown; and
those made of Chinese characters, ASCII, the "é" of English loan words, punctuation, symbols and emoji alone. Which
words are English cannot be told from the letters: pieces of other languages in ASCII stay. A text whose pieces are all
kept is cut as the whole tokenizer cuts it.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fenlei.encoders.e5_file import E5File

BEGIN, PAD, END, UNKNOWN, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"
_SPACE = "▁"
_KEPT = re.compile(
    r"[▁ -~é"
    r"\u0080-\u00bf×÷"  # symbols of Latin-1; control characters, which stand for quotes in badly converted texts
    r"\u2000-\u2bff\u3000-\u303f\ufe0f\uff00-\uff65\uffe0-\uffef\U0001f000-\U0001faff"  # punctuation, symbols, emoji
    r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]*"  # Chinese characters
)
_TILDE, _STAND_IN = "～", "\ue000"  # NFKC would make it "~", but the model knows it as it is


def kept_pieces(pieces: list[str]) -> NDArray[np.int64]:
    """Places of the pieces that are kept, rising; the special tokens are always among them.

    Examples
    --------
    >>> kept_pieces(["<s>", "▁好看", "▁good", "▁хорошо", "х", "い", "いい", "▁café", "<mask>"]).tolist()
    [0, 1, 2, 4, 5, 7, 8]
    """
    return np.array([i for i, piece in enumerate(pieces) if _is_kept(piece)], np.int64)


def tokenizer_json(file: E5File, kept: NDArray[np.int64]) -> dict[str, Any]:
    """Give the content of ``tokenizer.json``, with the kept pieces in their order."""
    pieces = [file.pieces[i] for i in kept]
    ids = {piece: i for i, piece in enumerate(pieces)}
    special = [_special(name, ids[name]) for name in (BEGIN, PAD, END, UNKNOWN, MASK)]
    marks = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in (BEGIN, END)}
    around = [_mark(BEGIN), _text("A"), _mark(END)]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Sequence", "normalizers": _normalizers()},
        "pre_tokenizer": _metaspace(),
        "post_processor": {
            "type": "TemplateProcessing",
            "single": around,
            "pair": [*around, _mark(END), _text("B"), _mark(END)],
            "special_tokens": marks,
        },
        "decoder": _metaspace(),
        "model": {
            "type": "Unigram",
            "unk_id": ids[UNKNOWN],
            "vocab": [[piece, float(score)] for piece, score in zip(pieces, file.scores[kept], strict=True)],
            "byte_fallback": False,
        },
    }


def tokenizer_settings(positions: int) -> dict[str, Any]:
    """Give the content of ``tokenizer_config.json``."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": positions,
        "bos_token": BEGIN,
        "cls_token": BEGIN,
        "eos_token": END,
        "sep_token": END,
        "pad_token": PAD,
        "unk_token": UNKNOWN,
        "mask_token": MASK,
    }


def _is_kept(piece: str) -> bool:
    return len(piece.removeprefix(_SPACE)) <= 1 or _KEPT.fullmatch(piece) is not None


def _normalizers() -> list[dict[str, Any]]:
    return [
        {"type": "Replace", "pattern": {"String": _TILDE}, "content": _STAND_IN},
        {"type": "Nmt"},
        {"type": "NFKC"},
        {"type": "Replace", "pattern": {"String": _STAND_IN}, "content": _TILDE},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    ]


def _metaspace() -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": _SPACE, "prepend_scheme": "always", "split": True}


def _special(name: str, i: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": i, "content": name, **flags}


def _mark(name: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": name, "type_id": 0}}


def _text(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
