"""``fenlei audit`` on small files: tables, JSON, names, exit codes."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from fenlei.cli.audit import audit_command
from fenlei.exceptions import SettingError

ROWS = [
    ("这家酒店很好", "好评"),
    ("这家酒店 很好", "差评"),
    ("书也不错\x1b[1m", "好评"),
    ("[bold]一般[/bold]", "差评"),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.jsonl", ROWS)
    write(tmp_path / "test.jsonl", ROWS[:1])
    return tmp_path


def write(path, rows):
    lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run(*arguments, code=0, **env):
    result = CliRunner().invoke(audit_command, arguments, env={"COLUMNS": "80", **env}, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_json_is_one_document(folder):
    result = run("test.jsonl", "train.jsonl", "--json")
    document = json.loads(result.stdout)
    assert [split["split"] for split in document["splits"]] == ["train", "test"]
    leak = next(finding for finding in document["findings"] if finding["kind"] == "leaks")
    assert leak["rows"] == {"test": [1]}
    assert leak["fix"] == "--drop-leaks"
    assert leak["examples"][0]["rows"] == [{"split": "test", "row": 1}, {"split": "train", "row": 1}]


@pytest.mark.parametrize("columns", ["80", "120"])
def test_tables_fit_the_terminal(folder, columns):
    output = run("train.jsonl", "test.jsonl", COLUMNS=columns).stdout
    assert max(map(cell_len, output.splitlines())) <= int(columns)
    assert "mended by --drop-leaks" in output
    assert "train:1,2 test:1" in output
    assert "这家酒店很好" in output
    assert "\x1b" not in output


def test_text_is_not_taken_for_markup(folder):
    write(folder / "train.jsonl", [("[bold]一般[/x]\u200b", "[red]a"), ("好", "b")])
    output = run("train.jsonl").stdout
    assert "[bold]一般[/x]" in output
    assert "[red]a" in output


def test_strict(folder):
    run("train.jsonl", "test.jsonl")
    assert "leaks" in run("train.jsonl", "test.jsonl", "--strict", code=1).stdout
    run("train.jsonl", "--strict")


def test_names(folder):
    (folder / "a").mkdir()
    write(folder / "a" / "train.jsonl", ROWS)
    arguments = ("train.jsonl", "a/train.jsonl", "held-out=test.jsonl", "--json")
    document = json.loads(run(*arguments).stdout)
    assert [split["split"] for split in document["splits"]] == ["train", "train-2", "held-out"]


def test_a_file_with_an_equals_sign(folder):
    write(folder / "x=y.jsonl", ROWS)
    assert json.loads(run("x=y.jsonl", "--json").stdout)["splits"][0]["split"] == "x=y"


def test_columns_and_separator(folder):
    (folder / "data.csv").write_text("评论,类别\n很好,a|b\n很好,b|a\n", encoding="gb18030")
    arguments = ("data.csv", "--text", "评论", "--label", "类别", "--separator", "|", "--json")
    document = json.loads(run(*arguments).stdout)
    assert document["splits"][0]["classes"] == {"a": 2, "b": 2}
    assert document["splits"][0]["encoding"] == "gb18030"
    assert document["findings"][0]["kind"] in {"rare-classes", "exact-duplicates"}


def test_nothing_found(folder):
    write(folder / "ok.jsonl", [(f"{chr(0x4E00 + i)}很好", "ab"[i % 2]) for i in range(20)])
    assert "Nothing found." in run("ok.jsonl").stdout


def test_a_wrong_setting_is_a_typed_error(folder):
    with pytest.raises(SettingError, match="near must be over 0"):
        run("train.jsonl", "--near", "1.5")
