"""``fenlei audit``: what is wrong with the data."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from fenlei.cli._common import data_options, json_option, print_json, status, warn

if TYPE_CHECKING:
    from rich.table import Table

    from fenlei.data.audit import Audit
    from fenlei.data.findings import Finding
    from fenlei.data.statistics import Statistics

_STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
_CLASSES_SHOWN, _EXAMPLES_SHOWN = 6, 2
_LEAST_SHARE = 0.005  # of a script, to be shown


@click.command("audit")
@click.argument("data", nargs=-1, required=True, metavar="DATA...")
@click.option("--near", type=float, default=0.8, show_default=True, help="Similarity of near duplicates, up to 1.")
@click.option("--max-length", type=int, default=10_000, show_default=True, help="Characters of a long text.")
@click.option("--strict", is_flag=True, help="Exit with 1 when there is an error among the findings.")
@data_options
@json_option
def audit_command(
    data: tuple[str, ...],
    near: float,
    max_length: int,
    strict: bool,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Look for duplicates, leaks between splits, conflicting labels, empty texts, imbalance and more.

    Each DATA is a file, named after itself (train, dev, test), or NAME=FILE. Give all splits of a data set at
    once: leaks are found between them. The first one, or the one called train, is the one to train on.
    """
    from fenlei.data.audit import audit
    from fenlei.data.readers import read

    with status() as tell:
        splits = {}
        for name, path in _named(data).items():
            tell(f"reading {name}")
            splits[name] = read(path, **columns)
        found = audit(splits, near=near, max_length=max_length, progress=tell)
    for warning in (warning for split in splits.values() for warning in split.warnings):
        warn(warning)
    if as_json:
        print_json(found.to_dict())
    else:
        _show(found)
    if strict and not found.ok:
        sys.exit(1)


def _named(data: tuple[str, ...]) -> dict[str, str]:
    """Name each file: NAME=FILE, or the file's name up to the first dot; a repeated name gets a number."""
    named: dict[str, str] = {}
    for argument in data:
        name, equals, path = argument.partition("=")
        if not equals or not name or os.path.exists(argument):  # noqa: PTH110  (a name, not yet a path)
            name, path = _stem(argument), argument
        unique, number = name, 2
        while unique in named:
            unique, number = f"{name}-{number}", number + 1
        named[unique] = path
    return named


def _stem(path: str) -> str:
    if path == "-":
        return "stdin"
    last = os.path.basename(path.rstrip("/\\"))  # noqa: PTH119  (also for name:SET/SPLIT, which is no path)
    return last.partition(".")[0] or last or path


def _show(found: Audit) -> None:
    from rich.console import Console

    console = Console()
    console.print(_statistics_table(found.statistics))
    if not found.findings:
        console.print("Nothing found.", style="green")
        return
    console.print(_findings_table(found.findings))


def _statistics_table(statistics: tuple[Statistics, ...]) -> Table:
    """One column a split: there are few splits and many numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for numbers in statistics:
        table.add_column(Text(numbers.split), justify="right", overflow="fold")
    facts = [_facts(numbers) for numbers in statistics]
    for name in facts[0]:
        table.add_row(name, *(Text(fact[name]) for fact in facts))
    return table


def _facts(numbers: Statistics) -> dict[str, str]:
    lengths = numbers.lengths
    return {
        "rows": f"{numbers.rows:,}",
        "classes": f"{len(numbers.classes):,}" if numbers.classes else "no labels",
        "rows of each": _classes(numbers),
        "labels a row": f"{numbers.labels_per_row:.2f}",
        "largest / smallest": f"{numbers.imbalance:,.1f}" if numbers.classes else "-",
        "characters": f"{lengths.min:,} to {lengths.max:,}",
        "median, mean": f"{lengths.median:,.0f}, {lengths.mean:,.1f}",
        "95 % up to": f"{lengths.p95:,.0f}",
        "scripts": "\n".join(f"{n} {share:.0%}" for n, share in numbers.scripts.items() if share > _LEAST_SHARE),
        "encoding": numbers.encoding or "-",
    }


def _classes(numbers: Statistics) -> str:
    from fenlei.data.findings import visible

    shown = [f"{visible(name)} {count:,}" for name, count in list(numbers.classes.items())[:_CLASSES_SHOWN]]
    rest = len(numbers.classes) - _CLASSES_SHOWN
    return "\n".join([*shown, *([f"{rest:,} more"] if rest > 0 else [])]) or "-"


def _findings_table(findings: tuple[Finding, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("severity", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("what, and for example split:rows")
    for finding in findings:
        severity = Text(finding.severity, style=_STYLES[finding.severity])
        message = Text.assemble((finding.kind, "bold"), f": {finding.message}")
        fix = [Text(f"mended by {finding.fix}", style="green")] if finding.fix else []
        examples = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in _examples(finding)]
        table.add_row(severity, f"{finding.count:,}", Group(message, *examples, *fix))
    return table


def _examples(finding: Finding) -> list[str]:
    """Show the first examples, a line each: rows by split, then the beginning of the text."""
    lines = []
    for example in finding.examples[:_EXAMPLES_SHOWN]:
        by_split: dict[str, list[str]] = {}
        for place in example.places:
            by_split.setdefault(place.split, []).append(str(place.row))
        rows = " ".join(f"{split}:{','.join(numbers)}" for split, numbers in by_split.items())
        lines.append(f"{rows}  {example.excerpt}")
    return lines
