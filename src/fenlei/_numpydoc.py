"""The parameters of a numpydoc docstring, for showing them to people who do not read code."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^Parameters\n-{3,}\n(.*?)(?=^\S[^\n]*\n-{3,}\n|\Z)", re.DOTALL | re.MULTILINE)
_ENTRY = re.compile(r"^(\w[\w, ]*)(?: : [^\n]*)?\n((?:(?:[ ]+[^\n]*)?\n)*)", re.MULTILINE)


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    r"""Describe each parameter in one line; names that stand together share what follows them.

    Examples
    --------
    >>> parameter_descriptions(parameter_descriptions.__doc__)
    {}
    >>> parameter_descriptions("Do.\n\nParameters\n----------\na, b : int\nc : str\n    What it\n    says.\n")
    {'a': 'What it says.', 'b': 'What it says.', 'c': 'What it says.'}
    """
    section = _SECTION.search(inspect.cleandoc(docstring or "") + "\n")
    described: dict[str, str] = {}
    waiting: list[str] = []  # names without a text of their own, as `tf` before `idf`
    for names, text in _ENTRY.findall(section[1] if section else ""):
        waiting += [name.strip() for name in names.split(",")]
        line = " ".join(text.split()).replace("``", "")
        if line:
            described |= dict.fromkeys(waiting, line)
            waiting = []
    return described
