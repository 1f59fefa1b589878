"""Files of word vectors: ours, gensim's and fastText's, whole and damaged."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from fenlei.exceptions import DataError, FenleiError, UnknownNameError
from fenlei.vectors import fasttext_format
from fenlei.vectors.formats import check_target, load_vectors, save_vectors
from fenlei.vectors.subwords import Subwords
from fenlei.vectors.word_vectors import WordVectors

NAMES = ["v.safetensors", "v.vec", "v.txt", "v.bin", "v.vec.gz", "v.bin.gz"]


def same(found, vectors):
    assert found.tokens == vectors.tokens
    assert found.matrix.dtype == np.float32
    assert np.array_equal(found.matrix, vectors.matrix)


def write(folder, content, name="v.txt"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read(vectors, tmp_path, name):
    same(load_vectors(save_vectors(vectors, tmp_path / name)), vectors)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    first = (tmp_path / name).read_bytes()
    save_vectors(vectors, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first


@pytest.mark.parametrize("form", ["safetensors", "word2vec", "word2vec-binary", "glove"])
def test_the_format_is_found_by_content(vectors, tmp_path, form):
    same(load_vectors(save_vectors(vectors, tmp_path / "vectors.dat", format=form)), vectors)


def test_every_detail_survives_in_our_own(tmp_path):
    buckets = Subwords(np.arange(12, dtype=np.float32).reshape(6, 2), 2, 3)
    tokens = ["New York", "\ud800", "", "a\nb\x00", "好"]
    vectors = WordVectors(tokens, np.ones((5, 2)), info={"method": "x", "losses": [0.5]}, subwords=buckets)
    found = load_vectors(save_vectors(vectors, tmp_path / "v.safetensors"))
    same(found, vectors)
    assert found.info == vectors.info
    assert (found.subwords.min_n, found.subwords.max_n) == (2, 3)
    assert np.array_equal(found.subwords.matrix, buckets.matrix)


@pytest.mark.parametrize("name", NAMES)
def test_only_some_rows(tmp_path, name):
    tokens = [f"w{number}" for number in range(500)]
    vectors = WordVectors(tokens, np.random.default_rng(1).normal(size=(500, 3)))
    found = load_vectors(save_vectors(vectors, tmp_path / name), only={"W7", "w490", "other"})
    assert found.tokens == ["w7", "w490"]
    assert np.array_equal(found.matrix, vectors.matrix[[7, 490]])
    with pytest.raises(DataError, match="none of the tokens"):
        load_vectors(tmp_path / name, only={"other"})


def test_only_composes_what_is_missing(tmp_path):
    buckets = Subwords(np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32), 1, 3)
    vectors = WordVectors(["好看", "film"], np.ones((2, 4)), subwords=buckets)
    found = load_vectors(save_vectors(vectors, tmp_path / "v.safetensors"), only={"Film", "好听"})
    assert found.subwords is None
    assert set(found.tokens) == {"film", "好听"}
    assert np.allclose(found["好听"], vectors["好听"])


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_ours_and_we_read_gensims(vectors, tmp_path, binary):
    keyed = pytest.importorskip("gensim.models.keyedvectors").KeyedVectors
    path = tmp_path / ("v.bin" if binary else "v.vec")
    save_vectors(vectors, path)
    read = keyed.load_word2vec_format(str(path), binary=binary)
    assert read.index_to_key == vectors.tokens
    assert np.array_equal(read.vectors, vectors.matrix)
    theirs = tmp_path / "theirs"
    read.save_word2vec_format(str(theirs), binary=binary)
    same(load_vectors(theirs), vectors)


def test_glove_is_the_same_without_the_first_line(vectors, tmp_path):
    glove, other = (save_vectors(vectors, tmp_path / form, format=form) for form in ("glove", "word2vec"))
    assert glove.read_bytes() == other.read_bytes().partition(b"\n")[2]


@pytest.mark.parametrize(("min_n", "max_n"), [(3, 6), (1, 3)])
def test_a_model_of_fasttext(tmp_path, min_n, max_n):
    """gensim writes the layout of fastText's own program, and reads it."""
    fasttext = pytest.importorskip("gensim.models.fasttext")
    texts = [["我", "喜欢", "看电影"], ["films", "and", "</s>", "books"]] * 5
    model = fasttext.FastText(
        texts, vector_size=6, min_count=1, bucket=97, min_n=min_n, max_n=max_n, epochs=1, workers=1
    )
    path = tmp_path / "model.bin"
    fasttext.save_facebook_model(model, str(path))
    theirs = fasttext.load_facebook_vectors(str(path))
    ours = load_vectors(path)
    assert ours.tokens == theirs.index_to_key
    for word in ["我", "看电影", "books", "看电视", "filming", "新"]:
        assert np.allclose(ours[word], theirs[word], atol=1e-6), word
    row = theirs.vectors_vocab[theirs.key_to_index["</s>"]]
    assert np.allclose(ours["</s>"], row)  # fastText's program gives it no n-grams
    some = load_vectors(path, only={"books", "filming"})
    assert (set(some.tokens), some.subwords) == ({"books", "filming"}, None)
    assert np.allclose(some["filming"], ours["filming"])
    whole = path.read_bytes()
    for size in (9, 70, 120, len(whole) // 4):
        with pytest.raises(DataError, match="truncated or damaged"):
            load_vectors(write(tmp_path, whole[:size], "cut.bin"))
    with pytest.raises(DataError, match="truncated or damaged"):
        load_vectors(write(tmp_path, whole[:64] + struct.pack("<3i", 2**31 - 1, 2**31 - 1, 0) + whole[76:], "cut.bin"))
    quantised = whole.replace(
        b"\x00" + struct.pack("<2q", 97 + len(ours), 6), b"\x01" + struct.pack("<2q", 97 + len(ours), 6)
    )
    with pytest.raises(DataError, match="quantised"):
        load_vectors(write(tmp_path, quantised, "q.ftz"))


@pytest.mark.parametrize(
    ("content", "tokens", "numbers"),
    [
        ("a 1 2\nb -3 4e-1\n", ["a", "b"], [[1, 2], [-3, 0.4]]),
        ("a 1 2\r\nb 3 4\r\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("2 2\na 1 2 \nb 3 4 ", ["a", "b"], [[1, 2], [3, 4]]),
        ("a\t1\t2\nb\t3\t4\n\n\n", ["a", "b"], [[1, 2], [3, 4]]),
        ("\ufeffa +1 2.\nb .5 1E2\n", ["a", "b"], [[1, 2], [0.5, 100]]),
        (". . . 1 2\nat me@x.org 3 4\nb 5 6\n", [". . .", "at me@x.org", "b"], [[1, 2], [3, 4], [5, 6]]),
        ("2 2\niPhone 6 1 2\n7 3 4\n", ["iPhone 6", "7"], [[1, 2], [3, 4]]),
        ("\u3000 1 2\nb 3 4\n", ["\u3000", "b"], [[1, 2], [3, 4]]),
        ("a 0.00000000000000000000012345678901234567890123 123456789012345678901234567890\n", ["a"],
         [[1.2345678901e-22, 1.2345678901e29]]),
        ("a 1e-60 -0\n", ["a"], [[0, 0]]),
        ("1 1\na 5", ["a"], [[5]]),
    ],
)  # fmt: skip
def test_text_that_is_fine(tmp_path, content, tokens, numbers):
    found = load_vectors(write(tmp_path, content))
    assert found.tokens == tokens
    assert np.allclose(found.matrix, numbers, rtol=1e-6, atol=0)
    assert not found.warnings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 2\nb 3 4\nc 5\n", "row 3: has 1 numbers, not 2"),
        ("a 1 2\nb 3 4\nc 5 6 7.5\n", "row 3: has 3 numbers, not 2"),
        ("2 3\na 1 2\nb 3 4\n", "row 2: has 2 numbers, not 3"),
        ("a 1 2\nb 3 x\nc 5 6\nd 1 1\n", "row 2: the vector of 'b' has something"),
        ("a 1 2\nb 3 nan\n", "row 2: the vector of 'b' has something that is not a finite number"),
        ("a 1 2\nb 3 1e40\n", "row 2"),
        ("a 1 2\nb 3 1e\n", "row 2"),
        ("a 1 2\nb 3 1.2.3\n", "row 2"),
        ("a 1 2\nb 3 -\n", "row 2"),
        ("3 2\na 1 2\nb 3 4\n", "the first line says 3 vectors, there are 2"),
        ("1 2\na 1 2\nb 3 4\n", "the first line says 1 vectors, there are 2"),
        ("0 5\n", "no vectors in it"),
        ("5 0\na\n", "0 numbers"),
        ("9 999999999999999\na 1\n", "999,999,999,999,999 numbers"),
        ("hello\n", "no line has a token and numbers"),
        ("\n\n", "no line has a token"),
        ("0.1 0.2\n 1 2\n", "row 2"),
        ("", "is empty"),
        (b"PK\x03\x04zip", "zip archive; unpack"),
        (pickle.dumps({}), "a pickle"),
        (gzip.compress(b"a 1 2\n")[:-9], "gzip"),
        (gzip.compress(b"a 1 2\nb 1\n"), "row 2"),
        (gzip.compress(fasttext_format.MARK + bytes(100)), "a model of fastText, packed with gzip; unpack it first"),
        (gzip.compress(save({"x": np.ones(3)})), "a file of safetensors, packed with gzip; unpack it first"),
        (save({"x": np.ones(3)}), "not of word vectors"),
        (b"2 1\nabc\x00\x01" + b"x" * 20_000, "no token"),
        (b"2 2\na \x00\x00\x80\x3f\x00\x00\x80\x3fb \x00\x00\x80\x3f\x00\x00", "ends behind 1"),
        (b"1 1\na \x00\x00\xc0\x7f", "'a' has something that is not a finite number"),
        (b"1 1\na \x00\x00\x80\x3f\nb \x00\x00\x80\x3f", "goes on behind"),
        (b"99999999999999999 300\na \x00\x00\x80\x3f", "ends behind 0"),
        ("好 1 2\n差 3 4\n".encode("gb18030"), "not UTF-8; convert the file first"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # packed bytes hold the second they were made in
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(DataError) as caught:
        load_vectors(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_repeated_and_damaged_tokens_are_told(tmp_path):
    rows = b"".join(b"w%d 1 2\n" % number for number in range(200))
    found = load_vectors(write(tmp_path, rows + b"w5 9 9\n\xff\xfe 1 2\n"))
    assert len(found) == 200
    assert found["w5"].tolist() == [1, 2]
    assert [warning.split(": ")[1] for warning in found.warnings] == [
        "1 tokens come again; the first vector of each is used",
        "1 tokens are not UTF-8 and were left out",
    ]


def test_a_damaged_file_of_our_own(vectors, tmp_path):
    path = save_vectors(vectors, tmp_path / "v.safetensors")
    whole = path.read_bytes()
    for content in (whole[:-3], whole.replace(b'\\"schema\\":1', b'\\"schema\\":9'), whole.replace(b"F32", b"I32")):
        with pytest.raises(DataError):
            load_vectors(write(tmp_path, content, "w.safetensors"))


@pytest.mark.parametrize(
    ("min_n", "matrix"),
    [(1, np.ones((5, 3))), (1, np.ones((5, 2))), (1, np.ones(5)), ("1", np.ones((5, 3))), (1, np.full((5, 3), np.nan))],
)
def test_buckets_that_do_not_fit(tmp_path, min_n, matrix):
    """The compiled loops check no bounds, so the reader must."""
    kind = np.float64 if matrix.shape == (5, 3) and min_n == 1 and np.isfinite(matrix).all() else np.float32
    tensors = {
        "matrix": np.ones((1, 3), np.float32),
        "tokens": np.frombuffer(b"a", np.uint8),
        "token_ends": np.array([1]),
        "subwords": matrix.astype(kind),
    }
    about = json.dumps({"schema": 1, "info": {}, "min_n": min_n, "max_n": 2})
    path = write(tmp_path, save(tensors, {"fenlei": about}))
    for only in (None, {"b"}):
        with pytest.raises(DataError, match="damaged"):
            load_vectors(path, only=only)


@pytest.mark.parametrize("name", ["nothing", "a\x00b", "x" * 5000, "."])
def test_no_such_file(tmp_path, name):
    with pytest.raises(DataError):
        load_vectors(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="not a file of word vectors"):
        load_vectors(tmp_path / "pipe")


@pytest.mark.parametrize("token", ["New York", "a\n", "", "\ud800", "\u3000"])
@pytest.mark.parametrize("form", ["word2vec", "word2vec-binary", "glove"])
def test_tokens_that_a_line_cannot_hold(tmp_path, token, form):
    with pytest.raises(DataError, match="safetensors, which takes any token"):
        save_vectors(WordVectors(["a", token], np.ones((2, 2))), tmp_path / "v", format=form)
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written(tmp_path):
    for name in ("v.csv", "no/folder.vec", ".", "v.safetensors.gz", "a\x00.vec"):
        with pytest.raises(DataError):
            check_target(tmp_path / name)
    with pytest.raises(UnknownNameError, match="glove"):
        check_target(tmp_path / "v", "golve")


PIECES = st.lists(
    st.sampled_from(
        [
            *(b"1 2\n", b"2 2\n", b"a", b" ", b"\n", b"1", b"-0.5 ", b"nan ", b"\x00", b"\xff", b"e5", b".", b"\r\n"),
            *("好".encode(), b"\x1f\x8b", b"\xba\x16\x4f\x2f", b"\x10" + bytes(7) + b"{", b"\x00\x00\x80\x3f"),
        ]
    ),
    max_size=30,
)


@settings(max_examples=300)
@given(content=st.one_of(st.binary(max_size=200), PIECES.map(b"".join)))
def test_any_bytes_give_vectors_or_a_clear_error(tmp_path_factory, content):
    path = write(tmp_path_factory.getbasetemp(), content, "any.bin")
    for only in (None, {"a", "1"}):
        try:
            found = load_vectors(path, only=only)
        except FenleiError as error:
            assert str(path) in str(error)
        else:
            assert np.isfinite(found.matrix).all() and len(found)


@given(
    tokens=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=5, unique=True),
    number=st.floats(width=32, allow_nan=False, allow_infinity=False),
    form=st.sampled_from(["safetensors", "word2vec", "word2vec-binary", "glove"]),
)
def test_any_vectors_come_back_or_are_refused(tmp_path_factory, tokens, number, form):
    vectors = WordVectors(tokens, np.tile(np.float32([number, 0.1, -1 / 3]), (len(tokens), 1)))
    path = tmp_path_factory.getbasetemp() / "round"
    try:
        save_vectors(vectors, path, format=form)
    except DataError:
        return
    found = load_vectors(path)
    assert np.array_equal(found.matrix, vectors.matrix)
    assert found.tokens == tokens


@settings(max_examples=200)
@given(data=st.data())
def test_a_file_changed_anywhere_gives_vectors_or_a_clear_error(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp()
    buckets = Subwords(np.ones((5, 2), np.float32), 1, 3)
    form = data.draw(st.sampled_from(["safetensors", "word2vec-binary", "word2vec"]))
    whole = save_vectors(
        WordVectors(["好", "b"], np.ones((2, 2)), subwords=buckets), folder / "whole", format=form
    ).read_bytes()
    begin = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(begin, min(len(whole), begin + 8)))
    path = write(folder, whole[:begin] + data.draw(st.binary(max_size=8)) + whole[end:], "changed")
    try:
        load_vectors(path, only=data.draw(st.sampled_from([None, {"b", "好看"}])))
    except FenleiError as error:
        assert str(path) in str(error)
