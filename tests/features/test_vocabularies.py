from __future__ import annotations

import pytest

from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.features.counted import CharVocabulary
from fenlei.features.vocabularies import VOCABULARIES, make_vocabulary


def test_a_vocabulary_goes_by_its_unit() -> None:
    assert sorted(VOCABULARIES) == ["bpe", "char", "token", "unigram", "wordpiece"]
    made = make_vocabulary("char", max_size=9)
    assert isinstance(made, CharVocabulary)
    assert made.get_params() == {"lowercase": True, "max_size": 9, "min_count": None, "unknown": "token"}


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownNameError, match="known: bpe, char, token, unigram, wordpiece"):
        make_vocabulary("sentence")
    with pytest.raises(SettingError, match="max_size"):
        make_vocabulary("char", max_sise=3)
