"""How well hidden words were guessed, over the time of a pretraining, as a picture."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping, Sequence

_INK, _LINE, _GRID = "#222222", "#0072b2", "#dddddd"
_FONTS = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "fenlei", "text.parse_math": False, "axes.unicode_minus": False,
    "font.size": 10, "text.color": _INK, "axes.labelcolor": _INK, "xtick.color": _INK, "ytick.color": _INK,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": _GRID,
}  # fmt: skip
_MINUTE = 60
_LONG = 180  # seconds from which on the axis counts minutes


def draw_history(history: Sequence[Mapping[str, float]], *, is_masked: bool) -> str:
    """Draw the accuracy on held-out text over the minutes of training.

    Parameters
    ----------
    history : sequence of mapping
        With ``seconds`` and ``accuracy``.
    is_masked : bool
        Whether hidden tokens were guessed, or next ones.

    Returns
    -------
    str
        A whole SVG file; its text is text, drawn with the fonts of whoever looks at it.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    what, zh = ("masked tokens", "遮盖词") if is_masked else ("next tokens", "下一词")
    long = history[-1]["seconds"] >= _LONG
    times = [point["seconds"] / (_MINUTE if long else 1) for point in history]
    title = f"{what} guessed rightly, held-out text · {zh}预测准确率"
    with rc_context(_STYLE):
        figure = Figure(figsize=(7, 4))
        axes = figure.add_axes((0.09, 0.13, 0.88, 0.76))
        axes.plot(times, [point["accuracy"] for point in history], color=_LINE, marker="o", markersize=3.5)
        axes.set_xlabel("minutes of training · 训练分钟" if long else "seconds of training · 训练秒数")
        axes.set_title(title, loc="left", fontsize=11)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        axes.grid(color=_GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.set_ylim(bottom=0)
        return _to_svg(figure, title)


def _to_svg(figure: object, title: str) -> str:

    stream = io.StringIO()
    with warnings.catch_warnings():  # matplotlib measures text with its own font, which lacks most scripts
        warnings.simplefilter("ignore", UserWarning)
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Title": title})  # type: ignore[attr-defined]
    fonts = rf"\g<1>{_FONTS}"
    return re.sub(r"(font(?:-family)?: [^;\"]*?)'?DejaVu Sans'?[^;\"]*", fonts, stream.getvalue())
