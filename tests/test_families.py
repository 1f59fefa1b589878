"""Families are found by the name of their file, plugins by their entry point; a broken plugin harms nothing."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from fenlei.base import TextClassifier
from fenlei.exceptions import SettingError, UnknownNameError
from fenlei.families import GROUP, describe, family_names, find_family

PLUGIN = '''"""``echo``: says what it heard."""
from fenlei.models.tfidf import TfidfClassifier
class EchoClassifier(TfidfClassifier):
    family = "echo"
'''


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    """An installed package with a sound plugin, broken ones, and one that takes a name of ours."""
    values = {"echo": "fenlei_echo", "absent": "no_such_module", "broken": "fenlei_broken", "tfidf": "fenlei_echo"}
    (tmp_path / "fenlei_echo.py").write_text(PLUGIN)
    (tmp_path / "fenlei_broken.py").write_text('"""Broken."""\nraise RuntimeError("no")\n')
    points = importlib.metadata.EntryPoints(
        importlib.metadata.EntryPoint(name, value, GROUP) for name, value in values.items()
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(importlib.metadata, "entry_points", points.select)
    yield
    sys.modules.pop("fenlei_echo", None)


def test_names_are_sorted_and_private_modules_left_out():
    names = family_names()
    assert {"nbsvm", "tfidf"} <= set(names)
    assert names == sorted(names)
    assert not [name for name in names if name.startswith("_")]


@pytest.mark.parametrize("name", family_names())
def test_every_family_has_a_class_and_a_description(name):
    kind = find_family(name)
    assert issubclass(kind, TextClassifier)
    assert kind.family == name
    assert describe(name)
    assert "`" not in describe(name)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="did you mean 'tfidf'"):
        find_family("tfdif")
    for name in ("", "_linear", "../tfidf", "os"):
        with pytest.raises(UnknownNameError):
            find_family(name)
        with pytest.raises(UnknownNameError):
            describe(name)


def test_listing_imports_no_family():
    code = (
        "import sys\nfrom fenlei.families import describe, family_names\n"
        "[describe(name) for name in family_names()]\n"
        "print(*[name for name in sys.modules if name.startswith('fenlei.models.') or name == 'numpy'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_plugins(plugins):
    assert set(family_names()) >= {"absent", "broken", "echo", "nbsvm", "tfidf"}
    assert describe("echo") == "says what it heard."
    assert describe("absent") == ""
    assert find_family("echo").__name__ == "EchoClassifier"
    assert find_family("tfidf").__module__ == "fenlei.models.tfidf"
    for name in ("absent", "broken"):
        with pytest.raises(SettingError, match=f"for '{name}' cannot be used"):
            find_family(name)


def test_without_torch_a_network_says_what_to_install():
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from fenlei.exceptions import MissingExtraError\n"
        "from fenlei.families import find_family\n"
        "try: find_family('textcnn')\n"
        "except MissingExtraError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "the package 'torch'" in said
    assert "pip install 'fenlei[neural]'" in said
