from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from fenlei.exceptions import SettingError
from fenlei.features.tfidf import TfidfFeatures

TEXTS = [
    "好看，非常好看！", "不好看", "a good, good film", "Not a good film :(", "", "   ", "好看 good",
    "don't don't don't", "😀😀 é",
]  # fmt: skip
NEW_TEXTS = ["好看的 film", "", "unknown 词语", "good good good", "\ud800", ""]


@pytest.mark.parametrize("char_ngrams", [None, (3, 5)])
@pytest.mark.parametrize("tf", ["log", "count", "binary"])
@pytest.mark.parametrize("idf", [True, False])
def test_equals_scikit_learn_over_the_same_n_grams(plain: Any, char_ngrams: Any, tf: str, idf: bool) -> None:
    grams = plain((1, 3), char_ngrams)
    theirs = TfidfVectorizer(analyzer=grams.of_text, sublinear_tf=tf == "log", binary=tf == "binary", use_idf=idf)
    ours = TfidfFeatures(char_ngrams=char_ngrams, tf=tf, idf=idf, char_weight=1.0)
    expected = theirs.fit_transform(TEXTS)
    found = ours.fit_transform(TEXTS)
    columns = _columns(theirs, ours)
    np.testing.assert_allclose(found.toarray()[:, columns], expected.toarray(), atol=1e-6)
    np.testing.assert_allclose(
        ours.transform(NEW_TEXTS).toarray()[:, columns], theirs.transform(NEW_TEXTS).toarray(), atol=1e-6
    )


def test_parts_of_words_weigh_less() -> None:
    half, whole = (TfidfFeatures(char_weight=weight, norm=False).fit(TEXTS) for weight in (0.5, 1.0))
    ratio = half.factors() / whole.factors()
    np.testing.assert_allclose(ratio, np.where(half.is_part_, 0.5, 1.0))
    assert 0 < half.is_part_.sum() < half.n_features_


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[::-1], NEW_TEXTS, NEW_TEXTS[::-1], [""], ["", "好看"], ["好看", ""]])
def test_rows_have_norm_one_wherever_empty_texts_stand(texts: list[str]) -> None:
    features = TfidfFeatures().fit(TEXTS)
    rows = features.transform(texts).toarray()
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), rows.any(axis=1), atol=1e-6)


def test_no_norm_leaves_the_plain_weights() -> None:
    features = TfidfFeatures(ngrams=(1, 1), char_ngrams=None, norm=False, min_df=2)
    found = features.fit_transform(["好好好", "好"]).toarray()
    np.testing.assert_allclose(found, [[1 + np.log(3)], [1]], rtol=1e-6)  # ln((1 + 2) / (1 + 2)) is 0


def test_an_unknown_function_of_the_count_is_refused() -> None:
    with pytest.raises(SettingError, match="tf must be 'log', 'count' or 'binary'; got 'sqrt'"):
        TfidfFeatures(tf="sqrt").fit(TEXTS)


def _columns(theirs: Any, ours: TfidfFeatures) -> list[int]:
    """Our column of each of theirs; no two n-grams of these texts are spelled alike."""
    place = {key: i for i, key in enumerate(zip(ours.vocabulary_, ours.is_part_.tolist(), strict=True))}
    assert len(place) == ours.n_features_ == len(theirs.vocabulary_)
    grams = sorted(theirs.vocabulary_, key=theirs.vocabulary_.get)
    return [place[gram.spelled(), gram.is_part] for gram in grams]
