from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from fenlei.encoders.tokenizer import EncoderTokenizer
from fenlei.encoders.tokenizer_files import longest_text, read_tokenizer
from fenlei.exceptions import ModelFolderError, SettingError

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


@pytest.fixture
def bert(tiny_encoders):
    tokenizer = tiny_encoders.tiny_tokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    return EncoderTokenizer(tokenizer)


def unigram(**changes):
    """A tokenizer like XLM-R's, whose special tokens are pieces of the model."""
    pieces = ["▁", "▁good", "good", "好", "看", "<", ">", "s", "/"]
    vocabulary = [(name, 0.0) for name in SPECIAL] + [(piece, -5.0 - i) for i, piece in enumerate(pieces)]
    made = Tokenizer(models.Unigram(vocabulary, unk_id=3))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )  # fmt: skip
    made.add_special_tokens(SPECIAL)
    return EncoderTokenizer(made, **changes)


def test_what_stands_around_a_text_is_found_by_asking_the_tokenizer(bert):
    assert (bert.prefix, bert.suffix, bert.pad_id, bert.mask_id, bert.unknown_id) == ((2,), (3,), 0, 4, 1)
    other = unigram()
    assert (other.prefix, other.suffix, other.pad_id, other.mask_id, other.unknown_id) == ((0,), (2,), 1, 4, 3)


def test_a_text_is_whole_and_bare(bert):
    ids = bert.encode(["好看 good movie" * 100, ""])
    assert ids.lengths.tolist()[1] == 0 and ids.lengths[0] > 500
    assert not {2, 3} & set(ids.ids.tolist())


@pytest.mark.parametrize("text", ["[SEP] good [CLS][MASK][PAD]", "a [SEP]", "[MASK]"])
def test_special_tokens_in_a_text_are_plain_text(bert, text):
    assert not {0, 2, 3, 4} & set(bert.encode([text]).ids.tolist())


def test_special_tokens_that_are_pieces_become_unknown():
    tokenizer = unigram()
    assert tokenizer.tokens(tokenizer.encode(["good <s></s>"])[0]) == ["▁good", "▁", "<unk>", "<unk>"]


@pytest.mark.parametrize("text", ["\x00", "\ud800", " ", "", "🙂", "好\ud800看", "x" * 100_000])
def test_no_text_is_too_odd(bert, text):
    assert len(bert.encode([text, text])) == 2
    assert len(unigram().encode([text])) == 1


def test_one_bare_text_is_refused(bert):
    with pytest.raises(SettingError):
        bert.encode("好看")


def test_bytes_bring_it_back(bert):
    texts = ["好看 good", "不好 [SEP]"]
    for tokenizer in (bert, unigram(), unigram(pad_id=2)):
        again = EncoderTokenizer.from_bytes(tokenizer.to_bytes())
        assert again.encode(texts).ids.tolist() == tokenizer.encode(texts).ids.tolist()
        assert again.to_bytes() == tokenizer.to_bytes()
        for name in ("prefix", "suffix", "pad_id", "mask_id", "unknown_id", "special_ids"):
            assert getattr(again, name) == getattr(tokenizer, name)
        assert len(again) == len(tokenizer)


@pytest.mark.parametrize("data", [b"", b"{}", b"not json", b'{"model": {"type": "Unigram", "vocab": []}}', b"\xff"])
def test_a_damaged_file_is_refused(data):
    with pytest.raises(ModelFolderError, match=r"tokenizer\.json"):
        EncoderTokenizer.from_bytes(data)


def test_absurd_ids_are_refused_before_there_is_an_array_for_them():
    model = {
        "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        "vocab": {"[UNK]": 0, "a": 4_000_000_000},
    }  # fmt: skip
    state = {"version": "1.0", "model": model, "added_tokens": []}
    with pytest.raises(ModelFolderError, match="no tokenizer has"):
        EncoderTokenizer.from_bytes(json.dumps(state).encode())


def test_a_decoder_has_no_padding_and_the_end_of_text_stands_in(tiny_decoder):
    tokenizer = read_tokenizer(tiny_decoder, {"eos_token_id": 0})
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id, tokenizer.mask_id) == ((), (), 0, None)
    assert longest_text(tiny_decoder) is None


def test_an_old_vocabulary_is_turned_into_a_tokenizer(tiny_encoder, tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "好", "看", "good", "##ly"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    (tmp_path / "config.json").write_bytes((tiny_encoder / "config.json").read_bytes())
    tokenizer = read_tokenizer(tmp_path)
    assert tokenizer.tokens(tokenizer.encode(["Goodly 好看"])[0]) == ["good", "##ly", "好", "看"]
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id, tokenizer.mask_id) == ((2,), (3,), 0, 4)


def test_a_tokenizer_of_foreign_code_is_refused(tmp_path):
    (tmp_path / "vocab.txt").write_text("a", encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["tok.My", null]}}', "utf-8")
    with pytest.raises(ModelFolderError, match="code of its own"):
        read_tokenizer(tmp_path)


def test_a_checkpoint_without_tokenizer_is_told_so(tmp_path):
    with pytest.raises(ModelFolderError, match="has no tokenizer"):
        read_tokenizer(tmp_path)
