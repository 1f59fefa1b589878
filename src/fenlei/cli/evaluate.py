"""``fenlei evaluate``: how good is a model on labelled texts."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

import click

from fenlei.cli._common import data_options, json_option, print_json, warn

if TYPE_CHECKING:
    from rich.table import Table

    from fenlei.data.dataset import Dataset
    from fenlei.evaluation.evaluation import Evaluation

_HEADLINES = {
    False: ("accuracy", "f1_macro", "roc_auc_macro", "log_loss"),
    True: ("f1_micro", "f1_macro", "accuracy", "average_precision_macro", "log_loss"),
}
_NAMES = {
    "accuracy": "accuracy",
    "f1_micro": "F1, micro",
    "f1_macro": "F1, macro",
    "roc_auc_macro": "ROC AUC, macro",
    "average_precision_macro": "average precision, macro",
    "log_loss": "log loss",
}


@click.command("evaluate")
@click.argument("model", metavar="MODEL")
@click.argument("data", metavar="DATA")
@click.option("--report", metavar="FILE.html", help="Write everything into one HTML file.")
@data_options
@click.option("--seed", type=click.IntRange(0), default=13, show_default=True, help="Of the confidence intervals.")
@json_option
def evaluate_command(
    model: str,
    data: str,
    report: str | None,
    seed: int,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Measure the model in the folder MODEL on the labelled texts of DATA.

    Accuracy, precision, recall and F1 with confidence intervals, and with --report also the confusion matrix,
    curves, the worst errors and the most telling n-grams.
    """
    from fenlei.data.label_kind import with_label_kind
    from fenlei.data.readers import read
    from fenlei.evaluation.metrics import evaluate
    from fenlei.persistence import load

    if report:
        _check_report(report)
    classifier = load(model)
    dataset = with_label_kind(read(data, **columns), multi_label=bool(classifier.multi_label_))
    start = time.perf_counter()
    found = evaluate(classifier, dataset.texts, dataset.targets, rows=dataset.rows, seed=seed)
    seconds = time.perf_counter() - start
    _warn(dataset, found)
    if report:
        options = {**columns, "seed": str(seed), "report": report}
        flags = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        _write_report(report, classifier, found, seconds, [model, data, *flags])
    if as_json:
        plain = found.to_dict(errors=True) | {"seconds": round(seconds, 3)}
        print_json(plain)
    else:
        _show(found, report)


def _check_report(report: str) -> None:
    """Refuse a place that would harm other files, or cannot be written, before the work."""
    from pathlib import Path

    from fenlei.exceptions import DataError
    from fenlei.persistence import refuse_inside_model

    path = Path(report)
    refuse_inside_model(path)
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise DataError("the report is one HTML file; name it *.html", source=report)


def _write_report(path: str, classifier: object, found: Evaluation, seconds: float, arguments: list[str]) -> None:
    from datetime import datetime

    from fenlei.evaluation.report import describe, write_report

    page = describe(
        classifier,
        found,
        model=arguments[0],
        data=arguments[1],
        command=shlex.join(["fenlei", "evaluate", *arguments]),
        seconds={"evaluate": round(seconds, 3)},
        created=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
    )
    write_report(path, page)


def _warn(dataset: Dataset, found: Evaluation) -> None:
    for warning in (*dataset.warnings, *found.warnings):
        warn(warning)


def _show(found: Evaluation, report: str | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from fenlei.evaluation._text import printable

    console = Console()
    console.print(_overall_table(found))
    console.print(_class_table(found))
    if report:
        console.print(Text(f"Report: {printable(report)}"))


def _overall_table(found: Evaluation) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column(f"{found.n:,} texts, {found.n_wrong:,} wrong")
    table.add_column("", justify="right")
    table.add_column("95 % interval", justify="right")
    for name in _HEADLINES[found.multi_label]:
        interval = found.intervals.get(name)
        spread = f"{interval[0]:.4f} - {interval[1]:.4f}" if interval else ""
        table.add_row(_NAMES[name], _number(found.metrics[name], 4), spread)
    return table


def _class_table(found: Evaluation) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from fenlei.evaluation._text import printable

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", overflow="fold")
    for column in ("precision", "recall", "F1", "texts", "answers"):
        table.add_column(column, justify="right", no_wrap=True)
    for label, scores in found.per_class.items():
        shares = (_number(value) for value in (scores.precision, scores.recall, scores.f1))
        table.add_row(Text(printable(label)), *shares, f"{scores.support:,}", f"{scores.given:,}")
    return table


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
