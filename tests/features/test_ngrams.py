from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenlei.exceptions import DataError, NotFittedError, SettingError
from fenlei.features import documents as sharing
from fenlei.features import ngrams as module
from fenlei.features.ngrams import NgramCounts

CHARACTERS = "abCé1 \t\n好看的，。.!'’-^$·<>😀\ud800\x00\u0301กİß\u3000"
TEXTS = st.lists(st.text(st.sampled_from(CHARACTERS), max_size=25), min_size=1, max_size=4)
TOKEN = st.sampled_from(["好看", "good", "a b", "x", "，", "don't", "", "\ud800", "İs"])
TOKENS = st.lists(st.lists(TOKEN, max_size=6), min_size=1, max_size=3)
SPANS = st.tuples(st.integers(1, 3), st.integers(0, 2)).map(lambda pair: (pair[0], sum(pair)))
REVIEWS = ["Don't go! 很差，very bad.", "好看 good", "", "very good, 很好看", "good"] * 7


@given(TEXTS, SPANS, st.none() | SPANS, st.booleans())
@settings(max_examples=150)
def test_counts_are_those_of_a_dictionary_of_strings(
    plain: Any, texts: list[str], span: tuple[int, int], char_span: tuple[int, int] | None, boundaries: bool
) -> None:
    slow = plain(span, char_span, boundaries)
    expected = slow.table([slow.of_text(text) for text in texts])
    _check(NgramCounts(ngrams=span, char_ngrams=char_span, boundaries=boundaries, min_df=1), texts, expected)


@given(TOKENS, SPANS, st.none() | SPANS, st.booleans())
@settings(max_examples=100)
def test_given_tokens_are_counted_as_they_are(
    plain: Any, documents: list[list[str]], span: tuple[int, int], char_span: tuple[int, int] | None, boundaries: bool
) -> None:
    slow = plain(span, char_span, boundaries)
    folded = [[_fold(token) for token in tokens] for tokens in documents]
    expected = slow.table([slow.of_tokens(tokens) for tokens in folded])
    counts = NgramCounts(ngrams=span, char_ngrams=char_span, boundaries=boundaries)
    _check(counts, documents, expected, spaced=True)


def test_given_tokens_are_the_same_columns_as_those_cut_here(plain: Any) -> None:
    texts = ["Don't go!很差，very bad.", "好看good", "", "very good,很好看", "good"]
    own = NgramCounts().fit(texts)
    given_tokens = [[gram.items[0] for gram in plain((1, 1), None, False).of_text(text)] for text in texts]
    other = NgramCounts().fit(given_tokens)
    np.testing.assert_array_equal(other.hashes_, own.hashes_)
    assert (own.transform(given_tokens) != own.transform(texts)).nnz == 0


def test_n_grams_are_spelled_as_a_reader_knows_them() -> None:
    tokens = NgramCounts(ngrams=(1, 2), char_ngrams=None).fit(["好看Good film!"])
    assert set(tokens.vocabulary_) == {
        "好", "看", "good", "film", "!", "^好", "好看", "看good", "good film", "film!", "!$"
    }  # fmt: skip
    parts = NgramCounts(ngrams=(1, 1), char_ngrams=(3, 3)).fit(["good 好看"])
    assert set(np.array(parts.vocabulary_)[parts.is_part_]) == {"go·", "·goo·", "·ood·", "·od"}
    cut = NgramCounts(ngrams=(2, 2), char_ngrams=None).fit([["好看", "的", "film"]])
    assert set(cut.vocabulary_) == {"^好看", "好看 的", "的 film", "film$"}


def test_the_order_of_tokens_counts() -> None:
    counts = NgramCounts(ngrams=(2, 3), char_ngrams=None, boundaries=False).fit(
        ["好看", "看好", "哈哈", "呵呵", "看看好"]
    )
    assert sorted(counts.vocabulary_) == ["呵呵", "哈哈", "好看", "看好", "看看", "看看好"]


def test_a_space_beside_an_unspaced_script_is_a_token() -> None:
    counts = NgramCounts(ngrams=(1, 1), char_ngrams=None)
    assert sorted(counts.fit([" 好 \t看 a b "]).vocabulary_) == [" ", "a", "b", "好", "看"]
    rows = counts.transform(["好 \t看 a b", "a b", "好看", " 好 "]).toarray()
    assert rows[:, counts.vocabulary_.index(" ")].tolist() == [2, 0, 0, 0]


def test_case_may_count() -> None:
    texts = ["Good GOOD good"]
    assert NgramCounts(ngrams=(1, 1), char_ngrams=None).fit(texts).vocabulary_ == ["good"]
    kept = NgramCounts(ngrams=(1, 1), char_ngrams=None, lowercase=False).fit(texts)
    assert sorted(kept.vocabulary_) == ["GOOD", "Good", "good"]


def test_unknown_n_grams_count_for_nothing() -> None:
    counts = NgramCounts(ngrams=(1, 1), char_ngrams=None).fit(["好看"])
    assert counts.transform(["坏", "", "好坏好"]).toarray().sum(axis=1).tolist() == [0, 0, 2]
    assert counts.transform([]).shape == (0, 2)


class TestSelection:
    texts = ("a b c", "a b", "a b", "a d")

    def fitted(self, **settings: Any) -> NgramCounts:
        return NgramCounts(ngrams=(1, 1), char_ngrams=None, **settings).fit(self.texts)

    def test_columns_stand_in_order_of_falling_document_counts(self) -> None:
        counts = self.fitted()
        assert counts.document_counts_.tolist() == [4, 3, 1, 1]
        assert counts.vocabulary_[:2] == ["a", "b"]
        assert counts.n_documents_ == 4
        assert counts.get_feature_names_out().tolist() == counts.vocabulary_

    def test_a_text_counts_once_however_often_it_says_the_same(self) -> None:
        counts = NgramCounts(ngrams=(1, 1), char_ngrams=None).fit(["好好好", "好"])
        assert counts.document_counts_.tolist() == [2]
        assert counts.transform(["好好好"]).toarray().tolist() == [[3.0]]

    @pytest.mark.parametrize(
        ("settings", "kept"),
        [
            ({"min_df": 2}, ["a", "b"]),
            ({"min_df": 0.75}, ["a", "b"]),
            ({"min_df": 0.76}, ["a"]),
            ({"min_df": 2, "max_df": 3}, ["b"]),
            ({"min_df": 2, "max_df": 0.75}, ["b"]),
            ({"max_features": 1}, ["a"]),
            ({"max_features": 2, "max_df": 3, "min_df": 3}, ["b"]),
        ],
    )
    def test_by_document_counts(self, settings: dict[str, Any], kept: list[str]) -> None:
        assert self.fitted(**settings).vocabulary_ == kept

    def test_rare_n_grams_are_dropped_from_a_thousand_texts_on(self) -> None:
        counts = NgramCounts(ngrams=(1, 1), char_ngrams=None)
        assert len(counts.fit(["a b"] + ["a"] * 998).vocabulary_) == 2
        assert counts.fit(["a b"] + ["a"] * 999).vocabulary_ == ["a"]

    def test_nothing_left_is_an_error(self) -> None:
        with pytest.raises(DataError, match="no n-gram stands in 5 to 4 of the 4 texts"):
            self.fitted(min_df=5)
        with pytest.raises(DataError):
            NgramCounts().fit(["", " \ud800"])


@pytest.mark.parametrize(
    "settings",
    [
        {"ngrams": (0, 2)}, {"ngrams": (3, 2)}, {"ngrams": 2}, {"ngrams": (1, 17)}, {"ngrams": (1.0, 2.0)}, {"ngrams":
        None}, {"char_ngrams": (0, 1)}, {"char_ngrams": "35"}, {"min_df": -1}, {"min_df": "2"}, {"max_df": 1.5},
        {"max_df": True}, {"max_features": 0}, {"max_features": -1}, {"max_features": 1.5},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_by_fit(settings: dict[str, Any]) -> None:
    counts = NgramCounts(**settings)
    with pytest.raises(SettingError, match=next(iter(settings))):
        counts.fit(["a b"])


@pytest.mark.parametrize("row", ["b", None, [None], ["b", 5], 5])
def test_a_row_that_is_no_list_of_tokens_is_named(row: Any) -> None:
    with pytest.raises(DataError, match="row 2: expected a list of tokens"):
        NgramCounts().fit([["a"], row])


def test_use_before_fit_is_refused() -> None:
    with pytest.raises(NotFittedError):
        NgramCounts().transform(["a"])
    with pytest.raises(NotFittedError):
        _ = NgramCounts().vocabulary_


@pytest.mark.parametrize(("block", "threads"), [(1, 1), (3, 2), (20_000, 3), (2, 7)])
def test_blocks_and_threads_change_nothing(block: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_threads(monkeypatch, 1)
    one, one_matrix = NgramCounts(), NgramCounts().fit_transform(REVIEWS)
    one.fit(REVIEWS)
    _use_threads(monkeypatch, threads)
    monkeypatch.setattr(sharing, "_FEWEST", 1)
    monkeypatch.setattr(sharing, "_MOST", block)
    many = NgramCounts()
    assert (many.fit_transform(REVIEWS) != one_matrix).nnz == 0
    assert many.vocabulary_ == one.vocabulary_
    for name in ("hashes_", "document_counts_", "is_part_"):
        np.testing.assert_array_equal(getattr(many, name), getattr(one, name))


def _use_threads(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    for place in (module, sharing):
        monkeypatch.setattr(place, "n_threads", lambda: threads)


class TestRestore:
    def arrays(self, counts: NgramCounts) -> dict[str, Any]:
        return {
            "hashes": counts.hashes_,
            "document_counts": counts.document_counts_,
            "is_part": counts.is_part_.astype(np.uint8),
            "n_documents": np.array([counts.n_documents_]),
        }

    def test_gives_back_what_was_learned(self) -> None:
        counts = NgramCounts().fit(REVIEWS)
        other = NgramCounts()
        other.restore(self.arrays(counts), json.dumps(counts.vocabulary_).encode())
        assert (other.transform(REVIEWS) != counts.transform(REVIEWS)).nnz == 0
        assert other.vocabulary_ == counts.vocabulary_
        assert other.n_documents_ == counts.n_documents_

    @pytest.mark.parametrize("name", ["hashes", "document_counts", "is_part", "n_documents"])
    @pytest.mark.parametrize("damage", [lambda array: array[1:], lambda array: array[:, None].astype(float)])
    def test_refuses_what_does_not_fit_together(self, name: str, damage: Any) -> None:
        arrays = self.arrays(NgramCounts().fit(REVIEWS))
        arrays[name] = damage(arrays[name])
        with pytest.raises(ValueError, match=r"fit the vocabulary|64-bit|one number"):
            NgramCounts().restore(arrays, b"[]")


def test_works_in_a_scikit_learn_pipeline() -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    pipeline = make_pipeline(NgramCounts(), LinearSVC())
    assert pipeline.fit(["很好", "好看", "很差", "难看"], [1, 1, 0, 0]).predict(["好", "差"]).tolist() == [1, 0]


def _fold(token: str) -> str:
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in token)


def _check(counts: NgramCounts, documents: Any, expected: dict[Any, list[int]], *, spaced: bool = False) -> None:
    if not expected:
        with pytest.raises(DataError):
            counts.fit(documents)
        return
    columns = counts.fit_transform(documents).toarray().astype(int).T.tolist()
    found = zip(counts.vocabulary_, counts.is_part_.tolist(), columns, counts.document_counts_.tolist(), strict=True)
    wanted = [(gram.spelled(spaced=spaced), gram.is_part, row, sum(map(bool, row))) for gram, row in expected.items()]
    assert sorted(found) == sorted(wanted)


def test_what_ends_an_emoji_does_not_begin_a_word() -> None:
    texts = ["\u2764\ufe0flove", "\u260e\ufe0f123 1\ufe0f\u20e3first"]
    found = NgramCounts(ngrams=(1, 1), char_ngrams=None).fit(texts).vocabulary_
    assert {"love", "123", "1", "first"} <= set(found)
    assert len(found) == 8
