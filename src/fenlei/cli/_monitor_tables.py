"""How ``fenlei monitor`` shows a summary in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from fenlei.evaluation._text import printable, shorten

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from fenlei.monitor.summary import MonitorSummary

_LEVELS = "▁▂▃▄▅▆▇█"
_BAR, _LABELS_SHOWN, _CONFUSIONS_SHOWN, _LABEL_LENGTH = 10, 12, 8, 24
_POINTS = 24  # of a line over time
_STYLES = {"strong": "bold red", "slight": "yellow", "none": "green"}


def show(summaries: Sequence[MonitorSummary], html: str | None) -> None:
    """Print summaries one after another, alerts last."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    if not summaries:
        console.print("No predictions yet.")
    for found in summaries:
        _show_one(console, found)
    if html:
        console.print(Text(f"Page: {printable(html)}"))


def sparkline(values: Sequence[float | None], most: int = _POINTS) -> str:
    """Draw values as a line of blocks, a space where one is None; several are averaged where they are many.

    Examples
    --------
    >>> sparkline([0, 1, None, 4])
    '▁▃ █'
    """
    step = -(-len(values) // most) or 1
    means = [_mean(values[start : start + step]) for start in range(0, len(values), step)]
    highest = max((value for value in means if value is not None), default=0.0) or 1.0
    return "".join(" " if value is None else _LEVELS[round(7 * max(0.0, value) / highest)] for value in means)


def bar(share: float, width: int = _BAR) -> str:
    """Draw a share as a bar.

    Examples
    --------
    >>> bar(0.5, 4)
    '██░░'
    """
    full = round(width * share)
    return "█" * full + "░" * (width - full)


def _show_one(console: Console, found: MonitorSummary) -> None:
    from rich.text import Text

    name = printable(found.model or "all models")
    version = f", version {printable(found.version)}" if found.version else ""
    console.print(Text(f"{name}{version}", style="bold"))
    console.print(Text(f"{_moment(found.since)} to {_moment(found.until)}", style="dim"))
    console.print(_overview(found))
    if found.labels:
        console.print(_labels(found))
    if found.drift:
        console.print(_drift(found))
    if found.confusions:
        console.print(_confusions(found))
    for alert in found.alerts:
        console.print(Text(f"ALERT  {printable(alert.message)}", style="bold red"))
    if not found.alerts:
        console.print(Text("No alerts.", style="green"))
    console.print()


def _overview(found: MonitorSummary) -> Table:
    table = _table("", "", "over time")
    windows = found.windows
    table.add_row("predictions", f"{found.n:,}", sparkline([float(window.n) for window in windows]))
    for key in ("p50", "p95", "p99"):
        line = sparkline([window.latency[key] for window in windows])
        table.add_row(f"latency, {key}", _number(found.latency[key], 1, " ms"), line)
    table.add_row("score, mean", _number(found.score, 3), sparkline([window.score for window in windows]))
    if found.abstained is not None:
        abstained = [float(window.abstained or 0) for window in windows]
        table.add_row("abstained", f"{found.abstained:,}", sparkline(abstained))
    right = sparkline([window.accuracy.value for window in windows])
    table.add_row("accuracy", _accuracy(found), right)
    if found.expected_accuracy is not None:
        table.add_row("  after training", f"{100 * found.expected_accuracy:.1f} %", "")
    return table


def _accuracy(found: MonitorSummary) -> str:
    value, interval = found.accuracy.value, found.accuracy.interval
    if value is None or interval is None:
        return "no feedback"
    low, high = (100 * bound for bound in interval)
    return f"{100 * value:.1f} % ({low:.1f}-{high:.1f}, n={found.accuracy.n:,})"


def _labels(found: MonitorSummary) -> Table:
    from rich.text import Text

    table = _table("label", "answers", "share", "over time")
    total = sum(found.labels.values())
    for label, times in list(found.labels.items())[:_LABELS_SHOWN]:
        line = [window.labels.get(label, 0) / max(1, sum(window.labels.values())) for window in found.windows]
        share = f"{100 * times / total:5.1f} % {bar(times / total)}"
        table.add_row(Text(shorten(printable(label), _LABEL_LENGTH)), f"{times:,}", share, sparkline(line))
    if len(found.labels) > _LABELS_SHOWN:
        table.add_row(f"and {len(found.labels) - _LABELS_SHOWN:,} more", "", "", "")
    return table


def _drift(found: MonitorSummary) -> Table:
    from rich.text import Text

    table = _table("against training", "drift", "PSI", "p", "n", "over time")
    for drift in found.drift:
        p = "-" if drift.p_adjusted is None else "<0.001" if drift.p_adjusted < 0.001 else f"{drift.p_adjusted:.3f}"
        n = f"{drift.n:,} / {drift.n_reference:,}"
        verdict = Text(drift.verdict, style=_STYLES.get(drift.verdict, "dim"))
        table.add_row(drift.feature, verdict, _number(drift.psi, 3), p, n, sparkline(drift.psi_over_time))
    return table


def _confusions(found: MonitorSummary) -> Table:
    from rich.text import Text

    table = _table("true", "answered", "times", "share")
    for pair in found.confusions[:_CONFUSIONS_SHOWN]:
        names = (Text(shorten(printable(name), _LABEL_LENGTH)) for name in (pair.true, pair.given))
        table.add_row(*names, f"{pair.times:,}", f"{100 * pair.share:.1f} %")
    return table


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column in {"PSI", "p", "n", "answers", "times"}
        table.add_column(column, justify="right" if right else "left", no_wrap=column == "over time")
    return table


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _number(value: float | None, digits: int, unit: str = "") -> str:
    return "-" if value is None else f"{value:.{digits}f}{unit}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
