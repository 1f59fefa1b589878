"""Questions of the kind "man is to king as woman is to ...?", and how many of them vectors answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fenlei.data.files import Notes, Source, is_packed, lines, open_text
from fenlei.exceptions import DataError
from fenlei.features._types import F32, I64
from fenlei.vectors.word_vectors import WordVectors

_AT_ONCE = 1 << 22  # similarities held at a time


class Section(NamedTuple):
    """Questions of one kind.

    Attributes
    ----------
    name : str
    questions : list of tuple of str
        Each four words: a is to b as c is to d.
    """

    name: str
    questions: list[tuple[str, str, str, str]]


class Score(NamedTuple):
    """How many questions of a section were answered right.

    Attributes
    ----------
    name : str
    n : int
        Questions whose words all have vectors.
    n_right : int
        Those whose answer is the nearest word.
    n_unknown : int
        Questions with a word that has no vector; they do not count.
    """

    name: str
    n: int
    n_right: int
    n_unknown: int

    @property
    def accuracy(self) -> float | None:
        """Share of right answers; None without a question."""
        return self.n_right / self.n if self.n else None


def read_questions(path: str | os.PathLike[str]) -> list[Section]:
    r"""Read questions in the format of word2vec: four words a line, under lines ": name of the section".

    Raises
    ------
    DataError
        Names the line that has not four words; or when there is no question.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "questions.txt")
    >>> _ = file.write_text(": capitals\n中国 北京 日本 东京\n", encoding="utf-8")
    >>> read_questions(file)
    [Section(name='capitals', questions=[('中国', '北京', '日本', '东京')])]
    """
    name = str(path)
    if not Path(name).is_file():
        raise DataError("no such file", source=name)
    sections: list[Section] = []
    with open_text(Source(name, path=Path(name), packed=is_packed(name)), None, Notes(), newline="\n") as text:
        for row, line in lines(text, name):
            words = line.split()
            if words[:1] == [":"] or line.startswith(":"):
                sections.append(Section(line[1:].strip(), []))
            elif len(words) == 4:
                sections = sections or [Section("", [])]
                sections[-1].questions.append((words[0], words[1], words[2], words[3]))
            elif words:
                raise DataError(f"a question has four words, this line {len(words)}", source=name, row=row)
    if not any(section.questions for section in sections):
        raise DataError("no questions in it", source=name)
    return sections


def answer(vectors: WordVectors, sections: Sequence[Section]) -> list[Score]:
    """Answer every question as `WordVectors.analogy` does, and count the right answers.

    All words of `vectors` are possible answers but the three of the question. A word counts as its lower-case form
    where only that has a vector.

    Examples
    --------
    >>> vectors = WordVectors(["man", "king", "woman", "queen"], [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1]])
    >>> answer(vectors, [Section("royal", [("man", "king", "woman", "queen"), ("man", "king", "girl", "princess")])])
    [Score(name='royal', n=1, n_right=1, n_unknown=1)]
    """
    unit = vectors.unit_matrix()
    return [_score(vectors, unit, section) for section in sections]


def _score(vectors: WordVectors, unit: F32, section: Section) -> Score:
    places = np.array([vectors.places(question) for question in section.questions], np.int64).reshape(-1, 4)
    known = places[(places >= 0).all(axis=1)]
    size = max(1, _AT_ONCE // len(unit))
    n_right = sum(_count_right(unit, known[begin : begin + size]) for begin in range(0, len(known), size))
    return Score(section.name, len(known), n_right, len(places) - len(known))


def _count_right(unit: F32, places: I64) -> int:
    a, b, c, d = places.T
    scores = (unit[b] - unit[a] + unit[c]) @ unit.T
    rows = np.arange(len(places))
    for word in (a, b, c):
        scores[rows, word] = -np.inf
    return int((scores.argmax(axis=1) == d).sum())
