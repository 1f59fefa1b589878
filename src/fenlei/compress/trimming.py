"""Vocabulary trimming: tokens that a corpus does not hold go, and their vectors with them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fenlei._checks import check_value
from fenlei._strict_json import dump
from fenlei.compress.copies import like, with_encoder
from fenlei.exceptions import SettingError
from fenlei.features.inputs import TokenInputs
from fenlei.features.vocabularies import read_vocabulary
from fenlei.features.vocabulary import FILE, SPECIAL, UNK, Vocabulary

if TYPE_CHECKING:
    from fenlei.base import TextClassifier
    from fenlei.engine.recipe import Run
    from fenlei.features.sequences import Sequences

_TOKENIZER = "tokenizer.json"
_ENCODERS = ("encoder", "fewshot", "probe")
_BY_WORD = ("embedding.parts", "embedding.part_bounds")  # follow from the words anew


def trim(
    model: TextClassifier, *, texts: Sequence[str] = (), run: Run | None = None, min_count: int = 1,
    characters: bool = True,
) -> TextClassifier:  # fmt: skip
    """Leave out the tokens that a corpus does not hold.

    Texts whose tokens are all kept get the scores that they got before. In others a token that is gone is read as
    smaller pieces where the vocabulary is of pieces of words, else as unknown.

    Parameters
    ----------
    model : TextClassifier
        Trained: an encoder, or a network with a vocabulary of its own. It stays as it is.
    texts : sequence of str
        The corpus: texts of the kind that will be scored.
    run : Run, optional
        Told how many tokens stay, and what share of the texts is read as before.
    min_count : int, default=1
        Times a token must stand in the corpus to stay.
    characters : bool, default=True
        Whether pieces of one character stay in any case, so that every word can still be spelled. Of no use where
        tokens are whole words or characters.

    Raises
    ------
    SettingError
        When the model has no vocabulary to trim, or there are no texts, or an option is out of its range.
    NotFittedError
        When the model is not trained.

    Examples
    --------
    >>> from fenlei.models.textcnn import TextCnnClassifier
    >>> texts = ["房间干净", "服务很好", "房间很脏", "服务太差"]
    >>> model = TextCnnClassifier(epochs=20, dim=16, filters=8).fit(texts, ["good", "good", "bad", "bad"])
    >>> small = trim(model, texts=["房间很好", "房间很脏"])
    >>> len(model.inputs_.tokens_), len(small.inputs_.tokens_)
    (13, 7)
    >>> bool((small.predict_proba(["房间很脏"]) == model.predict_proba(["房间很脏"])).all())
    True
    """
    check_value("min_count", min_count, least=1, whole=True)
    if not isinstance(characters, bool):
        raise SettingError(f"characters must be true or false; got {characters!r}")
    way = _way(model)
    model._check_fitted("network_")
    if not len(texts):
        raise SettingError("a vocabulary is trimmed to texts, and there are none; give some of those to be scored")
    trimmed, before, after, rows = way(model, list(texts), min_count, characters)
    if run is not None:
        total = len(getattr(model, "tokenizer_", None) or getattr(model, "inputs_").tokens_)  # noqa: B009
        run.message(
            f"{len(rows):,} of {total:,} tokens stay; {_share(before, after, rows):.2%} of the {len(texts):,} texts "
            f"are read as before, and some {_share_of_new(before):.2%} of others like them would be"
        )
    made: TextClassifier = trimmed
    return made


def _way(model: TextClassifier) -> Any:
    if model.family in _ENCODERS:
        return _trim_encoder
    if not hasattr(model, "network_settings"):
        raise SettingError(f"networks and encoders have a vocabulary to trim, and this is a {model.family}")
    if getattr(model, "ngrams", 1) > 1:
        raise SettingError(f"the n-grams of a {model.family} go by the ids of its tokens, which trimming changes")
    return _trim_network


def _trim_encoder(model: Any, texts: list[str], min_count: int, characters: bool) -> tuple[Any, ...]:
    from fenlei.encoders.smaller import with_tokens
    from fenlei.encoders.tokenizer import EncoderTokenizer
    from fenlei.encoders.trimmed_tokenizer import trim_tokenizer

    old = model.tokenizer_
    prepared = [model.prefix_ + text for text in model.prepare(texts)]
    before = old.encode(prepared)
    counts = np.bincount(before.ids, minlength=len(old))
    up_to_padding = range(old.pad_id + 1 if old.pad_id < len(old) // 2 else 0)  # some networks count places from its id
    seen = {*np.flatnonzero(counts >= min_count).tolist(), *up_to_padding, old.pad_id}
    found = trim_tokenizer(json.loads(old.to_bytes()), seen, characters=characters)
    trimmed = like(model)
    trimmed.tokenizer_ = EncoderTokenizer.from_bytes(dump(found.state), pad_id=found.rows.index(old.pad_id))
    trimmed.network_ = with_encoder(model, with_tokens(model.network_.encoder, found.rows))
    return trimmed, (before,), (trimmed.tokenizer_.encode(prepared),), found.rows


def _trim_network(model: Any, texts: list[str], min_count: int, characters: bool) -> tuple[Any, ...]:
    prepared = model.prepare(texts)
    before = model.inputs_.transform(prepared)
    ids = np.concatenate([channel.ids for channel in before])
    counts = np.bincount(ids, minlength=len(model.inputs_.tokens_))
    rows: list[int] = []
    vocabularies, begin = [], 0
    for vocabulary in model.inputs_.vocabularies_:
        own = np.flatnonzero(counts[begin : begin + len(vocabulary)] >= min_count).tolist()
        made, kept = _trimmed(vocabulary, {*range(len(SPECIAL)), *own}, characters)
        vocabularies.append(made)
        rows += [begin + row for row in kept]
        begin += len(vocabulary)
    trimmed = like(model)
    trimmed.inputs_ = TokenInputs(**model.inputs_.get_params())
    trimmed.inputs_.vocabularies_ = vocabularies
    trimmed.network_ = trimmed._empty_network(model.network_.config.dim).eval()
    _copy_weights(model.network_, trimmed.network_, rows)
    return trimmed, before, trimmed.inputs_.transform(prepared), rows


def _trimmed(vocabulary: Vocabulary, seen: set[int], characters: bool) -> tuple[Vocabulary, list[int]]:
    """Make the vocabulary of some tokens; give the ids that they had, too."""
    files = vocabulary.to_files()
    rows = sorted(seen)
    if _TOKENIZER in files:
        from fenlei.encoders.trimmed_tokenizer import trim_tokenizer

        found = trim_tokenizer(json.loads(files[_TOKENIZER]), seen, characters=characters)
        rows, files[_TOKENIZER] = found.rows, dump(found.state)
    if len(rows) <= len(SPECIAL):
        raise SettingError("the texts hold none of the model's tokens often enough; give texts of its language")
    counts = vocabulary.counts_[rows]
    counts[UNK] += vocabulary.counts_.sum() - counts.sum()
    content = json.loads(files[FILE])
    files[FILE] = dump(content | {"tokens": [vocabulary.tokens_[row] for row in rows], "counts": counts.tolist()})
    return read_vocabulary(files), rows


def _copy_weights(old: Any, new: Any, rows: list[int]) -> None:
    """Take over all weights; of those that have a row a token, the rows of the tokens that stay."""
    own = new.state_dict()
    weights = {
        name: own[name] if name in _BY_WORD else value if value.shape == own[name].shape else value[rows]
        for name, value in old.state_dict().items()
    }
    new.load_state_dict(weights)


def _share(before: Sequence[Sequences], after: Sequence[Sequences], rows: list[int]) -> float:
    """Share of the texts whose tokens are the same."""
    table = np.array(rows)
    same = np.ones(len(before[0]), bool)
    for old, new in zip(before, after, strict=True):
        same &= [np.array_equal(one, table[other]) for one, other in zip(old, new, strict=True)]
    return float(same.mean())


def _share_of_new(before: Sequence[Sequences]) -> float:
    """Estimate the share of new texts that are read as before, each text being new to all others.

    It is that of texts without a token that no other text holds (Good and Turing's estimate).
    """
    known = np.ones(len(before[0]), bool)
    for channel in before:
        known &= ~_has_lonely(channel)
    return float(known.mean())


def _has_lonely(channel: Sequences) -> NDArray[np.bool_]:
    """Whether each text has a token that stands in no other text."""
    texts = np.repeat(np.arange(len(channel)), channel.lengths)
    pairs = np.unique(np.stack([texts, channel.ids]), axis=1)
    lonely = np.bincount(pairs[1]) == 1 if pairs.size else np.zeros(0, bool)
    found = np.zeros(len(channel), bool)
    found[pairs[0][lonely[pairs[1]]]] = True
    return found
