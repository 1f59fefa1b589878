"""``fenlei train`` with networks: killed and resumed, interrupted, on two processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fenlei.cli._training import training_status
from fenlei.cli.main import main
from fenlei.engine.recipe import Progress

pytest.importorskip("torch")

TRAIN = ["train", "reviews.csv", "--model", "textcnn", "--no-audit",
         *(part for pair in ("dim=4", "filters=2", "widths=[1,2]", "batch_size=4", "precision=float32", "epochs=12")
           for part in ("--set", pair))]  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    rows = [f"{('好看', '难看')[i % 2]} 第{i}次,{('好', '差')[i % 2]}" for i in range(60)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *rows]), "utf-8")
    return tmp_path


def start(folder: Path, *arguments: str, launcher: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "fenlei", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def wait_for_checkpoint(folder: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 60
    while not list(folder.glob("m.training/fit*/step-*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def test_killed_and_resumed_it_is_the_training_that_was_not_and_two_processes_give_the_same(folder):
    first = start(folder, *TRAIN, "--out", "m", "--checkpoint-every", "0")
    wait_for_checkpoint(folder, first)
    first.kill()
    first.communicate()
    assert not (folder / "m").exists()
    second = start(folder, *TRAIN, "--out", "m", "--resume", "--json")
    said, complained = second.communicate(timeout=100)
    assert second.returncode == 0, complained
    assert json.loads(said)["family"] == "textcnn"
    assert sorted(path.name for path in folder.iterdir()) == ["m", "reviews.csv"]

    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    both = start(folder, *TRAIN, "--out", "two", "--json", launcher=torchrun)
    said, complained = both.communicate(timeout=100)
    assert both.returncode == 0, complained
    assert json.loads(said)["n_train"] == 60, "one document, of the first process"
    from safetensors.numpy import load_file

    one, two = (load_file(folder / name / "weights.safetensors") for name in ("m", "two"))
    assert max(abs(one[name] - two[name]).max() for name in one if one[name].size) < 1e-5


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no such signal")
def test_interrupted_it_says_how_to_go_on_and_has_told_what_it_cut(folder):
    process = start(folder, *TRAIN, "--out", "m", "--checkpoint-every", "0", "--set", "max_length=2")
    wait_for_checkpoint(folder, process)
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "checkpoints are in m.training; add --resume to the command to go on" in complained
    assert complained.index("are longer than max_length=2") < complained.index("add --resume")
    assert "Traceback" not in complained
    assert said == ""
    assert list(folder.glob("m.training/fit*/step-*"))


def test_without_a_terminal_a_line_now_and_then(capsys, monkeypatch):
    clock = iter([0.0, 10.0, 31.0, 31.0, 40.0, 70.0, 70.0])
    monkeypatch.setattr("fenlei.cli._training.time.monotonic", lambda: next(clock))
    with training_status() as (tell, advance):
        tell("fit")
        for epoch in (1, 2, 3, 4):
            advance(Progress(epoch, 10, epoch, 100, 0.5, 61.0))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"fenlei: epoch {epoch}/10, loss 0.500, 0:01:01 left" for epoch in (2, 4)]


def test_in_a_terminal_a_bar(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with training_status() as (tell, advance):
        tell("fit")
        advance(Progress(3, 10, 30, 100, 0.5, 61.0))
    assert capsys.readouterr().out == ""


def test_processes_other_than_the_first_are_silent(capsys, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "1")
    with training_status() as (tell, advance):
        tell("fit")
        advance(Progress(3, 10, 30, 100, 0.5, 61.0))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["--model", "textcnn", "--set", "device=cuda"], "torch finds no GPU here"),
        (["--model", "encoder", "--set", "encoder=./none"], "no such folder"),
        (["--model", "probe", "--set", "encoder=./none"], "no such folder"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_what_is_not_at_hand_is_refused_before_the_data_are_read(capsys, folder, monkeypatch, settings, words):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("fenlei.data.readers.read", None)
    with pytest.raises(SystemExit) as end:
        main(["train", "reviews.csv", *settings])
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert words in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("missing", [["none.csv"], ["reviews.csv", "--valid", "none.csv"]], ids=len)
def test_a_missing_file_is_told_before_an_encoder_is_fetched(capsys, folder, monkeypatch, missing):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("fenlei.base.TextClassifier.check_at_hand", None)
    with pytest.raises(SystemExit) as end:
        main(["train", *missing, "--model", "encoder"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "fenlei: error: none.csv: no such file or folder\n"
