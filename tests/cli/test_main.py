"""The command as a program: what it costs to start, and what becomes of errors."""

from __future__ import annotations

import errno
import importlib
import os
import shlex
import subprocess
import sys
import time

import pytest

from fenlei import __version__
from fenlei.cli import main as program
from fenlei.exceptions import DataError

COMMANDS = ("demo", "audit", "train", "predict", "evaluate", "models", "info", "datasets")


def call(*arguments, **env):
    return subprocess.run(
        [sys.executable, "-m", "fenlei", *arguments],
        capture_output=True,
        env={**os.environ, **env},
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.fixture
def failing(monkeypatch, capsys):
    """Run ``fenlei models`` with an error in the place of its work."""

    def run(error):
        def fail():
            raise error

        monkeypatch.setattr("fenlei.families.family_names", fail)
        with pytest.raises(SystemExit) as caught:
            program.main(["models"])
        return caught.value.code, capsys.readouterr().err

    monkeypatch.delenv("FENLEI_DEBUG", raising=False)
    return run


def test_help_is_quick_and_light():
    code = (
        "import sys\nfrom fenlei.cli.main import main\n"
        "try:\n    main(['--help'])\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 3  # a tenth of a second on an idle machine
    assert not {"numpy", "sklearn", "torch", "rich", "fenlei.cli.predict"} & set(done.stderr.split())
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_no_arguments_and_version():
    assert call().stdout == call("-h").stdout
    done = call("--version")
    assert (done.stdout, done.returncode) == (f"fenlei {__version__}\n", 0)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_its_module_and_help(name, capsys):
    command = getattr(importlib.import_module(f"fenlei.cli.{name}"), f"{name}_command")
    assert command.name == name
    with pytest.raises(SystemExit) as caught:
        program.main([name, "--help"])
    assert not caught.value.code
    assert f"Usage: fenlei {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["modls"], "did you mean 'models'? known: demo, audit"),
        (["predict"], "Missing argument 'MODEL'"),
        (["predict", "m", "--outptu", "x"], "--output"),
        (["predict", "m", "-t", "a", "--top", "0"], "--top"),
        (["--nonsense"], "No such option"),
    ],
)
def test_a_slip_of_the_keyboard(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        program.main(arguments)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert error.startswith("fenlei: error: ")
    assert message in error
    assert error.splitlines()[1].startswith("Try: fenlei")


def test_a_users_mistake_is_one_line(failing):
    code, error = failing(DataError("bad\nrow \x1b[1m\ud800", source="a.csv", row=3))
    assert code == 2
    assert error == "fenlei: error: a.csv, row 3: bad\\nrow \\x1b[1m\\ud800\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "out/m"), "out/m: No space left on device"),
        (MemoryError(), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"), "out of memory; free some"),
        (KeyError("x"), "unexpected KeyError: 'x'; this is a defect"),
    ],
)
def test_other_trouble_is_one_line(failing, error, message):
    code, said = failing(error)
    assert code == 1
    assert said.startswith("fenlei: error: ")
    assert message in said
    assert said.count("\n") == 1


def test_debugging_shows_where(failing, monkeypatch):
    monkeypatch.setenv("FENLEI_DEBUG", "1")
    code, said = failing(KeyError("x"))
    assert code == 1
    assert "Traceback" in said


def test_interrupted(failing):
    code, said = failing(KeyboardInterrupt())
    assert code == 130
    assert said.strip() == "fenlei: interrupted"


def test_a_reader_that_goes_away():
    """As with ``fenlei datasets | head -1``."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "fenlei", "--help"], stdout=writing, stderr=subprocess.PIPE, check=False
        )
    finally:
        os.close(writing)
    assert done.stderr == b""


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix closes them")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_nothing_to_fail_by(closed):
    command = f"{shlex.quote(sys.executable)} -m fenlei models {closed}"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_chinese(tmp_path):
    done = call("predict", str(tmp_path / "好"), "-t", "好", PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert "\\u597d: no such model folder" in done.stderr
