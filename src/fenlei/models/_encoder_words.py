"""The words that a pretrained encoder knows, and the rows of its input embedding: what a network may begin with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fenlei.encoders.load import load_encoder
from fenlei.exceptions import ModelFolderError
from fenlei.features.pieces import words_of
from fenlei.vectors.word_vectors import WordVectors

if TYPE_CHECKING:
    from collections.abc import Callable


def encoder_words(folder: str, *, message: Callable[[str], None] = lambda text: None) -> WordVectors:
    """Take the vectors with which an encoder begins, one for each token that is a word, a character or a mark.

    Special tokens and pieces that go on with a word are left out.

    Parameters
    ----------
    folder : str
        In Hugging Face layout.
    message : callable
        Told of weights that are missing.

    Raises
    ------
    ModelFolderError
        When it is no sound checkpoint, or no token of it is a word.
    """
    loaded = load_encoder(folder, message=message)
    tokenizer = loaded.tokenizer
    hidden = tokenizer.special_ids | {tokenizer.pad_id, tokenizer.unknown_id}
    names = ["" if i in hidden else token for i, token in enumerate(tokenizer.tokens(range(len(tokenizer))))]
    found = words_of(names)
    if not found:
        raise ModelFolderError(f"{folder}: no token of its tokenizer is a word, so it has no word vectors")
    rows: Any = loaded.network.get_input_embeddings().weight
    return WordVectors(list(found), rows.detach().numpy()[list(found.values())])
