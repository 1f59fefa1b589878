"""Capital letters."""

from __future__ import annotations

import re

from fenlei.clean.editing import EDITOR, Editor

_DOTTED = re.compile("İ")  # the one letter whose small form is two characters


def to_lower(text: str, editor: Editor = EDITOR) -> str:
    """Lower-case all scripts that have cases.

    Examples
    --------
    >>> to_lower("ＯＫ ΟΔΟΣ")
    'ｏｋ οδος'
    """
    return (editor.sub(_DOTTED, "i\u0307", text) if "İ" in text else text).lower()
