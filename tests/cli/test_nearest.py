"""``fenlei nearest``: neighbours of words, sums of words, a picture."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fenlei.cli.nearest import nearest_command
from fenlei.exceptions import DataError
from fenlei.vectors.formats import save_vectors
from fenlei.vectors.spelling import UnknownWordError
from fenlei.vectors.word_vectors import WordVectors


@pytest.fixture
def path(tmp_path):
    matrix = [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [-1, -1, 0]]
    vectors = WordVectors(["男人", "国王", "女人", "王后", "\x1b[1m[red]"], matrix)
    return save_vectors(vectors, tmp_path / "v.safetensors")


def run(*arguments):
    result = CliRunner().invoke(nearest_command, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_list_for_each_word(path):
    shown = run(path, "国王", "女人", "--top", "2").stdout
    assert shown == "国王\n  0.7071  男人\n  0.5000  王后\n\n女人\n  0.7071  王后\n  0.0000  男人\n"
    assert "\\x1b[1m[red]" in run(path, "国王").stdout


def test_a_sum(path):
    answer = json.loads(run(path, "国王", "女人", "--minus", "男人", "--top", "1", "--json").stdout)
    assert answer == [
        {"plus": ["国王", "女人"], "minus": ["男人"], "nearest": [{"word": "王后", "similarity": 0.958569}]}
    ]
    assert run(path, "国王", "女人", "--minus", "男人").stdout.startswith("国王 + 女人 - 男人\n  0.9586  王后\n")


def test_a_picture(path, tmp_path):
    run(path, "国王", "--picture", tmp_path / "p.svg")
    assert "王后</text>" in (tmp_path / "p.svg").read_text(encoding="utf-8")


def test_warnings_of_the_reader(tmp_path):
    file = tmp_path / "v.txt"
    file.write_text("a 1 2\nb 2 1\na 5 6\n")
    result = run(file, "a")
    assert result.stdout == "a\n  0.8000  b\n"
    assert result.stderr.startswith("fenlei: warning: ")
    assert "1 tokens come again" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["国玉"], UnknownWordError, "unknown word '国玉'; the nearest in spelling: 国王"),
        (["国王", "--minus", "x"], UnknownWordError, "unknown word 'x'"),
        (["国王", "--picture", "p.png"], DataError, "name it"),
        (["国王", "--picture", "no/p.svg"], DataError, "folder does not exist"),
    ],
)
def test_what_is_wrong_is_told(path, tmp_path, monkeypatch, arguments, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        run(path, *arguments)
