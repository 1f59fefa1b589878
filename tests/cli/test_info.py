"""``fenlei info``: what the folder says about itself, and that it is whole."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from fenlei import TfidfClassifier, save
from fenlei.cli.info import info_command
from fenlei.exceptions import ModelFolderError

FACTS = {"rows": 4, "seconds": {"fit": 0.25}, "metrics": {"test": {"accuracy": 0.875}}, "note": "\x1b[1m[red]好"}


@pytest.fixture
def folder(tmp_path):
    model = TfidfClassifier(C=2.5).fit(["很好", "好看", "很差", "难看"], ["好评", "好评", "差评\ud800", "差评\ud800"])
    return save(model, tmp_path / "m", facts=FACTS)


def run(*arguments):
    result = CliRunner().invoke(info_command, arguments, env={"COLUMNS": "100"}, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_json(folder):
    found = json.loads(run(str(folder), "--json"))
    assert (found["family"], found["language"], found["multi_label"]) == ("tfidf", "zh", False)
    assert found["classes"] == ["好评", "差评\ud800"]
    assert found["facts"] == FACTS
    assert found["settings"]["C"] == 2.5
    sizes = {name: (folder / name).stat().st_size for name in found["files"]}
    assert {name: facts["size"] for name, facts in found["files"].items()} == sizes
    assert found["size"] == sum(sizes.values())


def test_a_table_for_people(folder):
    table = run(str(folder))
    for part in ("metrics test accuracy  0.875", "seconds fit", "\\x1b[1m[red]好", "差评\\ud800", "C=2.5"):
        assert part in table
    assert "\x1b" not in table


def test_a_damaged_folder(folder):
    (folder / "labels.json").write_bytes((folder / "labels.json").read_bytes().replace(b"[", b" "))
    with pytest.raises(ModelFolderError, match=r"labels\.json: was changed"):
        run(str(folder))
