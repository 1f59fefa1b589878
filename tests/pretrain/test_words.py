"""Words begin where jieba or the spelling of the tokens says."""

from __future__ import annotations

import pytest

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.features.sequences import Sequences
from fenlei.pretrain.tokenizer import train_tokenizer
from fenlei.pretrain.words import WordFinder


def words(tokenizer, texts):
    """Tokens of each word, of all texts together."""
    found = tokenizer.encode(texts)
    starts = WordFinder(tokenizer).starts(found)
    grouped = []
    for token, begins in zip(tokenizer.tokens(found.ids), starts, strict=True):
        if begins:
            grouped.append([])
        grouped[-1].append(token)
    return grouped


@pytest.mark.parametrize("kind", ["wordpiece", "bpe", "unigram"])
def test_chinese_words_are_jiebas_and_others_are_between_spaces(kind, corpus_texts):
    made = EncoderTokenizer(train_tokenizer(corpus_texts, kind, size=700))
    found = ["".join(word).replace("##", "").replace("▁", "") for word in words(made, ["我们等待电影，Walking again!"])]
    assert found == ["我们", "等待", "电影", found[3], "walking", "again", "!"]
    assert found[3] in ("，", "[UNK]") or found[3].startswith("<0x")


def test_pieces_of_a_word_belong_together():
    made = EncoderTokenizer(train_tokenizer(["ab ac bc"] * 3, "wordpiece", size=300))
    assert words(made, ["abcab ac"]) == [made.tokens(made.encode(["abcab"])[0]), made.tokens(made.encode(["ac"])[0])]


def test_a_word_never_reaches_into_the_next_text(tokenizer):
    assert words(tokenizer, ["电", "影", "", "电影"]) == [["电"], ["影"], ["电", "影"]]


def test_bytes_of_a_character_belong_together():
    made = EncoderTokenizer(train_tokenizer(["好看 ab"] * 3, "bpe", size=300))
    assert [len(word) for word in words(made, ["🐱🐶"])] == [4, 4]


def test_byte_level_tokenizers():
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(["going to going to 电影电影 电影"] * 5, trainer)
    found = EncoderTokenizer(made)
    grouped = words(found, ["going to 电影é"])
    assert ["".join(word).replace("Ġ", "") for word in grouped[:2]] == ["going", "to"]
    assert len(words(found, ["龘"])) == 1


def test_no_texts(tokenizer):
    assert WordFinder(tokenizer).starts(Sequences.of([])).tolist() == []
    assert WordFinder(tokenizer).starts(Sequences.of([[], []])).tolist() == []
