"""``fenlei analogy``: one question, or a file of them."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from fenlei.cli.analogy import analogy_command
from fenlei.exceptions import DataError
from fenlei.vectors.formats import save_vectors
from fenlei.vectors.word_vectors import WordVectors


@pytest.fixture
def path(tmp_path):
    vectors = WordVectors(["男人", "国王", "女人", "王后"], [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])
    return save_vectors(vectors, tmp_path / "v.safetensors")


@pytest.fixture
def questions(tmp_path):
    file = tmp_path / "q.txt"
    file.write_text(
        ": [b]王室\n男人 国王 女人 王后\n男人 女人 国王 女人\n: 其他\n男人 国王 女孩 公主\n", encoding="utf-8"
    )
    return file


def run(*arguments):
    result = CliRunner().invoke(analogy_command, [*map(str, arguments)], catch_exceptions=False, standalone_mode=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_one_question(path):
    assert run(path, "男人", "国王", "女人") == "男人 : 国王 = 女人 : ?\n  0.9586  王后\n"
    found = json.loads(run(path, "男人", "国王", "女人", "--top", "1", "--json"))
    assert found == {"a": "男人", "b": "国王", "c": "女人", "answers": [{"word": "王后", "similarity": 0.958569}]}


def test_a_file_of_questions(path, questions):
    found = json.loads(run(path, "--questions", questions, "--json"))
    assert found["total"] == {"name": "total", "n": 2, "n_right": 1, "n_unknown": 1, "accuracy": 0.5}
    assert [section["accuracy"] for section in found["sections"]] == [0.5, None]
    table = run(path, "--questions", questions)
    assert "[b]王室" in table
    assert "50.0%" in table
    assert "total" in table


@pytest.mark.parametrize("words", [[], ["男人"], ["a", "b", "c", "d"]])
def test_three_words_or_a_file(path, words):
    with pytest.raises(click.UsageError, match="three words"):
        run(path, *words)


def test_a_file_that_is_not_there(path, questions):
    with pytest.raises(click.UsageError, match="three words"):
        run(path, "a", "b", "c", "--questions", questions)
    with pytest.raises(DataError, match="no such file"):
        run(path, "--questions", "nothing")
