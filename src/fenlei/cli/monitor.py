"""``fenlei monitor``: tell whether the world has changed since training."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenlei.cli._common import data_options, json_option, print_json, status, warn
from fenlei.exceptions import DataError

if TYPE_CHECKING:
    from fenlei.monitor.summary import MonitorSummary

_ALERTED = 3


@click.command("monitor")
@click.argument("database", metavar="DB")
@click.option("--model", "name", metavar="NAME", help="Only the model that is served by this name.")
@click.option(
    "--model-folder", "folders", multiple=True, metavar="DIR",
    help="Folder of a model, to compare with its training; may be repeated.",
)  # fmt: skip
@click.option("--since", metavar="WHEN", help="Such as 12h, 7d or 2026-11-01.  [default: the first prediction]")
@click.option("--until", metavar="WHEN", help="Likewise.  [default: now]")
@click.option("--window", metavar="SPAN", help="Such as 1h or 1d.  [default: so that there are about 30]")
@click.option("--html", metavar="FILE.html", help="Draw it into one HTML file.")
@click.option("--alert", is_flag=True, help="Exit with 3 when there is an alert.")
@click.option("--max-psi", type=float, default=0.25, show_default=True, help="Drift of a feature that is an alert.")
@click.option("--max-drop", type=float, default=5, show_default=True, help="Lost accuracy that is one, in points.")
@click.option("--feedback", metavar="FILE", help="Add the true labels in a file with the columns id and label.")
@click.option("--forget", metavar="SPAN", help="Delete what is older, such as 90d.")
@data_options
@json_option
def monitor_command(
    database: str,
    name: str | None,
    folders: tuple[str, ...],
    since: str | None,
    until: str | None,
    window: str | None,
    html: str | None,
    alert: bool,
    max_psi: float,
    max_drop: float,
    feedback: str | None,
    forget: str | None,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Tell what the models that write to the database DB answered, how right, and how unlike their training.

    DB is the file, or the URL, that `fenlei serve --monitor` was given. With --feedback or --forget the database is
    changed, and nothing else is done.
    """
    if feedback is not None or forget is not None:
        _change(database, feedback, forget, columns, as_json=as_json)
        return
    if html is not None:
        _check_html(html)
    from fenlei.monitor.alerts import Thresholds
    from fenlei.monitor.spans import moment, seconds

    asked = {
        "since": None if since is None else moment(since),
        "until": None if until is None else moment(until),
        "window": None if window is None else seconds(window),
        "thresholds": Thresholds(psi=max_psi, drop=max_drop / 100),
    }
    place, found = _summaries(database, name, folders, asked)
    if html is not None:
        _write_html(html, found, place, max_psi)
    if as_json:
        alerts = [{"model": one.model, **alert.to_dict()} for one in found for alert in one.alerts]
        print_json({"database": place, "models": [one.to_dict() for one in found], "alerts": alerts})
    else:
        from fenlei.cli._monitor_tables import show

        show(found, html)
    if alert and any(one.alerts for one in found):
        sys.exit(_ALERTED)


def _summaries(
    database: str, name: str | None, folders: tuple[str, ...], asked: dict[str, Any]
) -> tuple[str, list[MonitorSummary]]:
    from fenlei.monitor.store import PredictionStore
    from fenlei.monitor.summary import summarize
    from fenlei.monitor.watching import read_folder, watch

    read = [read_folder(folder) for folder in folders]
    with PredictionStore(database, create=False) as store, status() as tell:
        tell("counting")
        watched, warnings = watch(store.models(), read, only=name)
        for warning in warnings:
            warn(warning)
        return store.name, [
            summarize(store, one.reference, model=one.model, version=one.version, **asked) for one in watched
        ]


def _change(database: str, feedback: str | None, forget: str | None, columns: dict[str, Any], *, as_json: bool) -> None:
    from fenlei.data.files import Notes
    from fenlei.data.readers import stream
    from fenlei.monitor.feedback_file import add_feedback
    from fenlei.monitor.spans import seconds
    from fenlei.monitor.store import PredictionStore

    done: dict[str, int] = {}
    limit = None if forget is None else time.time() - seconds(forget)
    with PredictionStore(database, create=False) as store:
        if feedback is not None:
            named = {**columns, "text": columns["text"] or "id"}
            records = stream(feedback, notes=Notes(message=warn), **named)
            done |= add_feedback(store, records, feedback)._asdict()
        if limit is not None:
            done["forgotten"] = store.prune(limit)
    if as_json:
        print_json(done)
    else:
        click.echo(", ".join(f"{_DONE[key].format(f'{count:,}')}" for key, count in done.items()))


_DONE = {"added": "{} feedbacks added", "unknown": "{} of unknown predictions", "forgotten": "{} predictions forgotten"}


def _check_html(html: str) -> None:
    """Refuse a place that would harm other files, before the work."""
    from fenlei.persistence import refuse_inside_model

    path = Path(html)
    refuse_inside_model(path)
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise DataError("the page is one HTML file; name it *.html", source=html)
    if not path.parent.is_dir():
        raise DataError("its folder does not exist", source=html)


def _write_html(html: str, found: list[MonitorSummary], place: str, strong: float) -> None:
    from datetime import datetime

    from fenlei._atomic import atomic_file
    from fenlei.monitor.page import render_page

    created = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M")
    page = render_page(found, database=Path(place).name, strong=strong, created=created)
    with atomic_file(Path(html)) as file:
        file.write(page.encode("utf-8"))
