"""``fenlei vectors``: word vectors from files, on the command line."""

from __future__ import annotations

import gzip
import io
import json
import sys

import click
import pytest
from click.testing import CliRunner

from fenlei.cli.vectors import vectors_command
from fenlei.exceptions import DataError, FenleiError, SettingError, UnknownNameError
from fenlei.vectors.formats import load_vectors

TEXTS = ["我喜欢看电影", "我不喜欢看书", "good films 和 books"] * 10


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "reviews.txt.gz"
    path.write_bytes(gzip.compress("\n".join(TEXTS).encode()))
    return path


def run(*arguments):
    result = CliRunner().invoke(vectors_command, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_vectors_beside_the_corpus(corpus, tmp_path):
    shown = run(corpus, "--method", "glove", "--dim", "4", "--epochs", "2", "--segmenter", "jieba").stdout
    assert "vectors  10 tokens, 4 dimensions" in shown
    assert "corpus   30 texts" in shown
    found = load_vectors(tmp_path / "reviews-glove.safetensors")
    assert found.info["preparation"]["segmenter"]["name"] == "jieba"
    assert "电影" in found


def test_json(corpus, tmp_path):
    csv = tmp_path / "more.csv"
    csv.write_text("comment,label\n好看,1\n好看,2\n", encoding="utf-8")
    folder = tmp_path / "pos"
    folder.mkdir()
    result = run(csv, "--text", "comment", "--method", "glove", "--min-count", "1", "--out", "v.vec", "--json")
    made = json.loads(result.stdout)
    assert (made["vectors"], made["tokens"], made["info"]["corpus"]["texts"]) == ("v.vec", 2, 2)
    assert load_vectors("v.vec").tokens == ["好", "看"]


@pytest.mark.parametrize("method", ["skipgram", "cbow", "fasttext"])
def test_gensims_methods(corpus, method):
    pytest.importorskip("gensim")
    run(corpus, "--method", method, "--dim", "3", "--epochs", "1", "--threads", "1", "--out", "v.safetensors",
        "--set", "buckets=20", "--set", "negative=2", "--set", "clean.urls=remove")  # fmt: skip
    info = load_vectors("v.safetensors").info
    assert (info["negative"], info["threads"], info["preparation"]["clean"]["urls"]) == (2, 1, "remove")


def test_the_same_seed_gives_the_same_file(corpus, tmp_path):
    for name in ("a", "b"):
        run(corpus, "--method", "glove", "--dim", "4", "--out", f"{name}.safetensors", "--seed", "3")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_standard_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("好看的书\n".encode() * 9)))
    result = CliRunner().invoke(
        vectors_command, ["-", "--method", "glove", "--dim", "2"], input="好看的书\n" * 9, catch_exceptions=False
    )
    assert result.exit_code == 0
    assert len(load_vectors("corpus-glove.safetensors")) == 4


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--out", "no/v.vec"], DataError, "folder does not exist"),
        (["--out", "v.csv"], DataError, "unknown suffix"),
        (["--out", "reviews.txt.gz"], DataError, "is a corpus that is read"),
        (["--method", "word2vec"], UnknownNameError, "unknown method"),
        (["--dim", "0"], SettingError, "dim must be"),
        (["--set", "dim=5"], SettingError, "dim has an option of its own: --dim"),
        (["--set", "negatve=5"], SettingError, "did you mean 'negative'"),
        (["--segmenter", "jeiba", "--method", "glove"], UnknownNameError, "did you mean 'jieba'"),
        (["--text", "comment", "--method", "glove"], FenleiError, "text"),
    ],
)
def test_what_is_wrong_is_told(corpus, tmp_path, arguments, error, message):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message):
        run(corpus.name, *arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_a_corpus_is_needed():
    with pytest.raises(click.UsageError):
        CliRunner().invoke(vectors_command, [], catch_exceptions=False, standalone_mode=False)
