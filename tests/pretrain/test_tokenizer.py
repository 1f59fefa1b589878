"""Tokenizers of our own training are such as Hugging Face models have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.exceptions import DataError
from fenlei.pretrain.tokenizer import tokenizer_files, train_tokenizer

KINDS = ("wordpiece", "bpe", "unigram")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SCRIPT = """
import hashlib, sys
from fenlei.pretrain.tokenizer import train_tokenizer
texts = [f"第{i % 7}部电影 film{i % 5} rewalking {chr(0x4e00 + i)}" for i in range(60)]
for kind in ("wordpiece", "bpe", "unigram"):
    for words in (False, True):
        made = train_tokenizer(texts, kind, size=333, words=words).to_str()
        sys.stdout.write(hashlib.sha256(made.encode()).hexdigest())
"""


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_come_first_and_stand_around_a_text(kind, corpus_texts):
    made = train_tokenizer(corpus_texts, kind, size=600)
    assert [made.id_to_token(i) for i in range(5)] == SPECIAL
    assert sorted(made.get_vocab().values()) == list(range(made.get_vocab_size()))
    assert made.get_vocab_size() <= 600
    tokens = made.encode("我们等待", "the cinema").tokens
    assert [tokens[0], tokens[-1], tokens.count("[SEP]")] == ["[CLS]", "[SEP]", 2]
    assert made.encode("我们", "the").type_ids[-1] == 1
    read = EncoderTokenizer(made)
    assert (read.prefix, read.suffix, read.pad_id, read.mask_id, read.unknown_id) == ((2,), (3,), 0, 4, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_comes_back_from_its_tokens(kind, corpus_texts):
    made = train_tokenizer(corpus_texts, kind, size=600)
    text = "我们今天很等待这里的早餐。"
    assert made.decode(made.encode(text).ids).replace(" ", "") == text
    assert made.decode(made.encode("walking to the kitchen").ids) == "walking to the kitchen"


def test_wordpiece_takes_chinese_characters_alone_or_frequent_words(corpus_texts):
    alone = train_tokenizer(corpus_texts, "wordpiece", size=600)
    words = train_tokenizer(corpus_texts, "wordpiece", size=600, words=True)
    assert alone.encode("今天等待电影").tokens[1:-1] == list("今天等待电影")
    assert words.encode("今天等待电影kitchen").tokens[1:-1] == ["今天", "等待", "电影", "kitchen"]
    assert EncoderTokenizer(words).tokens(EncoderTokenizer(words).encode(["电影"])[0]) == ["电影"]


def test_no_token_of_bpe_reaches_over_a_word(corpus_texts):
    loose = train_tokenizer(corpus_texts, "bpe", size=600).get_vocab()
    strict = train_tokenizer(corpus_texts, "bpe", size=600, words=True).get_vocab()
    assert "我们今天" in loose and "我们今天" not in strict
    assert {"我们", "今天", "电影"} <= strict.keys()


def test_training_is_the_same_in_every_process():
    found = [
        subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True, env=os.environ).stdout
        for _ in range(2)
    ]
    assert found[0] and found[0] == found[1]


@pytest.mark.parametrize("is_masked", [True, False])
def test_auto_tokenizer_reads_the_files(is_masked, corpus_texts, tmp_path):
    from transformers import AutoTokenizer

    made = train_tokenizer(corpus_texts, "wordpiece", size=400, words=True)
    for name, data in tokenizer_files(made.to_str().encode(), 64, is_masked=is_masked).items():
        (tmp_path / name).write_bytes(data)
    read = AutoTokenizer.from_pretrained(tmp_path)
    assert read("今天 cinema", return_token_type_ids=is_masked)["input_ids"] == made.encode("今天 cinema").ids
    assert (read.pad_token_id, read.mask_token_id, read.model_max_length, len(read)) == (
        0,
        4,
        64,
        made.get_vocab_size(),
    )
    assert read.eos_token == (None if is_masked else "[SEP]")


def test_texts_without_characters_are_refused():
    with pytest.raises(DataError, match="no token"):
        train_tokenizer(["", " \t"], "wordpiece", size=300)
