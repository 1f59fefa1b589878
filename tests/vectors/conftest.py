"""Small vectors and a corpus with two topics, which any method must tell apart."""

from __future__ import annotations

import random

import numpy as np
import pytest

from fenlei.vectors.word_vectors import WordVectors

FOOD = ["米饭", "面条", "好吃", "餐厅", "菜单", "soup"]
SPORT = ["比赛", "进球", "球队", "冠军", "教练", "goal"]


@pytest.fixture
def vectors():
    matrix = np.random.default_rng(5).normal(size=(6, 7)).astype(np.float32)
    matrix[0, :3] = [1e-30, 123456.789, -1e-7]
    return WordVectors(["的", "电影", "film", "3.14", "😀", "don't"], matrix)


@pytest.fixture
def two_topics():
    """600 texts in which words of one topic stand together, and common words everywhere."""
    rng = random.Random(3)

    def text(topic):
        words = [rng.choice(topic) if rng.random() < 0.7 else rng.choice(["的", "了", "the"]) for _ in range(12)]
        return " ".join(words)

    return [text(FOOD if number % 2 else SPORT) for number in range(600)]
