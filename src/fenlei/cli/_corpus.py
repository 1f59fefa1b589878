"""What the commands that read a corpus share."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from fenlei.cli._common import warn
from fenlei.cli.config import parse_settings
from fenlei.exceptions import SettingError


def corpus_texts(corpus: tuple[str, ...], columns: dict[str, str | None], *, strict: bool = True) -> Iterator[str]:
    """Give the texts of all files, one after another; what their reader warns of is told."""
    from fenlei.data.files import Notes
    from fenlei.data.readers import stream

    notes = Notes(message=warn)
    rows = (stream(name, label="", notes=notes, strict=strict, **columns) for name in corpus)
    return (record.text for records in rows for record in records)


def other_settings(pairs: tuple[str, ...], own_options: Collection[str]) -> dict[str, Any]:
    """Parse ``--set``; what has an option of its own is refused."""
    settings = parse_settings(pairs)
    for name in settings:
        if name in own_options:
            raise SettingError(f"{name} has an option of its own: --{name.replace('_', '-')}")
    return settings
