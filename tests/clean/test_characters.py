"""The steps that go character by character, each against Python's own tables or a slow plain version."""

from __future__ import annotations

import itertools
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenlei.clean.control import remove_control, replace_surrogates
from fenlei.clean.digits import zero_digits
from fenlei.clean.emoji import remove_emoji
from fenlei.clean.punctuation import remove_punctuation
from fenlei.clean.repeats import cut_repeats
from fenlei.clean.script import to_simplified
from fenlei.clean.width import to_half_width

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=50)


def test_remove_control_removes_only_what_is_invisible() -> None:
    removed = [chr(code) for code in range(sys.maxunicode + 1) if not remove_control(chr(code))]
    assert {unicodedata.category(character) for character in removed} == {"Cc", "Cf", "Cn", "Cs"}
    controls = {chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cc", "Cs")}
    assert controls - set(removed) == {character for character in controls if character.isspace()}


def test_lone_surrogates_become_replacement_characters_of_the_same_number() -> None:
    assert replace_surrogates("a\ud800\udfffb") == "a\ufffd\ufffdb"


def test_half_width_is_nfkc_on_the_full_width_block() -> None:
    wide = "".join(map(chr, [*range(0xFF01, 0xFF5F), 0x3000]))
    assert to_half_width(wide) == unicodedata.normalize("NFKC", wide)


@given(text=st.text(alphabet="ab哈哈1!\n", max_size=40), longest=st.integers(1, 4))
def test_cut_repeats_equals_the_plain_version(text: str, longest: int) -> None:
    runs = ("".join(run) for _, run in itertools.groupby(text))
    assert cut_repeats(text, longest) == "".join(run if run.isdigit() else run[:longest] for run in runs)


@given(text=ANY_TEXT)
def test_digits_and_punctuation_leave_none_behind(text: str) -> None:
    assert not any(character.isdecimal() and character != "0" for character in zero_digits(text))
    assert not any(unicodedata.category(character)[0] == "P" for character in remove_punctuation(text))


@pytest.mark.parametrize("emoji", ["😀", "👍🏽", "👨‍👩‍👧", "🇨🇳", "❤️", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⭐", "☀", "㊗️"])
def test_emoji_go_whole(emoji: str) -> None:
    assert remove_emoji(f"好{emoji}{emoji}a") in ("好 a", "好  a")


@pytest.mark.parametrize("text", ["★★★☆☆", "→ ✓ ©", "123 #1 *", "很好。", "№ ½ ℃"])
def test_plain_symbols_are_no_emoji(text: str) -> None:
    assert remove_emoji(text) == text


def test_traditional_goes_by_phrase() -> None:
    assert to_simplified("皇后在後臺，頭髮發光，乾燥的乾隆") == "皇后在后台，头发发光，干燥的乾隆"
    assert to_simplified("後\ud800") == "后\ufffd"
    assert to_simplified("後\x00臺") == "后\x00台"
