"""How published vocabularies spell pieces of words: "##ing" goes on with one, "▁go" and "Ġgo" begin one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Self

from fenlei.segment._patterns import UNSPACED

LEAD, CONTINUED = "\ue000", "\ue001"
"""Stand for bytes of UTF-8 that begin a character, and those that go on with it."""
INSIDE = "##"
"""WordPiece's mark of a piece that goes on with a word."""
_SPACE, _BYTE_SPACE = "▁", "Ġ"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_UNSPACED = re.compile(f"[{UNSPACED}]")


class Pieces(NamedTuple):
    """The spelling of a vocabulary.

    Attributes
    ----------
    spelt : list of str
        Text of each token, a space where its mark says that a word begins; "##" is kept. Of parts of a character
        `LEAD` or `CONTINUED`.
    marks_spaces : bool
        Whether the vocabulary marks what begins a word, rather than what goes on with one.
    """

    spelt: list[str]
    marks_spaces: bool

    @classmethod
    def of(cls, tokens: Sequence[str]) -> Self:
        """Spell tokens, whichever marks their vocabulary has.

        Examples
        --------
        >>> Pieces.of(["▁go", "ing", "好"]).spelt, Pieces.of(["Ġgo", "ing", "å¥½"]).spelt
        ([' go', 'ing', '好'], [' go', 'ing', '好'])
        """
        in_bytes = any(token.startswith(_BYTE_SPACE) for token in tokens)
        spelt = list(map(_decoded if in_bytes else _plain, tokens))
        return cls(spelt, in_bytes or any(token.startswith(_SPACE) for token in tokens))


def words_of(tokens: Sequence[str]) -> dict[str, int]:
    """Find the tokens that are a word of their own, a Chinese character or a mark, and where each is.

    What goes on with a word is left out. A vocabulary that marks spaces has Chinese with and without the mark: the
    form without is that inside a text, and counts.

    Examples
    --------
    >>> words_of(["go", "##ing", "好", ""]), words_of(["▁", "▁go", "ing", "▁好", "好", "<0xE5>"])
    ({'go': 0, '好': 2}, {'好': 4, 'go': 1})
    """
    spelt, marks_spaces = Pieces.of(tokens)
    goes_on = _is_letter if marks_spaces else _is_marked
    found: dict[str, int] = {}
    for place in sorted(range(len(spelt)), key=lambda place: spelt[place].startswith(" ")):
        text = spelt[place]
        if not goes_on(text) and text.strip(" ") and text[0] not in (LEAD, CONTINUED):
            found.setdefault(text.strip(" "), place)
    return found


def _is_letter(text: str) -> bool:
    """Whether a text begins with a letter of a spaced script."""
    return text[:1].isalnum() and _UNSPACED.match(text) is None


def _is_marked(text: str) -> bool:
    return text.startswith(INSIDE) and text != INSIDE


def _plain(token: str) -> str:
    """Spell a token; a lone byte as a stand-in."""
    byte = _BYTE.fullmatch(token)
    if byte is not None:
        return _stand_in(int(byte[1], 16))
    return token.replace(_SPACE, " ")


def _decoded(token: str) -> str:
    """Spell a token of a byte-level tokenizer; such as is a part of a character only as a stand-in."""
    values = _byte_values()
    if not all(char in values for char in token):
        return token
    content = bytes(values[char] for char in token)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _stand_in(content[0]) if content[:1] != b" " else " "


def _stand_in(byte: int) -> str:
    return CONTINUED if 0x80 <= byte < 0xC0 else LEAD


@cache
def _byte_values() -> dict[str, int]:
    """Byte that each character of a byte-level vocabulary stands for: itself where it is visible."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(0x100) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}
