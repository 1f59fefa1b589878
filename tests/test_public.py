"""The public list: sorted, complete, and each name what it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import fenlei


def test_the_list_is_sorted_and_what_the_module_shows():
    assert fenlei.__all__ == sorted(fenlei.__all__)
    assert dir(fenlei) == sorted([*fenlei.__all__, "__version__"])


@pytest.mark.parametrize("name", fenlei.__all__)
def test_every_name_is_there_and_documented(name):
    public = getattr(fenlei, name)
    assert public.__name__ == name
    assert public.__doc__


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(fenlei.__file__).read_text(encoding="utf-8"))
    guarded = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {alias.asname for node in ast.walk(guarded[0]) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(fenlei.__all__)


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = fenlei.nonsense


def test_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\w*)", fenlei.__version__)
