"""What commands share: options, JSON, progress."""

from __future__ import annotations

import io
import json
import sys

import click
import pytest
from click.testing import CliRunner

from fenlei.cli._common import data_options, print_json, progress, status, text_options, to_json, warn


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (text_options, ["text", "encoding", "format", "delimiter"]),
        (data_options, ["text", "label", "separator", "encoding", "format", "delimiter"]),
    ],
)
def test_options_are_the_keywords_of_read(options, names):
    @click.command()
    @options
    def command(**columns):
        print_json(columns)

    arguments = [part for name in names for part in (f"--{name}", "x")]
    assert json.loads(CliRunner().invoke(command, arguments).stdout) == dict.fromkeys(names, "x")
    assert json.loads(CliRunner().invoke(command, []).stdout) == dict.fromkeys(names)


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", '"好"'), ("ascii", '"\\u597d"'), ("gbk", '"好"'), ("latin-1", '"\\u597d"')]
)
def test_json_in_any_encoding(encoding, text, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert to_json("好") == text
    assert json.loads(to_json("好\ud800")) == "好\ud800"


def test_json_has_no_nan():
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))


def test_progress_is_for_terminals(capsys, monkeypatch):
    with progress("rows", 2) as advance, status() as tell:
        advance(1)
        tell("reading")
    assert capsys.readouterr() == ("", "")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress("rows", 2, wanted=False) as advance:
        advance(1)
    assert terminal.getvalue() == ""
    with progress("rows", 2) as advance:
        advance(1)
    assert "1/2" in terminal.getvalue()
    with status() as tell:
        tell("[red]好\x1b[1m")


def test_a_warning_is_one_line(capsys):
    warn("a\nb")
    assert capsys.readouterr().err == "fenlei: warning: a\\nb\n"
