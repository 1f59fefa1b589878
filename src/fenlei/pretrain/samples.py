"""What a pretrained network says: hidden words of held-out sentences filled in, or their beginnings continued."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.features._types import I64
from fenlei.features.spelling import spell
from fenlei.pretrain.corpus import PackedCorpus
from fenlei.pretrain.examples import Task
from fenlei.pretrain.networks import PlacedLanguageModel
from fenlei.pretrain.packing import Packed

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]{2}")
_ENDS = frozenset("。！？.!?；;")
_SHORTEST, _LONGEST = 8, 40  # tokens of a sentence
_OF_EACH, _FILLINGS, _CONTINUED = 3, 3, 12
_WHOLE = 3  # ends from which on there is a sentence that is surely whole
_LOOKED_AT = 500  # sequences
_BLANK = "[MASK]"
_SPACES = ("▁", "Ġ")  # how tokenizers write the space before a word


def show_fillings(
    network: PlacedLanguageModel, corpus: PackedCorpus, rows: I64, tokenizer: EncoderTokenizer, task: Task, seed: int
) -> list[dict[str, Any]]:
    """Hide a word in some sentences, Chinese and English where there are any, and let the network fill it in.

    Returns
    -------
    list of dict
        Of each sentence: ``text`` with the gap, ``hidden``, and ``fillings``, the three likeliest. Of a network for the
        next token: ``text``, a beginning, with what really follows as ``hidden`` and one filling.
    """
    rng = np.random.default_rng(seed)
    network.train(False)
    packed = corpus.select(rng.permutation(rows)[:_LOOKED_AT])
    show = _continued if task.mask is None else _filled
    return [show(network, sentence, tokenizer, task, rng) for sentence in _chosen(packed, tokenizer, task)]


class _Sentence:
    """Tokens of a sentence, and where its words begin and end."""

    def __init__(self, ids: I64, starts: I64, pieces: Sequence[str]) -> None:
        self.ids, self.pieces = ids, pieces
        self.words = [range(a, b) for a, b in zip(starts, [*starts[1:], len(ids)], strict=True)]


def _chosen(packed: Packed, tokenizer: EncoderTokenizer, task: Task) -> Iterator[_Sentence]:
    """Choose a few sentences of each script."""
    wanted = {_HAN: _OF_EACH, _LATIN: _OF_EACH}
    for sentence in _sentences(packed, tokenizer, task):
        text = "".join(sentence.pieces)
        script = _HAN if len(_HAN.findall(text)) * 2 > len(sentence.ids) else _LATIN
        if wanted[script] and len(script.findall(text)) * 3 > len(sentence.ids):
            wanted[script] -= 1
            yield sentence
        if not any(wanted.values()):
            return


def _sentences(packed: Packed, tokenizer: EncoderTokenizer, task: Task) -> Iterator[_Sentence]:
    """Cut sequences at special tokens and at marks that end sentences, and take one that is whole from each."""
    for ids, starts in zip(packed.ids.astype(np.int64), packed.starts, strict=True):
        pieces = tokenizer.tokens(ids)
        ends = [i + 1 for i, piece in enumerate(pieces) if task.fixed[ids[i]] or piece[-1:] in _ENDS]
        whole = pairwise(ends[1:-1] if len(ends) > _WHOLE else ends)
        for begin, end in whole:
            inside = np.arange(begin, end)[~task.fixed[ids[begin:end]]]
            if _SHORTEST <= len(inside) <= _LONGEST and tokenizer.unknown_id not in ids[inside]:
                begins = starts[inside].copy()
                begins[0] = True
                yield _Sentence(ids[inside], np.flatnonzero(begins), [pieces[i] for i in inside])
                break  # one of a sequence is enough


def _filled(
    network: PlacedLanguageModel, sentence: _Sentence, tokenizer: EncoderTokenizer, task: Task,
    rng: np.random.Generator,
) -> dict[str, Any]:  # fmt: skip
    words = [word for word in sentence.words if any(map(_says_something, sentence.pieces[word.start : word.stop]))]
    word = words[int(rng.integers(len(words)))] if words else sentence.words[0]
    hidden = sentence.ids.copy()
    hidden[word.start : word.stop] = task.mask or 0
    first = _scores(network, task, hidden, word.start)
    best = [_filling(network, task, hidden, word, int(token)) for token in first.topk(_FILLINGS).indices]
    gap = [*sentence.pieces[: word.start], *[_BLANK] * len(word), *sentence.pieces[word.stop :]]
    return {
        "text": written(gap),
        "hidden": written(sentence.pieces[word.start : word.stop]),
        "fillings": [written(tokenizer.tokens(filling)) for filling in best],
    }


def _filling(network: PlacedLanguageModel, task: Task, hidden: I64, word: range, first: int) -> list[int]:
    """Fill a gap from its first token on, each with what fits best to those before it."""
    ids = hidden.copy()
    ids[word.start] = first
    for place in word[1:]:
        ids[place] = int(_scores(network, task, ids, place).argmax())
    return ids[word.start : word.stop].tolist()


def _continued(
    network: PlacedLanguageModel, sentence: _Sentence, tokenizer: EncoderTokenizer, task: Task, rng: Any
) -> dict[str, Any]:
    known, most = len(sentence.ids) // 2, getattr(network.config, "max_position_embeddings", _LONGEST)
    ids = sentence.ids[:known].tolist()
    for _ in range(_CONTINUED):
        if len(ids) + len(task.frame.prefix) >= most:
            break
        ids.append(int(_scores(network, task, np.array(ids), len(ids) - 1, ends=False).argmax()))
        if task.fixed[ids[-1]]:
            break
    new = [i for i in ids[known:] if not task.fixed[i]]
    return {
        "text": written(sentence.pieces[:known]),
        "hidden": written(sentence.pieces[known:]),
        "fillings": [written(tokenizer.tokens(new))],
    }


@torch.no_grad()
def _scores(network: PlacedLanguageModel, task: Task, ids: I64, place: int, *, ends: bool = True) -> torch.Tensor:
    """Score the vocabulary at a place of a sentence that ends or may go on; in gaps special tokens come last."""
    prefix, suffix = task.frame.prefix, task.frame.suffix if ends else ()
    whole = torch.tensor([[*prefix, *ids.tolist(), *suffix]], device=network.device)
    at = torch.tensor([place + len(prefix)], device=network.device)
    scores: torch.Tensor = network(input_ids=whole, places=at).logits[0].float().cpu()
    if ends:
        scores[: len(task.fixed)].masked_fill_(torch.from_numpy(task.fixed), -torch.inf)
    scores[len(task.fixed) :] = -torch.inf  # rows of the network that the tokenizer has no token for
    return scores


def _says_something(piece: str) -> bool:
    return any(char.isalpha() for char in piece)


def written(pieces: Sequence[str]) -> str:
    """Write tokens as a reader would: Chinese joined, words of spaced scripts apart.

    Examples
    --------
    >>> written(["我", "们", "[MASK]", "看", "mov", "##ies", "today", "!"])
    '我们 [MASK] 看movies today!'
    >>> written(["▁going", "▁to", "▁the", "▁cine", "ma"])
    'going to the cinema'
    """
    pieces = [f" {piece} " if piece == _BLANK else piece for piece in pieces]
    marked = any(piece.startswith(_SPACES) for piece in pieces)
    text = "".join(pieces) if marked else spell(pieces, "wordpiece")
    for mark in _SPACES:
        text = text.replace(mark, " ")
    return " ".join(text.split())
