"""A teacher's answers, mixed with labels."""

from __future__ import annotations

import numpy as np
import pytest

import fenlei
from fenlei.compress.teaching import make_lesson
from fenlei.engine.recipe import Run
from fenlei.exceptions import DataError, SettingError


@pytest.fixture(scope="module")
def teacher():
    return fenlei.TfidfClassifier().fit(["很好", "好看", "很差", "难看"], ["good", "good", "bad", "bad"])


def test_answers_and_labels_are_mixed(teacher):
    told = []
    lesson = make_lesson(teacher, (["很好", "很差"], ["bad", "bad"]), ["难"], truth=0.25, run=Run(progress=told.append))
    answers = teacher.predict_proba(["很好", "很差", "难"])
    np.testing.assert_allclose(lesson.probabilities[:2], 0.25 * np.array([1, 0]) + 0.75 * answers[:2])
    assert (lesson.probabilities[2] == answers[2]).all()
    assert lesson.texts == ["很好", "很差", "难"]
    assert (told[-1].step, told[-1].steps, told[-1].before) == (3, 3, "texts through the teacher")


def test_multi_label():
    teacher = fenlei.TfidfClassifier().fit(["红花", "红车", "花", "车"], [["a", "b"], ["a"], ["b"], []])
    lesson = make_lesson(teacher, (["红花", "车"], [["a", "b"], []]), truth=1.0)
    assert lesson.probabilities.tolist() == [[1, 1], [0, 0]]


def test_refusals(teacher):
    with pytest.raises(SettingError, match="truth must be a number from 0 to 1"):
        make_lesson(teacher, None, ["好"], truth=2)
    with pytest.raises(SettingError, match="truth must be a number from 0 to 1; got 'abc'"):
        make_lesson(teacher, None, ["好"], truth="abc")


def test_a_label_that_the_teacher_does_not_know_is_refused_before_it_is_asked(teacher, monkeypatch):
    monkeypatch.setattr(teacher, "predict_proba", lambda texts: pytest.fail("the teacher was asked"))
    with pytest.raises(DataError, match="'so-so' is not among the 2 known classes"):
        make_lesson(teacher, (["好"], ["so-so"]), truth=0.5)
