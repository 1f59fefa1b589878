"""Where the token ids of a network's inputs stand in the text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fenlei.clean.control import replace_surrogates
from fenlei.features._types import I64
from fenlei.features.counted import CharVocabulary, TokenVocabulary
from fenlei.features.documents import cut, fold_table
from fenlei.features.inputs import BOTH, TokenInputs
from fenlei.features.vocabulary import UNK, Vocabulary

_WORD = re.compile(r"\S+")


def id_places(inputs: TokenInputs, document: str | list[str]) -> I64:
    """Tell which characters each id of ``inputs.transform([document])`` stands for.

    Parameters
    ----------
    inputs : TokenInputs
        Fitted.
    document : str or list of str
        A text; of a list of tokens the characters count from the first of the first to the last of the last.

    Returns
    -------
    array of shape (n_ids, 2)
        First character, and the one after the last.

    Examples
    --------
    >>> inputs = TokenInputs().fit(["好看 good"])
    >>> id_places(inputs, "good 好").tolist()
    [[0, 4], [4, 5], [5, 6]]
    """
    if inputs.unit == BOTH:
        solid = [i for i, char in enumerate("".join(document)) if not char.isspace()]
        return np.array([(i, i + 1) for i in solid], np.int64).reshape(-1, 2)
    (vocabulary,) = inputs.vocabularies_
    places = _places(vocabulary, document)
    if vocabulary.unknown == "skip":
        places = places[vocabulary._encode([document], skip=False).ids != UNK]
    return places


def _places(vocabulary: Vocabulary, document: Any) -> I64:
    """Place every token, whether it is known or not."""
    if isinstance(vocabulary, TokenVocabulary):
        tokens = cut([document], fold_table(lowercase=vocabulary.lowercase), boundaries=False)
        return np.stack([tokens.begins, tokens.ends], axis=1).astype(np.int64)
    if isinstance(vocabulary, CharVocabulary):
        return _char_places(document)
    tokenizer: Any = getattr(vocabulary, "tokenizer_")  # noqa: B009  (of subwords, its class needs tokenizers)
    found = tokenizer.encode(replace_surrogates(document), add_special_tokens=False)
    return np.array(found.offsets, np.int64).reshape(-1, 2)


def _char_places(text: str) -> I64:
    """Place each character; a run of white space between two is one."""
    places: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        if places:
            places.append((places[-1][1], word.start()))
        places += [(i, i + 1) for i in range(*word.span())]
    return np.array(places, np.int64).reshape(-1, 2)
