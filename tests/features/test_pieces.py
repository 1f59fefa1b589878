"""Tokens are spelt whatever marks their vocabulary has, and those that are whole words are found."""

from __future__ import annotations

import pytest

from fenlei.features.pieces import Pieces, words_of
from fenlei.pretrain.tokenizer import train_tokenizer


def test_bytes_that_are_a_part_of_a_character_are_no_text():
    wanted = "好"
    whole, first, rest = "å¥½", "å", "¥½"
    spelt, marks_spaces = Pieces.of(["Ġgo", whole, first, rest])
    assert marks_spaces and spelt[:2] == [" go", wanted]
    assert len({*spelt[2:]}) == 2 and not any(text.isalnum() for text in spelt[2:])
    assert words_of(["Ġgo", whole, first, rest]) == {wanted: 1, "go": 0}


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["go", "##ing", "好", "##好", "##", "."], {"go": 0, "好": 2, "##": 4, ".": 5}),
        (["▁go", "go", "ing", "电影", "▁电影", "▁看", "。", "▁", "です"], ["电影", "。", "です", "go", "看"]),
        (["Ġgo", "going", "Ġ", ",", "Ġ,"], {",": 3, "go": 0}),
        (["▁go", "<0xE5>", "<0x41>"], {"go": 0}),
        (["", ""], {}),
    ],
)
def test_words_are_what_does_not_go_on_with_another(tokens, expected):
    found = words_of(tokens)
    assert list(found) == list(expected)
    assert found == (expected if isinstance(expected, dict) else {"电影": 3, "。": 6, "です": 8, "go": 0, "看": 5})


@pytest.mark.parametrize("kind", ["wordpiece", "bpe"])
def test_the_words_of_a_trained_tokenizer(kind):
    tokenizer = train_tokenizer(["看电影 going to the cinema again"] * 20, kind, size=600)
    tokens = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    found = words_of(tokens)
    assert {"the", "cinema", "again"} <= set(found)
    assert any(set(word) <= set("看电影") for word in found)
    assert not any(word.startswith(("##w", "▁", " ", "<0x")) for word in found)
