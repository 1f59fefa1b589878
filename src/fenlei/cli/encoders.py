"""``fenlei encoders``: the pretrained encoders at hand, and how the others are had."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fenlei.cli._common import json_option, one_line, print_json

if TYPE_CHECKING:
    from fenlei.encoders.listing import EncoderFacts

_LEGEND = """* at hand. Others are named as on the Hugging Face Hub (HF_ENDPOINT: a mirror),
as modelscope:OWNER/NAME, or by their folder."""


@click.command("encoders")
@json_option
def encoders_command(as_json: bool) -> None:
    """List the pretrained encoders: packaged ones, and those in the caches of hubs."""
    from fenlei.encoders.listing import list_encoders

    found = list_encoders()
    if as_json:
        print_json([asdict(one) | {"at_hand": bool(one.folder)} for one in found])
    else:
        _print_table(found)


def _print_table(found: list[EncoderFacts]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE)
    for column in ("name", "lang", "network", "MB"):
        table.add_column(column, no_wrap=column != "name", justify="right" if column == "MB" else "left")
    table.add_column("from, licence")
    for one in found:
        lines = [one.origin, one.licence or "licence: see its card", one.how]
        cells = (
            one.name + (" *" if one.folder else ""),
            " ".join(one.languages),
            one.network,
            f"{one.size / 1e6:,.0f}" if one.size else "",
            "\n".join(line for line in map(one_line, lines) if line),
        )
        table.add_row(*(Text(cell) for cell in cells))
    console = Console()
    console.print(table)
    console.print(_LEGEND, markup=False, highlight=False)
