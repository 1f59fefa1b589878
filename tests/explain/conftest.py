"""Small models that need no torch, with odd texts to explain."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.base import TextClassifier
from fenlei.features.inputs import TokenInputs
from fenlei.layers.folded import FoldedConvolution, Shape
from fenlei.models.folded import FoldedClassifier
from fenlei.preparation import Preparation


class WordList(TextClassifier):
    """A classifier of somebody else: words add to the log-odds of each label, whatever stands around them."""

    family = "word-list"

    def __init__(self, words: dict[str, float] | None = None, *, multi_label: bool = False) -> None:
        self.words = words or {"好": 2.0, "good": 2.0, "差": -2.0, "bad": -2.0}
        self.multi_label = multi_label
        self.classes_, self.multi_label_ = np.array(["bad", "good"]), multi_label
        self.asked: list[int] = []

    def _scores(self, texts):
        self.asked.append(len(texts))
        odds = np.array([sum(text.count(word) * weight for word, weight in self.words.items()) for text in texts])
        return np.stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))], axis=1)

    def _fit(self, texts, targets, weights, held, run): ...

    def to_files(self): ...

    def from_files(self, files): ...


@pytest.fixture
def word_list():
    return WordList


def make_folded(*, multi_label=False, unit="token", shape=None, preparation=None, max_length=50):
    texts = ["房间很干净", "服务很好 good", "又脏又差, bad"]
    shape = shape or Shape(1, "max", 1, "relu")
    random = np.random.default_rng(5)
    model = FoldedClassifier()
    model.classes_, model.multi_label_ = np.array(["bad", "good", "so-so"]), multi_label
    model.preparation_ = (preparation or Preparation()).fit(texts)
    model.inputs_ = TokenInputs(unit=unit, min_count=1).fit(model.preparation_.transform(texts))
    model.max_length_ = max_length
    tables = [random.normal(size=(len(model.inputs_.tokens_), width, 6)).astype(np.float32) for width in (1, 3)]
    for table in tables:
        table[0] = 0
    bias = random.normal(size=12).astype(np.float32)
    model.convolution_ = FoldedConvolution.fold(tables, bias, shape)
    model.head_weight_ = random.normal(size=(3, 12 * shape.k)).astype(np.float32) / 4
    model.head_bias_ = random.normal(size=3).astype(np.float32)
    return model


@pytest.fixture
def folded():
    return make_folded


@pytest.fixture
def odd_texts():
    return [
        "房间很<b>干净</b>，服务&amp;早餐很好！", "ＧＯＯＤ room, bad　service", "", " \n", "\ud800\x00好", "👍🏽!!!",
        "又臟又差" * 30, "so good\n\nso bad", "<p></p>", "^$·_URL_",
    ]  # fmt: skip
