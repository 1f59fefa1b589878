"""Training: what comes out makes sense, is the same again, and says how it came about."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fenlei.exceptions import DataError, FenleiError, MissingExtraError, SettingError, UnknownNameError
from fenlei.preparation import Preparation
from fenlei.vectors import training
from fenlei.vectors.formats import load_vectors, save_vectors
from fenlei.vectors.settings import METHODS, VectorSettings
from fenlei.vectors.training import train_vectors

QUICK = {"dim": 20, "threads": 1, "segmenter": "jieba", "segment": {"user_dict": ["进球 5000"]}}
FOOD, SPORT = {"米饭", "面条", "好吃", "餐厅", "菜单", "soup"}, {"比赛", "进球", "球队", "冠军", "教练", "goal"}


@pytest.fixture(params=METHODS)
def method(request):
    if request.param != "glove":
        pytest.importorskip("gensim")
    return request.param


def test_words_of_a_topic_are_near(two_topics, method):
    found = train_vectors(two_topics, method=method, **QUICK)
    assert set(found.tokens) >= FOOD | SPORT
    for topic in (FOOD, SPORT):
        for word in topic:
            assert {one.word for one in found.nearest(word, 4)} <= topic | {"的", "了", "the"}, word


def test_the_same_again_in_another_process(two_topics, method, tmp_path):
    """Python's own hashes of strings differ from one process to the next; nothing may hang on them."""
    settings = QUICK | {"method": method, "epochs": 2, "buckets": 500}
    one = save_vectors(train_vectors(two_topics, **settings), tmp_path / "one.safetensors")
    code = (
        "import json, sys; from fenlei.vectors.training import train_vectors; "
        "from fenlei.vectors.formats import save_vectors; texts, settings, path = json.load(sys.stdin); "
        "save_vectors(train_vectors(texts, **settings), path)"
    )
    given = json.dumps([two_topics, settings, str(tmp_path / "two.safetensors")])
    environment = os.environ | {"PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code], input=given, text=True, check=True, env=environment)
    assert one.read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    other = train_vectors(two_topics, **settings | {"seed": 14})
    assert not np.array_equal(other.matrix, load_vectors(one).matrix)


def test_fasttext_has_vectors_for_unseen_words(two_topics, tmp_path):
    pytest.importorskip("gensim")
    found = train_vectors(two_topics, method="fasttext", buckets=2000, **QUICK)
    assert (found.subwords.min_n, found.subwords.max_n) == (1, 3)  # the texts are Chinese
    loaded = load_vectors(save_vectors(found, tmp_path / "v.safetensors"))
    assert loaded.rows_of(["大球队", "goals"])[1].all()
    assert loaded.nearest("大球队", 1)[0].word == "球队"
    assert np.allclose(loaded["球队"], found.matrix[found.tokens.index("球队")])


def test_what_is_written_down(two_topics):
    found = train_vectors(two_topics, method="glove", epochs=2, lowercase=False, clean={"urls": "remove"}, **QUICK)
    info = json.loads(json.dumps(found.info))
    assert info["corpus"]["texts"] == 600
    assert info["corpus"]["vocabulary"] == len(found)
    assert 0 < info["corpus"]["tokens_kept"] <= info["corpus"]["tokens"]
    assert (info["method"], info["epochs"], info["x_max"], len(info["losses"])) == ("glove", 2, 10.0, 2)
    assert not {"negative", "min_n", "clean"} & set(info)
    prepared = info["preparation"]
    assert (prepared["lowercase"], prepared["language"]["name"]) == (False, "zh")
    again = Preparation.from_settings(prepared)
    assert again.transform(["进球https://x.org"]) == [["进球"]]


def test_files_are_read_and_labels_ignored(tmp_path):
    plain, table = tmp_path / "a.txt.gz", tmp_path / "b.csv"
    plain.write_bytes(gzip.compress("好看的书\n坏书\n".encode() * 10))
    table.write_text("text,label\n" + "好书,1\n" * 5, encoding="utf-8")
    found = train_vectors([plain, table], method="glove", dim=3, epochs=1)
    assert found.tokens == ["书", "好", "坏", "的", "看"]
    assert found.info["corpus"]["texts"] == 25
    assert train_vectors(plain, method="glove", dim=3, epochs=1).info["corpus"]["texts"] == 20


def test_a_generator_is_gone_through_once():
    texts = (text for text in ["好 Film", "好 film"] * 10)
    found = train_vectors(texts, method="glove", dim=3, epochs=1)
    assert found.tokens == ["film", "好"]  # the space beside 好 is no token of vectors


@pytest.mark.parametrize("method", ["skipgram", "fasttext", "glove"])
def test_any_text(method):
    if method != "glove":
        pytest.importorskip("gensim")
    odd = ["", " ", "\x00\ud800 好", "👍🏽!!!", "a" * 50_000, "x\u3000y\x85z\x1f", "好 " * 20_000, "很\ud800很"]
    found = train_vectors(odd * 6, method=method, dim=2, epochs=1, clean={"control": False}, min_count=1, buckets=50)
    assert np.isfinite(found.matrix).all()
    assert "好" in found


def test_threads_and_progress(two_topics, method):
    told = []
    found = train_vectors(two_topics, method=method, dim=5, epochs=3, threads=2, buckets=50, progress=told.append)
    assert found.info["threads"] == 2
    assert told[0] == "600 texts read"
    assert any(line.startswith("epoch 3 of 3: ") and line.endswith("words/s, 0 s left") for line in told)
    assert ("loss" in told[-1]) == (method == "glove")


def test_nothing_is_left_behind(two_topics, tmp_path, monkeypatch):
    monkeypatch.setattr(training.tempfile, "tempdir", str(tmp_path))

    def stop(what):
        if what.startswith("epoch 2"):
            assert list(tmp_path.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_vectors(two_topics, method="glove", dim=5, progress=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ([], "no texts"),
        (["好", "坏"], "no token stands 5 times"),
        (["好好"] * 9, "fewer than two tokens stand 5 times"),
        (["好", "坏"] * 9, "no text of the corpus has two tokens"),
        (["好", None], "row 2: expected a text"),
        ("好", "got one string"),
    ],
)
def test_a_corpus_that_does_not_do(corpus, message):
    with pytest.raises(FenleiError, match=message):
        train_vectors(corpus, method="glove")


def test_vectors_without_bound_are_refused(two_topics):
    with pytest.raises(DataError, match="lower learning_rate"):
        train_vectors(two_topics, method="glove", dim=5, learning_rate=1e30)


def test_without_gensim(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'fenlei\[vectors\]'"):
        train_vectors(["never read"], method="cbow")


@pytest.mark.parametrize(
    "settings",
    [
        {"dim": 0}, {"dim": 2.5}, {"dim": True}, {"window": -1}, {"epochs": 0}, {"threads": 0},
        {"min_n": 4, "max_n": 3},
        {"learning_rate": 0}, {"learning_rate": float("nan")}, {"x_max": "3"}, {"subsample": -1}, {"subsample": None},
        {"lowercase": 1}, {"seed": -1}, {"dim": None}, {"windwo": 3}, {"max_size": 0},
    ],
)  # fmt: skip
def test_settings_out_of_range(settings):
    with pytest.raises(SettingError):
        VectorSettings.of(settings)
    with pytest.raises(SettingError):
        train_vectors(["never read"], method="glove", **settings)


def test_an_unknown_method():
    with pytest.raises(UnknownNameError, match="did you mean 'skipgram'"):
        VectorSettings(method="skip-gram")


@pytest.mark.parametrize(
    ("n_tokens", "method", "epochs"),
    [(10, "cbow", 20), (1_500_000, "cbow", 10), (10**9, "cbow", 5), (10, "glove", 25), (0, "cbow", 20)],
)
def test_epochs_by_the_size_of_the_corpus(n_tokens, method, epochs):
    assert VectorSettings(method=method).for_corpus(n_tokens, "en").epochs == epochs


def test_n_grams_by_language():
    found = [VectorSettings(min_n=a, max_n=b).for_corpus(9, lang) for a, b, lang in (
        (None, None, "en"), (None, None, "zh"), (None, 2, "en"), (5, None, "zh"))]  # fmt: skip
    assert [(one.min_n, one.max_n) for one in found] == [(3, 6), (1, 3), (2, 2), (5, 5)]
