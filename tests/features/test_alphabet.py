from __future__ import annotations

import sys
import unicodedata
from itertools import pairwise

import numpy as np
import pytest

from fenlei._codepoints import codepoints
from fenlei.features.alphabet import CHARACTER, JOINER, SPACE, UNIT, WORD, kinds, lower_case


@pytest.mark.parametrize(
    ("characters", "kind"),
    [
        (" \t\n\r\u3000\xa0\u200b\x00\x7f\ud800\udfff\ue000", SPACE),
        ("好看々〇あカㄅกພក\u1019。\U00020000\U0002f800ﾊ", CHARACTER),
        ("，！!.-_@#￥😀→㊣\ufffd\ufe00\ufe0f\u20e3", UNIT),
        ("aZ09éßЖעمअΩ\u0301²Ａ１𝒜", WORD),
        ("'’", JOINER),
    ],
)
def test_kinds_of_characters(characters: str, kind: int) -> None:
    found = {char: int(kinds()[ord(char)]) for char in characters}
    assert found == dict.fromkeys(characters, kind)


def test_every_code_point_has_a_kind_and_a_lower_case() -> None:
    assert kinds().shape == lower_case().shape == (sys.maxunicode + 1,)
    assert set(np.unique(kinds())) == {SPACE, UNIT, WORD, JOINER, CHARACTER}


def test_lower_case_is_pythons_where_it_is_one_code_point() -> None:
    for code in range(sys.maxunicode + 1):
        lower = chr(code).lower()
        expected = ord(lower) if len(lower) == 1 else code
        if lower_case()[code] != expected:
            pytest.fail(f"U+{code:04X} {unicodedata.name(chr(code), '')}")


def test_lower_case_keeps_the_kind() -> None:
    np.testing.assert_array_equal(kinds()[lower_case()], kinds())


@pytest.mark.parametrize("texts", [[], [""], ["", "好a", "", "\ud800\x00😀", ""]])
def test_code_points_can_be_taken_apart_again(texts: list[str]) -> None:
    codes, offsets = codepoints(texts)
    found = ["".join(map(chr, codes[i:j])) for i, j in pairwise(offsets)]
    assert found == texts
