"""Explanations as one HTML page: every text with its segments coloured, and the strongest of them as a table.

The page is self-contained: no network, no script, no fonts, and a content security policy that forbids them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from fenlei.evaluation._text import printable
from fenlei.explain.explanation import Explanation, Segment

if TYPE_CHECKING:
    from jinja2 import Environment

_STRONGEST = 12
_SHADES = 8
_FAINT = 0.04  # share of the strongest below which a segment has no colour
_METHODS = {
    "exact": ("exact: weights and base sum to the score", "精确：各权重与基数之和即为得分"),
    "occlusion": ("occlusion: the log-odds lost without a segment", "遮挡：去掉该片段后对数几率的下降"),
}


def render_page(explanations: Sequence[Explanation], *, model: str = "", family: str = "") -> str:
    """Show explanations, in order.

    Parameters
    ----------
    explanations : sequence of Explanation
    model, family : str
        What the page says they come from.

    Examples
    --------
    >>> from fenlei.explain.explanation import Explanation, Segment
    >>> found = Explanation("又<脏", "差评", "exact", 0.9, 0.0, (Segment("<脏", 1, 3, 1.0),))
    >>> page = render_page([found])
    >>> '又<span class="for8" title="+1.000">&lt;脏</span>' in page
    True
    """
    template = _environment().get_template("explanations.html.jinja")
    return printable(template.render(explanations=explanations, model=model, family=family))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("fenlei.explain"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"shade": _shade, "shades": range(1, _SHADES + 1), "strongest": _STRONGEST, "methods": _METHODS}
    return made


def _shade(explanation: Explanation, segment: Segment) -> str:
    """Name the style of a segment; empty where it says next to nothing."""
    share = explanation.share(segment)
    if abs(share) < _FAINT:
        return ""
    return f"{'for' if share > 0 else 'against'}{max(1, round(_SHADES * abs(share)))}"
