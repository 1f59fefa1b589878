"""The charts of the monitor's page, each an ``<svg>`` element; drawn like those of the evaluation report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fenlei.evaluation._svg import GRID, MUTED, REST, SERIES, canvas, to_svg
from fenlei.evaluation._text import printable, shorten

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

Values = Sequence[float | None]

_WIDE, _TALL = 4.6, 3.2
_DAY = 86_400
_MOST_TICKS, _MOST_LONG_TICKS = 6, 4
_NAME_LENGTH = 14


def bars_over_time(starts: Sequence[float], values: Sequence[float], width: float, *, name: str, title: str) -> Markup:
    """One bar a window of time."""
    with canvas(_WIDE, _TALL) as (figure, axes):
        axes.grid(visible=False, axis="x")
        axes.bar(starts, values, 0.9 * width, align="edge", color=SERIES[0])
        _time_axis(axes, starts, width)
        axes.yaxis.set_major_formatter(_number)
        return to_svg(figure, name, title)


def stacked_over_time(
    starts: Sequence[float], shares: Mapping[str, Sequence[float]], width: float, *, name: str, title: str
) -> Markup:
    """Shares of a whole, one bar a window; what has no colour of its own comes last, in grey."""
    with canvas(_WIDE, _TALL) as (figure, axes):
        axes.grid(visible=False, axis="x")
        below = [0.0] * len(starts)
        for place, values in enumerate(shares.values()):
            colour = SERIES[place] if place < len(SERIES) else REST
            axes.bar(starts, values, 0.9 * width, below, align="edge", color=colour)
            below = [low + value for low, value in zip(below, values, strict=True)]
        axes.set_ylim(0, 1)
        _time_axis(axes, starts, width)
        return to_svg(figure, name, title)


def lines_over_time(
    starts: Sequence[float],
    series: Mapping[str, Values],
    width: float,
    *,
    name: str,
    title: str,
    levels: Sequence[float] = (),
    bounds: Sequence[tuple[float, float] | None] = (),
) -> Markup:
    """Lines with a point at the middle of each window, gaps where a value is None.

    Parameters
    ----------
    levels : sequence of float
        Drawn across, dotted.
    bounds : sequence of (float, float) or None
        Of the first line, as bars.
    """
    middles = [start + width / 2 for start in starts]
    with canvas(_WIDE, _TALL) as (figure, axes):
        for level in levels:
            axes.axhline(level, color=MUTED, linewidth=0.8, linestyle=(0, (2, 3)))
        for at, bound in zip(middles, bounds, strict=False):
            if bound is not None:
                axes.plot([at, at], bound, color=SERIES[0], linewidth=1, alpha=0.5)
        for colour, values in zip(SERIES, series.values(), strict=False):
            points = [float("nan") if value is None else value for value in values]
            axes.plot(middles, points, color=colour, marker="o", markersize=3.5)
        _time_axis(axes, starts, width)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]) if not bounds else None)
        return to_svg(figure, name, title)


def compared_bars(
    names: Sequence[str], then: Sequence[float], now: Sequence[float], *, name: str, title: str
) -> Markup:
    """Two bars a bin: training in grey, now in colour."""
    with canvas(_WIDE, 0.6 + 0.32 * len(names)) as (figure, axes):
        axes.set_position((0.3, 0.12 if len(names) > 4 else 0.22, 0.68, 0.86 if len(names) > 4 else 0.76))
        axes.grid(visible=False, axis="y")
        places = range(len(names))
        axes.barh([place - 0.2 for place in places], then, 0.36, color=REST)
        axes.barh([place + 0.2 for place in places], now, 0.36, color=SERIES[0])
        axes.set_yticks(list(places), [f"\u2068{shorten(printable(one), _NAME_LENGTH)}\u2069" for one in names])
        axes.invert_yaxis()
        axes.spines["left"].set_color(GRID)
        axes.xaxis.set_major_formatter(_percent)
        return to_svg(figure, name, title)


def _time_axis(axes: Axes, starts: Sequence[float], width: float) -> None:
    step = -(-len(starts) // (_MOST_TICKS if width >= _DAY else _MOST_LONG_TICKS))
    chosen = list(starts)[::step]
    axes.set_xticks([start + width / 2 for start in chosen], [time_name(start, width) for start in chosen])
    axes.set_xlim(starts[0] - 0.05 * width, starts[-1] + 1.05 * width)


def time_name(start: float, width: float) -> str:
    """Name a window of time, of this machine's zone: a date, or date and time where windows are shorter than a day."""
    at = datetime.fromtimestamp(start).astimezone()
    return at.strftime("%m-%d" if width >= _DAY else "%m-%d %H:%M")


def _number(value: float, _: object = None) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def _percent(value: float, _: object = None) -> str:
    return f"{100 * value:g}%"
