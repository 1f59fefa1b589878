"""Files of questions, and how many are answered right."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.exceptions import DataError
from fenlei.vectors.analogies import Section, answer, read_questions
from fenlei.vectors.word_vectors import WordVectors

QUESTIONS = """: family
man king woman queen
King man QUEEN woman

: empty
:verbs
man woman king king
man king woman prince
"""


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "q.txt"
    path.write_text(QUESTIONS, encoding="utf-8")
    return path


def test_sections(questions):
    names = [(section.name, len(section.questions)) for section in read_questions(questions)]
    assert names == [("family", 2), ("empty", 0), ("verbs", 2)]
    questions.write_text("中国 北京 日本 东京\n", encoding="gb18030")
    assert read_questions(questions) == [Section("", [("中国", "北京", "日本", "东京")])]


def test_scores(questions):
    vectors = WordVectors(
        ["man", "king", "woman", "queen", "x"], [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [1, 1, 1]]
    )
    family, empty, verbs = answer(vectors, read_questions(questions))
    assert family == ("family", 2, 2, 0)
    assert family.accuracy == 1.0
    assert empty == ("empty", 0, 0, 0)
    assert empty.accuracy is None
    assert verbs == ("verbs", 1, 0, 1)


def test_the_same_as_gensim(tmp_path):
    keyed = pytest.importorskip("gensim.models.keyedvectors").KeyedVectors
    rng = np.random.default_rng(1)
    tokens = [f"w{number}" for number in range(40)]
    vectors = WordVectors(tokens, rng.normal(size=(40, 3)))
    theirs = keyed(3)
    theirs.add_vectors(tokens, vectors.matrix)
    lines = [" ".join(row) for row in rng.choice(tokens, (300, 4))]
    path = tmp_path / "q.txt"
    path.write_text("\n".join([": a", *lines]), encoding="utf-8")
    _, sections = theirs.evaluate_word_analogies(str(path), case_insensitive=False)
    assert answer(vectors, read_questions(path))[0].n_right == len(sections[0]["correct"]) > 0
    a, b, c, _ = lines[0].split()
    assert [one.word for one in vectors.analogy(a, b, c, 5)] == [
        word for word, _ in theirs.most_similar(positive=[b, c], negative=[a], topn=5)
    ]


@pytest.mark.parametrize(
    ("content", "message"), [("a b c\n", "row 1: a question has four words"), (": a\n", "no questions")]
)
def test_what_is_wrong_is_told(tmp_path, content, message):
    path = tmp_path / "q.txt"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_questions(path)
    with pytest.raises(DataError, match="no such file"):
        read_questions(tmp_path / "nothing")
