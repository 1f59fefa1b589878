"""Write the generated pages of docs/: cli.md, the help of every command, and settings.md, the settings of every family.

python docs/generate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fenlei.cli.main import COMMANDS
from fenlei.cli.models import _shown, family_settings
from fenlei.families import family_names, find_family

_NOTE = "<!-- Written by docs/generate.py (make docs); do not edit. -->\n"


def cli_page() -> str:
    """Quote the help of ``fenlei`` and of each of its commands, as the program prints it."""
    parts = [
        _NOTE,
        "# Command line\n",
        "What every command prints for `--help`. The [guides](index.md) explain them.\n",
        *(_help(*command) for command in [(), *((name,) for name in COMMANDS)]),
    ]
    parts.append(
        "## Exit codes\n\n"
        "0: done. 1: trouble that is not the user's mistake, or an error among the findings of `audit --strict`. "
        "2: a mistake of\nthe user, told in one line on standard error. 3: an alert of `monitor --alert`. "
        "130: interrupted.\n\n"
        "`FENLEI_DEBUG=1` in the environment shows the traceback of an unexpected error.\n"
    )
    return "\n".join(parts)


def _help(*command: str) -> str:
    """Ask the program itself: click remembers in a command how it was first called in the process."""
    told = subprocess.run(
        [sys.executable, "-m", "fenlei", *command, "--help"],
        env={**os.environ, "COLUMNS": "80"}, capture_output=True, check=True, encoding="utf-8",
    )  # fmt: skip
    return f"## {' '.join(('fenlei', *command))}\n\n```text\n{told.stdout.rstrip()}\n```\n"


def settings_page() -> str:
    """One table a family: name, default and meaning of each setting."""
    parts = [
        _NOTE,
        "# Settings of the model families\n",
        "For `fenlei train --set KEY=VALUE`, for the table `[set]` of a configuration file, and as keywords of the "
        "class in\nPython, where `null`, `true` and `[1,3]` are `None`, `True` and `(1, 3)`. "
        "`fenlei models NAME` prints them too.\n",
        "`segmenter` is one of those in [Segment](segment.md), and `segment` holds its settings; the settings in "
        "`clean` are those\nin [Clean](clean.md). Both are dictionaries: `--set clean.urls=remove` sets one entry.\n",
    ]
    for family in family_names():
        kind = find_family(family)
        if not kind.trainable:
            parts.append(
                f"## {family}\n\n[`{kind.__name__}`]({family}.md) is made from a trained model: no settings.\n"
            )
            continue
        parts.append(f"## {family}\n\n[`{kind.__name__}`]({family}.md)\n\n| setting | default | |\n|---|---|---|")
        parts += [_row(one) for one in family_settings(family)]
        parts.append("")
    return "\n".join(parts)


def _row(setting: dict[str, Any]) -> str:
    return f"| `{setting['name']}` | `{_shown(setting['default'])}` | {_as_cell(setting['description'])} |"


def _as_cell(text: str) -> str:
    """Take the marks of docstrings away, and what would end a cell."""
    cleaner = text.replace("`fenlei.clean.cleaner.Cleaner`", "the cleaner").replace("`Cleaner`", "the cleaner")
    return cleaner.replace(":math:", "").replace("\\ln", "ln").replace("|", "\\|")


PAGES = {"cli.md": cli_page, "settings.md": settings_page}

if __name__ == "__main__":
    for file, make in PAGES.items():
        (Path(__file__).parent / file).write_text(make(), encoding="utf-8")
