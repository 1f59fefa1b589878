"""Atomic writing: whatever goes wrong, and whenever, one whole folder is there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fenlei._atomic import atomic_file, clean_up, write_folder

OLD, NEW = {"a.json": b"old"}, {"a.json": b"new", "b.json": b"2"}


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert content(tmp_path) == {"out.jsonl": b"new"}


def test_a_link_is_followed(tmp_path):
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "real.jsonl"
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    for data in (b"first", b"second"):
        with atomic_file(link) as file:
            file.write(data)
        assert link.is_symlink()
        assert content(path.parent) == {"real.jsonl": data}


def test_an_interrupted_file_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_file(tmp_path / "out.jsonl") as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert content(tmp_path) == {}


@pytest.mark.parametrize("before", [None, {}, OLD])
def test_a_folder_is_put_in_place(tmp_path, before):
    target = tmp_path / "model"
    if before is not None:
        write_folder(target, before)
    write_folder(target, NEW)
    assert content(target) == NEW
    assert names(tmp_path) == ["model"]


@pytest.mark.parametrize("call", range(1, 12))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_trouble_at_any_step_leaves_one_whole_folder(tmp_path, monkeypatch, call, error):
    """Every call that touches the disk fails in its turn."""
    target = tmp_path / "model"
    write_folder(target, OLD)
    calls = 0

    def failing(function):
        def fail_in_turn(*args, **keywords):
            nonlocal calls
            calls += 1
            if calls == call:
                raise error
            return function(*args, **keywords)

        return fail_in_turn

    with monkeypatch.context() as patch:
        for module, name in ((Path, "open"), (Path, "rename"), (Path, "mkdir"), (os, "fsync"), (os, "close")):
            patch.setattr(module, name, failing(getattr(module, name)))
        try:
            write_folder(target, NEW)
        except (OSError, KeyboardInterrupt) as caught:
            assert caught is error
    assert content(target) in (OLD, NEW)
    assert calls >= call or content(target) == NEW


def test_what_a_killed_writer_left_is_cleaned(tmp_path):
    target = tmp_path / "model"
    write_folder(target, OLD)
    (tmp_path / ".model.0123abcd.new").mkdir()
    (tmp_path / ".model.0123abcd.new" / "a.json").write_bytes(b"half")
    (tmp_path / ".other.0123abcd.new").mkdir()
    (tmp_path / ".model.backup").mkdir()
    clean_up(target)
    assert names(tmp_path) == [".model.backup", ".other.0123abcd.new", "model"]


def test_killed_between_the_two_renames(tmp_path):
    target = tmp_path / "model"
    write_folder(target, OLD)
    target.rename(tmp_path / ".model.0123abcd.old")
    (tmp_path / ".model.0123abcd.new").mkdir()
    clean_up(target)
    assert content(target) == OLD
    assert names(tmp_path) == ["model"]


WRITER = """
import pathlib, sys, time
from fenlei import _atomic
_atomic.os.fsync = lambda descriptor: (print("writing", flush=True), time.sleep(60))
_atomic.write_folder(pathlib.Path(sys.argv[1]), {"a.json": b"new"})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no folder locks there")
def test_a_living_writer_is_left_alone_and_a_killed_one_cleaned(tmp_path):
    target = tmp_path / "model"
    write_folder(target, OLD)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, target], stdout=subprocess.PIPE)
    try:
        assert writer.stdout.readline() == b"writing\n"
        clean_up(target)
        assert len(names(tmp_path)) == 2
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    clean_up(target)
    assert names(tmp_path) == ["model"]
    assert content(target) == OLD
