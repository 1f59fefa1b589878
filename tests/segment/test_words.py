from __future__ import annotations

import pytest

from fenlei.segment.words import WordSegmenter


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't like it.", "I|don't|like|it"),
        ("the dogs' 'n' rock’n’roll", "the|dogs|n|rock’n’roll"),
        ("state-of-the-art e-mail -- no", "state-of-the-art|e-mail|no"),
        ("3.5 1,000,000 12:30 v2.0 5.", "3.5|1,000,000|12:30|v2|0|5"),
        ("C++ and C# but c+1", "C++|and|C#|but|c|1"),
        ("naïve cafe\u0301 Straße", "naïve|cafe\u0301|Straße"),
        ("नमस्ते दुनिया", "नमस्ते|दुनिया"),
        ("好 👍🏽👍 <3 $5 50%", "好|👍🏽|👍|3|5|50"),
        ("snake_case _URL_", "snake_case|_URL_"),
        ("", ""),
    ],
)
def test_words(text: str, tokens: str) -> None:
    assert WordSegmenter().transform([text]) == [[token for token in tokens.split("|") if token]]


def test_punctuation_tokens() -> None:
    assert WordSegmenter(punctuation=True).transform(["Well... no!!! :)"]) == [["Well", "...", "no", "!!!", ":", ")"]]
