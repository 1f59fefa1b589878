"""Vocabularies by the unit of their tokens, as settings and saved models know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenlei.exceptions import ModelFolderError, UnknownNameError
from fenlei.features.counted import CharVocabulary, TokenVocabulary
from fenlei.features.subwords import BpeVocabulary, UnigramVocabulary, WordpieceVocabulary
from fenlei.features.vocabulary import FILE, Vocabulary, read_content

VOCABULARIES: dict[str, type[Vocabulary]] = {
    kind.unit: kind for kind in (BpeVocabulary, CharVocabulary, TokenVocabulary, UnigramVocabulary, WordpieceVocabulary)
}


def make_vocabulary(unit: str, **settings: Any) -> Vocabulary:
    """Make the vocabulary whose tokens are of this unit.

    Parameters
    ----------
    unit : {"bpe", "char", "token", "unigram", "wordpiece"}
    **settings
        ``lowercase``, ``min_count``, ``max_size`` and ``unknown``; see `Vocabulary`.

    Raises
    ------
    UnknownNameError
        When there is no such unit.
    SettingError
        When there is no such setting.

    Examples
    --------
    >>> make_vocabulary("char", max_size=5000)
    CharVocabulary(max_size=5000)
    >>> make_vocabulary("chr")
    Traceback (most recent call last):
    fenlei.exceptions.UnknownNameError: unknown unit 'chr'; did you mean 'char'? known: bpe, char, token, ...
    """
    if unit not in VOCABULARIES:
        raise UnknownNameError("unit", str(unit), VOCABULARIES)
    return VOCABULARIES[unit]().set_params(**settings)


def read_vocabulary(files: Mapping[str, bytes]) -> Vocabulary:
    """Make the vocabulary again that gave these files with `to_files`.

    Raises
    ------
    ModelFolderError
        When they are damaged; names the file.
    MissingExtraError
        When it is one of subwords and `tokenizers` is not installed.

    Examples
    --------
    >>> files = make_vocabulary("char").fit(["好看"]).to_files()
    >>> read_vocabulary(files).transform(["看"])[0].tolist()
    [3]
    """
    content = read_content(files)
    if content["unit"] not in VOCABULARIES:
        raise ModelFolderError(
            f"{FILE}: of the unknown unit {content['unit']!r}; load it with the fenlei that wrote it"
        )
    vocabulary = VOCABULARIES[content["unit"]]()
    vocabulary.restore(content, files)
    return vocabulary
