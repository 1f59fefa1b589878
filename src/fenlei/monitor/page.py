"""One HTML page of what the monitor found; self-contained, in English and Chinese, without scripts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from fenlei.evaluation._text import printable
from fenlei.evaluation._view import number, percent
from fenlei.monitor import charts
from fenlei.monitor.drift import Drift, shares
from fenlei.monitor.summary import MonitorSummary
from fenlei.monitor.words import plain_word, word

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_LABELS_DRAWN = 6
_BINS_DRAWN = 20


@dataclass(frozen=True)
class _Section:
    """A summary with its charts."""

    summary: MonitorSummary
    charts: dict[str, Markup]
    bins: dict[str, Markup]
    labels: list[str]


def render_page(summaries: Sequence[MonitorSummary], *, database: str, strong: float = 0.25, created: str = "") -> str:
    """Return the page as HTML.

    Parameters
    ----------
    summaries : sequence of MonitorSummary
        One section each.
    database : str
        Its name.
    strong : float, default 0.25
        The PSI at which drift is strong, drawn as a line.
    created : str
        When; not filled in by itself, so that the same inputs give the same bytes.
    """
    language = _language(summaries)
    sections = [_section(f"m{place}", one, language, strong) for place, one in enumerate(summaries)]
    template = _environment().get_template("monitor.html.jinja")
    page = template.render(
        sections=sections, database=database, strong=strong, created=created, language=language, style=_style()
    )
    return printable(page)


def _section(name: str, found: MonitorSummary, language: str, strong: float) -> _Section:
    labels = _drawn_labels(found)
    if not found.windows:
        return _Section(found, {}, {}, labels)
    drawn = _over_time(name, found, labels, language)
    if any(value is not None for drift in found.drift for value in drift.psi_over_time):
        psi = {drift.feature: drift.psi_over_time for drift in found.drift}
        starts = [window.start for window in found.windows]
        drawn["psi"] = charts.lines_over_time(
            starts, psi, found.window, name=f"{name}-psi", title=plain_word("psi over time", language),
            levels=(0.1, strong),
        )  # fmt: skip
    bins = {drift.feature: _bins(f"{name}-{drift.feature}", drift, language) for drift in found.drift if drift.n}
    return _Section(found, drawn, bins, labels)


def _over_time(name: str, found: MonitorSummary, labels: list[str], language: str) -> dict[str, Markup]:
    windows, width = found.windows, found.window
    starts = [window.start for window in windows]
    title = {key: plain_word(key, language) for key in ("predictions", "latency", "label shares", "accuracy")}
    latency = {key: [window.latency[key] for window in windows] for key in ("p50", "p95", "p99")}
    made = {
        "predictions": charts.bars_over_time(
            starts, [window.n for window in windows], width, name=f"{name}-n", title=title["predictions"]
        ),
        "latency": charts.lines_over_time(starts, latency, width, name=f"{name}-ms", title=title["latency"]),
        "labels": charts.stacked_over_time(
            starts, _label_shares(found, labels), width, name=f"{name}-labels", title=title["label shares"]
        ),
    }
    if found.accuracy.n:
        made["accuracy"] = charts.lines_over_time(
            starts, {"accuracy": [window.accuracy.value for window in windows]}, width, name=f"{name}-right",
            title=title["accuracy"], bounds=[window.accuracy.interval for window in windows],
            levels=() if found.expected_accuracy is None else (found.expected_accuracy,),
        )  # fmt: skip
    return made


def _drawn_labels(found: MonitorSummary) -> list[str]:
    return list(found.labels)[:_LABELS_DRAWN]


def _label_shares(found: MonitorSummary, labels: list[str]) -> dict[str, list[float]]:
    drawn: dict[str, list[float]] = {label: [] for label in labels}
    others = []
    for window in found.windows:
        total = sum(window.labels.values()) or 1
        for label in labels:
            drawn[label].append(window.labels.get(label, 0) / total)
        others.append(sum(times for label, times in window.labels.items() if label not in drawn) / total)
    return {**drawn, "": others} if len(found.labels) > len(labels) else drawn


def _bins(name: str, drift: Drift, language: str) -> Markup:
    then, now = (shares(counts, smoothing=0).tolist() for counts in (drift.counted.then, drift.counted.now))
    names = drift.counted.names[:_BINS_DRAWN]
    cut = slice(0, len(names))
    return charts.compared_bars(names, then[cut], now[cut], name=name, title=plain_word(drift.feature, language))


def _language(summaries: Sequence[MonitorSummary]) -> str:
    """Chinese if a label, or most of the texts, are Chinese."""
    labels = "".join(label for found in summaries for label in found.labels)
    texts = sum(found.n for found in summaries)
    chinese = sum(found.languages.get("zh", 0) for found in summaries)
    return "zh" if _HAN.search(labels) or 2 * chinese > texts else "en"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("fenlei.monitor"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.globals |= {"t": word, "plain": plain_word}
    made.filters |= {
        "percent": percent,
        "number": number,
        "thousands": lambda value: f"{value:,}",
        "printable": lambda value: printable(str(value)),
        "moment": lambda at: datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M"),
        "span": span_name,
    }
    return made


def span_name(seconds: float) -> str:
    """Write a span as it is typed.

    Examples
    --------
    >>> span_name(86_400), span_name(5400), span_name(604_800)
    ('1d', '90m', '7d')
    """
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _style() -> Markup:
    from markupsafe import Markup

    sheet = resources.files("fenlei.evaluation") / "templates" / "report.css"
    return Markup(sheet.read_text(encoding="utf-8"))  # noqa: S704  (ours)
