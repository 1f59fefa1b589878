"""``fenlei models``: the list, and the settings of one family."""

from __future__ import annotations

import inspect
import json
import re

import pytest
from click.testing import CliRunner

from fenlei import NbsvmClassifier, TfidfClassifier
from fenlei.cli.models import family_settings, models_command
from fenlei.exceptions import UnknownNameError
from fenlei.families import family_names
from fenlei.models.textcnn import TextCnnClassifier


def run(*arguments):
    result = CliRunner().invoke(models_command, arguments, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_list():
    found = json.loads(run("--json"))
    assert [family["name"] for family in found] == family_names()
    table = run()
    for family in found:
        assert re.search(rf"^{family['name']} +{re.escape(family['description'])}$", table, re.MULTILINE)


@pytest.mark.parametrize("kind", [TfidfClassifier, NbsvmClassifier, TextCnnClassifier])
def test_settings(kind):
    found = json.loads(run(kind.family, "--json"))["settings"]
    expected = {name: p.default for name, p in inspect.signature(kind).parameters.items()}
    assert [setting["name"] for setting in found] == list(expected)
    for setting in found:
        default = expected[setting["name"]]
        assert setting["default"] == (list(default) if isinstance(default, tuple) else default)
        assert setting["description"], setting
    table = run(kind.family)
    for name in expected:
        assert f" {name} " in table


def test_settings_of_the_parents_are_described():
    found = {setting["name"]: setting["description"] for setting in family_settings("textcnn")}
    assert found["filters"].startswith("How many filters")
    assert found["epochs"] == "Passes over the training texts at most."
    assert found["vectors"].startswith("File of word vectors")
    assert found["schedule"].endswith("One of: constant, linear, cosine, step, one-cycle.")


@pytest.mark.parametrize("family", family_names())
def test_no_setting_is_without_a_word(family):
    for setting in family_settings(family):
        assert re.match(r"[^.]{4,}\.", setting["description"]), setting
        assert not setting["description"].startswith("One of"), setting


def test_an_unknown_family():
    with pytest.raises(UnknownNameError, match="did you mean 'nbsvm'"):
        run("nbsmv")
