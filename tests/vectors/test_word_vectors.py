"""Look-up, neighbours and analogies on vectors made by hand."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

from fenlei.exceptions import DataError, FenleiError, SettingError
from fenlei.vectors.spelling import UnknownWordError, near_spellings
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

ROYAL = WordVectors(
    ["男人", "国王", "女人", "王后", "Apple", "apple", "nil"],
    [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [-2, 0, 0], [-1, -1, 0], [0, 0, 0]],
)


def words(neighbours):
    return [one.word for one in neighbours]


def test_nearest_by_the_cosine_and_never_the_word_itself():
    found = ROYAL.nearest("国王", top=3)
    assert words(found) == ["男人", "王后", "女人"]
    assert found[0].similarity == pytest.approx(math.sqrt(0.5))
    assert words(ROYAL.nearest("国王", top=100)) == ["男人", "王后", "女人", "nil", "apple", "Apple"]


def test_equals_come_in_the_order_of_the_tokens():
    vectors = WordVectors(list("abcde"), np.ones((5, 2)))
    assert words(vectors.nearest("c", top=2)) == ["a", "b"]


def test_a_vector_of_zeros_is_near_to_nothing():
    assert {one.similarity for one in ROYAL.nearest("nil")} == {0.0}


def test_lower_case_is_the_second_try():
    assert ROYAL["Apple"].tolist() == [-2, 0, 0]
    assert ROYAL["APPLE"].tolist() == [-1, -1, 0]
    assert "APPLE" not in ROYAL
    assert "Apple" in ROYAL


def test_rows_for_a_network():
    matrix, found = ROYAL.rows_of(["[PAD]", "女人", "APPLE", "新"])
    assert found.tolist() == [False, True, True, False]
    assert matrix.tolist() == [[0, 0, 0], [0, 1, 0], [-1, -1, 0], [0, 0, 0]]
    assert matrix.dtype == np.float32
    matrix[1] = 9
    assert ROYAL["女人"].tolist() == [0, 1, 0]
    empty, none = ROYAL.rows_of([])
    assert (empty.shape, none.shape) == ((0, 3), (0,))


def test_coverage():
    assert ROYAL.coverage(["国王", "新"]) == 0.5
    assert ROYAL.coverage(["国王", "新"], counts=[9, 1]) == 0.9
    assert ROYAL.coverage([]) == 0.0
    with pytest.raises(SettingError, match="expected 2 counts"):
        ROYAL.coverage(["a", "b"], counts=[1])


def test_unseen_words_are_composed():
    buckets = Subwords(np.random.default_rng(0).normal(size=(11, 3)).astype(np.float32), 2, 2)
    vectors = WordVectors(ROYAL.tokens, ROYAL.matrix, subwords=buckets)
    matrix, found = vectors.rows_of(["国王", "皇帝"])
    assert found.all()
    assert np.allclose(matrix[1], np.mean([composed(buckets, gram) for gram in ("<皇", "皇帝", "帝>")], axis=0))
    assert vectors.nearest("皇帝")


def composed(buckets, gram):
    """The hash of fastText, written down plainly: FNV-1a over signed bytes."""
    h = 2166136261
    for byte in gram.encode():
        h = ((h ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return buckets.matrix[h % len(buckets.matrix)]


def test_the_grams_are_those_of_gensim():
    inner = pytest.importorskip("gensim.models.fasttext_inner")
    buckets = Subwords(np.eye(31, dtype=np.float32), 1, 4)
    for word in ("好", "好看的电影", "don't", "é😀", "a"):
        vectors = np.zeros((1, 31), np.float32)
        count = buckets.add_to(vectors, [word])
        grams = inner.compute_ngrams_bytes(word, 1, 4)
        assert count[0] == len(grams)
        assert np.array_equal(vectors[0], np.bincount([inner.ft_hash_bytes(gram) % 31 for gram in grams], minlength=31))


def test_analogy():
    assert ROYAL.analogy("男人", "国王", "女人")[0].word == "王后"
    assert words(ROYAL.nearest_to_sum(["国王", "女人"], ["男人"], top=1)) == ["王后"]
    assert not set(words(ROYAL.analogy("男人", "国王", "女人", top=9))) & {"男人", "国王", "女人"}


def test_an_unknown_word_shows_the_nearest_spellings():
    with pytest.raises(UnknownWordError, match="unknown word 'Appel'; the nearest in spelling: Apple, apple"):
        ROYAL.nearest("Appel")
    with pytest.raises(LookupError, match=r"unknown word '电影'$"):
        ROYAL["电影"]
    with pytest.raises(FenleiError):
        ROYAL.analogy("男人", "国王", "")


def test_spellings_of_a_large_vocabulary():
    tokens = [f"token{number}" for number in range(20_000)] + ["喜欢", "不喜欢"]
    assert near_spellings("tokne77", tokens)[0] == "token77"
    assert near_spellings("喜爱", tokens) == ["喜欢"]
    assert near_spellings("厨房", tokens) == []
    assert near_spellings("很喜欢", tokens) == ["喜欢", "不喜欢"]


def test_the_error_travels_between_processes():
    error = UnknownWordError("word", "x", ["xy"])
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is UnknownWordError
        assert str(other) == str(error)


@pytest.mark.parametrize(
    ("tokens", "matrix", "message"),
    [
        (["a", "b"], [[1.0]], "expected a matrix of 2 rows"),
        (["a"], [1.0], "expected a matrix of 1 rows"),
        ([], np.empty((0, 3)), "got the shape"),
        (["a", "a"], [[1.0], [2.0]], "two vectors"),
    ],
)
def test_parts_that_do_not_fit(tokens, matrix, message):
    with pytest.raises((DataError, SettingError), match=message):
        WordVectors(tokens, matrix)
    with pytest.raises(SettingError, match="n-grams have 2 numbers"):
        WordVectors(["a"], [[1.0]], subwords=Subwords(np.ones((3, 2), np.float32), 3, 6))


@pytest.mark.parametrize("top", [0, -1, 2.5, "3"])
def test_top_is_a_positive_whole_number(top):
    with pytest.raises(SettingError, match="top"):
        ROYAL.nearest("国王", top=top)


def test_a_vector_of_another_length():
    with pytest.raises(SettingError, match="expected a vector of 3 numbers"):
        ROYAL.nearest_to_vector([1.0, 2.0])
