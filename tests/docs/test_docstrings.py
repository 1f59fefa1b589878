"""Every example of a docstring, a guide or a README runs and gives what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import fenlei
from fenlei.families import family_names

ROOT = Path(__file__).parents[2]
GUIDES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("README*.md")])
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(fenlei.__path__, "fenlei.") if not module.name.endswith("__main__")
)
_BLOCK = re.compile(r"^```(?:python|pycon)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.IGNORE_EXCEPTION_DETAIL  # the module of an exception may be left out


@pytest.mark.parametrize("name", ["fenlei", *MODULES])
def test_examples_of_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), optionflags=_OPTIONS)
    assert result.failed == 0


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_examples_of_guides(guide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of one guide run one after another, in an empty folder; names of one block are known in the next."""
    monkeypatch.chdir(tmp_path)
    text, names = guide.read_text(encoding="utf-8"), {"__name__": "guide"}
    for block in _BLOCK.finditer(text):
        line = text.count("\n", 0, block.start(1))
        if ">>>" in block[1]:
            test = doctest.DocTestParser().get_doctest(block[1], names, guide.name, str(guide), line)
            runner = doctest.DocTestRunner(optionflags=_OPTIONS)
            assert runner.run(test, clear_globs=False).failed == 0
            names = test.globs
        else:
            exec(compile("\n" * line + block[1], str(guide), "exec"), names)


@pytest.mark.parametrize("family", family_names())
def test_every_family_has_a_page(family: str) -> None:
    assert (ROOT / "docs" / f"{family}.md").is_file()


def test_there_is_something_to_run() -> None:
    assert {"fenlei.base", "fenlei.models.tfidf", "fenlei.data.readers"} <= set(MODULES)
    assert [path.name for path in GUIDES if path.name.startswith("README")]
