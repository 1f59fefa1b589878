"""The charts of the report, each an ``<svg>`` element.

Words stay out of the drawings, so that the page can name the axes in the reader's language; only numbers and
the user's own labels are inside. Colours are those of M. Okabe and K. Ito, "Color Universal Design", 2008.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fenlei.evaluation._confidence import Histogram, Reliability
from fenlei.evaluation._svg import INK, MUTED, REST, RIGHT, SERIES, WRONG, canvas, to_svg
from fenlei.evaluation._text import printable, shorten
from fenlei.evaluation.curves import CurveSet

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

_LABEL_LENGTH = 22
_TICK_LABELS = ("0", "0.2", "0.4", "0.6", "0.8", "1")
_TICKS = tuple(float(label) for label in _TICK_LABELS)


def roc_chart(curves: CurveSet, named: Sequence[str], *, title: str) -> Markup:
    """ROC curves: the classes `named` in colour, the others faint, the macro average in black."""
    with canvas(4.6, 4.0) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        _draw_curves(axes, curves, named, corner="lower right")
        return to_svg(figure, "roc", title)


def precision_recall_chart(curves: CurveSet, named: Sequence[str], *, title: str) -> Markup:
    """Precision-recall curves, drawn like `roc_chart`."""
    low = curves.macro is not None and curves.macro.area < 0.5
    with canvas(4.6, 4.0) as (figure, axes):
        corner = "upper right" if low else "lower left"
        _draw_curves(axes, curves, named, corner=corner, drawstyle="steps-pre")
        return to_svg(figure, "pr", title)


def classes_to_name(curves: CurveSet) -> list[str]:
    """Return the classes of the smallest areas, as many as there are colours, smallest first."""
    return sorted(curves.by_class, key=lambda label: curves.by_class[label].area)[: len(SERIES)]


def histogram_chart(histogram: Histogram, *, title: str) -> Markup:
    """Wrong answers stacked on right ones, by score."""
    left, width = histogram.edges[:-1], np.diff(histogram.edges)
    with canvas(4.6, 3.2) as (figure, axes):
        axes.grid(visible=False, axis="x")
        axes.bar(left, histogram.right, width, align="edge", color=RIGHT)
        axes.bar(left, histogram.wrong, width, histogram.right, align="edge", color=WRONG)
        axes.set_xlim(0, 1)
        axes.set_xticks(_TICKS, _TICK_LABELS)
        axes.yaxis.set_major_formatter(_thousands)
        return to_svg(figure, "histogram", title)


def reliability_chart(reliability: Reliability, *, title: str) -> Markup:
    """Share of right answers against the score; the size of a point is the number of answers."""
    share = reliability.size / reliability.size.sum()
    with canvas(4.6, 3.2) as (figure, axes):
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.plot(reliability.confidence, reliability.accuracy, color=SERIES[0])
        axes.scatter(
            reliability.confidence,
            reliability.accuracy,
            s=12 + 160 * share,
            color=SERIES[0],
            zorder=3,
            alpha=0.9,
        )
        _unit_square(axes)
        return to_svg(figure, "reliability", title)


def line_chart(
    x: Sequence[float],
    series: Mapping[str, Sequence[float | None]],
    *,
    name: str,
    title: str,
    log: bool = False,
) -> Markup:
    """Lines with a point at each x; colours in the order of `series`, gaps where a value is None."""
    with canvas(4.6, 3.2) as (figure, axes):
        for colour, values in zip(_colours(len(series)), series.values(), strict=True):
            points = [(at, value) for at, value in zip(x, values, strict=True) if value is not None]
            axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=3.5)
        _ticks_at(axes, x, log=log)
        axes.margins(x=0.04, y=0.1)
        return to_svg(figure, name, title)


def _draw_curves(
    axes: Axes, curves: CurveSet, named: Sequence[str], *, corner: str, drawstyle: str = "default"
) -> None:
    colours = dict(zip(named, SERIES, strict=False))
    for label, curve in curves.by_class.items():
        if label not in colours:
            axes.plot(curve.x, curve.y, color=REST, linewidth=0.8, drawstyle=drawstyle)
    for label in sorted(colours, key=lambda label: curves.by_class[label].area):
        curve = curves.by_class[label]
        name = shorten(printable(label), _LABEL_LENGTH)
        title = f"{curve.area:.3f}  \u2068{name}\u2069"
        axes.plot(curve.x, curve.y, color=colours[label], drawstyle=drawstyle, label=title)
    if curves.macro and len(curves.by_class) > 2:
        axes.plot(
            curves.macro.x,
            curves.macro.y,
            color=INK,
            drawstyle=drawstyle,
            label=f"{curves.macro.area:.3f}  macro",
        )
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc=corner, handlelength=1.2, labelspacing=0.35)
    _unit_square(axes)


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.02)
    axes.set_xticks(_TICKS, _TICK_LABELS)
    axes.set_yticks(_TICKS, _TICK_LABELS)


def _ticks_at(axes: Axes, x: Sequence[float], *, log: bool) -> None:
    """Name the measured points on the x axis, or some of them where they are many."""
    if log:
        axes.set_xscale("log")
    step = -(-len(x) // 8)
    chosen = list(x)[::-step][::-1]
    axes.set_xticks(chosen, [_thousands(at) for at in chosen])
    axes.set_xticks([], minor=True)


def _colours(number: int) -> list[str]:
    return [SERIES[position % len(SERIES)] for position in range(number)]


def _thousands(value: float, _: object = None) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"
