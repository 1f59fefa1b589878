"""matplotlib figures as SVG for a web page: text drawn by the browser, colours set by the page.

matplotlib's own fonts have no Chinese, so its SVG keeps text as text (``svg.fonttype: none``) and the page's
fonts draw it. Colours are drawn as stand-ins that become CSS variables, so that a chart follows the page into
dark mode.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, GRID = "#0a0b01", "#0a0b02", "#0a0b03"
SERIES = tuple(f"#0a0c{number:02x}" for number in range(1, 7))
REST, RIGHT, WRONG = "#0a0b04", SERIES[0], SERIES[1]

_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", REST: "rest"} | {
    colour: f"s{number}" for number, colour in enumerate(SERIES, start=1)
}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fenlei",
    "font.size": 9.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "path.simplify": False,
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure of `width` x `height` inches with one axes, styled for the page."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        yield figure, figure.add_axes((0.085, 0.085, 0.895, 0.885))


def to_svg(figure: Figure, name: str, title: str) -> Markup:
    """Write `figure` as an ``<svg>`` element.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Drawn within `canvas`.
    name : str
        Put before each id, so that several charts can stand in one page.
    title : str
        What the chart shows, for people who cannot see it.
    """
    from markupsafe import Markup

    stream = io.StringIO()
    with warnings.catch_warnings():  # matplotlib measures text with its own font, which lacks most scripts
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = stream.getvalue()
    whole = _finish(svg[svg.index("<svg") :].strip(), name, title)
    return Markup(whole)  # noqa: S704  (matplotlib escapes the labels)


def _finish(svg: str, name: str, title: str) -> str:
    head = svg[: svg.index(">") + 1]
    head = re.sub(r' (width|height|version|xmlns(:xlink)?)="[^"]*"', "", head)
    head = head.replace("<svg", f'<svg class="chart" role="img" aria-label="{escape(title)}"', 1)
    body = svg[svg.index(">") + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", body)
    body = body.replace("xlink:href", "href")
    body = re.sub(r" font-family: [^;\"]*;?", "", body)
    body = re.sub("|".join(_VARIABLES), lambda match: f"var(--{_VARIABLES[match[0]]})", body)
    body = re.sub(r'="[^"]*"', lambda match: re.sub(r"-?\d+\.\d{3,}", _short_number, match[0]), body)
    return head + body


def _short_number(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
