"""Trimmed tokenizers cut the texts they were trimmed to as the whole ones do, piece by piece."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from fenlei._strict_json import dump
from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.trimmed_tokenizer import trim_tokenizer
from fenlei.exceptions import SettingError

CORPUS = [
    "the waiter was waiting for the greatest waiters", "a warmer film, the warmest of films", "lower and lowest",
    "房间很干净，服务很热情", "服务太差，房间又脏又差", "下次还来，很满意", "newer newest widely widest",
    "naïve café 😀",
] * 3  # fmt: skip
SEEN = ["the waiters waiting", "房间很差", "newest film, lower"]
OTHERS = ["widely lowest 满意", "naïve café 😀", "warmest?"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]


def wordpiece():
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return made, trainers.WordPieceTrainer(vocab_size=220, special_tokens=SPECIAL, show_progress=False)


def unigram():
    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    return made, trainers.UnigramTrainer(vocab_size=150, special_tokens=SPECIAL, unk_token="[UNK]", show_progress=False)


def bpe():
    made = Tokenizer(models.BPE(unk_token="[UNK]", byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    special = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    return made, trainers.BpeTrainer(vocab_size=500, special_tokens=special, show_progress=False)


def byte_bpe():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    return made, trainers.BpeTrainer(
        vocab_size=480, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )


def marked_bpe():
    made = Tokenizer(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", end_of_word_suffix="</w>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made, trainers.BpeTrainer(
        vocab_size=260, special_tokens=SPECIAL, continuing_subword_prefix="##", end_of_word_suffix="</w>",
        show_progress=False,
    )  # fmt: skip


def words():
    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made, trainers.WordLevelTrainer(special_tokens=SPECIAL, show_progress=False)


@pytest.fixture(scope="module", params=[wordpiece, unigram, bpe, byte_bpe, marked_bpe, words])
def whole(request):
    made, trainer = request.param()
    made.train_from_iterator(CORPUS, trainer)
    cls, sep = ("[CLS]", made.token_to_id("[CLS]")), ("[SEP]", made.token_to_id("[SEP]"))
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[cls, sep])
    made.add_special_tokens(["<extra>"])  # behind the vocabulary
    return EncoderTokenizer(made)


def trimmed(whole, texts=SEEN, **options):
    found = trim_tokenizer(json.loads(whole.to_bytes()), whole.encode(texts).ids.tolist(), **options)
    return EncoderTokenizer.from_bytes(dump(found.state)), found.rows


@pytest.mark.parametrize("characters", [True, False])
def test_the_texts_are_cut_as_before(whole, characters):
    small, rows = trimmed(whole, characters=characters)
    assert len(small) == len(rows) < len(whole)
    for text in (*SEEN, "", "房间"):
        old, new = whole.encode([text])[0], small.encode([text])[0]
        assert [rows[i] for i in new] == old.tolist()
    assert small.tokens(range(len(small))) == whole.tokens(rows)


def test_what_stands_around_a_text_and_fills_it_up(whole):
    small, rows = trimmed(whole)
    for name in ("prefix", "suffix"):
        assert [rows[i] for i in getattr(small, name)] == list(getattr(whole, name)) != []
    assert rows[small.pad_id] == whole.pad_id
    assert {rows[i] for i in small.special_ids} == whole.special_ids
    assert "<extra>" in small.tokens(small.special_ids)


def test_other_texts_are_still_read(whole):
    small, rows = trimmed(whole)
    for text in OTHERS:
        old, new = whole.encode([text])[0].tolist(), [rows[i] for i in small.encode([text])[0]]
        if isinstance(whole._tokenizer.model, models.WordLevel):
            assert len(new) == len(old)  # words that are gone are unknown
        else:
            assert (whole.unknown_id in new) == (whole.unknown_id in old)


def test_nothing_is_trimmed_where_all_is_seen(whole):
    state = json.loads(whole.to_bytes())
    found = trim_tokenizer(state, range(len(whole)))
    assert found.rows == list(range(len(whole)))
    assert found.state["model"] == state["model"]


def test_other_kinds_of_post_processors():
    made, trainer = wordpiece()
    made.train_from_iterator(CORPUS, trainer)
    cls, sep = ("[CLS]", made.token_to_id("[CLS]")), ("[SEP]", made.token_to_id("[SEP]"))
    made.post_processor = processors.Sequence([processors.BertProcessing(sep, cls)])
    whole = EncoderTokenizer(made)
    small, rows = trimmed(whole)
    assert (rows[small.prefix[0]], rows[small.suffix[0]]) == (cls[1], sep[1])


def test_kinds_that_are_not_known_are_refused():
    with pytest.raises(SettingError, match="a tokenizer of the kind 'Magic' cannot be trimmed"):
        trim_tokenizer({"model": {"type": "Magic"}, "added_tokens": []}, [1])
