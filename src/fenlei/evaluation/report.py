"""One HTML file that tells everything about a model on its test data.

The file is self-contained: no network, no fonts, no libraries, and a content security policy that forbids
them. It reads in English and Chinese, on a phone, in the dark and on paper. The same inputs give the same
bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fenlei.evaluation import _view, charts
from fenlei.evaluation._text import printable, shorten
from fenlei.evaluation._words import both, named, plain_word, word
from fenlei.evaluation.evaluation import Evaluation
from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from fenlei.models._filters import ExcitedFilter

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")
_TOP_NGRAMS = 15
_TOP_FILTERS = 10


@dataclass(frozen=True)
class ReportData:
    """What goes into a report; everything but the evaluation may be left out, and its section with it.

    Attributes
    ----------
    evaluation : Evaluation
    model : str
        Name of the model, usually its folder.
    family : str
    data : str
        Name of the test data, usually the file.
    language : str
        ``"zh"`` or ``"en"``: which language is shown first. Default: that of labels and texts.
    settings : mapping of str to anything
        Every hyper-parameter of the model.
    telling : mapping of str to sequence of (str, float)
        Most telling n-grams of each class, strongest first.
    filters : mapping of str to sequence of ExcitedFilter
        Filters of a convolution that speak most for each class, and what excites them; see
        `fenlei.models.textcnn.TextCnnClassifier.exciting_ngrams`.
    learning_curve : sequence of mappings
        ``n`` and measures, such as ``{"n": 1000, "accuracy": 0.8, "f1_macro": 0.79}``.
    history : sequence of mappings
        One an epoch: ``epoch`` and losses and measures.
    audit : mapping or object with ``to_dict``
        Its ``findings`` (kind, severity, message, count, fix) and ``splits`` (split, rows, classes, lengths) are
        shown.
    environment : mapping of str to str
        Versions, see `environment`.
    command : str
        What to type to make this again.
    seconds : mapping of str to float
        How long each step took.
    created : str
        When; not filled in by itself, so that the same inputs give the same bytes.
    """

    evaluation: Evaluation
    model: str = ""
    family: str = ""
    data: str = ""
    language: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    telling: Mapping[str, Sequence[tuple[str, float]]] = field(default_factory=dict)
    filters: Mapping[str, Sequence[ExcitedFilter]] = field(default_factory=dict)
    learning_curve: Sequence[Mapping[str, float]] = ()
    history: Sequence[Mapping[str, float]] = ()
    audit: Any = None
    environment: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    created: str = ""


def write_report(path: str | Path, data: ReportData) -> Path:
    """Write the report to `path`, whole or not at all, and return the path.

    Missing folders are made.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    page = render_report(data).encode("utf-8")
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, page)
    except OSError as error:
        raise DataError(f"the report cannot be written: {error.strerror}", source=str(path)) from error
    return target


def _replace(target: Path, content: bytes) -> None:
    """Put a new file in the place of `target` in one step."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)


def render_report(data: ReportData) -> str:
    """Return the report as one HTML page."""
    language = data.language if data.language in {"zh", "en"} else _language(data.evaluation)
    script = _asset("report.js")
    page = (
        _environment()
        .get_template("report.html.jinja")
        .render(
            data=data,
            e=data.evaluation,
            language=language,
            chart=_charts(data.evaluation, language),
            learning=_line_charts(_view.learning_lines(data.learning_curve), plain_word("learning curve", language)),
            history=_line_charts(_view.history_lines(data.history), plain_word("history", language)),
            audit=_audit(data.audit),
            style=_asset("report.css"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    return printable(page)


def describe(
    classifier: object,
    evaluation: Evaluation,
    **rest: Any,
) -> ReportData:
    """Collect what a classifier tells about itself: family, settings, language, and its n-grams or filters if any.

    Parameters
    ----------
    classifier : TextClassifier
        Or any estimator with ``get_params``.
    evaluation : Evaluation
    **rest
        Other fields of `ReportData`.
    """
    settings = getattr(classifier, "get_params", None)
    telling = getattr(classifier, "telling_ngrams", None)
    filters = getattr(classifier, "exciting_ngrams", None)
    return ReportData(
        evaluation=evaluation,
        family=str(getattr(classifier, "family", type(classifier).__name__)),
        language=str(getattr(classifier, "language_", "")),
        settings={} if settings is None else settings(),
        telling={} if telling is None else telling(_TOP_NGRAMS),
        filters={} if filters is None else filters(_TOP_FILTERS),
        environment=environment(),
        **rest,
    )


def environment() -> dict[str, str]:
    """Versions of what the figures depend on."""
    packages = ("fenlei", "numpy", "scipy", "scikit-learn", "numba", "rjieba", "OpenCC", "torch", "transformers")
    versions = {"python": platform.python_version(), "platform": platform.platform()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("fenlei.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"t": word, "both": both, "view": _view, "plain": plain_word, "named": named}
    made.filters |= {
        "percent": _view.percent,
        "number": _view.number,
        "bounds": _view.bounds,
        "thousands": lambda value: f"{value:,}",
        "printable": lambda value: printable(str(value)),
        "shorten": shorten,
    }
    return made


def _asset(name: str) -> Markup:
    from markupsafe import Markup

    return Markup((Path(__file__).parent / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704  (ours)


def _language(evaluation: Evaluation) -> str:
    """Chinese if the labels, or most of the letters of the worst errors, are Chinese."""
    sample = "".join(error.text[:200] for error in evaluation.errors)
    labels = "".join(evaluation.classes)
    return "zh" if _HAN.search(labels) or 4 * len(_HAN.findall(sample)) > len(sample) else "en"


def _charts(found: Evaluation, language: str) -> dict[str, Markup]:
    """Draw every chart that there is something to draw for."""
    titles = {name: plain_word(name, language) for name in ("histogram", "reliability", "roc", "pr")}
    made = {
        "histogram": charts.histogram_chart(found.histogram, title=titles["histogram"]),
        "reliability": charts.reliability_chart(found.reliability, title=titles["reliability"]),
    }
    if found.roc.by_class:
        named = charts.classes_to_name(found.precision_recall)
        made["roc"] = charts.roc_chart(found.roc, named, title=titles["roc"])
        made["pr"] = charts.precision_recall_chart(found.precision_recall, named, title=titles["pr"])
    return made


def _line_charts(lines: Sequence[_view.Lines], title: str) -> list[tuple[_view.Lines, Markup]]:
    return [(line, charts.line_chart(line.x, line.series, name=line.name, title=title, log=line.log)) for line in lines]


def _audit(audit: Any) -> dict[str, Any] | None:
    """Return the findings and statistics of an audit, gravest first."""
    if audit is None:
        return None
    plain = audit if isinstance(audit, Mapping) else audit.to_dict()
    gravity = {"error": 0, "warning": 1}
    findings = sorted(plain.get("findings", ()), key=lambda finding: gravity.get(finding["severity"], 2))
    return {"findings": findings, "splits": list(plain.get("splits", ()))}
