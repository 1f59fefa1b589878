"""``fenlei pretrain``: an encoder from texts, on the command line."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time

import click
import pytest
from click.testing import CliRunner

pytest.importorskip("transformers", reason="the extra 'neural' is not installed")

from fenlei.cli.pretrain import pretrain_command
from fenlei.exceptions import DataError, FenleiError, SettingError, UnknownNameError

TEXTS = [f"我们第{i % 9}次很喜欢看电影，walking to the cinema" for i in range(80)]
SIZES = ("layers=1", "hidden=16", "heads=2", "length=16", "batch_size=8", "vocabulary=300", "rounds=2")
SMALL = [part for pair in SIZES for part in ("--set", pair)]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "films.txt.gz"
    path.write_bytes(gzip.compress("\n".join(TEXTS).encode()))
    return path


def run(*arguments, **how):
    result = CliRunner().invoke(pretrain_command, [*map(str, arguments)], catch_exceptions=False, **how)
    assert result.exit_code == 0, result.output
    return result


def test_an_encoder_and_what_is_told_of_it(corpus, tmp_path):
    result = run(corpus, "--out", "enc", "--set", "steps=3", *SMALL)
    assert "encoder   enc" in result.stdout
    assert "corpus    80 texts" in result.stdout
    assert "training  3 steps" in result.stdout
    assert "  ->  " in result.stdout
    assert "round 2/2, step 3: held-out loss" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["enc", "films.txt.gz"]


def test_json(corpus, tmp_path):
    (tmp_path / "more.csv").write_text("comment,label\n" + "好看的电影院很大很好,1\n" * 40, encoding="utf-8")
    arguments = ["--text", "comment", "--objective", "next-token", "--tokenizer", "bpe", "--seed", "5"]
    result = run(
        "more.csv", "--out", "dec", *arguments, "--set", "steps=2", *SMALL, "--set", "vocabulary=320", "--json"
    )
    made = json.loads(result.stdout)
    assert (made["encoder"], made["objective"], made["steps"]) == ("dec", "next-token", 2)
    assert made["corpus"]["texts"] == 40 and made["settings"]["seed"] == 5
    assert [point["step"] for point in made["history"]] == [0, 1, 2]


def test_going_on_from_an_encoder(corpus, tiny_encoder):
    made = run(corpus, "--out", "enc", "--encoder", tiny_encoder, "--set", "steps=1", "--set", "length=16", "--json")
    assert json.loads(made.stdout)["settings"]["encoder"] == str(tiny_encoder)


def test_several_corpora_and_standard_input(corpus, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    made = run(corpus, "-", "--out", "enc", "--set", "steps=1", *SMALL, "--json", input="好看的书\n" * 9)
    assert json.loads(made.stdout)["corpus"]["texts"] == 89


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--out", "no/enc"], DataError, "the folder that it should be in does not exist"),
        (["--out", "films.txt.gz"], SettingError, "is there already"),
        (["--objective", "span"], UnknownNameError, "unknown objective"),
        (["--tokenizer", "wordpeice"], UnknownNameError, "did you mean 'wordpiece'"),
        (["--set", "seed=5"], SettingError, "seed has an option of its own: --seed"),
        (["--set", "layer=5"], SettingError, "did you mean 'layers'"),
        (["--set", "length=5000"], DataError, "not enough for two sequences of 5000"),
        (["--encoder", "./nothing"], FenleiError, "no such folder"),
        (["--text", "comment"], FenleiError, "text"),
    ],
)
def test_what_is_wrong_is_told(corpus, tmp_path, arguments, error, message):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message):
        run(corpus.name, *(() if "--out" in arguments else ("--out", "enc")), *arguments)
    assert sorted(tmp_path.iterdir()) == before


def test_a_corpus_and_a_place_are_needed(corpus):
    for arguments in ([], [corpus.name]):
        with pytest.raises(click.UsageError):
            CliRunner().invoke(pretrain_command, arguments, catch_exceptions=False, standalone_mode=False)


def test_interrupted_it_says_how_to_go_on_and_ends_as_if_it_had_not_been(corpus, tmp_path):
    command = ["pretrain", corpus.name, "--set", "steps=40", *SMALL, "--json"]
    first = start(tmp_path, *command, "--out", "enc", "--checkpoint-every", "0")
    end = time.monotonic() + 60
    while not list(tmp_path.glob("enc.pretraining/checkpoints/step-*")):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    first.send_signal(signal.SIGINT)
    said = first.communicate(timeout=60)[1]
    assert first.returncode == 130
    assert "add --resume to the command to go on" in said
    assert not (tmp_path / "enc").exists()
    second = start(tmp_path, *command, "--out", "enc", "--resume")
    said = second.communicate(timeout=100)
    assert second.returncode == 0, said
    run(corpus, "--out", "whole", "--set", "steps=40", *SMALL)
    assert weights(tmp_path / "enc") == weights(tmp_path / "whole")
    assert not (tmp_path / "enc.pretraining").exists()


def start(folder, *arguments):
    command = [sys.executable, "-m", "fenlei", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def weights(folder):
    return (folder / "model.safetensors").read_bytes()
