"""Write the generated pages of docs/: cli.md, the help of every command, and settings.md, the settings of every family.

python docs/generate.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from fenlei._numpydoc import parameter_descriptions
from fenlei.cli.main import COMMANDS
from fenlei.cli.models import _settings, _shown
from fenlei.families import family_names, find_family
from fenlei.features.ngrams import NgramCounts
from fenlei.features.tfidf import TfidfFeatures
from fenlei.models.tfidf import TfidfClassifier
from fenlei.preparation import Preparation

_NOTE = "<!-- Written by docs/generate.py (make docs); do not edit. -->\n"
_DESCRIBING = (NgramCounts, TfidfFeatures, Preparation, TfidfClassifier)  # where "see there" leads


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
        "2: a mistake of\nthe user, told in one line on standard error. 130: interrupted.\n\n"
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
        parts.append(f"## {family}\n\n[`{kind.__name__}`]({family}.md)\n\n| setting | default | |\n|---|---|---|")
        parts += [_row(kind, one) for one in _settings(family)]
        parts.append("")
    return "\n".join(parts)


def _row(kind: type, setting: dict[str, Any]) -> str:
    name = setting["name"]
    hint = get_type_hints(kind.__init__).get(name)  # type: ignore[misc]
    values = ", ".join(f"`{value}`" for value in get_args(hint)) if get_origin(hint) is Literal else ""
    meaning = _meaning(name, setting["description"]) + (f" One of {values}." if values else "")
    return f"| `{name}` | `{_shown(setting['default'])}` | {meaning} |"


def _meaning(name: str, description: str) -> str:
    """Take the first description that does not merely point to another class."""
    told = (parameter_descriptions(one.__doc__).get(name, "") for one in _DESCRIBING)
    for text in (description, *told):
        plain = text.strip(" .").lower()
        if plain and not plain.startswith("see ") and not plain.endswith("see there") and "; see `" not in plain:
            return _as_cell(text)
    raise LookupError(f"no class describes the setting {name!r}")


def _as_cell(text: str) -> str:
    """Take the marks of docstrings away, and what would end a cell."""
    cleaner = text.replace("`fenlei.clean.cleaner.Cleaner`", "the cleaner").replace("`Cleaner`", "the cleaner")
    return cleaner.replace(":math:", "").replace("\\ln", "ln").replace("|", "\\|")


PAGES = {"cli.md": cli_page, "settings.md": settings_page}

if __name__ == "__main__":
    for file, make in PAGES.items():
        (Path(__file__).parent / file).write_text(make(), encoding="utf-8")
