"""Tokenizers with fewer pieces, that cut those texts as before whose pieces are all kept.

A piece that no text was cut into can go without a trace: WordPiece takes the longest piece that fits, and Unigram the
likeliest cut, and both find the same as before. In BPE a piece grows by merges, so the pieces on its way stay, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fenlei.exceptions import SettingError

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")  # stands for a byte of a character that is no piece
_SPACE = "▁"
_INSIDE = "##"  # before what is inside a word


@dataclass(frozen=True)
class TrimmedTokenizer:
    """A tokenizer with fewer pieces.

    Attributes
    ----------
    state : dict
        Content of ``tokenizer.json``.
    rows : list of int
        The id that each piece had before, by its id now; rising but for special tokens outside the vocabulary, which
        come last.
    """

    state: dict[str, Any]
    rows: list[int]


def trim_tokenizer(
    state: Mapping[str, Any], seen: Iterable[int], *, characters: bool = True
) -> TrimmedTokenizer:  # fmt: skip
    """Leave out the pieces that are not needed.

    Special tokens, the unknown one, pieces that stand for bytes, and what BPE makes the seen pieces of stay always.

    Parameters
    ----------
    state : mapping
        Content of ``tokenizer.json``; stays as it is.
    seen : iterable of int
        Ids of pieces that texts are cut into.
    characters : bool, default=True
        Whether all pieces of one character stay, so that any word can still be spelled.

    Raises
    ------
    SettingError
        When the tokenizer is of another kind than WordPiece, Unigram, BPE or whole words.
    """
    model = state["model"]
    ids = _ids(model)
    added = {int(token["id"]) for token in state["added_tokens"]}
    kept = {*seen, *added, *_around(state.get("post_processor")), *_needed(model, ids)}
    if characters or _is_of_bytes(state):
        kept |= {i for piece, i in ids.items() if len(_bare(piece, model)) <= 1}
    kept |= {i for piece, i in ids.items() if _BYTE.fullmatch(piece)}
    names = {i: piece for piece, i in ids.items()}
    kept |= _made_on_the_way(model, ids, [names[i] for i in kept if i in names])
    rows = sorted(i for i in kept if i in names) + sorted(added - names.keys())
    return TrimmedTokenizer(_renumbered(state, names, {old: new for new, old in enumerate(rows)}), rows)


def _ids(model: Mapping[str, Any]) -> dict[str, int]:
    if model.get("type") not in ("WordPiece", "Unigram", "BPE", "WordLevel"):
        raise SettingError(f"a tokenizer of the kind {model.get('type')!r} cannot be trimmed")
    vocabulary = model["vocab"]
    if isinstance(vocabulary, Mapping):
        return dict(vocabulary)
    return {piece: i for i, (piece, _) in enumerate(vocabulary)}


def _needed(model: Mapping[str, Any], ids: Mapping[str, int]) -> set[int]:
    """Find the unknown token; of Unigram the least likely piece, too, by which unknown characters are weighed."""
    if model["type"] != "Unigram":
        return {i for piece, i in ids.items() if piece == model.get("unk_token")}
    scores = [score for _, score in model["vocab"]]
    needed = {scores.index(min(scores))}
    return needed if model.get("unk_id") is None else needed | {int(model["unk_id"])}


def _is_of_bytes(state: Mapping[str, Any]) -> bool:
    """Whether a character of a piece is a byte of the text, of which none may be missing."""
    return any('"ByteLevel"' in str(state.get(part)).replace("'", '"') for part in ("pre_tokenizer", "normalizer"))


def _bare(piece: str, model: Mapping[str, Any]) -> str:
    """Take off what marks the beginning, the inside or the end of a word."""
    inside = model.get("continuing_subword_prefix") or (_INSIDE if model["type"] == "WordPiece" else "")
    end = model.get("end_of_word_suffix") or ""
    bare = piece.removeprefix(inside) if len(piece) > len(inside) else piece
    bare = bare.removesuffix(end) if len(bare) > len(end) else bare
    return bare.removeprefix(_SPACE)


def _made_on_the_way(model: Mapping[str, Any], ids: Mapping[str, int], pieces: list[str]) -> set[int]:
    """Ids of all that BPE merges into these pieces, step by step."""
    if model["type"] != "BPE":
        return set()
    ranks = {pair: rank for rank, pair in enumerate(map(_pair, model["merges"]))}
    prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
    found: set[str] = set()
    for piece in pieces:
        parts = _letters(piece, prefix, suffix)
        found.update(parts)
        while len(parts) > 1:
            rank, at = min((ranks.get(pair, len(ranks)), i) for i, pair in enumerate(pairwise(parts)))
            if rank == len(ranks):
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1].removeprefix(prefix)]
            found.add(parts[at])
    return {ids[piece] for piece in found if piece in ids}


def _letters(piece: str, prefix: str, suffix: str) -> list[str]:
    """Give what the merges of a piece begin with."""
    begins = prefix and piece.startswith(prefix)
    bare = piece.removeprefix(prefix) if begins else piece
    ends = suffix and bare.endswith(suffix)
    letters = list(bare.removesuffix(suffix) if ends else bare)
    letters = [letter if i == 0 and not begins else prefix + letter for i, letter in enumerate(letters)]
    return [*letters[:-1], letters[-1] + suffix] if ends and letters else letters


def _pair(merge: Any) -> tuple[str, str]:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right


def _renumbered(state: Mapping[str, Any], names: Mapping[int, str], new: Mapping[int, int]) -> dict[str, Any]:
    model = dict(state["model"])
    if isinstance(model["vocab"], Mapping):
        model["vocab"] = {names[old]: i for old, i in new.items() if old in names}
    else:
        model["vocab"] = [model["vocab"][old] for old in new if old in names]
    if model.get("unk_id") is not None:
        model["unk_id"] = new[model["unk_id"]]
    if model["type"] == "BPE":
        prefix = model.get("continuing_subword_prefix") or ""
        model["merges"] = [merge for merge in model["merges"] if _stays(_pair(merge), model["vocab"], prefix)]
    padding = state.get("padding")
    return {
        **state,
        "model": model,
        "added_tokens": [
            {**token, "id": new[token["id"]]} for token in sorted(state["added_tokens"], key=lambda one: new[one["id"]])
        ],
        "post_processor": _put(state.get("post_processor"), new),
        "padding": None if padding is None else {**padding, "pad_id": new[padding["pad_id"]]},
        "truncation": None,
    }


def _stays(pair: tuple[str, str], vocabulary: Mapping[str, int], prefix: str) -> bool:
    left, right = pair
    return left in vocabulary and right in vocabulary and left + right.removeprefix(prefix) in vocabulary


def _around(processor: Any) -> set[int]:
    """Ids of the tokens that are put around a text."""
    if processor is None:
        return set()
    found = {i for one in processor.get("special_tokens", {}).values() for i in one["ids"]}
    found |= {processor[name][1] for name in ("cls", "sep") if name in processor}
    return found.union(*(_around(one) for one in processor.get("processors", ())))


def _put(processor: Any, new: Mapping[int, int]) -> Any:
    """Give the tokens around a text their new ids."""
    if processor is None:
        return None
    changed = dict(processor)
    if "special_tokens" in processor:
        special = processor["special_tokens"].items()
        changed["special_tokens"] = {name: {**one, "ids": [new[i] for i in one["ids"]]} for name, one in special}
    changed |= {name: [processor[name][0], new[processor[name][1]]] for name in ("cls", "sep") if name in processor}
    if "processors" in processor:
        changed["processors"] = [_put(one, new) for one in processor["processors"]]
    return changed
