"""A small corpus in two languages, and a tokenizer trained on it."""

from __future__ import annotations

import pytest

pytest.importorskip("transformers", reason="the extra 'neural' is not installed")

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.pretrain.tokenizer import train_tokenizer


@pytest.fixture(scope="session")
def corpus_texts() -> list[str]:
    things = ["电影", "房间", "早餐", "手机", "天气", "音乐"]
    words = ["喜欢", "讨厌", "需要", "等待", "看见"]
    places = ["cinema", "kitchen", "garden", "harbour"]
    chinese = [f"我们今天很{word}这里的{thing}。" for thing in things for word in words]
    english = [f"We are walking to the {place} number {i} again!" for place in places for i in range(8)]
    return (chinese + english) * 2


@pytest.fixture(scope="session")
def tokenizer(corpus_texts) -> EncoderTokenizer:
    return EncoderTokenizer(train_tokenizer(corpus_texts, "wordpiece", size=400))
