r"""Addresses: URLs, e-mails, mentions of users.

Chinese is written without spaces around them, and ``\b`` does not match between a Chinese character and a
letter or digit. So URLs and e-mails are described by the characters they may hold, all ASCII: they end at the
first Chinese character, full-width punctuation or space.
"""

from __future__ import annotations

import re

from fenlei.clean.editing import EDITOR, Editor

# The last character is never one that closes a sentence or a bracket.
_URL = re.compile(
    r"(?:(?:https?|ftp)://|(?<![A-Za-z0-9])www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9\-_~/#@$&+=%]",
    re.I,
)
# Starting only where a run of such characters starts, and never giving one back, keeps the search linear.
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++@(?:[A-Za-z0-9-]++\.)+[A-Za-z]{2,}")
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+-])@[\w-]+")


def replace_urls(text: str, replacement: str, editor: Editor = EDITOR) -> str:
    """Put `replacement` for each URL that starts with http, https, ftp or www.

    Examples
    --------
    >>> replace_urls("见http://a.cn/b看看，(www.b.com).", " URL ")
    '见 URL 看看，( URL ).'
    """
    if "://" in text or "www." in text.lower():
        return editor.sub(_URL, replacement, text)
    return text


def replace_emails(text: str, replacement: str, editor: Editor = EDITOR) -> str:
    """Put `replacement` for each e-mail address.

    Examples
    --------
    >>> replace_emails("发到a.b@c.com.cn谢谢", " MAIL ")
    '发到 MAIL 谢谢'
    """
    return editor.sub(_EMAIL, replacement, text) if "@" in text else text


def replace_mentions(text: str, replacement: str, editor: Editor = EDITOR) -> str:
    """Put `replacement` for each @user; a name runs on to the first space or punctuation, also in Chinese.

    Examples
    --------
    >>> replace_mentions("@张三 thanks @bob!", "USER")
    'USER thanks USER!'
    """
    return editor.sub(_MENTION, replacement, text) if "@" in text else text
