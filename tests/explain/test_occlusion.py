from __future__ import annotations

import numpy as np
import pytest

from fenlei.explain.methods import explain
from fenlei.explain.occlusion import _log_odds, without


def test_a_model_that_adds_up_is_found_out(word_list):
    (found,) = explain(word_list(), ["房间好，good and bad"], label="good")
    weights = {segment.text: segment.weight for segment in found.segments}
    assert weights == pytest.approx({"房间": 0, "好": 2, "，": 0, "good": 2, "and": 0, "bad": -2}, abs=1e-6)
    assert (found.base, found.score) == pytest.approx((0, 2), abs=1e-6)


def test_the_other_class_has_the_opposite_weights(word_list):
    (good,), (bad,) = (explain(word_list(), ["真好"], label=label) for label in ("good", "bad"))
    np.testing.assert_allclose([s.weight for s in good.segments], [-s.weight for s in bad.segments], atol=1e-9)


def test_all_variants_of_a_text_are_scored_at_once(word_list):
    model = word_list()
    explain(model, ["很好，真bad"])
    assert model.asked == [1, 1 + 5]  # the text, then it and what it is without each segment


def test_sure_answers_keep_their_differences(word_list):
    model = word_list({"好": 20.0})
    (found,) = explain(model, ["好a好b"], segmenter="char", label="good")
    weights = [segment.weight for segment in found.segments]
    assert weights == pytest.approx([7.6, 0, 7.6, 0], abs=0.1)  # what is surer than 1e-12 is as sure


def test_long_texts_have_no_more_segments_than_can_be_weighed(word_list):
    model = word_list()
    (found,) = explain(model, ["good，" * 200], label="good")
    assert found.words_per_segment == 2
    assert len(found.segments) == 200
    assert model.asked[-1] == 201
    assert "".join(segment.text for segment in found.segments) == found.text


def test_texts_of_nothing(word_list):
    for one in explain(word_list(), ["", " ", "\ud800"]):
        assert one.score == pytest.approx(0)


def test_several_labels_a_text(word_list):
    (found,) = explain(word_list(multi_label=True), ["很好"], label="good")
    assert found.score == pytest.approx(2)


@pytest.mark.parametrize(
    ("text", "span", "rest"),
    [("很好看", (1, 2), "很看"), ("a,b", (1, 2), "a b"), ("a b c", (2, 3), "a  c"), ("好,b", (1, 2), "好b")],
)
def test_words_stay_apart(text, span, rest):
    assert without(text, span) == rest


def test_log_odds():
    scores = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 1e-10]])
    expected = np.log(scores[0] / (1 - scores[0]))
    np.testing.assert_allclose(_log_odds(scores, exclusive=True)[0], expected)
    assert _log_odds(scores, exclusive=True)[1, 0] == pytest.approx(np.log(1e10))
    assert np.isfinite(_log_odds(scores, exclusive=False)).all()
