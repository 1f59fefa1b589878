from __future__ import annotations

from fenlei.segment.char import CharSegmenter


def test_every_character_but_white_space() -> None:
    assert CharSegmenter().transform(["很\u3000好 ok!\n", " \t", "\ud800"]) == [
        list("很好ok!"),
        [],
        ["\ud800"],
    ]
