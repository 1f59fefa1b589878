"""The picture: two honest directions, every word there once, labels that can be read."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from fenlei.exceptions import DataError, SettingError
from fenlei.vectors.picture import draw_words, place_labels, plane
from fenlei.vectors.spelling import UnknownWordError
from fenlei.vectors.word_vectors import WordVectors

TEXT = "{http://www.w3.org/2000/svg}text"


def labels(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(TEXT)]


@pytest.fixture
def many():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 10)) * 3
    tokens = [f"{name}{number}" for name in ("电影", "hotel", "<b>&$x$") for number in range(12)]
    return WordVectors(tokens, np.repeat(centres, 12, axis=0) + rng.normal(size=(36, 10)))


def test_the_plane_is_that_of_the_largest_variance():
    rng = np.random.default_rng(1)
    flat = rng.normal(size=(30, 2)) * [5, 2]
    turned = flat @ np.linalg.qr(rng.normal(size=(6, 6)))[0][:2]
    points = plane(turned.astype(np.float32))
    assert np.allclose(
        np.linalg.norm(points[:, None] - points, axis=2), np.linalg.norm(flat[:, None] - flat, axis=2), atol=1e-4
    )
    assert points[:, 0].var() > points[:, 1].var()
    assert plane(np.ones((3, 1), np.float32)).tolist() == [[0, 0]] * 3


def test_words_and_their_neighbours(many):
    svg = draw_words(many, ["电影0", "hotel0", "<b>&$x$0", "电影0"], neighbours=5)
    shown = labels(svg)
    assert shown[:3] == ["电影0", "hotel0", "<b>&$x$0"]
    assert set(shown) == {one.word for word in shown[:3] for one in many.nearest(word, 5)} | set(shown[:3])
    assert len(shown) == len(set(shown))
    assert "DejaVu" not in svg
    assert svg == draw_words(many, ["电影0", "hotel0", "<b>&$x$0"], neighbours=5)


def test_labels_keep_apart(many):
    matrix = plane(many.matrix)
    points = (matrix - matrix.min(axis=0)) / np.ptp(matrix, axis=0) * [480, 360] + 40
    boxes = place_labels(many.tokens, points.tolist(), (576, 432))
    area = sum((box.right - box.left) * (box.top - box.bottom) for box in boxes)
    assert sum(a.overlap(b) for a, b in combinations(boxes, 2)) < 0.02 * area
    assert all(box.left >= 0 and box.bottom >= 0 and box.right <= 576 and box.top <= 432 for box in boxes)


def test_any_token_is_drawn():
    odd = WordVectors(["\x00a\ud800", "长" * 100, "\u202e", "]]>"], np.eye(4))
    assert labels(draw_words(odd, ["\x00a\ud800"], neighbours=3))[0] == "\ufffda\ufffd"
    same = WordVectors(["a", "b"], np.ones((2, 3)))
    assert sorted(labels(draw_words(same, ["a"], neighbours=1))) == ["a", "b"]


def test_what_cannot_be_drawn(many):
    with pytest.raises(UnknownWordError):
        draw_words(many, ["电影"])
    with pytest.raises(SettingError, match="from 1 to 300 words; got 301"):
        draw_words(many, ["电影0"], neighbours=300)
    with pytest.raises(SettingError):
        draw_words(many, [])
    with pytest.raises(DataError, match="two words"):
        draw_words(many, ["电影0"], neighbours=0)
