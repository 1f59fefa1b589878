"""HTML: tags removed, entities decoded.

Only what is certainly HTML goes: the name must be an HTML element's, and attributes must hold an ``=``. So
"a < b", "<3", "<色戒>" and "<sigh>" stay as they are. One call decodes one level: "&amp;lt;" becomes "&lt;".
The cleaner repeats its steps until nothing changes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from html.entities import html5

from fenlei.clean.editing import EDITOR, Edit, Editor

_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd label mark nobr o:p q rb rp rt ruby s
    samp small span strike strong sub sup time tt u var wbr
    """.split()  # noqa: SIM905  (a list would be one name a line)
)
_BLOCK = frozenset(
    """
    address applet area article aside audio base blockquote body br button canvas caption center col colgroup
    data datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset
    h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe img input legend li link main map menu meta meter nav
    noframes noscript object ol optgroup option output p param picture pre progress script section select slot
    source style summary svg table tbody td template textarea tfoot th thead title tr track ul video
    """.split()  # noqa: SIM905
)
# Possessive quantifiers and [^<>] keep the search linear: each attempt ends at the next bracket, and none is
# retried.
_TAG = re.compile(
    r"</?+([A-Za-z][A-Za-z0-9:]*+)(?:\s*+/?+|\s(?=[^<>=]*+=)[^<>]*+)>|<(?:!doctype|\?xml)\s[^<>]*+>", re.I
)
_OPENING = re.compile(r"<(script|style)(?=[\s/>])|<!--", re.I)
_CLOSING = {
    "script": re.compile(r"</script\s*+>", re.I),
    "style": re.compile(r"</style\s*+>", re.I),
    "comment": re.compile("-->"),
}
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def strip_html(text: str, editor: Editor = EDITOR) -> str:
    """Remove comments, scripts, styles and tags, and decode entities that end in a semicolon.

    An inline tag such as ``<b>`` leaves nothing, any other, such as ``<br />``, a space.

    Examples
    --------
    >>> strip_html("价格<b>很</b>低<br />a &lt; b &amp; <3")
    '价格很低 a < b & <3'
    """
    if "<" in text:
        text = editor.sub(_TAG, _replace_tag, editor.splice(text, _find_blocks(text)))
    if "&" in text:
        text = editor.sub(_ENTITY, _decode, text)
    return text


def _replace_tag(match: re.Match[str]) -> str:
    name = (match[1] or "!").lower()
    if name in _INLINE:
        return ""
    return " " if name in _BLOCK or name == "!" else match[0]


def _find_blocks(text: str) -> Iterator[Edit]:
    """Cut comments, scripts and styles with what they hold; one that is never closed stays."""
    start, unclosed = 0, set()
    for opening in _OPENING.finditer(text):
        kind = (opening[1] or "comment").lower()
        if opening.start() < start or kind in unclosed:
            continue
        closing = _CLOSING[kind].search(text, opening.end())
        if closing is None:
            unclosed.add(kind)
        else:
            start = closing.end()
            yield opening.start(), start, " "


def _decode(match: re.Match[str]) -> str:
    entity = match[0]
    return html.unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)
