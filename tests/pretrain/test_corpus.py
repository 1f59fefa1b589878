"""A corpus on disk is the one that was written."""

from __future__ import annotations

import numpy as np
import pytest

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.exceptions import DataError
from fenlei.pretrain.corpus import has_corpus, open_corpus, write_corpus
from fenlei.pretrain.words import WordFinder


def write(batches, tokenizer, folder, length=16, **how):
    plain = {"whole_words": True, "digest": "d", "progress": lambda what: None}
    return write_corpus(batches, tokenizer, folder, length=length, **plain | how)


def test_ids_and_words_come_back(tokenizer, corpus_texts, tmp_path):
    made = write([corpus_texts[:50], corpus_texts[50:]], tokenizer, tmp_path)
    encoded = tokenizer.encode(corpus_texts)
    packed = made.select(np.arange(len(made)))
    inside = made.inside(np.arange(len(made)))
    text = inside & (packed.ids != 2) & (packed.ids != 3)
    assert packed.ids[text].tolist() == encoded.ids.tolist()
    assert packed.starts[text].tolist() == WordFinder(tokenizer).starts(encoded).tolist()
    assert (packed.ids[~inside] == 0).all() and inside[:-1].all()
    assert (made.counts.texts, made.counts.tokens) == (len(corpus_texts), len(encoded.ids))
    assert made.counts.characters == sum(map(len, corpus_texts))
    assert made.ids.dtype == np.uint16
    again = open_corpus(tmp_path)
    assert (again.ids == made.ids).all() and (again.words == made.words).all()
    assert (again.digest, again.counts, again.last) == ("d", made.counts, made.last)


def test_without_whole_words_each_token_is_one(tokenizer, corpus_texts, tmp_path):
    made = write([corpus_texts], tokenizer, tmp_path, whole_words=False)
    assert made.select(np.arange(len(made) - 1)).starts.all()


def test_large_vocabularies_take_four_bytes(corpus_texts, tmp_path, tokenizer):
    class Large(EncoderTokenizer):
        def __len__(self):
            return 70_000

    tokenizer = Large.from_bytes(tokenizer.to_bytes())
    assert write([corpus_texts], tokenizer, tmp_path, whole_words=False).ids.dtype == np.uint32


@pytest.mark.parametrize("texts", [["好"], [""], ["好看的电影"]])
def test_too_little_text_is_told(texts, tokenizer, tmp_path):
    with pytest.raises(DataError, match=r"not enough for two sequences of 16 .* give more text, or lower length"):
        write([texts], tokenizer, tmp_path)
    assert not has_corpus(tmp_path)


@pytest.mark.parametrize("name", ["sequences.bin", "words.bin", "corpus.json"])
def test_damage_is_told(name, tokenizer, corpus_texts, tmp_path):
    write([corpus_texts], tokenizer, tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-3])
    with pytest.raises(DataError, match="is damaged"):
        open_corpus(tmp_path)
